#if Redis
import Foundation
import Sessions
import SessionsRedis
import SessionsTesting
import Synchronization
import TestServers
import Testing

extension RedisStoreTests {
    @Suite("Invalidations over Redis", .serialized)
    struct FeedTests {
        /// A node: a tier on the server, its feed, and what the feed told.
        final class Node: Sendable {
            let tier: TieredSessionStore<RedisSessionStore>
            private let feed: Recording
            private let listening: Task<Void, any Error>

            /// Notes what a feed tells on its way to the tier.
            private final class Recording: InvalidationFeed {
                private let feed: RedisInvalidationFeed
                private let counts = Mutex((gaps: 0, changes: 0))

                init(_ feed: RedisInvalidationFeed) { self.feed = feed }

                var gaps: Int { counts.withLock { $0.gaps } }
                var changes: Int { counts.withLock { $0.changes } }

                func send(_ news: Invalidation) { feed.send(news) }

                func listen(_ handler: @escaping @Sendable (Invalidation) -> Void) async throws {
                    try await feed.listen { [self] news in
                        // Nobody sees that it is counted before the tier has it, nor the other way round.
                        counts.withLock { counts in
                            handler(news)
                            if news == .gap { counts.gaps += 1 } else { counts.changes += 1 }
                        }
                    }
                }
            }

            /// - Parameters:
            ///   - store: What its store is reached with.
            ///   - client: What its feed is reached with.
            ///   - heartbeat: So long that a test that does not wait for it does not meet it, unless it says so.
            init(store: RedisClient, feed client: RedisClient, heartbeat: Duration = .seconds(60)) throws {
                var configuration = RedisInvalidationFeed.Configuration()
                configuration.heartbeat = heartbeat
                feed = Recording(try RedisInvalidationFeed(client: client, configuration: configuration))
                // A minute: nothing that a test sees comes from copies growing old.
                tier = try TieredSessionStore(
                    RedisSessionStore(client: store),
                    staleness: .seconds(60),
                    feed: feed
                )
                listening = Task { [tier] in try await tier.run() }
            }

            deinit { listening.cancel() }

            var gaps: Int { feed.gaps }
            var changes: Int { feed.changes }

            /// Ends it, and waits for that.
            func end() async {
                listening.cancel()
                _ = await listening.result
            }

            /// Returns once it has been told of `count` gaps.
            func waitForGaps(_ count: Int) async throws {
                try await eventually("\(count) gaps, and not \(gaps)") { self.gaps >= count }
            }

            /// Returns once it holds no copy of `key`.
            func waitForNoCopy(of key: StoreKey) async throws {
                try await eventually("no copy") { self.tier.copy(of: key) == nil }
            }
        }

