#if Redis
import Sessions
import SessionsRedis
import SessionsTesting
import TestServers
import Testing

extension RedisStoreTests {
    /// connect-redis's keys, values and times to live, and what its own tests ask for.
    @Suite("connect-redis")
    struct ConnectRedisTests {
        static let client = Shared { try await Servers.standalone.server.client() }
        static let clusterClient = Shared { try await Servers.cluster.server.client() }

        static func fresh(_ client: RedisClient) throws -> ConnectRedisStore {
            try ConnectRedisStore(client: client, prefix: RedisSessionStore.Configuration.fresh().keyPrefix)
        }

        @Test("one server", arguments: PayloadConditionalCheck.all)
        func standalone(_ check: PayloadConditionalCheck) async throws {
            let server = try await Servers.standalone.server
            let prefix = RedisSessionStore.Configuration.fresh().keyPrefix
            let other = try server.client()
            try await check.run(
                ConnectRedisStore(client: Self.client.server, prefix: prefix),
                ConnectRedisStore(client: other, prefix: prefix)
            )
            other.close()
        }

        @Test("a cluster", arguments: PayloadConditionalCheck.all)
        func cluster(_ check: PayloadConditionalCheck) async throws {
            let store = try Self.fresh(try await Self.clusterClient.server)
            try await check.run(store, store)
        }

        @Test("a cluster where a replica confirms", arguments: PayloadConditionalCheck.all)
        func confirmed(_ check: PayloadConditionalCheck) async throws {
            let store = try ConnectRedisStore(
                client: try await Self.clusterClient.server,
                prefix: RedisSessionStore.Configuration.fresh().keyPrefix,
                configuration: .fresh { $0.confirmation = .replicas(1, within: .seconds(10)) }
            )
            try await check.run(store, store)
        }

        @Test("a session is sess: and its id, a string, with the seconds of its deadline to live")
        func key() async throws {
            let server = try await Servers.standalone.server
            let store = try await ConnectRedisStore(client: Self.client.server)
            let key = try #require(StoreKey(foreignID: "4/2 €"))
            #expect(try await store.insert(.sample(#"{"cookie":{}}"#, idle: .seconds(60)), at: key))
            #expect(try await server.cli("GET", "sess:4/2 €") == #"{"cookie":{}}"#)
            let life = try #require(Int(try await server.cli("PTTL", "sess:4/2 €")))
            #expect((1...60_000).contains(life))
            #expect(try await store.delete(key))
            #expect(try await server.cli("EXISTS", "sess:4/2 €") == "0")
        }

        @Test("what Node wrote is read with the time it has left, for ever without one (disableTTL)")
        func nodeWrote() async throws {
            let server = try await Servers.standalone.server
            let store = try await ConnectRedisStore(client: Self.client.server)
            let json = #"{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"user":"bob"}"#
            _ = try await server.cli("SET", "sess:node-1", json, "EX", "100")
            _ = try await server.cli("SET", "sess:node-2", json)
            let nodeKey = try #require(StoreKey(foreignID: "node-1"))
            let first = try #require(try await store.load(nodeKey))
            #expect(first.payload == Array(json.utf8))
            let left = first.idleDeadline.duration(since: SystemSessionClock().now())
            #expect(left > .zero && left <= .seconds(100))
            let key = try #require(StoreKey(foreignID: "node-2"))
            let second = try #require(try await store.load(key))
            #expect(second.idleDeadline > first.idleDeadline + .seconds(50 * 365 * 86_400))
            #expect(try await store.touch(key, until: first.idleDeadline, ifPayload: second.payload))
            #expect(try await server.cli("PTTL", "sess:node-2") == "-1")
            #expect(try await store.delete(key, ifPayload: second.payload))
        }

        @Test("a key of another type is an error, and stays as it is")
        func foreignType() async throws {
            let server = try await Servers.standalone.server
            let store = try await ConnectRedisStore(client: Self.client.server)
            _ = try await server.cli("LPUSH", "sess:list", "a")
            let key = try #require(StoreKey(foreignID: "list"))
            #expect(try await storeError { try await store.load(key) }?.code == .unusable)
            #expect(
                try await storeError {
                    try await store.replace(.sample(), at: key, ifPayload: [])
                }?.code == .unusable
            )
            #expect(try await server.cli("LLEN", "sess:list") == "1")
            #expect(try await store.delete(key))
        }

        @Test("length, all and clear see the prefix's keys, each once, and no others")
        func enumeration() async throws {
            let server = try await Servers.standalone.server
            // Were it a pattern, it would fit the other one too.
            let store = try await ConnectRedisStore(client: Self.client.server, prefix: "all*[a]:")
            let other = try await ConnectRedisStore(client: Self.client.server, prefix: "all-more-a:")
            let ids = (0..<300).map { "id/\($0)" }
            for id in ids {
                let key = try #require(StoreKey(foreignID: id))
                #expect(try await store.insert(.sample(), at: key))
            }
            let otherKey = try #require(StoreKey(foreignID: "id"))
            #expect(try await other.insert(.sample(), at: otherKey))
            #expect(try await store.count() == 300)
            var (found, last) = ([StoredEntry](), StoreKey?.none)
            repeat {
                let page = try await store.entries(after: last, limit: 128)
                found += page
                last = page.last?.key
            } while last != nil
            #expect(found.count == 300)
            #expect(Set(found.map(\.key.text)) == Set(ids.compactMap { StoreKey(foreignID: $0)?.text }))
            try await store.removeAll()
            #expect(try await store.count() == 0)
            #expect(try await other.count() == 1)
            #expect(try await server.cli("EXISTS", "all-more-a:id") == "1")
        }
    }
}
#endif
