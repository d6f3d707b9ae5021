#if Postgres
import Sessions
import SessionsTesting
import Synchronization
import TestServers
import Testing

@testable import SessionsPostgres

extension PostgresStoreTests {
    @Suite("Invalidations over PostgreSQL", .serialized)
    struct FeedTests {
        /// A node: a tier on a table, its feed, and what the feed told.
        final class Node: Sendable {
            let tier: TieredSessionStore<PostgresSessionStore>
            private let feed: Recording
            private let listening: Task<Void, any Error>

            /// Notes what a feed tells on its way to the tier.
            private final class Recording: InvalidationFeed {
                private let feed: PostgresInvalidationFeed
                private let counts = Mutex(0)

                init(_ feed: PostgresInvalidationFeed) { self.feed = feed }

                var gaps: Int { counts.withLock { $0 } }

                func send(_ news: Invalidation) { feed.send(news) }

                func listen(_ handler: @escaping @Sendable (Invalidation) -> Void) async throws {
                    try await feed.listen { [self] news in
                        // Nobody sees that it is counted before the tier has it, nor the other way round.
                        counts.withLock { count in
                            handler(news)
                            if news == .gap { count += 1 }
                        }
                    }
                }
            }

            /// - Parameters:
            ///   - url: How its feed reaches the server.
            ///   - heartbeat: So long that a test that does not wait for it does not meet it, unless it says so.
            init(_ scratch: Scratch, url: String? = nil, heartbeat: Duration = .seconds(60)) async throws {
                var configuration = PostgresInvalidationFeed.Configuration()
                configuration.channel = scratch.configuration.table
                configuration.heartbeat = heartbeat
                feed = Recording(
                    try PostgresInvalidationFeed(url ?? scratch.server.url, configuration: configuration)
                )
                // A minute: nothing that a test sees comes from copies growing old.
                tier = try TieredSessionStore(try await scratch.store(), staleness: .seconds(60), feed: feed)
                listening = Task { [tier] in try await tier.run() }
                try await waitForGaps(1)
            }

            deinit { listening.cancel() }

            var gaps: Int { feed.gaps }

            /// Ends it, and waits for that.
            func end() async throws {
                listening.cancel()
                _ = await listening.result
                try await tier.primary.close()
            }

            func waitForGaps(_ count: Int) async throws {
                try await eventually("\(count) gaps, and not \(gaps)") { self.gaps >= count }
            }

            func waitForNoCopy(of key: StoreKey) async throws {
                try await eventually("no copy") { self.tier.copy(of: key) == nil }
            }
        }

        /// Changes the record at `key` here after it was read there.
        static func change(_ key: StoreKey, at here: Node, readBy there: Node) async throws -> StoredRecord {
            var present = StoredRecord.sample()
            // What is told just now takes the copy away.
            try await eventually("there is a copy") {
                present = try #require(try await there.tier.load(key))
                return there.tier.copy(of: key) == present
            }
            let next = StoredRecord.sample("{\"n\":1}", version: .random(in: .min ... .max))
            #expect(try await here.tier.replace(next, at: key, ifVersion: present.version) == .replaced)
            return next
        }

