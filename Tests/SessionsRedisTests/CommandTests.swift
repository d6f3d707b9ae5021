#if Redis
import Sessions
import SessionsTesting
import TestServers
import Testing

@testable import SessionsRedis

extension RedisStoreTests {
    @Suite("What the store asks of the server", .serialized)
    struct CommandTests {
        let server: RedisServer
        let client: WatchedClient
        let store: RedisSessionStore
        let prefix: String

        init() async throws {
            server = try await Servers.standalone.server
            client = WatchedClient(try server.client { $0.connectionCount = 1 })
            let configuration = RedisSessionStore.Configuration.fresh()
            prefix = configuration.keyPrefix
            store = try RedisSessionStore(client: client, configuration: configuration)
        }

        /// Has every script in the server's cache.
        func warm() async throws {
            let (key, owner) = (StoreKey.random(), OwnerKey("a:a"))
            let record = StoredRecord.sample(owner: "a:a")
            _ = try await store.insert(record, at: key)
            _ = try await store.touch(key, until: record.idleDeadline + .seconds(1), ifVersion: record.version)
            _ = try await store.replace(record, at: key, ifVersion: record.version)
            _ = try await store.delete(key, ifVersion: .random())
            _ = try await store.delete(key, ifOwner: owner)
            try await store.raiseEpoch(of: owner, to: record.idleDeadline, keptUntil: record.absoluteDeadline)
            _ = client.take()
        }

        @Test("one command for each operation, and three where the owner's index has to be written first")
        func commands() async throws {
            try await warm()
            let key = StoreKey.random()
            var record = StoredRecord.sample()
            _ = try await store.load(key)
            #expect(client.names() == ["GET"])
            _ = try await store.insert(record, at: key)
            #expect(client.names() == ["SET"])
            _ = try await store.replace(record, at: key, ifVersion: record.version)
            #expect(client.names() == ["EVALSHA"])
            _ = try await store.replace(record, at: key, ifVersion: .random())
            #expect(client.names() == ["EVALSHA"], "a lost race brings the record in the same round trip")
            record.owner = OwnerKey("shop:ada")
            _ = try await store.replace(record, at: key, ifVersion: record.version)
            #expect(client.names() == ["EVALSHA", "EVALSHA", "EVALSHA"])
            record.payload = Array("changed".utf8)
            record.idleDeadline = record.idleDeadline + .seconds(5)
            _ = try await store.replace(record, at: key, ifVersion: record.version)
            #expect(client.names() == ["EVALSHA"], "a session that is logged in costs no more than another")
            record.absoluteDeadline = record.absoluteDeadline + .seconds(5)
            _ = try await store.replace(record, at: key, ifVersion: record.version)
            #expect(
                client.names() == ["EVALSHA", "EVALSHA", "EVALSHA"],
                "the index is scored by the absolute deadline"
            )
            _ = try await store.touch(key, until: record.idleDeadline + .seconds(9), ifVersion: record.version)
            #expect(client.names() == ["EVALSHA"])
            _ = try await store.epoch(of: OwnerKey("shop:ada"))
            #expect(client.names() == ["GET"])
            _ = try await store.delete(key, ifVersion: record.version)
            #expect(client.names() == ["EVALSHA"])
            _ = try await store.delete(key, ifVersion: nil)
            #expect(client.names() == ["DEL"])
            _ = try await store.insert(record, at: key)
            #expect(client.names() == ["EVALSHA", "SET"])
        }

        @Test("nothing is written whatever is there, and no command lists all keys at once")
        func conditional() async throws {
            // Each script is sent with its text, once.
            try await server.cli("SCRIPT", "FLUSH")
            for check in SessionStoreConformance.checks(for: RedisSessionStore.self) {
                let client = client
                _ = try await check.run(rounds: 2) { try RedisSessionStore(client: client, configuration: .fresh()) }
            }
            let commands = client.take()
            #expect(commands.count > 1000)
            #expect(Set(commands.map { $0[0] }) == ["GET", "SET", "EVAL", "EVALSHA", "DEL", "ZSCAN"])
            #expect(commands.filter { $0[0] == "SET" }.allSatisfy { $0.contains("NX") && $0.contains("PXAT") })
        }

