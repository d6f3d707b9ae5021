#if Redis
import Sessions
import SessionsRedis
import SessionsTesting
import TestServers
import Testing

extension RedisStoreTests {
    @Suite("The store contract", .serialized)
    struct ConformanceTests {
        static let checks = SessionStoreConformance.checks(for: RedisSessionStore.self)
        static let client = Shared { try await Servers.standalone.server.client() }
        static let clusterClient = Shared { try await Servers.cluster.server.client() }
        static let secured = Shared { try await SecuredServer() }

        @Test("one server keeps it", arguments: checks)
        func standalone(_ check: SessionStoreConformance.Check) async throws {
            let client = try await Self.client.server
            let outcome = try await check.run { try RedisSessionStore(client: client, configuration: .fresh()) }
            #expect(outcome == .passed)
        }

        @Test("three processes' stores keep it together", arguments: checks)
        func three(_ check: SessionStoreConformance.Check) async throws {
            let server = try await Servers.standalone.server
            let clients = try (0..<3).map { _ in try server.client { $0.connectionCount = 1 } }
            let outcome = try await check.run(rounds: 20) {
                let configuration = RedisSessionStore.Configuration.fresh()
                return RotatingSessionStore(
                    try clients.map { try RedisSessionStore(client: $0, configuration: configuration) }
                )
            }
            #expect(outcome == .passed)
            for client in clients { client.close() }
        }

        @Test("TLS, with user and password, keeps it", arguments: checks)
        func tls(_ check: SessionStoreConformance.Check) async throws {
            let client = try await Self.secured.server.client
            let outcome = try await check.run(rounds: 20) {
                try RedisSessionStore(client: client, configuration: .fresh())
            }
            #expect(outcome == .passed)
        }

        @Test("a cluster of six nodes keeps it", arguments: checks)
        func cluster(_ check: SessionStoreConformance.Check) async throws {
            let client = try await Self.clusterClient.server
            let outcome = try await check.run(rounds: 20) {
                try RedisSessionStore(client: client, configuration: .fresh())
            }
            #expect(outcome == .passed)
        }
    }
}

/// A server that speaks TLS alone, and lets in one user with the rights that the store's page lists.
final class SecuredServer: Sendable {
    static let rights = [
        "~test-*", "resetchannels", "-@all", "+hello", "+auth", "+select", "+get", "+set", "+del", "+exists",
        "+getrange",
        "+setrange", "+pexpireat", "+zadd", "+zrange", "+zremrangebyscore", "+zcard", "+zrandmember", "+zrem",
        "+zscore",
        "+zscan", "+scan", "+time", "+eval", "+evalsha", "+wait",
    ]

    let server: RedisServer
    let client: RedisClient
    let certificates: RedisCertificates
    private let directory: ServerDirectory

    /// - Parameter names: What its certificate is for.
    init(names: String = "DNS:localhost,IP:127.0.0.1") async throws {
        directory = try ServerDirectory("tls")
        certificates = try await RedisCertificates(in: directory, names: names)
        server = try await RedisServer(
            program: "redis-server",
            arguments: [],
            port: nil,
            config: "user default off\nuser shop on >s3cret-of-the-shop \(Self.rights.joined(separator: " "))\n"
                + "user admin on nopass ~* &* +@all\n",
            tls: certificates
        )
        client = try RedisClient(Self.configuration(server, certificates))
    }

    static func configuration(
        _ server: RedisServer,
        _ certificates: RedisCertificates
    ) throws -> RedisClient.Configuration {
        var configuration = try RedisClient.Configuration(
            url: "rediss://shop:s3cret-of-the-shop@localhost:\(server.port)"
        )
        configuration.tls?.trustRootsPath = certificates.authority
        configuration.callDeadline = .seconds(30)
        configuration.connectDeadline = .seconds(20)
        return configuration
    }
}
#endif
