#if Redis
import Sessions
import Synchronization
import TestServers
import Testing

@testable import SessionsRedis

extension RedisStoreTests {
    @Suite("Which server is asked", .serialized)
    struct PrimaryTests {
        /// Loads at the same time, so that every connection has its turn; how many found something.
        private func found(_ count: Int, _ key: StoreKey, _ store: RedisSessionStore) async throws -> Int {
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<count { group.addTask { try await store.load(key) != nil } }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
        }

        /// The connections on which a server was asked for records.
        private func clients(of server: RedisServer) async throws -> [Substring] {
            try await server.cli("CLIENT", "LIST", "TYPE", "normal").split(separator: "\n").filter {
                $0.contains("cmd=get") || $0.contains("cmd=set")
            }
        }

        /// Returns once each of a store's four connections to a server has had its turn.
        private func useAll(_ server: RedisServer, _ key: StoreKey, _ store: RedisSessionStore) async throws {
            try await waitUntil("each connection has its turn") {
                _ = try await found(40, key, store)
                return try await clients(of: server).count == 4
            }
        }

        /// Makes a server a replica of nobody that answers: it goes on answering reads with what it has.
        private func demote(_ server: RedisServer) async throws {
            let nowhere = try ServerEnvironment.freePort()
            try await server.cli("REPLICAOF", "127.0.0.1", "\(nowhere)")
            try await server.wait(for: "ROLE") { $0.hasPrefix("slave") }
        }

        @Test("I2: once a server refuses a write as a replica does, no connection to it is read from")
        func demoted() async throws {
            let (old, new) = (try await RedisServer(), try await RedisServer())
            let front = try FaultProxy(to: old.port)
            let client = try old.client {
                $0.topology = .standalone(.host("127.0.0.1", port: front.port))
                $0.connectionCount = 4
            }
            let store = try RedisSessionStore(client: client)
            let key = StoreKey.random()
            #expect(try await store.insert(.sample(), at: key))
            try await useAll(old, key, store)
            // The address leads to another server from now on; the connections stay where they are.
            try await demote(old)
            front.redirect(to: new.port)
            #expect(try await found(40, key, store) == 40)
            #expect(try await store.insert(.sample(), at: .random()))
            #expect(try await found(40, key, store) == 0)
        }

        @Test("ST-11, I2: a server that is a replica when a connection is made is not read from")
        func replica() async throws {
            let server = try await RedisServer()
            try await demote(server)
            let store = try server.store(server.client { $0.callDeadline = .milliseconds(300) })
            #expect(try await storeError { try await store.load(.random()) }?.code == .unavailable)
        }

        /// A sentinel that watches one server, by itself.
        private func sentinel(_ server: RedisServer, epoch: Int) async throws -> RedisServer {
            try await RedisServer(
                program: "redis-sentinel",
                arguments: [],
                port: nil,
                config: "sentinel monitor shop 127.0.0.1 \(server.port) 1\nsentinel config-epoch shop \(epoch)\n"
            )
        }

        @Test("I2: when a sentinel names another primary, every connection to the former one is given up")
        func siblings() async throws {
            let (old, new) = (try await RedisServer(), try await RedisServer())
            let sentinel = try await sentinel(old, epoch: 0)
            let client = try old.client {
                $0.topology = .sentinel([sentinel.address], primary: "shop")
                $0.connectionCount = 4
            }
            let store = try RedisSessionStore(client: client)
            let key = StoreKey.random()
            #expect(try await store.insert(.sample(), at: key))
            try await useAll(old, key, store)
            try await sentinel.cli("SENTINEL", "REMOVE", "shop")
            try await sentinel.cli("SENTINEL", "MONITOR", "shop", "127.0.0.1", "\(new.port)", "1")
            // One connection ends; the next one leads to the new primary.
            let id = try #require(try await clients(of: old).first?.split(separator: " ").first { $0.hasPrefix("id=") })
            try await old.cli("CLIENT", "KILL", "ID", String(id.dropFirst(3)))
            try await waitUntil("the new primary is asked") {
                // A load may meet the connection that has just ended.
                try await answered { try await found(1, key, store) } == 0
            }
            #expect(try await found(40, key, store) == 0)
        }

        @Test("I2: a sentinel that was cut off from the others does not lead to the server that they have replaced")
        func minority() async throws {
            let (old, new) = (try await RedisServer(), try await RedisServer())
            let key = StoreKey.random()
            #expect(try await RedisSessionStore(client: old.client()).insert(.sample(), at: key))
            let behind = try await sentinel(old, epoch: 1)
            let others = [try await sentinel(new, epoch: 2), try await sentinel(new, epoch: 2)]
            var all = [behind.address, others[0].address, others[1].address]
            for _ in 0..<12 {
                all.append(all.removeFirst())
                let client = try old.client {
                    $0.topology = .sentinel(all, primary: "shop")
                    $0.connectionCount = 1
                    // Where nobody else answers in time, the one that is behind is believed.
                    $0.sentinelGrace = .seconds(20)
                }
                #expect(try await RedisSessionStore(client: client).load(key) == nil)
                client.close()
            }
        }

        @Test("I2: a sentinel that is alone does not lead back to a server that was replaced")
        func alone() async throws {
            let (old, new) = (try await RedisServer(), try await RedisServer())
            let key = StoreKey.random()
            #expect(try await RedisSessionStore(client: old.client()).insert(.sample(), at: key))
            let behind = try await sentinel(old, epoch: 1)
            let others = [try await sentinel(new, epoch: 2), try await sentinel(new, epoch: 2)]
            let client = try old.client {
                $0.topology = .sentinel([behind, others[0], others[1]].map(\.address), primary: "shop")
                $0.connectionCount = 1
                $0.callDeadline = .seconds(2)
                $0.sentinelGrace = .seconds(20)
            }
            let store = try RedisSessionStore(client: client)
            #expect(try await answered { try await store.load(key) } == nil)
            for other in others { await other.crash() }
            try await new.cli("CLIENT", "KILL", "TYPE", "normal")
            // The first load may meet the connection that has just ended.
            for _ in 0..<3 { #expect(try await storeError { try await store.load(key) }?.code == .unavailable) }
        }

        @Test("of what sentinels say the highest number counts, and then what most of them say")
        func newest() {
            func answer(_ port: Int, _ epoch: Int64) -> SentinelResolver.Answer {
                SentinelResolver.Answer(address: .host("h", port: port), epoch: epoch)
            }
            #expect(SentinelResolver.newest(of: []) == nil)
            #expect(SentinelResolver.newest(of: [answer(1, 1), answer(2, 7), answer(3, 2)]) == answer(2, 7))
            #expect(SentinelResolver.newest(of: [answer(1, 0), answer(2, 0), answer(2, 0)]) == answer(2, 0))
            #expect(SentinelResolver.newest(of: [answer(1, 3), answer(2, 3)]) == answer(1, 3))
        }

        @Test(
            "a server that takes no more clients is told by name, and one connection serves where the other has no place"
        )
        func tooManyClients() async throws {
            let server = try await RedisServer(["--maxclients", "2"])
            let first = try server.client { $0.connectionCount = 1 }
            #expect(try await server.store(first).load(.random()) == nil)
            let store = try server.store(server.client { $0.connectionCount = 2 })
            for _ in 0..<100 { #expect(try await store.load(.random()) == nil) }
            let late = try server.store(server.client { $0.callDeadline = .milliseconds(500) })
            #expect(try await storeError { try await late.load(.random()) }?.code == .unavailable)
            // Both have kept their places until now.
            #expect(try await store.load(.random()) == nil)
            first.close()
        }
    }
}
#endif
