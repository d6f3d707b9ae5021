import HTTPTypes
import Logging
import SessionsTesting
import Testing

@testable import Sessions

@Suite("express-session: sessions")
struct ExpressSessionTests {
    /// A manager in express-session's format, on a memory store.
    struct Service {
        let clock = ManualSessionClock()
        let store: MemorySessionStore
        let sessions: SessionManager
        let browser: SessionBrowser

        init(
            maxAge: Duration? = .seconds(86_400),
            secrets: [ForeignSecret] = ["keyboard cat"],
            _ change: (inout SessionConfiguration) -> Void = { _ in }
        ) throws {
            var configuration = SessionConfiguration.express(maxAge: maxAge)
            change(&configuration)
            store = try MemorySessionStore(clock: clock)
            sessions = try .express(
                secrets: secrets,
                store: store,
                acknowledging: .keysAreCredentials,
                configuration: configuration,
                clock: clock,
                logger: .silent
            )
            browser = SessionBrowser(clock: clock)
        }

        /// Has Node write a session, and gives the browser its cookie.
        func nodeWrites(_ json: String, id: String = "abcdefghijklmnopqrstuvwxyz012345", days: Int = 1) throws {
            let key = try #require(StoreKey(foreignID: id))
            let record = StoredRecord(
                payload: Array(json.utf8),
                version: RecordVersion(of: Array(json.utf8)),
                idleDeadline: clock.now() + .seconds(days * 86_400),
                absoluteDeadline: .distantFuture
            )
            _ = store.delete(key, ifVersion: nil)
            #expect(try store.insert(record, at: key))
            browser.plant("connect.sid", ExpressCookie(secrets: ["keyboard cat"]).value(of: id))
        }

        /// What the store holds, as Node would read it.
        var json: String {
            String(decoding: store.entries(after: nil, limit: 1).first?.record.payload ?? [], as: UTF8.self)
        }
    }

    static let nodes =
        #"{"cookie":{"originalMaxAge":86400000,"expires":"2026-11-22T02:50:01.744Z","secure":true,"#
        + #""httpOnly":true,"path":"/","sameSite":"lax","future":[1]},"visits":3,"passport":{"user":"bob"},"z":{"b":1,"a":2}}"#

    @Test("what Node wrote is read, and what was not changed is written back byte for byte")
    func nodeToSwift() async throws {
        let service = try Service()
        try service.nodeWrites(Self.nodes)
        #expect(try await service.browser.visit(service.sessions) { $0[.visits] } == 3)
        #expect(service.json == Self.nodes, "I8: reading writes nothing")
        try await service.browser.visit(service.sessions) { session in session.update(.visits) { $0 += 1 } }
        let json = service.json
        #expect(json.contains(#""secure":true,"httpOnly":true,"path":"/","sameSite":"lax","future":[1]},"visits":4,"#))
        #expect(json.contains(#","passport":{"user":"bob"},"z":{"b":1,"a":2},"swiftSession":{"v":1,"#))
        #expect(json.hasPrefix(#"{"cookie":{"originalMaxAge":86400000,"expires":""#))
    }

    /// What stands between the braces of `cookie` in records that express-session writes.
    static let settings = [
        #""originalMaxAge":60000,"priority":"high","expires":"2026-11-21T02:50:01.744Z","secure":false,"#
            + #""httpOnly":true,"domain":"example.com","path":"/","sameSite":"lax""#,
        #""originalMaxAge":60000,"partitioned":true,"priority":"medium","expires":"2026-11-21T02:50:01.744Z","#
            + #""secure":true,"httpOnly":false,"domain":"example.com","path":"/","sameSite":true"#,
        #""originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/""#,
        #""originalMaxAge":false,"expires":false,"httpOnly":true,"path":"/","sameSite":false"#,
        #""originalMaxAge":false,"expires":null,"httpOnly":true,"path":"/","sameSite":"none""#,
        #""originalMaxAge":null,"httpOnly":true,"path":"/""#,
        "",
    ]

    @Test(
        "each record of express-session's is read, and a change leaves all other bytes of it as they are",
        arguments: settings,
        [.seconds(86_400), nil] as [Duration?]
    )
    func nodesRecords(settings: String, maxAge: Duration?) async throws {
        let service = try Service(maxAge: maxAge)
        func json(_ settings: String, _ visits: Int) -> String {
            #"{"cookie":{\#(settings)},"user":"bob","visits":\#(visits)"#
        }
        try service.nodeWrites(json(settings, 3) + "}")
        #expect(try await service.browser.visit(service.sessions) { $0[.visits] } == 3)
        #expect(service.json == json(settings, 3) + "}", "I8: reading writes nothing")
        try await service.browser.visit(service.sessions) { session in session.update(.visits) { $0 += 1 } }
        // The end is moved by each use; where there is none, none is made up.
        let record = try #require(service.store.entries(after: nil, limit: 1).first?.record)
        let expected = settings.replacing("2026-11-21T02:50:01.744Z", with: ISODate.text(record.expiresAt))
        #expect(service.json.hasPrefix(json(expected, 4) + #","swiftSession":{"#))
    }