        @Test("a script that the server does not have is sent with its text, once")
        func unknownScript() async throws {
            let key = StoreKey.random()
            let record = StoredRecord.sample()
            _ = try await store.insert(record, at: key)
            _ = client.take()
            try await server.cli("SCRIPT", "FLUSH")
            #expect(try await store.replace(record, at: key, ifVersion: record.version) == .replaced)
            #expect(try await store.replace(record, at: key, ifVersion: record.version) == .replaced)
            #expect(client.names() == ["EVALSHA", "EVAL", "EVALSHA"])
        }

        @Test("the server collects at the deadline and the allowance, whatever moved the deadline last")
        func expiry() async throws {
            let key = StoreKey.random()
            var record = StoredRecord.sample(idle: .seconds(1000), absolute: .seconds(5000))
            func expectEnd(_ moment: Timestamp, _ place: String) async throws {
                let end = Int64(try await server.cli("PEXPIRETIME", "\(prefix)s:\(key.text)")) ?? 0
                let difference = end - (moment + .seconds(60)).microseconds / 1000
                #expect((0...1).contains(difference), "\(place): \(difference) ms off")
            }
            _ = try await store.insert(record, at: key)
            try await expectEnd(record.idleDeadline, "insert")
            record.idleDeadline = record.idleDeadline + .seconds(500)
            _ = try await store.touch(key, until: record.idleDeadline, ifVersion: record.version)
            try await expectEnd(record.idleDeadline, "touch")
            _ = try await store.touch(key, until: record.idleDeadline - .seconds(100), ifVersion: record.version)
            try await expectEnd(record.idleDeadline, "a touch that would rewind")
            _ = try await store.touch(key, until: record.absoluteDeadline + .seconds(1), ifVersion: record.version)
            try await expectEnd(record.absoluteDeadline, "a touch beyond the absolute deadline")
            record.idleDeadline = record.idleDeadline - .seconds(1400)
            _ = try await store.replace(record, at: key, ifVersion: record.version)
            try await expectEnd(record.idleDeadline, "replace")
        }

        @Test("the server keeps an owner's index and epoch for the longest that was asked for, and the allowance")
        func ownerExpiry() async throws {
            let owner = OwnerKey("shop:ada")
            func expectEnd(_ letter: String, _ moment: Timestamp, _ place: String) async throws {
                let end = Int64(try await server.cli("PEXPIRETIME", "\(prefix)\(letter):\(owner.text)")) ?? 0
                let difference = end - (moment + .seconds(60)).microseconds / 1000
                #expect((0...1).contains(difference), "\(place): \(difference) ms off")
            }
            let long = StoredRecord.sample(absolute: .seconds(90_000), owner: owner.text)
            for record in [long, .sample(absolute: .seconds(80_000), owner: owner.text)] {
                #expect(try await store.insert(record, at: .random()))
                try await expectEnd("o", long.absoluteDeadline, "index")
            }
            let (epoch, end) = (long.idleDeadline, long.absoluteDeadline)
            for earlier in [0, 100] {
                try await store.raiseEpoch(
                    of: owner,
                    to: epoch + .seconds(earlier),
                    keptUntil: end - .seconds(earlier)
                )
                try await expectEnd("e", end, "epoch")
            }
        }

        // MARK: The owner's index

        @Test("LC-12: whoever lists while a login is under way does not take its entry out of the index")
        func indexRace() async throws {
            let owner = OwnerKey("shop:ada")
            let key = StoreKey.random()
            var configuration = RedisSessionStore.Configuration()
            configuration.keyPrefix = prefix
            let other = try RedisSessionStore(client: server.client(), configuration: configuration)
            // The index is written, the record is not.
            client.before("SET") {
                let found = try await other.entries(of: owner)
                #expect(found.isEmpty)
            }
            let record = StoredRecord.sample(owner: owner.text)
            #expect(try await store.insert(record, at: key))
            #expect(try await other.entries(of: owner) == [StoredEntry(key: key, record: record)])
            #expect(try await other.entries(of: owner).count == 1)
        }