        /// Changes the record at `key` here, and returns once the node there has forgotten its copy.
        ///
        /// - Parameters:
        ///   - keepsCopy: Whether no gap may come, so that the node here still has the copy of what it wrote.
        ///   - gapsCome: Whether a gap may come while it is read there.
        static func change(
            _ key: StoreKey,
            at here: Node,
            seenBy there: Node,
            keepsCopy: Bool = false,
            whileGapsCome gapsCome: Bool = false
        ) async throws {
            let record = try await change(key, at: here, readBy: there, whileGapsCome: gapsCome)
            try await there.waitForNoCopy(of: key)
            #expect(try await there.tier.load(key) == record)
            if keepsCopy { #expect(here.tier.copy(of: key) == record) }
        }

        /// Changes the record at `key` here after it was read there.
        ///
        /// - Parameter gapsCome: Whether a gap may come while it is read, which keeps the node there from keeping it.
        static func change(
            _ key: StoreKey,
            at here: Node,
            readBy there: Node,
            whileGapsCome gapsCome: Bool = false
        ) async throws -> StoredRecord {
            // What is asked on a connection whose end has not been noticed is an error, and asked again.
            let loaded = try await answered { try await there.tier.load(key) }
            var present = try #require(loaded)
            if gapsCome {
                try await eventually("a copy there") {
                    let loaded = try await answered { try await there.tier.load(key) }
                    present = try #require(loaded)
                    return there.tier.copy(of: key) == present
                }
            } else {
                #expect(there.tier.copy(of: key) == present)
            }
            let next = StoredRecord.sample("{\"n\":\(Int.random(in: 0...999))}")
            let version = present.version
            var tries = 0
            let outcome = try await answered {
                tries += 1
                return try await here.tier.replace(next, at: key, ifVersion: version)
            }
            // One that was an error may have been carried out.
            #expect(outcome == .replaced || tries > 1 && outcome == .conflict(next))
            return next
        }

        static func newKey(at node: Node) async throws -> StoreKey {
            let (key, record) = (StoreKey.random(), StoredRecord.sample())
            _ = try await answered { try await node.tier.insert(record, at: key) }
            return key
        }

        @Test("a change on one node is known on the other at once", arguments: [false, true])
        func works(withProtocol2: Bool) async throws {
            let server = try await RedisServer(withProtocol2 ? ["--rename-command", "HELLO", ""] : [])
            let (one, two) = (try server.client(), try server.client())
            let here = try Node(store: one, feed: one)
            let there = try Node(store: two, feed: two)
            try await here.waitForGaps(1)
            try await there.waitForGaps(1)
            let key = try await Self.newKey(at: here)
            for _ in 0..<20 {
                try await Self.change(key, at: here, seenBy: there, keepsCopy: true)
                try await Self.change(key, at: there, seenBy: here, keepsCopy: true)
            }
            _ = try await there.tier.load(key)
            #expect(try await here.tier.delete(key, ifVersion: nil))
            try await there.waitForNoCopy(of: key)
            // Nothing was lost: the only gaps are those of the beginning, here and of the other node's first message.
            #expect(here.gaps <= 2)
            #expect(there.gaps <= 2)
            await here.end()
            await there.end()
        }

        @Test("LG-01: what is published names no key")
        func published() async throws {
            let server = try await RedisServer()
            let log = server.directory.file("subscriber")
            let subscriber = try ServerProcess(
                try ServerEnvironment.program("redis-cli"),
                ["-p", "\(server.port)", "SUBSCRIBE", "sessions:changes"],
                log: log
            )
            try await eventually("a subscriber") {
                try await server.cli("PUBSUB", "NUMSUB", "sessions:changes").hasSuffix("1")
            }
            let client = try server.client()
            let node = try Node(store: client, feed: client)
            var keys: [StoreKey] = []
            for _ in 0..<50 {
                let key = try await Self.newKey(at: node)
                #expect(try await node.tier.delete(key, ifVersion: nil))
                keys.append(key)
            }
            let last = KeyDigest(try #require(keys.last)).description
            try await eventually("the last message") { try text(log).contains(last) }
            let published = try text(log)
            for key in keys {
                #expect(!published.contains(key.text))
                #expect(published.contains(KeyDigest(key).description))
            }
            await subscriber.crash()
            await node.end()
        }

        @Test("a connection that is killed is a gap; it is made again, and what comes then is heard")
        func killed() async throws {
            let server = try await RedisServer()
            let proxy = try FaultProxy(to: server.port)
            let (one, two) = (try server.client(), try server.client())
            let far = try server.client { [proxy] in $0.topology = .standalone(.host("127.0.0.1", port: proxy.port)) }
            let here = try Node(store: one, feed: one)
            let there = try Node(store: two, feed: far)
            try await there.waitForGaps(1)
            let key = try await Self.newKey(at: here)
            try await Self.change(key, at: here, seenBy: there)
            let before = there.gaps
            _ = try await there.tier.load(key)
            // It is back only when its loss was told: two gaps that nobody has heard of yet are one.
            proxy.redirect(to: try ServerEnvironment.freePort())
            #expect(try await server.cli("CLIENT", "KILL", "TYPE", "pubsub") != "0")
            try await there.waitForGaps(before + 1)
            proxy.redirect(to: server.port)
            try await there.waitForGaps(before + 2)
            #expect(there.tier.copy(of: key) == nil)
            try await Self.change(key, at: here, seenBy: there)
            await here.end()
            await there.end()
        }

        @Test("a server that is killed and started again is a gap, and is listened to again")
        func restarted() async throws {
            let server = try await RedisServer()
            let (one, two) = (try server.client(), try server.client())
            let here = try Node(store: one, feed: one)
            let there = try Node(store: two, feed: two)
            try await there.waitForGaps(1)
            let key = try await Self.newKey(at: here)
            try await Self.change(key, at: here, seenBy: there)
            let before = there.gaps
            await server.crash()
            try await there.waitForGaps(before + 1)
            let back = there.gaps
            try await server.restart()
            try await there.waitForGaps(back + 1)
            let another = try await Self.newKey(at: here)
            try await Self.change(another, at: here, seenBy: there)
            await here.end()
            await there.end()
        }

        @Test("a message that was lost is known of with its sender's next one, a heartbeat later")
        func lostMessage() async throws {
            let server = try await RedisServer()
            let proxy = try FaultProxy(to: server.port)
            let (one, two) = (try server.client(), try server.client())
            let far = try server.client { [proxy] in $0.topology = .standalone(.host("127.0.0.1", port: proxy.port)) }
            // It listens before the other one sends: it misses no heartbeat, and so there is no gap but its own.
            let there = try Node(store: two, feed: far)
            try await there.waitForGaps(1)
            let here = try Node(store: one, feed: one, heartbeat: .milliseconds(200))
            try await here.waitForGaps(1)
            let key = try await Self.newKey(at: here)
            try await Self.change(key, at: here, seenBy: there)
            proxy.dropReplies()
            let before = there.gaps
            let delivered = there.changes
            _ = try await Self.change(key, at: here, readBy: there)
            // The server has sent it, and the proxy has lost it.
            try await eventually("the message is lost") { proxy.traffic.droppedReplies > 0 }
            #expect(there.tier.copy(of: key) != nil)
            #expect(there.changes == delivered)
            proxy.dropReplies(false)
            try await there.waitForGaps(before + 1)
            #expect(there.tier.copy(of: key) == nil)
            // On the same connection: no other gap comes.
            try await Self.change(key, at: here, seenBy: there)
            #expect(there.gaps == before + 1)
            await here.end()
            await there.end()
        }

        @Test("a connection that brings nothing is given up after three heartbeats: a gap, and another connection")
        func deadConnection() async throws {
            let server = try await RedisServer()
            let proxy = try FaultProxy(to: server.port)
            let (one, two) = (try server.client(), try server.client())
            let far = try server.client { [proxy] in
                $0.topology = .standalone(.host("127.0.0.1", port: proxy.port))
                $0.connectDeadline = .milliseconds(500)
                $0.callDeadline = .milliseconds(500)
            }
            let here = try Node(store: one, feed: one)
            // Given up after six seconds, and not before, because a busy machine has held something up.
            let there = try Node(store: two, feed: far, heartbeat: .seconds(2))
            try await here.waitForGaps(1)
            try await there.waitForGaps(1)
            let key = try await Self.newKey(at: here)
            try await Self.change(key, at: here, seenBy: there)
            let before = there.gaps
            proxy.dropReplies()
            _ = try await Self.change(key, at: here, readBy: there)
            try await there.waitForGaps(before + 1)
            #expect(there.tier.copy(of: key) == nil)
            let dead = there.gaps
            proxy.dropReplies(false)
            try await there.waitForGaps(dead + 1)
            try await Self.change(key, at: here, seenBy: there)
            await here.end()
            await there.end()
        }

        @Test("what could not be sent while the server was away is told when it is back")
        func sentLater() async throws {
            let server = try await RedisServer()
            let proxy = try FaultProxy(to: server.port)
            let (one, two) = (try server.client(), try server.client())
            let cut = try server.client { [proxy] in
                $0.topology = .standalone(.host("127.0.0.1", port: proxy.port))
                $0.callDeadline = .milliseconds(500)
            }
            let here = try Node(store: one, feed: cut)
            let there = try Node(store: two, feed: two)
            try await here.waitForGaps(1)
            try await there.waitForGaps(1)
            let key = try await Self.newKey(at: here)
            try await Self.change(key, at: here, seenBy: there)
            proxy.refuse()
            // The first change may be told twice, and as a gap: its answer may have come too late.
            _ = try await Self.change(key, at: here, readBy: there, whileGapsCome: true)
            proxy.acceptAgain()
            try await there.waitForNoCopy(of: key)
            await here.end()
            await there.end()
        }

        @Test("what was being sent when the connection broke is told on the next one, without a heartbeat")
        func sentAgain() async throws {
            let server = try await RedisServer()
            let proxy = try FaultProxy(to: server.port)
            let (one, two) = (try server.client(), try server.client())
            let far = try server.client { [proxy] in $0.topology = .standalone(.host("127.0.0.1", port: proxy.port)) }
            let here = try Node(store: one, feed: far)
            let there = try Node(store: two, feed: two)
            try await here.waitForGaps(1)
            try await there.waitForGaps(1)
            let key = try await Self.newKey(at: here)
            try await Self.change(key, at: here, seenBy: there)
            proxy.next(.loseRequest, to: "PUBLISH")
            try await Self.change(key, at: here, seenBy: there)
            #expect(proxy.faultCount == 1)
            await here.end()
            await there.end()
        }

        @Test("more news at once than a message holds comes in several, and none is lost")
        func many() async throws {
            let server = try await RedisServer()
            let (one, two) = (try server.client(), try server.client())
            var configuration = RedisInvalidationFeed.Configuration()
            // No connection is taken for dead because the machine is busy: what comes meanwhile would be a gap.
            configuration.heartbeat = .seconds(60)
            let sender = try RedisInvalidationFeed(client: one, configuration: configuration)
            let receiver = try RedisInvalidationFeed(client: two, configuration: configuration)
            let heard = Mutex<(changed: Set<KeyDigest>, gaps: Int)>(([], 0))
            let digests = (0..<5000).map { _ in KeyDigest(.random()) }
            let listening = [
                Task { try await sender.listen { _ in } },
                Task {
                    try await receiver.listen { news in
                        heard.withLock { heard in
                            if case .changed(let digest) = news {
                                heard.changed.insert(digest)
                            } else {
                                heard.gaps += 1
                            }
                        }
                    }
                },
            ]
            try await eventually("it listens") { heard.withLock { $0.gaps } > 0 }
            for digest in digests { sender.send(.changed(digest)) }
            try await eventually("all are heard") { heard.withLock { $0.changed.count } == digests.count }
            #expect(heard.withLock { $0.changed } == Set(digests))
            for task in listening { task.cancel() }
            for task in listening { await #expect(throws: CancellationError.self) { try await task.value } }
        }

        @Test("a server that does not let it subscribe is an error at the beginning; later it is waited for")
        func forbidden() async throws {
            let server = try await RedisServer()
            try await server.cli("ACL", "SETUSER", "shop", "on", ">secret", "~*", "resetchannels", "+@all")
            let client = try server.client { $0.credentials = .init(username: "shop", password: "secret") }
            let feed = try RedisInvalidationFeed(client: client)
            let error = try await storeError { try await feed.listen { _ in } }
            #expect(error?.code == .notPermitted)
            try await server.cli("ACL", "SETUSER", "shop", "&sessions:changes")
            let gaps = Atomic(0)
            let listening = Task { try await feed.listen { _ in gaps.add(1, ordering: .relaxed) } }
            try await eventually("it listens") { gaps.load(ordering: .relaxed) > 0 }
            let twice = await #expect(throws: SessionConfigurationError.self) { try await feed.listen { _ in } }
            #expect(twice?.code == .store)
            let before = gaps.load(ordering: .relaxed)
            try await server.cli("ACL", "SETUSER", "shop", "resetchannels")
            try await eventually("it is cut off") { gaps.load(ordering: .relaxed) > before }
            let cut = gaps.load(ordering: .relaxed)
            try await server.cli("ACL", "SETUSER", "shop", "&sessions:changes")
            try await eventually("it listens again") { gaps.load(ordering: .relaxed) > cut }
            listening.cancel()
            await #expect(throws: CancellationError.self) { try await listening.value }
        }

        @Test("settings that make no sense are refused")
        func settings() throws {
            let client = try RedisClient(url: "redis://127.0.0.1:1")
            func refuse(_ change: (inout RedisInvalidationFeed.Configuration) -> Void) {
                var configuration = RedisInvalidationFeed.Configuration()
                change(&configuration)
                let error = #expect(throws: SessionConfigurationError.self) {
                    try RedisInvalidationFeed(client: client, configuration: configuration)
                }
                #expect(error?.code == .store)
            }
            for channel in ["", "a b", "é", String(repeating: "a", count: 129)] { refuse { $0.channel = channel } }
            for heartbeat in [Duration.zero, .milliseconds(9), .seconds(61)] { refuse { $0.heartbeat = heartbeat } }
            for limit in [0, -1, 1_000_001] { refuse { $0.bufferLimit = limit } }
        }

        @Test("on a cluster it works, and goes on when the node that it listens to is killed")
        func cluster() async throws {
            let cluster = try await RedisClusterGroup()
            let (one, two) = (try cluster.client(), try cluster.client())
            let here = try Node(store: one, feed: one, heartbeat: .milliseconds(200))
            let there = try Node(store: two, feed: two, heartbeat: .milliseconds(200))
            try await here.waitForGaps(1)
            try await there.waitForGaps(1)
            let key = try await Self.newKey(at: here)
            try await Self.change(key, at: here, seenBy: there, whileGapsCome: true)
            try await Self.change(key, at: there, seenBy: here, whileGapsCome: true)
            var listened: RedisServer?
            // A busy machine's connection may just have been taken for dead.
            try await eventually("a node is listened to") {
                for node in cluster.nodes where try await node.cli("PUBSUB", "CHANNELS").contains("sessions:changes") {
                    listened = node
                }
                return listened != nil
            }
            let killed = try #require(listened)
            let before = there.gaps
            await killed.crash()
            try await there.waitForGaps(before + 1)
            // The other nodes agree on who has the slots before anybody can be told again. Each round has a key of its
            // own, and less time than a copy takes to grow old.
            var last = try await Self.newKey(at: here)
            try await eventually("a change is told", within: .seconds(120)) {
                last = try await Self.newKey(at: here)
                _ = try await Self.change(last, at: here, readBy: there, whileGapsCome: true)
                return try await within(.seconds(2)) { there.tier.copy(of: last) == nil }
            }
            await here.end()
            await there.end()
        }

        @Test("behind Sentinel it follows a failover")
        func sentinel() async throws {
            let group = try await RedisSentinelGroup()
            func client() throws -> RedisClient {
                var configuration = RedisClient.Configuration(
                    .sentinel(group.sentinels.map(\.address), primary: "shop")
                )
                configuration.connectDeadline = .seconds(20)
                configuration.callDeadline = .seconds(30)
                return try RedisClient(configuration)
            }
            let (one, two) = (try client(), try client())
            let here = try Node(store: one, feed: one, heartbeat: .milliseconds(200))
            let there = try Node(store: two, feed: two, heartbeat: .milliseconds(200))
            try await here.waitForGaps(1)
            try await there.waitForGaps(1)
            let key = try await Self.newKey(at: here)
            try await Self.change(key, at: here, seenBy: there, whileGapsCome: true)
            let before = there.gaps
            let old = try await group.currentPrimary()
            await old.crash()
            try await there.waitForGaps(before + 1)
            let new = try await group.newPrimary(after: old)
            try await eventually("both listen to the new primary") {
                try await new.cli("PUBSUB", "NUMSUB", "sessions:changes").hasSuffix("2")
            }
            let another = try await Self.newKey(at: here)
            try await Self.change(another, at: here, seenBy: there, whileGapsCome: true)
            await here.end()
            await there.end()
        }
    }
}

/// Returns once `condition` is true.
///
/// Half a minute unless said otherwise: less than the staleness of the tiers here, so that nothing comes from copies that grow old.
private func eventually(
    _ what: String,
    within limit: Duration = .seconds(30),
    _ condition: () async throws -> Bool
) async throws {
    guard try await within(limit, condition) else { throw TestServerError("it never came to be: \(what)") }
}

/// Whether `condition` becomes true within `limit`.
private func within(_ limit: Duration, _ condition: () async throws -> Bool) async throws -> Bool {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(5))
    }
    return false
}

private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
#endif
