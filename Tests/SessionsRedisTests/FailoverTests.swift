#if Redis
import Sessions
import SessionsRedis
import SessionsTesting
import Synchronization
import TestServers
import Testing

extension RedisStoreTests {
    @Suite("When a replica takes over", .serialized)
    struct FailoverTests {
        /// A primary, a replica that hears of it through a proxy, and a proxy that leads clients to whichever is the primary.
        struct Pair {
            let primary: RedisServer
            let replica: RedisServer
            let link: FaultProxy
            let front: FaultProxy

            init() async throws {
                primary = try await RedisServer()
                link = try FaultProxy(to: primary.port)
                replica = try await RedisServer([
                    "--replicaof", "127.0.0.1 \(link.port)", "--repl-diskless-sync-delay", "0",
                ])
                try await replica.wait(for: "INFO", "replication") { $0.contains("master_link_status:up") }
                front = try FaultProxy(to: primary.port)
            }

            func store(
                _ confirmation: RedisSessionStore.Confirmation
            ) throws -> RedisSessionStore {
                let client = try primary.client { [front] in
                    $0.topology = .standalone(.host("127.0.0.1", port: front.port))
                }
                var configuration = RedisSessionStore.Configuration()
                configuration.confirmation = confirmation
                return try RedisSessionStore(client: client, configuration: configuration)
            }

            /// What Sentinel or a cluster does: the primary is gone, and the replica, as far as it has heard, is in its place.
            func failOver() async throws {
                await primary.crash()
                link.cut()
                link.release()
                try await replica.cli("REPLICAOF", "NO", "ONE")
                try await replica.wait(for: "ROLE") { $0.hasPrefix("master") }
                front.redirect(to: replica.port)
                front.cut()
            }
        }