        @Test("ST-09: what the index has too much goes when somebody lists, once no login can be under way")
        func trimming() async throws {
            let owner = OwnerKey("shop:ada")
            let (kept, gone) = (StoreKey.random(), StoreKey.random())
            for key in [kept, gone] { _ = try await store.insert(.sample(owner: owner.text), at: key) }
            _ = try await store.delete(gone, ifVersion: nil)
            #expect(try await store.entries(of: owner).map(\.key) == [kept])
            #expect(try await server.cli("ZSCORE", "\(prefix)o:shop:ada", gone.text) != "")
            // Ten minutes later.
            for key in [kept, gone] { try await server.cli("ZADD", "\(prefix)o:shop:ada", "1", "~\(key.text)") }
            #expect(try await store.entries(of: owner).map(\.key) == [kept])
            #expect(try await server.cli("ZSCORE", "\(prefix)o:shop:ada", gone.text) == "")
            #expect(try await server.cli("ZSCORE", "\(prefix)o:shop:ada", kept.text) != "")
        }

        @Test("ST-09: the index of an owner who logs in again and again, and never lists, does not grow without end")
        func growth() async throws {
            let owner = "shop:robot"
            for _ in 0..<400 {
                let key = StoreKey.random()
                _ = try await store.insert(.sample(owner: owner), at: key)
                _ = try await store.delete(key, ifVersion: nil)
                try await server.cli("ZADD", "\(prefix)o:\(owner)", "1", "~\(key.text)")
            }
            let count = Int(try await server.cli("ZCARD", "\(prefix)o:\(owner)")) ?? 0
            #expect(count > 0 && count < 150, "\(count) members of 400 sessions that are over")
        }

        @Test("ST-09: a record that was evicted is simply gone, from its owner's list too")
        func evicted() async throws {
            let owner = OwnerKey("shop:ada")
            let key = StoreKey.random()
            let record = StoredRecord.sample(owner: owner.text)
            _ = try await store.insert(record, at: key)
            try await server.cli("DEL", "\(prefix)s:\(key.text)")
            #expect(try await store.entries(of: owner).isEmpty)
            #expect(try await store.replace(record, at: key, ifVersion: record.version) == .gone)
        }

        // MARK: Refusals

