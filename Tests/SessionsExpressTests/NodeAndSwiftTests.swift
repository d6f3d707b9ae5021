import Sessions
import SessionsPostgres
import SessionsRedis
import SessionsTesting
import TestServers
import Testing

#if Redis
extension ConnectRedisStore {
    /// Keeps sessions on a server that a test has started. No test fails because its machine is busy: it waits long.
    static func patient(_ url: String) throws -> ConnectRedisStore {
        try ConnectRedisStore(client: RedisClient.patient(url))
    }
}

extension RedisClient {
    /// A client that waits long.
    static func patient(_ url: String) throws -> RedisClient {
        var configuration = try Configuration(url: url)
        (configuration.connectDeadline, configuration.callDeadline) = (.seconds(60), .seconds(60))
        return try RedisClient(configuration)
    }
}
#endif

/// Node and Swift serve the same sessions. One test at a time: each suite has a server of its own.
@Suite("Node and Swift on the same sessions", .serialized, .timeLimit(.minutes(5)))
enum NodeAndSwiftTests {}

#if Redis
extension NodeAndSwiftTests {
    @Suite("Redis: connect-redis's keys", .serialized)
    struct Redis {
        private func pair(isPersistent: Bool = false, _ secrets: [String]? = nil) async throws -> (
            RedisServer, BackAndForth
        ) {
            let server = try await RedisServer()
            let url = "redis://127.0.0.1:\(server.port)"
            let pair = try BackAndForth(
                NodeService(store: "redis", url: url),
                ConnectRedisStore.patient(url),
                isPersistent: isPersistent,
                secrets
            )
            return (server, pair)
        }

        @Test("what one writes the other reads", arguments: [false, true])
        func both(isPersistent: Bool) async throws {
            let (server, pair) = try await pair(isPersistent: isPersistent)
            try await pair.run()
            #expect(server.isRunning)
        }

        @Test("I1: concurrent writes from Swift lose nothing, and nothing of Node's before them")
        func concurrent() async throws {
            let (server, pair) = try await pair()
            try await pair.concurrent()
            #expect(server.isRunning)
        }

        @Test("I1, I2: what Node writes or ends in between is not written over")
        func interleaved() async throws {
            let (server, pair) = try await pair()
            try await pair.interleaved()
            #expect(server.isRunning)
        }

        @Test("secrets: the first signs, all verify, and no others")
        func secrets() async throws {
            let (server, pair) = try await pair(["keyboard cat", "older"])
            try await pair.secrets()
            #expect(server.isRunning)
        }

        @Test(
            "trust proxy: Express and ours send a Secure cookie where it says https, and none where it says http",
            arguments: ["https", "http"]
        )
        func proxied(scheme: String) async throws {
            let server = try await RedisServer()
            let url = "redis://127.0.0.1:\(server.port)"
            let node = NodeService(store: "redis", url: url)
            try await BackAndForth.proxied(node, ConnectRedisStore.patient(url), scheme: scheme)
            #expect(server.isRunning)
        }
    }
}
#endif

#if Postgres
extension NodeAndSwiftTests {
    @Suite("PostgreSQL: connect-pg-simple's table", .serialized)
    struct Postgres {
        /// One for all tests: it takes some seconds to make.
        private static let server = Task { try await PostgresServer(settings: ["timezone=Asia/Tokyo"]) }

        private func pair(isPersistent: Bool = false, _ secrets: [String]? = nil) async throws -> BackAndForth {
            let url = try await Self.server.value.url
            var configuration = PostgresSessionStore.Configuration()
            (configuration.connectDeadline, configuration.deadline) = (.seconds(60), .seconds(60))
            return try BackAndForth(
                NodeService(store: "postgres", url: url),
                try await ConnectPgSimpleStore(url, createTableIfMissing: true, configuration: configuration),
                isPersistent: isPersistent,
                secrets
            )
        }

        @Test("what one writes the other reads, far from UTC", arguments: [false, true])
        func both(isPersistent: Bool) async throws {
            try await pair(isPersistent: isPersistent).run()
        }

        @Test("I1: concurrent writes from Swift lose nothing, and nothing of Node's before them")
        func concurrent() async throws { try await pair().concurrent() }

        @Test("I1, I2: what Node writes or ends in between is not written over")
        func interleaved() async throws { try await pair().interleaved() }

        @Test("secrets: the first signs, all verify, and no others")
        func secrets() async throws { try await pair(["keyboard cat", "older"]).secrets() }
    }
}
#endif
