import SessionsTesting
import Synchronization
import Testing

@testable import Sessions

@Suite("Copies in front of a store")
struct TieredSessionStoreTests {
    @Test(
        "The tier keeps the contract",
        arguments: SessionStoreConformance.checks(for: TieredSessionStore<Side>.self)
    )
    func conforms(_ check: SessionStoreConformance.Check) async throws {
        let outcome = try await check.run { clock in
            try TieredSessionStore(FaultySessionStore(MemorySessionStore(clock: clock)), staleness: .seconds(60))
        }
        #expect(outcome == .passed)
    }

    /// Two nodes on one store.
    private struct Nodes {
        let clock = ManualSessionClock()
        let faults = StoreFaults()
        let feed = TestFeed()
        let here: SessionManager
        let there: SessionManager
        let tier: TieredSessionStore<Side>
        let browser: SessionBrowser
        let time = ManualUptime()

        init(feeds: Bool = false, limit: Int = 100) throws {
            let primary = try FaultySessionStore(MemorySessionStore(clock: clock), faults: faults)
            let (time, clock, keys) = (time, clock, try KeyRing([SessionSecret.generate()]))
            func tier(_ feed: (any InvalidationFeed)?) throws -> TieredSessionStore<Side> {
                try TieredSessionStore(primary, staleness: .seconds(2), limit: limit, feed: feed) { time.now }
            }
            func manager(_ tier: TieredSessionStore<Side>) throws -> SessionManager {
                try SessionManager(store: tier, keys: keys, clock: clock)
            }
            self.tier = try tier(feeds ? feed : nil)
            here = try manager(self.tier)
            there = try manager(try tier(feeds ? feed : nil))
            browser = SessionBrowser(clock: clock)
        }
    }

    @Test("a session that was read a moment ago costs no round trip; a change of it costs one")
    func saves() async throws {
        let nodes = try Nodes()
        try await nodes.browser.visit(nodes.here) { $0.set(.visits, to: 1) }
        nodes.faults.forgetCalls()
        for _ in 0..<3 { #expect(try await nodes.browser.visit(nodes.here) { $0[.visits] } == 1) }
        #expect(nodes.faults.calls.isEmpty)
        try await nodes.browser.visit(nodes.here) { session in session.update(.visits) { $0 += 1 } }
        #expect(nodes.faults.operations == [.replace])
        #expect(try await nodes.browser.visit(nodes.here) { $0[.visits] } == 2)
        #expect(nodes.faults.operations == [.replace])
    }

    @Test("ST-12: a copy is believed for as long as was said, and no longer")
    func staleness() async throws {
        let nodes = try Nodes()
        try await nodes.browser.visit(nodes.here) { $0.set(.visits, to: 1) }
        _ = try await nodes.browser.visit(nodes.there) { $0[.visits] }
        try await nodes.browser.visit(nodes.here) { $0.set(.visits, to: 2) }
        nodes.time.advance(by: .milliseconds(1999))
        #expect(try await nodes.browser.visit(nodes.there) { $0[.visits] } == 1)
        nodes.time.advance(by: .milliseconds(1))
        #expect(try await nodes.browser.visit(nodes.there) { $0[.visits] } == 2)
    }

    @Test("its age counts from when it was asked for, not from when it came")
    func slowAnswer() async throws {
        let nodes = try Nodes()
        try await nodes.browser.visit(nodes.here) { $0.set(.visits, to: 1) }
        let gate = nodes.faults.hold(.load, next: 1, .after)
        async let slow = nodes.browser.copy().visit(nodes.there) { $0[.visits] }
        try await gate.waitForArrival()
        try await nodes.browser.visit(nodes.here) { $0.set(.visits, to: 2) }
        nodes.time.advance(by: .seconds(2))
        gate.open()
        #expect(try await slow == 1)
        #expect(try await nodes.browser.visit(nodes.there) { $0[.visits] } == 2)
    }

    @Test("I1: a change on an old copy is made again on the newer record")
    func lostRace() async throws {
        let nodes = try Nodes()
        try await nodes.browser.visit(nodes.here) { $0.set(.visits, to: 1) }
        _ = try await nodes.browser.visit(nodes.there) { $0[.visits] }
        try await nodes.browser.visit(nodes.here) { session in session.update(.visits) { $0 += 1 } }
        try await nodes.browser.visit(nodes.there) { session in
            #expect(session[.visits] == 1)
            session.update(.visits) { $0 += 1 }
        }
        #expect(try await nodes.browser.visit(nodes.there) { $0[.visits] } == 3)
    }

    @Test("I2: destroyed is destroyed at once on this node, even for a load that was under way")
    func destroyedHere() async throws {
        let nodes = try Nodes()
        try await nodes.browser.visit(nodes.here) { $0.set(.visits, to: 1) }
        let thief = nodes.browser.copy()
        nodes.time.advance(by: .seconds(2))
        let gate = nodes.faults.hold(.load, next: 1, .after)
        async let slow = thief.copy().visit(nodes.here) { $0[.visits] }
        try await gate.waitForArrival()
        try await nodes.browser.visit(nodes.here) { $0.destroy() }
        gate.open()
        _ = try await slow
        #expect(try await thief.visit(nodes.here) { $0.isNew })
    }

    @Test("ST-12, I2: destroyed is destroyed elsewhere once the staleness is over, and a late change there is refused")
    func destroyedThere() async throws {
        let nodes = try Nodes()
        try await nodes.browser.visit(nodes.here) { $0.set(.visits, to: 1) }
        let thief = nodes.browser.copy()
        _ = try await thief.visit(nodes.there) { $0[.visits] }
        try await nodes.browser.visit(nodes.here) { $0.destroy() }
        #expect(try await thief.copy().visit(nodes.there) { $0[.visits] } == 1)
        await #expect(throws: SessionError.self) {
            try await thief.copy().visit(nodes.there) { $0.set(.visits, to: 2) }
        }
        #expect(try await thief.visit(nodes.there) { $0.isNew })
    }

