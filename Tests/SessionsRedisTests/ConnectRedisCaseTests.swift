#if Redis
import HTTPTypes
import Logging
import Sessions
import SessionsRedis
import SessionsTesting
import TestServers
import Testing

extension RedisStoreTests {
    /// The cases of connect-redis's suite that need a service around the store.
    @Suite("connect-redis: its cases")
    struct ConnectRedisCaseTests {
        private static let visits = SessionKey<Int>("visits", default: 0)

        /// A service on a store of its own.
        private struct Service {
            let server: RedisServer
            let prefix = RedisSessionStore.Configuration.fresh().keyPrefix
            let store: ConnectRedisStore
            let sessions: SessionManager
            /// One whose requests move no end unless they change something.
            let still: SessionManager
            /// One whose requests move it each time.
            let eager: SessionManager
            let browser = SessionBrowser()

            init(maxAge: Duration? = nil, isDefault: Bool = false) async throws {
                server = try await Servers.standalone.server
                let client = try await ConnectRedisTests.client.server
                store =
                    if isDefault { try ConnectRedisStore(client: client) } else {
                        try ConnectRedisStore(client: client, prefix: prefix)
                    }
                var configuration = SessionConfiguration.express(maxAge: maxAge)
                sessions = try Self.manager(store, configuration)
                configuration.renewalInterval = configuration.lifetime.idle - .microseconds(1)
                still = try Self.manager(store, configuration)
                configuration.renewalInterval = .zero
                eager = try Self.manager(store, configuration)
            }

            private static func manager(
                _ store: ConnectRedisStore,
                _ configuration: SessionConfiguration
            ) throws -> SessionManager {
                try .express(
                    secrets: ["keyboard cat"],
                    store: store,
                    acknowledging: [.concurrentChangesAreLost, .endedSessionsComeBack, .keysAreCredentials],
                    configuration: configuration,
                    logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }
                )
            }

            /// The id in the browser's cookie.
            var id: String {
                get throws {
                    let value = try #require(browser.cookies["connect.sid"])
                    return String(value.dropFirst("s%3A".utf8.count).prefix { $0 != "." })
                }
            }

            func key(_ isDefault: Bool = false) throws -> String { try (isDefault ? "sess:" : prefix) + id }

            func secondsToLive(_ isDefault: Bool = false) async throws -> Int {
                try #require(Int(try await server.cli("TTL", key(isDefault))))
            }
        }

        @Test("connect-redis 1, 3: by default a session is sess: and its id, JSON, and has a day to live")
        func defaults() async throws {
            let service = try await Service(isDefault: true)
            try await service.browser.visit(service.sessions) { $0.set(Self.visits, to: 1) }
            let json = try await service.server.cli("GET", service.key(true))
            #expect(json.hasPrefix(#"{"cookie":{"originalMaxAge":null,"expires":null"#))
            let left = try await service.secondsToLive(true)
            #expect((86_340...86_400).contains(left))
            try await service.browser.visit(service.sessions) { $0.destroy() }
        }

        @Test("connect-redis 4, 5, 8: maxAge is the key's time to live, a touch moves that and leaves the JSON alone")
        func timeToLive() async throws {
            let service = try await Service(maxAge: .seconds(600))
            try await service.browser.visit(service.sessions) { $0.set(Self.visits, to: 1) }
            let first = try await service.secondsToLive()
            #expect(first <= 600 && first > 500)
            let json = try await service.server.cli("GET", service.key())
            // As if nine minutes had passed.
            _ = try await service.server.cli("EXPIRE", service.key(), "60")
            try await service.browser.visit(service.sessions) { $0.touch() }
            let second = try await service.secondsToLive()
            #expect(second > 60)
            #expect(try await service.server.cli("GET", service.key()) == json)
            let entry = try #require(try await service.store.entries(after: nil, limit: 10).first)
            #expect(entry.key.text == (try service.id))
            #expect(entry.record.payload == Array(json.utf8))
        }

        @Test("disableTouch: with the longest renewalInterval a request that only reads leaves the key's time to live")
        func noTouch() async throws {
            let service = try await Service(maxAge: .seconds(3600))
            try await service.browser.visit(service.still) { $0.set(Self.visits, to: 1) }
            for left in [3000, 1800, 120] {
                _ = try await service.server.cli("EXPIRE", service.key(), "\(left)")
                #expect(try await service.browser.visit(service.still) { $0[Self.visits] } == 1)
                #expect(try await service.secondsToLive() <= left)
            }
            // A manager without an interval moves it by the same request, and so does a change.
            #expect(try await service.browser.visit(service.eager) { $0[Self.visits] } == 1)
            #expect(try await service.secondsToLive() > 120)
            _ = try await service.server.cli("EXPIRE", service.key(), "120")
            try await service.browser.visit(service.still) { $0.set(Self.visits, to: 2) }
            #expect(try await service.secondsToLive() > 120)
        }

        @Test("connect-redis 11, 12: of a thousand sessions each is counted once, and all are removed")
        func thousand() async throws {
            let service = try await Service()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<1000 {
                    group.addTask {
                        let key = try #require(StoreKey("visitor-\(number)"))
                        let isNew = try await service.store.insert(.sample(#"{"cookie":{}}"#), at: key)
                        #expect(isNew)
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await service.store.count() == 1000)
            try await service.store.removeAll()
            #expect(try await service.store.count() == 0)
        }

        @Test("connect-redis 13, 14: a session that ends later is there, one that has ended is not")
        func ended() async throws {
            let service = try await Service()
            let (later, over) = (try #require(StoreKey("later")), try #require(StoreKey("over")))
            #expect(try await service.store.insert(.sample(idle: .seconds(60)), at: later))
            #expect(try await service.store.insert(.sample(idle: .seconds(-60)), at: over))
            #expect(try await service.store.load(later) != nil)
            try await waitUntil("the key has expired") {
                try await service.server.cli("EXISTS", service.prefix + "over") == "0"
            }
        }
    }
}
#endif