    @Test("the settings of a new session's cookie stand in Node's order")
    func keyOrder() async throws {
        let service = try Service(maxAge: .seconds(60)) { configuration in
            configuration.cookie.domain = "example.com"
            configuration.cookie.partitioned = true
            configuration.cookie.priority = .high
        }
        try await service.browser.visit(service.sessions) { $0.set(.visits, to: 1) }
        let expires = ISODate.text(service.clock.now() + .seconds(60))
        #expect(
            service.json.hasPrefix(
                #"{"cookie":{"originalMaxAge":60000,"partitioned":true,"priority":"high","expires":"\#(expires)","#
                    + #""secure":true,"httpOnly":true,"domain":"example.com","path":"/","sameSite":"lax"},"visits":1,"#
            )
        )
    }

    @Test("a new session has an id, a cookie and a record like Node's")
    func swiftToNode() async throws {
        let service = try Service()
        try await service.browser.visit(service.sessions) { $0.set(.visits, to: 1) }
        let value = try #require(service.browser.cookies["connect.sid"])
        guard case .genuine(let id, true) = ExpressCookie(secrets: ["keyboard cat"]).parse(Array(value.utf8)) else {
            Issue.record("\(value) is not signed")
            return
        }
        #expect(id.utf8.count == 32)
        let entry = try #require(service.store.entries(after: nil, limit: 2).first)
        #expect(entry.key.text == id)
        let expires = ISODate.text(service.clock.now() + .seconds(86_400))
        #expect(
            service.json.hasPrefix(
                #"{"cookie":{"originalMaxAge":86400000,"expires":"\#(expires)","secure":true,"httpOnly":true,"path":"/","#
                    + #""sameSite":"lax"},"visits":1,"swiftSession":{"#
            )
        )
    }

    @Test("a cookie that ends with the browser: originalMaxAge and expires are null, and the session lives a day")
    func browserSession() async throws {
        let service = try Service(maxAge: nil)
        try await service.browser.visit(service.sessions) { $0.set(.visits, to: 1) }
        #expect(service.json.hasPrefix(#"{"cookie":{"originalMaxAge":null,"expires":null,"#))
        service.clock.advance(by: .seconds(86_399))
        #expect(try await service.browser.visit(service.sessions) { $0[.visits] } == 1)
        service.clock.advance(by: .seconds(86_401))
        #expect(try await service.browser.visit(service.sessions) { $0[.visits] } == 0)
    }

    @Test("I5: a login has a new id, the data goes along, and the old id opens nothing")
    func login() async throws {
        let service = try Service()
        try service.nodeWrites(Self.nodes)
        let before = service.browser.copy()
        try await service.browser.visit(service.sessions) { $0.logIn("ada", keeping: .all) }
        #expect(service.store.count() == 1)
        #expect(try await service.browser.visit(service.sessions) { "\($0.owner ?? "") \($0[.visits])" } == "ada 3")
        #expect(try await before.visit(service.sessions) { $0[.visits] } == 0)
        #expect(try await service.sessions.list("ada").count == 1)
        let handle = try await service.browser.visit(service.sessions) { $0.handle }
        #expect(try await service.sessions.list("ada").first?.handle == handle)
        #expect(try await service.sessions.revoke(handle, of: "ada"))
        #expect(try await service.browser.visit(service.sessions) { $0.owner } == nil)
    }

    @Test("what a handler sees of the new credential is what holds afterwards", arguments: [0, 30])
    func sameRequest(grace: Int) async throws {
        let service = try Service()
        try service.nodeWrites(Self.nodes)
        let before = try await service.browser.visit(service.sessions) { "\($0.id) \($0.handle)" }
        let during = try await service.browser.visit(service.sessions) { session in
            if grace == 0 { session.logIn("ada", keeping: .all) } else { session.rotate(grace: .seconds(grace)) }
            return (id: "\(session.id) \(session.handle)", token: session.csrfToken)
        }
        #expect(during.id != before)
        #expect(try await service.browser.visit(service.sessions) { "\($0.id) \($0.handle)" } == during.id)
        #expect(try await service.browser.visit(service.sessions) { $0.acceptsCSRFToken(during.token) })
    }

    @Test("a login that ends the owner's other sessions keeps its own, and its data")
    func revokeOthers() async throws {
        let service = try Service()
        let other = SessionBrowser(clock: service.clock)
        for browser in [other, service.browser] {
            try await browser.visit(service.sessions) { session in
                session.logIn("ada")
                session.set(.visits, to: 3)
            }
        }
        service.clock.advance(by: .seconds(1))
        try await service.browser.visit(service.sessions) { session in
            session.logIn("ada", keeping: .all)
            let ended = try await session.revokeOthers()
            #expect(ended == 1)
        }
        #expect(try await service.browser.visit(service.sessions) { "\($0.owner ?? "") \($0[.visits])" } == "ada 3")
        #expect(try await other.visit(service.sessions) { $0.owner } == nil)
    }

    @Test("what Node copies into another session says nothing about that one (I5)")
    func copiedMember() async throws {
        let service = try Service()
        try await service.browser.visit(service.sessions) { session in
            session.logIn("ada")
            session.set(.visits, to: 5)
        }
        // As passport's keepSessionInfo does.
        try service.nodeWrites(service.json, id: "another-id-another-id-another-id")
        #expect(
            try await service.browser.visit(service.sessions) { "\($0.owner ?? "nobody") \($0[.visits])" } == "nobody 5"
        )
    }

    @Test("I1: of two requests that change a session, both keep their changes")
    func concurrent() async throws {
        let service = try Service()
        try service.nodeWrites(Self.nodes)
        let slow = service.sessions.open(service.browser.request())
        try await slow.session.update(.visits) { $0 += 1 }
        try await service.browser.visit(service.sessions) { session in session.update(.visits) { $0 += 1 } }
        _ = try await slow.commit()
        #expect(try await service.browser.visit(service.sessions) { $0[.visits] } == 5)
    }

    @Test("I2: a rotation that loses against a destroy brings nothing back")
    func destroyWins() async throws {
        let service = try Service()
        try service.nodeWrites(Self.nodes)
        let slow = service.sessions.open(service.browser.request())
        try await slow.session.rotate(grace: .zero)
        try await service.browser.visit(service.sessions) { $0.destroy() }
        await #expect(throws: SessionError(.ended, "")) { try await slow.commit() }
        #expect(service.store.count() == 0)
    }

    @Test("I2: a destroy that comes after a rotation does not look done: the session is there under its new id")
    func destroyAfterRotation() async throws {
        let service = try Service()
        try service.nodeWrites(Self.nodes)
        let slow = service.sessions.open(service.browser.request())
        try await slow.session.destroy()
        try await service.browser.visit(service.sessions) { $0.rotate(grace: .zero) }
        await #expect(throws: SessionError(.ended, "")) { try await slow.commit() }
        #expect(try await service.browser.visit(service.sessions) { $0[.visits] } == 3)
        try await service.browser.visit(service.sessions) { $0.destroy() }
        #expect(service.store.count() == 0)
        #expect(service.browser.cookies["connect.sid"] == nil)
    }

    @Test("a login over another owner's session does not depend on that one, a restart does")
    func over() async throws {
        for isLogin in [true, false] {
            let service = try Service()
            try await service.browser.visit(service.sessions) { $0.logIn("ada") }
            let slow = service.sessions.open(service.browser.request())
            let session = try await slow.session
            if isLogin { session.logIn("bob") } else { session.restart() }
            try await service.browser.copy().visit(service.sessions) { $0.destroy() }
            if isLogin {
                try await service.browser.visit(service.sessions) { _ in }
                #expect(try await slow.commit().changesCookie)
                #expect(try await service.sessions.list("bob").count == 1)
            } else {
                await #expect(throws: SessionError(.ended, "")) { try await slow.commit() }
            }
            #expect(try await service.sessions.list("ada").isEmpty)
        }
    }

    @Test("an id that a client made up is not adopted (I3), signed or not")
    func adoption() async throws {
        let service = try Service()
        service.browser.plant("connect.sid", ExpressCookie(secrets: ["keyboard cat"]).value(of: "made-up"))
        try await service.browser.visit(service.sessions) { $0.set(.visits, to: 1) }
        #expect(service.store.count() == 1)
        #expect(service.store.entries(after: nil, limit: 1).first?.key.text != "made-up")
    }

    @Test("a session's own maxAge is Node's originalMaxAge, both ways")
    func ownMaxAge() async throws {
        let service = try Service()
        try service.nodeWrites(#"{"cookie":{"originalMaxAge":3000000000,"expires":null,"path":"/"},"visits":1}"#)
        #expect(
            try await service.browser.visit(service.sessions) { $0.lifetime.idle } == .milliseconds(3_000_000_000)
        )
        try await service.browser.visit(service.sessions) {
            try $0.setLifetime(SessionLifetime(idle: .seconds(60), absolute: .seconds(600)))
        }
        #expect(service.json.hasPrefix(#"{"cookie":{"originalMaxAge":60000,"expires":""#))
    }

    @Test("I7: a session without an end (disableTTL) gets one with our first write, counted from then")
    func endless() async throws {
        let service = try Service()
        // As a key without a time to live is read: a hundred years.
        try service.nodeWrites(Self.nodes, days: 36_525)
        #expect(try await service.browser.visit(service.sessions) { $0.createdAt } == service.clock.now())
        try await service.browser.visit(service.sessions) { $0.set(.visits, to: 4) }
        let expires = ISODate.text(service.clock.now() + .seconds(86_400))
        #expect(service.json.hasPrefix(#"{"cookie":{"originalMaxAge":86400000,"expires":"\#(expires)","#))
        let record = try #require(service.store.entries(after: nil, limit: 1).first?.record)
        #expect(record.idleDeadline == service.clock.now() + .seconds(86_400))
        #expect(record.absoluteDeadline == service.clock.now() + .seconds(30 * 86_400))
    }

    @Test("a maxAge beyond the year 9999: an end that JavaScript reads, or none")
    func farEnd() async throws {
        let service = try Service()
        let nodes = #"{"cookie":{"originalMaxAge":300000000000000,"path":"/"},"visits":1}"#
        try service.nodeWrites(nodes, days: 200_000_000)
        try await service.browser.visit(service.sessions) { $0.set(.visits, to: 4) }
        #expect(service.json.hasPrefix(#"{"cookie":{"originalMaxAge":300000000000000,"path":"/","expires":null},"#))
        #expect(try await service.browser.visit(service.sessions) { $0[.visits] } == 4)
    }

    @Test("where Node keeps sessions for longer than we were told, none begins in the future")
    func longerThanTold() async throws {
        let service = try Service(maxAge: nil)
        // connect-mongo's ttl, where there is no maxAge.
        try service.nodeWrites(#"{"cookie":{"originalMaxAge":null,"expires":null},"visits":3}"#, days: 14)
        let end = service.clock.now() + .seconds(20 * 86_400)
        #expect(try await service.browser.visit(service.sessions) { $0.createdAt } == service.clock.now())
        try await service.browser.visit(service.sessions) { try $0.cookie.setExpires(end) }
        service.clock.advance(by: .seconds(20 * 86_400 - 1))
        #expect(try await service.browser.visit(service.sessions) { $0[.visits] } == 3)
        service.clock.advance(by: .seconds(1))
        #expect(try await service.browser.visit(service.sessions) { $0[.visits] } == 0)
    }

    @Test("the end that no use of a session moves stays where it was set")
    func ownAbsolute() async throws {
        let service = try Service()
        let own = SessionLifetime(idle: .seconds(60), absolute: .seconds(100))
        try await service.browser.visit(service.sessions) { session in
            session.set(.visits, to: 1)
            try session.setLifetime(own)
        }
        #expect(try await service.browser.visit(service.sessions) { $0.lifetime } == own)
        service.clock.advance(by: .seconds(50))
        try await service.browser.visit(service.sessions) { $0.set(.visits, to: 2) }
        service.clock.advance(by: .seconds(49))
        #expect(try await service.browser.visit(service.sessions) { $0[.visits] } == 2)
        service.clock.advance(by: .seconds(2))
        #expect(try await service.browser.visit(service.sessions) { $0[.visits] } == 0)
    }

    @Test("I7: our own end of a session holds, however long Node keeps its record")
    func ownEnd() async throws {
        let service = try Service()
        try await service.browser.visit(service.sessions) { $0.set(.visits, to: 1) }
        let value = try #require(service.browser.cookies["connect.sid"])
        guard case .genuine(let id, _) = ExpressCookie(secrets: ["keyboard cat"]).parse(Array(value.utf8)) else {
            Issue.record("\(value) is not signed")
            return
        }
        try service.nodeWrites(service.json, id: id, days: 100)
        service.clock.advance(by: .seconds(30 * 86_400 - 1))
        #expect(try await service.browser.visit(service.sessions) { $0[.visits] } == 1)
        let exchange = service.sessions.open(service.browser.request())
        #expect(try await !exchange.session.isNew)
        service.clock.advance(by: .seconds(1))
        #expect(try await service.browser.visit(service.sessions) { $0.isNew })
        await #expect(throws: SessionError(.ended, "")) { try await exchange.session.reload() }
    }

    @Test("a session of Node's lives as long as Node says, beyond our own absolute time")
    func nodesMaxAge() async throws {
        let service = try Service()
        // A hundred days from each use.
        try service.nodeWrites(#"{"cookie":{"originalMaxAge":8640000000,"path":"/"},"visits":1}"#, days: 100)
        service.clock.advance(by: .seconds(60 * 86_400))
        #expect(try await service.browser.visit(service.sessions) { $0[.visits] } == 1)
    }

    @Test("the names that express-session uses are no keys of values", arguments: ["cookie", "swiftSession"])
    func reserved(name: String) async throws {
        let service = try Service()
        await #expect(throws: SessionError(.unencodable, "")) {
            try await service.browser.visit(service.sessions) { $0.set(SessionKey<Int>(name, default: 0), to: 1) }
        }
    }

    @Test(
        "what is no session's JSON is left as it is, and nobody is signed in by it",
        arguments: ["", "null", "[]", "{", "{}x", #"{"cookie":1"#, #"{"a":1,"a":2}"#, "\u{0}"]
    )
    func damaged(json: String) async throws {
        let service = try Service()
        try service.nodeWrites(json)
        #expect(try await service.browser.visit(service.sessions) { $0.isNew })
        #expect(service.json == json)
    }

    @Test("hostile cookies open nothing and crash nothing: a value that is genuine is the one that was signed")
    func hostile() async throws {
        let service = try Service()
        let id = "a.b=c%d"
        try service.nodeWrites(Self.nodes, id: id)
        let signing = ExpressCookie(secrets: ["keyboard cat"])
        let good = Array(signing.value(of: id).utf8)
        // Always the same numbers: now and then one would make the genuine value again, cut off where a cookie ends.
        var random = SeededGenerator(seed: 1)
        for _ in 0..<3000 {
            var value = good
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let index = Int.random(in: 0..<value.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: value[index] = UInt8.random(in: .min ... .max, using: &random)
                case 1: value.remove(at: index)
                case 2: value.insert(contentsOf: value[..<index].suffix(4), at: index)
                default: value.insert(UInt8(ascii: "%"), at: index)
                }
            }
            if case .genuine(let found, _) = signing.parse(value) { #expect(found == id) }
            var fields = HTTPFields()
            fields.append(HTTPField(name: .cookie, value: "connect.sid=" + String(decoding: value, as: UTF8.self)))
            let exchange = service.sessions.open(fields)
            if case .genuine = signing.parse(value) { continue }
            #expect(try await exchange.session.isNew)
            _ = try await exchange.commit()
        }
        #expect(service.json == Self.nodes)
    }

    @Test("no tier keeps copies of another system's table")
    func noTier() throws {
        #expect(throws: SessionConfigurationError.self) { try TieredSessionStore(PayloadStore()) }
    }

    /// A store of another system's table, in which nothing is.
    private struct PayloadStore: PayloadConditionalSessionStore {
        func load(_ key: StoreKey) async throws -> StoredRecord? { nil }
        func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool { false }
        func replace(
            _ record: StoredRecord,
            at key: StoreKey,
            ifPayload payload: [UInt8]
        ) async throws -> ReplaceOutcome { .gone }
        func touch(_ key: StoreKey, until deadline: Timestamp, ifPayload payload: [UInt8]) async throws -> Bool {
            false
        }
        func delete(_ key: StoreKey, ifPayload payload: [UInt8]) async throws -> Bool { false }
        func delete(_ key: StoreKey) async throws -> Bool { false }
    }

    @Test("a manager is refused that does not say what its sessions cannot promise, or has no secret")
    func refused() throws {
        func code(_ secrets: [ForeignSecret], _ named: MissingGuarantees) -> SessionConfigurationError.Code? {
            do {
                _ = try SessionManager.express(
                    secrets: secrets,
                    store: MemorySessionStore(),
                    acknowledging: named,
                    logger: .silent
                )
                return nil
            } catch {
                return (error as? SessionConfigurationError)?.code
            }
        }
        #expect(code(["a"], []) == .store)
        #expect(code(["a"], [.keysAreCredentials, .concurrentChangesAreLost]) == .store)
        #expect(code([], .keysAreCredentials) == .missingSecret)
        #expect(code(["a", ""], .keysAreCredentials) == .missingSecret)
        #expect(code(["a", "a", "b"], .keysAreCredentials) == nil)
    }
}