    @Test("a copy may only say yes: a credential that a login elsewhere made is asked for")
    func rotatedElsewhere() async throws {
        let nodes = try Nodes()
        try await nodes.browser.visit(nodes.here) { $0.set(.visits, to: 1) }
        _ = try await nodes.browser.visit(nodes.there) { $0[.visits] }
        try await nodes.browser.visit(nodes.here) { $0.logIn("ada") }
        #expect(try await nodes.browser.visit(nodes.there) { $0.owner } == "ada")
    }

    @Test("a copy may only say yes: one whose idle time is over is asked for, because a touch elsewhere told nobody")
    func touchedElsewhere() async throws {
        let nodes = try Nodes()
        try await nodes.browser.visit(nodes.here) { $0.set(.visits, to: 1) }
        _ = try await nodes.browser.visit(nodes.there) { $0[.visits] }
        nodes.clock.advance(by: SessionLifetime.anonymous.idle - .seconds(1))
        try await nodes.browser.visit(nodes.here) { $0.touch() }
        nodes.clock.advance(by: .seconds(1))
        #expect(try await nodes.browser.visit(nodes.there) { $0[.visits] } == 1)
        #expect(try await nodes.browser.visit(nodes.here) { $0[.visits] } == 1)
    }

    @Test("a write whose reply was lost leaves no copy of before", arguments: [StoreOperation.replace, .delete])
    func lostReply(operation: StoreOperation) async throws {
        let nodes = try Nodes()
        try await nodes.browser.visit(nodes.here) { $0.set(.visits, to: 1) }
        let key = try #require(await nodes.tier.entries(after: nil, limit: 1).first?.key)
        nodes.faults.failAfter(operation)
        if operation == .replace {
            let record = try #require(try await nodes.tier.load(key))
            var next = record
            next.version = .random()
            _ = try? await nodes.tier.replace(next, at: key, ifVersion: record.version)
        } else {
            _ = try? await nodes.tier.delete(key, ifVersion: nil)
        }
        #expect(nodes.tier.copy(of: key) == nil)
    }