        @Test("a server without memory, a replica, a key of somebody else's: each is told by name")
        func refusals() async throws {
            let key = StoreKey.random()
            let own = try await RedisServer()
            // Time enough for every answer: at the end the store asks again until it is over.
            let store = try own.store(own.client { $0.callDeadline = .seconds(10) })
            try await own.cli("CONFIG", "SET", "maxmemory", "1")
            #expect(try await storeError { try await store.insert(.sample(), at: key) }?.code == .full)
            try await own.cli("CONFIG", "SET", "maxmemory", "0")
            #expect(try await store.insert(.sample(), at: key))
            try await own.cli("CONFIG", "SET", "min-replicas-to-write", "1")
            let alone = try await storeError { try await store.delete(key, ifVersion: nil) }
            #expect(alone?.message.contains("NOREPLICAS") == true)
            try await own.cli("CONFIG", "SET", "min-replicas-to-write", "0")
            let name = try await own.cli("--scan")
            try await own.cli("DEL", name)
            try await own.cli("RPUSH", name, "somebody else's")
            #expect(try await storeError { try await store.load(key) }?.code == .unusable)
            #expect(
                try await storeError { try await store.replace(.sample(), at: key, ifVersion: .random()) }?.code
                    == .unusable
            )
            try await own.cli("DEL", name)
            try await own.cli("SET", name, "somebody else's")
            #expect(try await storeError { try await store.load(key) }?.code == .unusable)
            #expect(
                try await storeError { try await store.replace(.sample(), at: key, ifVersion: .random()) }?.code
                    == .unusable
            )
            #expect(try await !store.touch(key, until: .distantFuture, ifVersion: .random()))
            #expect(try await !store.delete(key, ifVersion: .random()))
            #expect(try await own.cli("GET", name) == "somebody else's")
            // Of nobody that answers: it stays one, with what it has.
            let nowhere = try ServerEnvironment.freePort()
            try await own.cli("REPLICAOF", "127.0.0.1", "\(nowhere)")
            let replica = try await storeError { try await store.insert(.sample(), at: .random()) }
            #expect(replica?.message.contains("READONLY") == true)
        }

        @Test("a record of another format is left as it is, though it has the version that is asked for")
        func laterFormat() async throws {
            let (key, record) = (StoreKey.random(), StoredRecord.sample())
            #expect(try await store.insert(record, at: key))
            let name = "\(prefix)s:\(key.text)"
            try await server.cli("SETRANGE", name, "0", "s2 ")
            let later = try await server.cli("GET", name)
            #expect(try await storeError { try await store.load(key) }?.code == .unusable)
            #expect(try await !store.touch(key, until: record.absoluteDeadline, ifVersion: record.version))
            #expect(try await !store.delete(key, ifVersion: record.version))
            #expect(
                try await storeError { try await store.replace(record, at: key, ifVersion: record.version) }?.code
                    == .unusable
            )
            #expect(try await server.cli("GET", name) == later)
        }

        @Test("a node of a cluster says so to a store that was not told of the cluster")
        func unknownCluster() async throws {
            let group = try await Servers.cluster.server
            let node = try await group.owner(of: 0)
            let store = try node.store()
            // One that the node has, and one that another node has.
            var keys: [Bool: StoreKey] = [:]
            for _ in 0..<500 where keys.count < 2 {
                let key = StoreKey.random()
                let owner = try await group.owner(of: HashSlot.slot(of: store.keys.record(key)))
                keys[owner.port == node.port] = key
            }
            let (own, foreign) = (try #require(keys[true]), try #require(keys[false]))
            #expect(try await store.load(own) == nil)
            #expect(try await storeError { try await store.load(foreign) }?.code == .unusable)
        }

        @Test("a slow script holds calls up, and they go on when it ends (BUSY)")
        func busy() async throws {
            let own = try await RedisServer(["--busy-reply-threshold", "1"])
            let store = try own.store()
            #expect(try await store.load(.random()) == nil)
            async let slow = own.cli("EVAL", "while true do end", "0")
            try await own.wait(for: "PING") { $0.contains("BUSY") }
            let short = try own.store(own.client { $0.callDeadline = .milliseconds(200) })
            // Its greeting is refused as well: it never gets a connection.
            #expect(try await storeError { try await short.load(.random()) } != nil)
            async let load = store.load(.random())
            try await own.cli("SCRIPT", "KILL")
            #expect(try await load == nil)
            _ = try await slow
        }

        @Test("a server that reads its file holds calls up, and they go on when it is there (LOADING)")
        func loading() async throws {
            let own = try await RedisServer([
                "--key-load-delay", "10000", "--loading-process-events-interval-bytes", "1024",
            ])
            let configuration = RedisSessionStore.Configuration.fresh()
            let key = StoreKey.random()
            let record = StoredRecord.sample()
            let before = try RedisSessionStore(client: own.client(), configuration: configuration)
            _ = try await before.insert(record, at: key)
            for number in 0..<100 { try await own.cli("SET", "other-\(number)", String(repeating: "x", count: 100)) }
            try await own.cli("SAVE")
            await own.crash()
            try await own.restart()
            // On a connection of its own: the other one may not have noticed its end.
            let after = try RedisSessionStore(client: own.client(), configuration: configuration)
            #expect(try await after.load(key) == record)
        }

        @Test("dumping the database finds no credential (I9, ID-04)")
        func dump() async throws {
            let own = try await RedisServer()
            let sessions = try SessionManager(store: own.store(), keys: KeyRing([SessionSecret.generate()]))
            var search = SecretSearch()
            var count = 0
            for number in 0..<20 {
                let browser = SessionBrowser()
                for change: @Sendable (Session) -> Void in [
                    { $0.logIn("user-\(number)") }, { $0.rotate(grace: .zero) },
                ] {
                    try await browser.visit(sessions) { change($0) }
                    for credential in browser.cookies.values {
                        search.add(credential: credential)
                        count += 1
                    }
                }
            }
            let bytes = try await own.dump()
            #expect(count == 40 && bytes.count > 10_000, "\(count) credentials, \(bytes.count) bytes")
            #expect(search.piece(in: bytes) == nil)
            #expect(String(decoding: bytes, as: UTF8.self).contains("user-19"))
        }
    }
}
#endif
