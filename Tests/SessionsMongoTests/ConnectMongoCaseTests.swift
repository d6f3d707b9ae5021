#if Mongo
import Foundation
import HTTPTypes
import Logging
import Sessions
import SessionsMongo
import SessionsTesting
import Synchronization
import TestServers
import Testing

extension MongoStoreTests {
    /// The cases of connect-mongo's suite that need a service around the store.
    @Suite("connect-mongo: its cases")
    struct ConnectMongoCaseTests {
        private static let visits = SessionKey<Int>("visits", default: 0)

        /// Collects what a manager tells.
        private final class Events: Sendable {
            private let state = Mutex<[SessionEvent.Kind]>([])
            var kinds: [SessionEvent.Kind] { state.withLock { $0 } }
            func append(_ event: SessionEvent) { state.withLock { $0.append(event.kind) } }
        }

        private static func sessions(
            _ store: ConnectMongoStore,
            _ configuration: SessionConfiguration = .express(),
            _ events: Events = Events()
        ) throws -> SessionManager {
            try .express(
                secrets: ["keyboard cat"],
                store: store,
                acknowledging: [.concurrentChangesAreLost, .endedSessionsComeBack, .keysAreCredentials],
                configuration: configuration,
                logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() },
                observer: { events.append($0) }
            )
        }