        @Test("without confirmation a failover may undo what was answered, logouts among them: forced, and counted")
        func unconfirmed() async throws {
            let pair = try await Pair()
            let store = try pair.store(.primary)
            let keys = (0..<20).map { _ in StoreKey.random() }
            let record = StoredRecord.sample()
            for key in keys { _ = try await store.insert(record, at: key) }
            try await pair.primary.wait(for: "WAIT", "1", "1000") { _ in true }
            try await pair.replica.wait(for: "DBSIZE") { $0 == "20" }
            pair.link.hold()
            for key in keys { #expect(try await store.delete(key, ifVersion: nil)) }
            try await pair.failOver()
            var back = 0
            // A load may meet the connection that has just ended.
            for key in keys where try await answered({ try await store.load(key) }) != nil { back += 1 }
            print("Redis failover with the replica 20 logouts behind, confirmation .primary: \(back) of 20 undone")
            #expect(back == 20)
        }

        @Test("I2: with confirmation no logout is answered that a failover undoes; it is an error, and can be repeated")
        func confirmed() async throws {
            let pair = try await Pair()
            let store = try pair.store(.replicas(1, within: .milliseconds(200)))
            let patient = try pair.store(.replicas(1, within: .seconds(10)))
            let keys = try KeyRing([SessionSecret.generate()])
            let sessions = try SessionManager(store: store, keys: keys)
            let browser = SessionBrowser()
            try await browser.visit(SessionManager(store: patient, keys: keys)) { $0.logIn("ada") }
            let cookies = browser.cookies
            pair.link.hold()
            let exchange = sessions.open(browser.request())
            try await exchange.session.logOut()
            do {
                _ = try await exchange.commit()
                Issue.record("a logout that no replica has heard of is answered")
            } catch let error as SessionError {
                #expect(error.code == .storeUnavailable)
            }
            #expect(browser.cookies == cookies, "the client keeps its cookie, to ask again")
            try await pair.failOver()
            // The failover has undone it, and nobody was told that it was done. There is no other replica any more.
            let alone = try SessionManager(store: try pair.store(.primary), keys: keys)
            #expect(try await browser.visit(alone) { $0.owner } == "ada")
            try await browser.visit(alone) { $0.logOut() }
            #expect(try await browser.visit(alone) { $0.owner } == nil)
        }

        @Test("what replicas have not confirmed is an error, and what a load finds there is none before they have")
        func doubtful() async throws {
            let pair = try await Pair()
            let store = try pair.store(.replicas(1, within: .milliseconds(100)))
            let patient = try pair.store(.replicas(1, within: .seconds(10)))
            let (key, other) = (StoreKey.random(), StoreKey.random())
            let owner = OwnerKey("shop:ada")
            let first = StoredRecord.sample("first")
            let second = StoredRecord.sample("second")
            for key in [key, other] { #expect(try await patient.insert(first, at: key)) }
            pair.link.hold()
            func refused(_ place: String, _ body: () async throws -> some Any) async throws {
                let error = try await storeError(body)
                #expect(
                    error?.message.contains("0 of 1 replicas") == true,
                    "\(place): \(error.map { "\($0)" } ?? "answered")"
                )
            }
            try await refused("replace") { try await store.replace(second, at: key, ifVersion: first.version) }
            try await refused("load after it") { try await store.load(key) }
            try await refused("delete") { try await store.delete(other, ifVersion: nil) }
            try await refused("delete of what is gone") { try await store.delete(other, ifVersion: nil) }
            let neighbour = try pair.store(.replicas(1, within: .milliseconds(100)))
            try await refused("delete of what another process has deleted") {
                try await neighbour.delete(other, ifVersion: nil)
            }
            try await refused("load of what is gone") { try await store.load(other) }
            try await refused("insert") { try await store.insert(first, at: .random()) }
            try await refused("epoch") {
                try await store.raiseEpoch(of: owner, to: first.idleDeadline, keptUntil: first.absoluteDeadline)
            }
            try await refused("reading the epoch") { try await store.epoch(of: owner) }
            pair.link.release()
            #expect(try await answered { try await store.load(key) } == second)
            #expect(try await answered { try await store.load(other) } == nil)
            #expect(try await answered { try await store.epoch(of: owner) } == first.idleDeadline)
            try await pair.failOver()
            let after = try RedisSessionStore(client: pair.replica.client())
            #expect(try await after.load(key) == second)
            #expect(try await after.load(other) == nil)
        }

        @Test("Sentinel: 50 clients, the primary killed; nothing that replicas confirmed is lost, and all recover")
        func sentinel() async throws {
            let group = try await RedisSentinelGroup()
            var configuration = RedisClient.Configuration(.sentinel(group.sentinels.map(\.address), primary: "shop"))
            configuration.callDeadline = .seconds(2)
            configuration.connectDeadline = .seconds(1)
            let store = try RedisSessionStore(
                client: RedisClient(configuration),
                configuration: .fresh { $0.confirmation = .replicas(2, within: .milliseconds(500)) }
            )
            let load = Workload(store)
            let result = try await load.run {
                try await load.everybodyWrote(10)
                let killed = ContinuousClock.now
                load.mark()
                let old = try await group.currentPrimary()
                await old.crash()
                let next = try await group.newPrimary(after: old)
                let elected = ContinuousClock.now - killed
                // Two replicas have to confirm, so the other server has to come back.
                try await old.restart(["--replicaof", "127.0.0.1 \(next.port)"])
                try await load.everybodyWrote(10)
                print(
                    "Redis Sentinel: new primary after \(elected), all 50 clients wrote again after \(load.recovery ?? .zero)"
                )
            }
            print("Redis Sentinel, replicas(2): \(result)")
            // Fifty have written ten times, twice; it may be just that.
            #expect(result.lost == 0 && result.revived == 0 && result.answered >= 1000)
        }

        @Test("a sentinel or a node that never answers holds nobody up")
        func silent() async throws {
            let group = try await Servers.cluster.server
            let server = try await RedisServer()
            let sentinel = try await RedisServer(
                program: "redis-sentinel",
                arguments: [],
                port: nil,
                config: "sentinel monitor shop 127.0.0.1 \(server.port) 1\n"
            )
            let (one, two) = (try FaultProxy(to: sentinel.port), try FaultProxy(to: group.nodes[0].port))
            one.hold()
            two.hold()
            for topology in [
                RedisClient.Topology.sentinel([.host("127.0.0.1", port: one.port), sentinel.address], primary: "shop"),
                .cluster([.host("127.0.0.1", port: two.port), group.nodes[1].address]),
            ] {
                var configuration = RedisClient.Configuration(topology)
                // Longer than the test may take.
                (configuration.connectDeadline, configuration.callDeadline) = (.seconds(3600), .seconds(3600))
                configuration.connectionCount = 1
                let client = try RedisClient(configuration)
                let store = try RedisSessionStore(client: client, configuration: .fresh())
                #expect(try await store.load(.random()) == nil)
                client.close()
            }
        }

        @Test("a cluster: 50 clients, a primary killed; nothing that its replica confirmed is lost, and all recover")
        func cluster() async throws {
            let group = try await RedisClusterGroup()
            var configuration = RedisClient.Configuration(.cluster(group.nodes.prefix(3).map(\.address)))
            configuration.callDeadline = .seconds(2)
            configuration.connectDeadline = .seconds(1)
            let store = try RedisSessionStore(
                client: RedisClient(configuration),
                configuration: .fresh { $0.confirmation = .replicas(1, within: .milliseconds(500)) }
            )
            let load = Workload(store)
            let victim = try await group.owner(of: 0)
            let result = try await load.run {
                try await load.everybodyWrote(10)
                try await group.waitForReplicas()
                let killed = ContinuousClock.now
                load.mark()
                await victim.crash()
                try await group.newOwner(of: 0, after: victim)
                print("Redis Cluster: the replica took over after \(ContinuousClock.now - killed)")
                try await victim.restart()
                try await load.everybodyWrote(10)
                print("Redis Cluster: all 50 clients wrote again after \(load.recovery ?? .zero)")
            }
            print("Redis Cluster, replicas(1): \(result)")
            #expect(result.lost == 0 && result.revived == 0 && result.answered >= 1000)
        }

        @Test("a cluster: a node that does not come back is not waited for; the others say who has its slots now")
        func lostNode() async throws {
            let group = try await RedisClusterGroup()
            let client = try group.client {
                $0.callDeadline = .seconds(2)
                $0.connectDeadline = .seconds(1)
            }
            let configuration = RedisSessionStore.Configuration.fresh()
            let store = try RedisSessionStore(client: client, configuration: configuration)
            let key = StoreKey.random()
            #expect(try await answered { try await store.load(key) } == nil)
            let name = "\(configuration.keyPrefix)s:\(key.text)"
            let slot = try #require(Int(try await group.nodes[0].cli("CLUSTER", "KEYSLOT", name)))
            let victim = try await group.owner(of: slot)
            await victim.crash()
            try await group.newOwner(of: slot, after: victim)
            let end = ContinuousClock.now + .seconds(60)
            var error: SessionStoreError?
            repeat { error = try await storeError { try await store.load(key) } } while error != nil && .now < end
            #expect(error == nil)
        }

        @Test("a cluster: a slot that moves is followed (MOVED, ASK)")
        func moving() async throws {
            // Of its own: in the common one other tests may have left keys in the same slot.
            let group = try await RedisClusterGroup(RedisClusterGroup.patience)
            let client = try group.client()
            let configuration = RedisSessionStore.Configuration.fresh()
            let store = try RedisSessionStore(client: client, configuration: configuration)
            let key = StoreKey.random()
            var record = StoredRecord.sample("0")
            _ = try await store.insert(record, at: key)
            let name = "\(configuration.keyPrefix)s:\(key.text)"
            let slot = try #require(Int(try await group.nodes[0].cli("CLUSTER", "KEYSLOT", name)))
            let from = try await group.owner(of: slot)
            var others: [RedisServer] = []
            for node in group.nodes where node.port != from.port {
                if try await node.cli("ROLE").hasPrefix("master") { others.append(node) }
            }
            let to = try #require(others.first)
            let (fromID, toID) = (try await from.cli("CLUSTER", "MYID"), try await to.cli("CLUSTER", "MYID"))
            func replace(_ number: Int) async throws {
                let next = StoredRecord.sample("\(number)")
                #expect(try await store.replace(next, at: key, ifVersion: record.version) == .replaced)
                record = next
                #expect(try await store.load(key) == record)
            }
            try await to.cli("CLUSTER", "SETSLOT", "\(slot)", "IMPORTING", fromID)
            try await from.cli("CLUSTER", "SETSLOT", "\(slot)", "MIGRATING", toID)
            try await replace(1)
            // The key has moved, its slot has not: ASK.
            try await from.cli("MIGRATE", "127.0.0.1", "\(to.port)", name, "0", "5000")
            #expect(try await from.cli("CLUSTER", "COUNTKEYSINSLOT", "\(slot)") == "0")
            try await replace(2)
            // A key of that slot that nobody has yet is made where the slot goes.
            #expect(try await store.delete(key, ifVersion: nil))
            #expect(try await store.insert(record, at: key))
            #expect(try await to.cli("CLUSTER", "COUNTKEYSINSLOT", "\(slot)") == "1")
            // Now the slot has moved: MOVED.
            for node in [to, from] { try await node.cli("CLUSTER", "SETSLOT", "\(slot)", "NODE", toID) }
            try await replace(3)
            #expect(try await group.owner(of: slot).port == to.port)
        }

        @Test("ST-10: two nodes that each say the other has a slot do not keep a call going round")
        func circle() async throws {
            let stray = try await StraySlot()
            let (store, key) = (stray.store, stray.key)
            func moved() async throws -> Int {
                var count = 0
                for node in [stray.from, stray.to] {
                    let line = try await node.cli("INFO", "errorstats").split(separator: "\r\n").first {
                        $0.hasPrefix("errorstat_MOVED:count=")
                    }
                    count += line.flatMap { Int($0.split(separator: "=")[1]) } ?? 0
                }
                return count
            }
            let before = try await moved()
            try await stray.say(owner: stray.toID)
            let isOver = Flag()
            let error = try await withThrowingTaskGroup(of: SessionStoreError?.self) { group in
                group.addTask {
                    defer { isOver.set() }
                    return try await storeError { try await store.load(key) }
                }
                while !isOver.isSet, try await moved() < before + 100 {}
                try await stray.say(owner: stray.fromID)
                return try await group.next() ?? nil
            }
            // The servers' answer, unless time ends while one is awaited or a connection is being made.
            let code = error?.code
            #expect(code == .unusable || code == .timedOut || code == .unavailable)
            // Six at once and one after each pause: a dozen. Without pauses half a second has hundreds.
            #expect(try await moved() < before + 100)
            #expect(try await answered { try await store.load(key) } == nil)
        }

        @Test("ST-10: while every answer says that a slot has moved, the map is asked for ten times a second at most")
        func restless() async throws {
            let stray = try await StraySlot()
            let (store, key) = (stray.store, stray.key)
            func asked() async throws -> Int {
                var count = 0
                for node in stray.group.nodes {
                    let line = try await node.cli("INFO", "commandstats").split(separator: "\r\n").first {
                        $0.hasPrefix("cmdstat_cluster|slots:calls=")
                    }
                    count += line?.split(separator: "=")[1].split(separator: ",").first.flatMap { Int($0) } ?? 0
                }
                return count
            }
            let (before, began) = (try await asked(), ContinuousClock.now)
            try await stray.say(owner: stray.toID)
            let errors = try await withThrowingTaskGroup(of: SessionStoreError?.self) { group in
                for _ in 0..<50 { group.addTask { try await storeError { try await store.load(key) } } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let rounds = Int((ContinuousClock.now - began) / .milliseconds(100)) + 2
            try await stray.say(owner: stray.fromID)
            #expect(errors.allSatisfy { $0 != nil })
            // Of three nodes at once each time.
            #expect(try await asked() - before <= 3 * rounds)
            #expect(try await answered { try await store.load(key) } == nil)
        }
    }
}

/// A slot of the cluster whose owner can be made to say that another node has it.
private struct StraySlot {
    let group: RedisClusterGroup
    let store: RedisSessionStore
    /// A key of that slot, in which there is nothing.
    let key: StoreKey
    let slot: Int
    let from: RedisServer
    let to: RedisServer
    let fromID: String
    let toID: String

    init() async throws {
        group = try await Servers.cluster.server
        let client = try group.client { $0.callDeadline = .milliseconds(500) }
        let configuration = RedisSessionStore.Configuration.fresh()
        store = try RedisSessionStore(client: client, configuration: configuration)
        // Other tests leave keys behind, and a server does not say that another has a slot in which it has keys.
        var free: (key: StoreKey, slot: Int, owner: RedisServer)?
        for _ in 0..<100 where free == nil {
            let key = StoreKey.random()
            let name = "\(configuration.keyPrefix)s:\(key.text)"
            let slot = try #require(Int(try await group.nodes[0].cli("CLUSTER", "KEYSLOT", name)))
            let owner = try await group.owner(of: slot)
            if try await owner.cli("CLUSTER", "COUNTKEYSINSLOT", "\(slot)") == "0" { free = (key, slot, owner) }
        }
        guard let found = free else { throw TestServerError("every slot that was looked at has keys") }
        (key, slot, from) = (found.key, found.slot, found.owner)
        let (asked, absent) = (store, found.key)
        #expect(try await answered { try await asked.load(absent) } == nil)
        to = try await group.owner(of: (slot + 8192) % 16_384)
        (fromID, toID) = (try await from.cli("CLUSTER", "MYID"), try await to.cli("CLUSTER", "MYID"))
    }

    /// Has the owner say who has the slot.
    func say(owner: String) async throws {
        try await from.cli("CLUSTER", "SETSLOT", "\(slot)", "NODE", owner)
    }
}

/// Set once, by one task for others.
private final class Flag: Sendable {
    private let state = Atomic(false)
    var isSet: Bool { state.load(ordering: .acquiring) }
    func set() { state.store(true, ordering: .releasing) }
}
#endif