        /// Changes the record at `key` here, and returns once the node there has forgotten its copy.
        ///
        /// - Parameter keepsCopy: Whether no gap may come, so that the node here still has the copy of what it wrote.
        static func change(
            _ key: StoreKey,
            at here: Node,
            seenBy there: Node,
            keepsCopy: Bool = false
        ) async throws {
            let record = try await change(key, at: here, readBy: there)
            try await there.waitForNoCopy(of: key)
            #expect(try await there.tier.load(key) == record)
            if keepsCopy { #expect(here.tier.copy(of: key) == record) }
        }

        static func newKey(at node: Node) async throws -> StoreKey {
            let key = StoreKey(SessionHandle.random())
            _ = try await node.tier.insert(.sample(), at: key)
            return key
        }

        @Test("a change on one node is known on the other at once")
        func works() async throws {
            let scratch = try await Scratch.shared()
            let here = try await Node(scratch)
            let there = try await Node(scratch)
            let key = try await Self.newKey(at: here)
            for _ in 0..<20 {
                try await Self.change(key, at: here, seenBy: there, keepsCopy: true)
                try await Self.change(key, at: there, seenBy: here, keepsCopy: true)
            }
            _ = try await there.tier.load(key)
            #expect(try await here.tier.delete(key, ifVersion: nil))
            try await there.waitForNoCopy(of: key)
            // Nothing was lost: the only gap is that of the beginning.
            #expect(here.gaps == 1)
            #expect(there.gaps == 1)
            try await here.end()
            try await there.end()
        }

        @Test("LG-01: what is notified names no key, and every notification has less than 8000 bytes")
        func notified() async throws {
            let scratch = try await Scratch.shared()
            let other = try PostgresLink(
                try PostgresConnectionInfo(scratch.server.url, configuration: scratch.configuration)
            )
            let channel = scratch.configuration.table
            _ = try await blocking { try other.query("LISTEN \"\(channel)\"", until: .now + .seconds(20)) }
            var configuration = PostgresInvalidationFeed.Configuration()
            configuration.channel = channel
            // What a slow server does not answer in time is told again.
            configuration.heartbeat = .seconds(60)
            let feed = try PostgresInvalidationFeed(scratch.server.url, configuration: configuration)
            let keys = (0..<3000).map { _ in StoreKey(SessionHandle.random()) }
            // What comes before it listens waits, and goes out in few notifications.
            for key in keys { feed.send(.changed(KeyDigest(key))) }
            let listening = Task { try await feed.listen { _ in } }
            var texts: [String] = []
            try await eventually("all are notified") {
                texts += try await blocking {
                    try other.query("SELECT 1", until: .now + .seconds(20))
                    return other.notifications()
                }
                return texts.joined().contains(KeyDigest(keys[2999]).description)
            }
            listening.cancel()
            await #expect(throws: CancellationError.self) { try await listening.value }
            #expect(texts.allSatisfy { $0.utf8.count < 8000 })
            #expect(texts.count == (3000 + InvalidationMessage.limit - 1) / InvalidationMessage.limit)
            let text = texts.joined()
            for key in keys {
                #expect(!text.contains(key.text))
                #expect(text.contains(KeyDigest(key).description))
            }
        }

        @Test("a connection that is killed is a gap; it is made again, and what comes then is heard")
        func killed() async throws {
            let scratch = try await Scratch.shared()
            let proxy = try FaultProxy(to: scratch.server.port)
            let here = try await Node(scratch)
            let there = try await Node(scratch, url: scratch.server.url(at: proxy.port))
            let key = try await Self.newKey(at: here)
            try await Self.change(key, at: here, seenBy: there)
            let before = there.gaps
            _ = try await there.tier.load(key)
            let other = try await scratch.other()
            // It is back only when its loss was told: two gaps that nobody has heard of yet are one.
            proxy.redirect(to: try ServerEnvironment.freePort())
            try await other.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE (query LIKE '%LISTEN%' "
                    + "OR query LIKE '%pg_notify%') AND pid <> pg_backend_pid()"
            )
            try await there.waitForGaps(before + 1)
            proxy.redirect(to: scratch.server.port)
            try await there.waitForGaps(before + 2)
            #expect(there.tier.copy(of: key) == nil)
            try await Self.change(key, at: here, seenBy: there)
            try await here.end()
            try await there.end()
        }

        @Test("a server that crashes and starts again is a gap, and is listened to again")
        func restarted() async throws {
            let server = try await PostgresServer()
            let scratch = Scratch(server)
            let here = try await Node(scratch)
            let there = try await Node(scratch)
            let key = try await Self.newKey(at: here)
            try await Self.change(key, at: here, seenBy: there)
            let before = there.gaps
            try await server.crash()
            try await there.waitForGaps(before + 1)
            let back = (there.gaps, here.gaps)
            try await server.start()
            try await there.waitForGaps(back.0 + 1)
            try await here.waitForGaps(back.1 + 1)
            var another = key
            try await eventually("the store is back") {
                guard let key = try? await Self.newKey(at: here) else { return false }
                another = key
                return (try? await there.tier.load(key)) != nil
            }
            try await Self.change(another, at: here, seenBy: there)
            try await here.end()
            try await there.end()
            try await server.stop()
        }

        @Test("a connection that answers nothing is given up after three heartbeats: a gap, and another connection")
        func deadConnection() async throws {
            let scratch = try await Scratch.shared()
            let proxy = try FaultProxy(to: scratch.server.port)
            let here = try await Node(scratch)
            let there = try await Node(
                scratch,
                url: scratch.server.url(at: proxy.port),
                // An answer that takes three times as long before it is held up would be that of a dead connection.
                heartbeat: .seconds(2)
            )
            let key = try await Self.newKey(at: here)
            try await Self.change(key, at: here, seenBy: there)
            let before = there.gaps
            proxy.hold()
            let held = try await Self.change(key, at: here, readBy: there)
            try await there.waitForNoCopy(of: key)
            let dead = there.gaps
            #expect(dead > before)
            // What is released goes to a connection that nobody reads any more.
            proxy.release()
            try await there.waitForGaps(dead + 1)
            #expect(try await there.tier.load(key) == held)
            try await Self.change(key, at: here, seenBy: there)
            try await here.end()
            try await there.end()
        }

        @Test("what could not be sent while the server was out of reach is told when it is back")
        func sentLater() async throws {
            let scratch = try await Scratch.shared()
            let proxy = try FaultProxy(to: scratch.server.port)
            let here = try await Node(scratch, url: scratch.server.url(at: proxy.port))
            let there = try await Node(scratch)
            let key = try await Self.newKey(at: here)
            try await Self.change(key, at: here, seenBy: there)
            proxy.refuse()
            _ = try await Self.change(key, at: here, readBy: there)
            proxy.acceptAgain()
            try await there.waitForNoCopy(of: key)
            try await here.end()
            try await there.end()
        }

        @Test("what was being sent when the connection broke is told on the next one, without a heartbeat")
        func sentAgain() async throws {
            let scratch = try await Scratch.shared()
            let proxy = try FaultProxy(to: scratch.server.port)
            let here = try await Node(scratch, url: scratch.server.url(at: proxy.port))
            let there = try await Node(scratch)
            let key = try await Self.newKey(at: here)
            try await Self.change(key, at: here, seenBy: there)
            proxy.next(.loseRequest, to: "pg_notify")
            try await Self.change(key, at: here, seenBy: there)
            #expect(proxy.faultCount == 1)
            try await here.end()
            try await there.end()
        }

        @Test("a quiet connection is asked for a sign of life, and keeps quiet to the others")
        func heartbeat() async throws {
            let scratch = try await Scratch.shared()
            let proxy = try FaultProxy(to: scratch.server.port)
            let here = try await Node(
                scratch,
                url: scratch.server.url(at: proxy.port),
                // An answer that takes three times as long would be that of a dead connection.
                heartbeat: .seconds(3)
            )
            let there = try await Node(scratch)
            let before = proxy.traffic.requestBytes
            try await eventually("three signs of life") { proxy.traffic.requestBytes >= before + 42 }
            #expect(proxy.traffic.connections == 1)
            let key = try await Self.newKey(at: here)
            try await Self.change(key, at: here, seenBy: there)
            #expect(here.gaps == 1)
            #expect(there.gaps == 1)
            try await here.end()
            try await there.end()
        }

        @Test("a role that is refused is an error at the beginning, and a feed has one listener")
        func refused() async throws {
            let server = try await PostgresServer(accessRules: ["host all shop 127.0.0.1/32 reject"])
            let feed = try PostgresInvalidationFeed("postgresql://shop@127.0.0.1:\(server.port)/postgres")
            let error = try await storeError { try await feed.listen { _ in } }
            #expect(error?.code == .notPermitted)
            try await server.stop()
            let shared = try await SharedServer.server
            let good = try PostgresInvalidationFeed(shared.url)
            let gaps = Atomic(0)
            let listening = Task { try await good.listen { _ in gaps.add(1, ordering: .relaxed) } }
            try await eventually("it listens") { gaps.load(ordering: .relaxed) > 0 }
            let twice = await #expect(throws: SessionConfigurationError.self) { try await good.listen { _ in } }
            #expect(twice?.code == .store)
            listening.cancel()
            await #expect(throws: CancellationError.self) { try await listening.value }
        }

        @Test("settings that make no sense are refused")
        func settings() throws {
            func refuse(_ change: (inout PostgresInvalidationFeed.Configuration) -> Void) {
                var configuration = PostgresInvalidationFeed.Configuration()
                change(&configuration)
                #expect(throws: SessionConfigurationError.self) {
                    try PostgresInvalidationFeed("host=/tmp", configuration: configuration)
                }
            }
            for channel in ["", "a b", "a\"b", "é", String(repeating: "a", count: 61)] {
                refuse { $0.channel = channel }
            }
            for heartbeat in [Duration.zero, .milliseconds(9), .seconds(61)] { refuse { $0.heartbeat = heartbeat } }
            for limit in [0, -1, 1_000_001] { refuse { $0.bufferLimit = limit } }
            refuse { $0.connectDeadline = .zero }
            #expect(throws: SessionConfigurationError(.store, "")) {
                try PostgresInvalidationFeed("postgresql://shop@db.internal/shop")
            }
            #expect(throws: SessionConfigurationError(.store, "")) {
                try PostgresInvalidationFeed(environment: "NOT_SET_ANYWHERE")
            }
        }
    }
}

/// Returns once `condition` is true.
///
/// Half a minute: less than the staleness of the tiers here, so that nothing comes from copies that grow old.
private func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(30)
    while ContinuousClock.now < end {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    throw TestServerError("it never came to be: \(what)")
}
#endif
