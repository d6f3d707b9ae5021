#if Redis
import Sessions
import SessionsRedis
import TestServers
import Testing

extension RedisStoreTests {
    @Suite("Sentinel and Cluster over TLS", .serialized)
    struct SecuredGroupTests {
        @Test("a primary and its sentinel that speak TLS alone and ask for passwords, each for its own")
        func sentinel() async throws {
            let group = try await SecuredGroup()
            func check(
                _ configure: (inout RedisClient.Configuration) -> Void,
                _ location: SourceLocation = #_sourceLocation
            ) async throws {
                let client = try RedisClient(group.configuration(configure))
                let store = try RedisSessionStore(client: client, configuration: .fresh())
                let key = StoreKey.random()
                let record = StoredRecord.sample()
                #expect(try await store.insert(record, at: key), sourceLocation: location)
                #expect(try await store.load(key) == record, sourceLocation: location)
                client.close()
            }
            func failure(
                _ configure: (inout RedisClient.Configuration) -> Void
            ) async throws -> SessionStoreError? {
                let client = try RedisClient(group.configuration(configure))
                let store = try RedisSessionStore(client: client, configuration: .fresh())
                let error = try await storeError { try await store.load(.random()) }
                client.close()
                return error
            }
            try await check { _ in }
            try await check { $0.sentinelCredentials = .init(password: SecuredGroup.sentinelPassword) }
            try await check {
                $0.topology = .sentinel([group.plainSentinel.address], primary: "shop")
                $0.sentinelsUseTLS = false
            }

            let secrets = [
                "refused-by-all", SecuredGroup.password, SecuredGroup.storePassword, SecuredGroup.guardPassword,
                SecuredGroup.sentinelPassword,
            ]
            // The sentinel refuses, and then the primary that it names: the error says which, and what to correct.
            let refusals: [(at: RedisServer, setting: String, SessionStoreError?)] = [
                (
                    group.sentinel, "sentinelCredentials",
                    try await failure { $0.sentinelCredentials?.password = "refused-by-all" }
                ),
                (group.sentinel, "sentinelCredentials", try await failure { $0.sentinelCredentials = nil }),
                (group.primary, "credentials", try await failure { $0.credentials?.password = "refused-by-all" }),
            ]
            for (server, setting, error) in refusals {
                let error = try #require(error)
                #expect(error.code == .notPermitted)
                #expect(error.message.contains("WRONGPASS") && error.message.contains(setting))
                #expect(error.message.contains(":\(server.port)"))
                var text = "\(error)"
                dump(error, to: &text)
                for secret in secrets { #expect(!text.contains(secret)) }
            }
            let untrusted = try await failure { $0.tls?.trustRootsPath = nil }
            #expect(untrusted?.code == .notPermitted)
            #expect(untrusted?.message.contains("trusts") == true)
            #expect(untrusted?.message.contains(":\(group.sentinel.port)") == true)
            #expect(
                try await failure {
                    $0.sentinelsUseTLS = false
                    $0.callDeadline = .milliseconds(300)
                } != nil
            )
        }

        @Test("a cluster that speaks TLS alone, whose nodes and their certificates are known by IP addresses")
        func cluster() async throws {
            let directory = try ServerDirectory("tls")
            let certificates = try await RedisCertificates(in: directory)
            let group = try await RedisClusterGroup(RedisClusterGroup.patience, tls: certificates)
            var configuration = try RedisClient.Configuration(url: "rediss+cluster://localhost:\(group.nodes[0].port)")
            (configuration.connectDeadline, configuration.callDeadline) = (.seconds(20), .seconds(30))
            configuration.tls?.trustRootsPath = certificates.authority
            let client = try RedisClient(configuration)
            let store = try RedisSessionStore(client: client, configuration: .fresh())
            let keys = (0..<20).map { _ in StoreKey.random() }
            for key in keys {
                let record = StoredRecord.sample()
                #expect(try await store.insert(record, at: key))
                #expect(try await store.load(key) == record)
            }
            // It asks every primary.
            #expect(try await store.count() == keys.count)
            client.close()

            configuration.tls?.trustRootsPath = nil
            let stranger = try RedisClient(configuration)
            let untrusted = try await storeError {
                try await RedisSessionStore(client: stranger, configuration: .fresh()).load(.random())
            }
            #expect(untrusted?.code == .notPermitted)
            stranger.close()
            withExtendedLifetime((directory, group)) {}
        }
    }
}

/// A primary, and two sentinels that watch it over TLS; one of them speaks TLS alone, and the other does not.
private final class SecuredGroup: Sendable {
    /// Of the primary's user of full rights, as whom the sentinels watch.
    static let password = "s3cret-of-the-primary"
    /// Of the primary's user `shop`, as whom the store comes.
    static let storePassword = "s3cret-of-the-shop"
    /// Of the sentinels' user of full rights.
    static let sentinelPassword = "s3cret-of-the-sentinels"
    /// Of the sentinels' user `guard`, who may ask what the store asks, and nothing else.
    static let guardPassword = "s3cret-of-the-guard"

    let primary: RedisServer
    let sentinel: RedisServer
    let plainSentinel: RedisServer
    private let certificates: RedisCertificates
    private let directory: ServerDirectory

    init() async throws {
        directory = try ServerDirectory("tls")
        certificates = try await RedisCertificates(in: directory)
        let rights = (SecuredServer.rights + ["+role"]).joined(separator: " ")
        primary = try await RedisServer(
            program: "redis-server",
            arguments: [],
            port: nil,
            config: "requirepass \(Self.password)\nuser shop on >\(Self.storePassword) \(rights)\n",
            tls: certificates
        )
        // The second line has the rights that the store's page lists.
        let config = """
            requirepass \(Self.sentinelPassword)
            user guard on >\(Self.guardPassword) -@all +hello +auth +sentinel|master +sentinel|get-master-addr-by-name
            sentinel monitor shop 127.0.0.1 \(primary.port) 1
            sentinel auth-pass shop \(Self.password)
            sentinel down-after-milliseconds shop 60000

            """
        sentinel = try await RedisServer(
            program: "redis-sentinel",
            arguments: ["--tls-replication", "yes"],
            port: nil,
            config: config,
            tls: certificates
        )
        plainSentinel = try await RedisServer(
            program: "redis-sentinel",
            arguments: certificates.arguments + ["--tls-replication", "yes"],
            port: nil,
            config: config
        )
        // Each has logged in at the primary, over TLS.
        try await primary.wait(
            for: "-a",
            Self.password,
            "--no-auth-warning",
            "PUBSUB",
            "NUMSUB",
            "__sentinel__:hello"
        ) { $0.hasSuffix("\n2") }
    }

    func configuration(
        _ configure: (inout RedisClient.Configuration) -> Void
    ) throws -> RedisClient.Configuration {
        var configuration = try RedisClient.Configuration(
            url: "rediss+sentinel://shop:\(Self.storePassword)@localhost:\(sentinel.port)/shop"
        )
        configuration.tls?.trustRootsPath = certificates.authority
        configuration.sentinelCredentials = RedisClient.Credentials(username: "guard", password: Self.guardPassword)
        (configuration.connectDeadline, configuration.callDeadline) = (.seconds(20), .seconds(30))
        configure(&configuration)
        return configuration
    }
}
#endif