        /// When the one document of the collection ends.
        private static func expires(_ scratch: Scratch) async throws -> Int {
            let found = try await scratch.other(#"{"find": "@"}"#)
            let marker = #""expires" : { "$date" : { "$numberLong" : ""#
            let rest = try #require(found.range(of: marker).map { found[$0.upperBound...] })
            return try #require(Int(rest.prefix { $0.isNumber }))
        }

        @Test("connect-mongo 8, 10: the manager's observer hears of a session that begins and of one that is destroyed")
        func events() async throws {
            let scratch = try await Scratch.standalone()
            let events = Events()
            let sessions = try Self.sessions(await ConnectMongoTests.store(scratch), .express(), events)
            let browser = SessionBrowser()
            try await browser.visit(sessions) { $0.set(Self.visits, to: 1) }
            try await browser.visit(sessions) { session in session.update(Self.visits) { $0 += 1 } }
            #expect(try await browser.visit(sessions) { $0[Self.visits] } == 2)
            try await browser.visit(sessions) { $0.destroy() }
            #expect(events.kinds == [.began, .destroyed])
        }

        @Test(
            "connect-mongo 15, 16, 22, 23: the end is maxAge from now, or a session's own, or the store's usual time",
            // None so short that the server collects what is looked at, as connect-mongo's two seconds are.
            arguments: [(200, nil, 200), (nil, nil, 86_400), (nil, 14 * 86_400, 14 * 86_400), (200, 900, 900)]
                as [(Int?, Int?, Int)]
        )
        func ends(maxAge: Int?, own: Int?, seconds: Int) async throws {
            let scratch = try await Scratch.standalone()
            var configuration = SessionConfiguration.express(maxAge: maxAge.map { .seconds($0) })
            configuration.renewalInterval = .zero
            if maxAge == nil, let own {
                // connect-mongo's own default, where the cookie ends with the browser.
                configuration.lifetime = SessionLifetime(idle: .seconds(own), absolute: .seconds(own))
                configuration.anonymousLifetime = configuration.lifetime
            }
            let sessions = try Self.sessions(await ConnectMongoTests.store(scratch), configuration)
            let before = SystemSessionClock().now().microseconds / 1000
            try await SessionBrowser().visit(sessions) { session in
                session.set(Self.visits, to: 1)
                if maxAge != nil, let own {
                    try session.setLifetime(SessionLifetime(idle: .seconds(own), absolute: .seconds(own)))
                }
            }
            let after = SystemSessionClock().now().microseconds / 1000
            let end = try await Self.expires(scratch)
            #expect(end >= Int(before) + seconds * 1000 && end <= Int(after) + seconds * 1000 + 1)
        }

        @Test("connect-mongo 19: whose session does not decrypt is nobody, which is told once, and the session stays")
        func otherSecret() async throws {
            let scratch = try await Scratch.standalone()
            let events = Events()
            let right = try ConnectMongoEncryption(secret: "right", iterations: 2)
            let wrong = try ConnectMongoEncryption(secret: "wrong", iterations: 2)
            let sessions = try Self.sessions(await ConnectMongoTests.store(scratch, right))
            let others = try Self.sessions(await ConnectMongoTests.store(scratch, wrong), .express(), events)
            let browser = SessionBrowser()
            try await browser.visit(sessions) { $0.set(Self.visits, to: 7) }
            #expect(try await browser.copy().visit(others) { $0[Self.visits] } == 0)
            #expect(events.kinds == [.suspicious(.unreadable)])
            #expect(try await browser.visit(sessions) { $0[Self.visits] } == 7)
        }

        @Test(
            "connect-mongo 37: the write concern that is set comes to the server with a write",
            arguments: [
                (.majority, #""w" : "majority", "j" : true"#),
                (.primary, #""w" : { "$numberInt" : "1" }, "j" : true"#),
                (.unflushed, #""w" : { "$numberInt" : "1" }, "j" : false"#),
            ] as [(MongoSessionStore.Configuration.Confirmation, String)]
        )
        func writeConcern(_ confirmation: MongoSessionStore.Configuration.Confirmation, _ concern: String) async throws
        {
            let scratch = try await Scratch.standalone {
                $0.confirmation = confirmation
                // The server takes notes of a whole database.
                $0.database = "profile\(UInt64.random(in: .min ... .max))"
            }
            let store = try await ConnectMongoTests.store(scratch)
            try await scratch.other(#"{"profile": 2}"#)
            #expect(try await store.insert(ConnectMongoTests.record(), at: ConnectMongoTests.key()))
            let notes = try await scratch.other(
                #"{"find": "system.profile", "filter": {"op": "insert", "command.insert": "@"}, "#
                    + #""projection": {"_id": 0, "writeConcern.w": 1, "writeConcern.j": 1}}"#
            )
            #expect(notes.contains(#"[ { "writeConcern" : { \#(concern) } } ]"#), "\(notes)")
        }

        @Test("connect-mongo 44: views are counted, and the session is a document", arguments: [false, true])
        func views(stringify: Bool) async throws {
            let scratch = try await Scratch.standalone()
            let sessions = try Self.sessions(await ConnectMongoTests.store(scratch, stringify: stringify))
            let browser = SessionBrowser()
            for visit in 1...3 {
                let count = try await browser.visit(sessions) { session in
                    session.update(Self.visits) { $0 += 1 }
                    return session[Self.visits]
                }
                #expect(count == visit)
            }
            let views = stringify ? #"\"visits\":3"# : #""visits" : { "$numberInt" : "3" }"#
            #expect(try await scratch.other(#"{"find": "@"}"#).contains(views))
        }

        @Test("connect-mongo 45: rolling sends the cookie each time; touchAfter moves the end only when it is due")
        func rolling() async throws {
            let scratch = try await Scratch.standalone()
            var configuration = SessionConfiguration.express(maxAge: .seconds(86_400))
            configuration.renewalInterval = .zero
            configuration.rolling = true
            let store = try await ConnectMongoTests.store(scratch, touchAfter: .seconds(3600))
            let (sessions, browser) = (try Self.sessions(store, configuration), SessionBrowser())
            try await browser.visit(sessions) { $0.set(Self.visits, to: 1) }
            func set(_ fields: String) async throws {
                try await scratch.other(#"{"update": "@", "updates": [{"q": {}, "u": {"$set": {\#(fields)}}}]}"#)
            }
            func date(_ seconds: Int) -> String {
                let time = Int(Date().timeIntervalSince1970 * 1000) + seconds * 1000
                return #"{"$date": {"$numberLong": "\#(time)"}}"#
            }
            /// A request that reads; whether a cookie came with the answer.
            func ping() async throws -> Bool {
                let exchange = sessions.open(browser.request())
                #expect(try await exchange.session[Self.visits] == 1)
                var response = HTTPResponse(status: .ok)
                try await exchange.commit().apply(to: &response)
                browser.receive(response)
                return response.headerFields[.setCookie] != nil
            }
            try await set(#""expires": \#(date(7200))"#)
            let before = try await Self.expires(scratch)
            #expect(try await ping())
            #expect(try await Self.expires(scratch) == before)
            try await set(#""lastModified": \#(date(-3700))"#)
            #expect(try await ping())
            #expect(try await Self.expires(scratch) > before + 70_000_000)
        }

        @Test("connect-mongo 47: the index that version 5.1.0 has made stays as it is")
        func index() async throws {
            let scratch = try await Scratch.standalone()
            try await scratch.other(
                #"{"createIndexes": "@", "indexes": [{"key": {"expires": 1}, "name": "expires_1", "#
                    + #""expireAfterSeconds": 0, "background": true}]}"#
            )
            let before = try await scratch.other(#"{"listIndexes": "@"}"#)
            let store = try await ConnectMongoTests.store(scratch)
            #expect(try await store.insert(ConnectMongoTests.record(), at: ConnectMongoTests.key()))
            #expect(try await scratch.other(#"{"listIndexes": "@"}"#) == before)
        }

        @Test("autoRemove interval: a sweeper deletes what has expired, in pieces, and nothing else")
        func sweep() async throws {
            let scratch = try await Scratch.standalone { $0.confirmation = .unflushed }
            // With the index the server would collect it at any moment.
            let store = try await ConnectMongoTests.store(scratch, createsIndex: false)
            for number in 0..<30 {
                let record = ConnectMongoTests.record(seconds: number < 20 ? -3600 : 3600)
                #expect(try await store.insert(record, at: ConnectMongoTests.key("\(number)")))
            }
            // Some that Node keeps: without an end, and under an id that transformId made.
            try await scratch.other(
                #"{"insert": "@", "documents": [{"_id": "endless", "session": "{}"}, "#
                    + #"{"_id": 7, "session": "{}", "expires": {"$date": {"$numberLong": "5"}}}]}"#
            )
            let now = SystemSessionClock().now()
            #expect(try await store.sweep(expiredBefore: now - .seconds(7200), limit: 5) == 1)
            #expect(try await store.sweep(expiredBefore: now, limit: 5) == 5)
            let sweeper = try SessionSweeper(store: store, batch: 7)
            #expect(try await sweeper.sweepOnce() == 15)
            #expect(try await sweeper.sweepOnce() == 0)
            let left = (20..<30).map { "\($0)" } + ["endless"]
            #expect(try await store.entries(after: nil, limit: 100).map(\.key.text) == left)
        }
    }
}
#endif