    @Test("with a feed, a change is known elsewhere once its message has come")
    func feed() async throws {
        let nodes = try Nodes(feeds: true)
        let there = try #require(nodes.there.store as? TieredSessionStore<Side>)
        let listening = Task { try await there.run() }
        try await nodes.feed.waitForListeners(1)
        try await nodes.browser.visit(nodes.here) { $0.set(.visits, to: 1) }
        _ = try await nodes.browser.visit(nodes.there) { $0[.visits] }
        try await nodes.browser.visit(nodes.here) { $0.set(.visits, to: 2) }
        #expect(try await nodes.browser.visit(nodes.there) { $0[.visits] } == 2)
        // A load that was under way when the message came is no copy.
        nodes.time.advance(by: .seconds(2))
        let gate = nodes.faults.hold(.load, next: 1, .after)
        async let slow = nodes.browser.copy().visit(nodes.there) { $0[.visits] }
        try await gate.waitForArrival()
        try await nodes.browser.visit(nodes.here) { $0.set(.visits, to: 3) }
        gate.open()
        #expect(try await slow == 2)
        #expect(try await nodes.browser.visit(nodes.there) { $0[.visits] } == 3)
        // A touch tells nobody.
        let sent = nodes.feed.sent
        try await nodes.browser.visit(nodes.here) { $0.touch() }
        #expect(nodes.feed.sent == sent)
        listening.cancel()
        await #expect(throws: CancellationError.self) { try await listening.value }
    }

    @Test("a gap in the feed is a reason to believe no copy")
    func gap() async throws {
        let nodes = try Nodes(feeds: true)
        let there = try #require(nodes.there.store as? TieredSessionStore<Side>)
        let listening = Task { try await there.run() }
        defer { listening.cancel() }
        try await nodes.feed.waitForListeners(1)
        try await nodes.browser.visit(nodes.here) { $0.set(.visits, to: 1) }
        _ = try await nodes.browser.visit(nodes.there) { $0[.visits] }
        nodes.feed.losesMessages = true
        try await nodes.browser.visit(nodes.here) { $0.set(.visits, to: 2) }
        #expect(try await nodes.browser.visit(nodes.there) { $0[.visits] } == 1)
        nodes.feed.tell(.gap)
        #expect(try await nodes.browser.visit(nodes.there) { $0[.visits] } == 2)
    }

    @Test("whoever removes everything tells the other nodes")
    func removedAll() async throws {
        let nodes = try Nodes(feeds: true)
        let there = try #require(nodes.there.store as? TieredSessionStore<Side>)
        let listening = Task { try await there.run() }
        defer { listening.cancel() }
        try await nodes.feed.waitForListeners(1)
        try await nodes.browser.visit(nodes.here) { $0.set(.visits, to: 1) }
        _ = try await nodes.browser.visit(nodes.there) { $0[.visits] }
        try await nodes.tier.removeAll()
        #expect(try await nodes.browser.visit(nodes.there) { $0.isNew })
    }

    @Test("a random history on one node is possible: a copy is never behind what this node has answered")
    func history() async throws {
        let tier = try TieredSessionStore(FaultySessionStore(MemorySessionStore()), staleness: .seconds(60))
        let keys = try KeyRing([SessionSecret.generate()])
        let nodes = try (0..<3).map { _ in LocalHistoryNode(try SessionManager(store: tier, keys: keys)) }
        let history = await HistoryWorkload(seed: 5).run(on: nodes, requests: 3000)
        #expect(history.violations().map(\.description) == [])
    }

    @Test("a touch that finds another version leaves no copy")
    func failedTouch() async throws {
        let nodes = try Nodes()
        try await nodes.browser.visit(nodes.here) { $0.set(.visits, to: 1) }
        let entry = try #require(nodes.tier.primary.base.entries(after: nil, limit: 1).first)
        #expect(nodes.tier.copy(of: entry.key) == entry.record)
        try await nodes.browser.visit(nodes.there) { $0.set(.visits, to: 2) }
        let later = entry.record.idleDeadline + .seconds(1)
        #expect(try await !nodes.tier.touch(entry.key, until: later, ifVersion: entry.record.version))
        #expect(nodes.tier.copy(of: entry.key) == nil)
    }

    @Test("of two answers that come in another order than they were asked for, the one asked for later is kept")
    func order() {
        let time = ManualUptime()
        let copies = RecordCopies(limit: 100, age: .seconds(60)) { time.now }
        let key = CopyKey.key(StoreKey(.random()))
        let (older, newer) = (StoredRecord.copied(1), StoredRecord.copied(2))
        let first = copies.begin(key)
        time.advance(by: .milliseconds(1))
        let second = copies.begin(key)
        copies.end(second, with: newer)
        copies.end(first, with: older)
        #expect(copies[key] == newer)
    }

