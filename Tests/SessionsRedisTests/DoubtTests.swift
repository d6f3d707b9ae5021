#if Redis
import Sessions
import TestServers
import Testing

@testable import SessionsRedis

/// A client whose server counts as Redis 7.2 does: a `WAIT` on a connection that has written nothing is answered at once, as
/// if all replicas had everything. Every command comes on a connection that has written nothing before.
private struct ForgetfulClient: RedisConfirmingClient {
    let client: RedisClient

    func send(_ command: RedisCommand) async throws -> RedisValue { try await client.send(command) }

    private func offset() async throws -> String {
        let words = ["INFO", "replication"].map { Array($0.utf8) }
        guard case .bytes(let text) = try await client.send(RedisCommand(words, key: nil)) else { return "" }
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\r\n")
        return String(lines.first { $0.hasPrefix("master_repl_offset:") } ?? "")
    }

    func send(
        _ command: RedisCommand,
        waitingFor replicas: Int,
        milliseconds: Int
    ) async throws -> (reply: RedisValue, replicas: Int) {
        let before = try await offset()
        let reply = try await client.send(command)
        guard try await offset() != before, let key = command.key else { return (reply, replicas) }
        let nothing = RedisCommand([Array("EXISTS".utf8), key], key: key)
        return (reply, try await client.send(nothing, waitingFor: replicas, milliseconds: milliseconds).replicas)
    }
}

extension RedisStoreTests {
    @Suite("What replicas have not confirmed", .serialized)
    struct DoubtTests {
        @Test("I2: a repeated write that finds nothing to do is not answered before replicas have what it found")
        func repeated() async throws {
            let primary = try await RedisServer(["--repl-ping-replica-period", "3600"])
            let link = try FaultProxy(to: primary.port)
            let replica = try await RedisServer([
                "--replicaof", "127.0.0.1 \(link.port)", "--repl-diskless-sync-delay", "0",
            ])
            try await replica.wait(for: "INFO", "replication") { $0.contains("master_link_status:up") }
            let configuration = RedisSessionStore.Configuration.fresh {
                $0.confirmation = .replicas(1, within: .milliseconds(50))
            }
            // Two processes: the second knows nothing of the first one's doubts.
            let stores = try (0..<2).map { _ in
                try RedisSessionStore(
                    client: ForgetfulClient(client: primary.client()),
                    configuration: configuration
                )
            }
            let owner = OwnerKey("shop:ada")
            let record = StoredRecord.sample(owner: owner.text)
            let keys = (0..<4).map { _ in StoreKey.random() }
            var patient = configuration
            patient.confirmation = .replicas(1, within: .seconds(10))
            let first = try RedisSessionStore(client: primary.client(), configuration: patient)
            for key in keys { #expect(try await first.insert(record, at: key)) }
            link.hold()
            let writes: [@Sendable (RedisSessionStore) async throws -> Void] = [
                { _ = try await $0.delete(keys[0], ifOwner: owner) },
                { _ = try await $0.delete(keys[1], ifVersion: record.version) },
                { _ = try await $0.delete(keys[2], ifVersion: nil) },
                { _ = try await $0.replace(.sample(owner: owner.text), at: keys[3], ifVersion: record.version) },
            ]
            for (number, write) in writes.enumerated() {
                for round in 0..<4 {
                    let error = try await storeError { try await write(stores[round % 2]) }
                    #expect(error?.message.contains("0 of 1 replicas") == true, "write \(number), round \(round)")
                }
                #expect(try await storeError { try await stores[0].load(keys[number]) } != nil)
            }
            // An insert that finds a record has written nothing, and ends no doubt.
            #expect(try await storeError { try await stores[0].insert(.sample(), at: keys[3]) == false } == nil)
            #expect(try await storeError { try await stores[0].load(keys[3]) } != nil)
            link.release()
            for key in keys { _ = try await answered { try await stores[0].load(key) } }
            #expect(try await answered { try await stores[0].delete(keys[0], ifOwner: owner) } == false)
        }

        @Test("a WAIT that the server refuses has confirmed nothing")
        func refusedWait() async throws {
            let server = try await RedisServer()
            let store = try server.store { $0.confirmation = .replicas(1, within: .milliseconds(50)) }
            try await server.cli("ACL", "SETUSER", "default", "-wait")
            let error = try await storeError { try await store.insert(.sample(), at: .random()) }
            #expect(error?.message.contains("0 of 1 replicas") == true)
        }

        @Test("somebody else's value at a key of the store is left as it is, also where a write is in doubt")
        func foreign() async throws {
            let server = try await Servers.standalone.server
            let store = try server.store { $0.confirmation = .replicas(1, within: .milliseconds(20)) }
            let key = StoreKey.random()
            #expect(try await storeError { try await store.insert(.sample(), at: key) } != nil)
            let name = String(decoding: store.keys.record(key), as: UTF8.self)
            try await server.cli("SET", name, "other")
            #expect(try await storeError { try await store.load(key) } != nil)
            #expect(try await storeError { try await store.delete(key, ifVersion: .random()) } != nil)
            #expect(try await server.cli("GET", name) == "other")
        }

        @Test("ST-10: a command that was to follow others is not sent when their time is over")
        func bound() async throws {
            let server = try await Servers.standalone.server
            let store = try server.store()
            let key = StoreKey.random()
            let error = try await RedisBound.$end.withValue(.now - .seconds(1)) {
                try await storeError { try await store.insert(.sample(), at: key) }
            }
            #expect(error?.code == .timedOut)
            #expect(try await store.load(key) == nil)
        }
    }
}
#endif