    @Test("I2: a write that another one may have overtaken leaves no copy, and none of a load that it overtook")
    func overtakenWrite() {
        let time = ManualUptime()
        let copies = RecordCopies(limit: 100, age: .seconds(60)) { time.now }
        let key = CopyKey.key(StoreKey(.random()))
        let (load, first, second) = (copies.begin(key), copies.begin(key), copies.begin(key))
        copies.end(second, invalidatingWith: .copied(2))
        copies.end(first, invalidatingWith: .copied(1))
        #expect(copies[key] == nil)
        copies.end(load, with: .copied(0))
        #expect(copies[key] == nil)
    }

    @Test("copies are bounded", arguments: [1, 16, 1000])
    func bound(limit: Int) throws {
        let deadline = Timestamp(microseconds: 1)
        let record = StoredRecord(payload: [], version: .random(), idleDeadline: deadline, absoluteDeadline: deadline)
        let copies = RecordCopies(limit: limit, age: .seconds(2)) { .zero }
        for number in 0..<10_000 {
            let key = CopyKey.key(try #require(StoreKey("key-\(number)")))
            copies.end(copies.begin(key), with: record)
        }
        #expect(copies.count <= limit)
        #expect(copies.count > 0)
    }

    @Test("what would make a tier useless or dangerous is refused")
    func refusals() throws {
        let primary = try FaultySessionStore(MemorySessionStore())
        for staleness in [Duration.zero, .seconds(-1), .seconds(61)] {
            #expect(throws: SessionConfigurationError(.limit, "")) {
                try TieredSessionStore(primary, staleness: staleness)
            }
        }
        #expect(throws: SessionConfigurationError(.limit, "")) { try TieredSessionStore(primary, limit: 0) }
        #expect(throws: SessionConfigurationError(.store, "")) { try TieredSessionStore(MemorySessionStore()) }
        #expect(throws: SessionConfigurationError(.store, "")) {
            try TieredSessionStore(TieredSessionStore(primary))
        }
    }
}

/// A time that only a test moves.
private final class ManualUptime: Sendable {
    private let time = Mutex(Duration.zero)
    var now: Duration { time.withLock(\.self) }
    func advance(by duration: Duration) { time.withLock { $0 += duration } }
}

/// A feed within the process.
private final class TestFeed: InvalidationFeed {
    private struct State {
        var listeners: [@Sendable (Invalidation) -> Void] = []
        var sent = 0
        var losesMessages = false
        var waiters: [(Int, CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    var sent: Int { state.withLock(\.sent) }

    var losesMessages: Bool {
        get { state.withLock(\.losesMessages) }
        set { state.withLock { $0.losesMessages = newValue } }
    }

    func send(_ news: Invalidation) {
        let isLost = state.withLock { state in
            state.sent += 1
            return state.losesMessages
        }
        if !isLost { tell(news) }
    }

    func tell(_ news: Invalidation) {
        for listener in state.withLock(\.listeners) { listener(news) }
    }

    func listen(_ handler: @escaping @Sendable (Invalidation) -> Void) async throws {
        let ready = state.withLock { state in
            state.listeners.append(handler)
            let ready = state.waiters.filter { $0.0 <= state.listeners.count }
            state.waiters.removeAll { $0.0 <= state.listeners.count }
            return ready
        }
        handler(.gap)
        for (_, waiter) in ready { waiter.resume() }
        while true { try await Task.sleep(for: .seconds(3600)) }
    }

    func waitForListeners(_ count: Int) async throws {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                guard state.listeners.count < count else { return true }
                state.waiters.append((count, continuation))
                return false
            }
            if isReady { continuation.resume() }
        }
    }
}

extension StoredRecord {
    fileprivate static func copied(_ version: UInt64) -> StoredRecord {
        StoredRecord(
            payload: [],
            version: RecordVersion(rawValue: version),
            idleDeadline: .distantFuture,
            absoluteDeadline: .distantFuture
        )
    }
}
