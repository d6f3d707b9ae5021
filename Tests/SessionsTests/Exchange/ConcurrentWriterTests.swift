import SessionsTesting
import Testing

@testable import Sessions

/// LC-08: nobody's change is lost to somebody else's.
@Suite("Concurrent writers")
struct ConcurrentWriterTests {
    /// For how long a commit may try goes by it: that no change is lost is promised to those who are not too slow.
    private let clock = ManualSessionClock()

    /// Two managers, as two processes would have them: their commits do not queue with each other's.
    private func managers() throws -> [SessionManager] {
        let store = try MemorySessionStore(clock: clock)
        let keys = try KeyRing([SessionSecret.generate()])
        return try (0..<2).map { _ in try SessionManager(store: store, keys: keys, clock: clock) }
    }

    @Test("LC-08: of two parallel writers of two keys both are kept, a thousand times (I1)")
    func twoKeys() async throws {
        let sessions = try managers()
        let browser = SessionBrowser(clock: clock)
        try await browser.visit(sessions[0]) { $0.set(.visits, to: 0) }
        for round in 1...1000 {
            let sku = "\(round)"
            async let cart: Void = browser.copy().visit(sessions[round % 2]) { session in
                session.set(.cart, to: [CartLine(sku: sku, count: round)])
            }
            async let notice: Void = browser.copy().visit(sessions[1]) { $0.set(.notice, to: sku) }
            _ = try await (cart, notice)
            let (line, text) = try await browser.visit(sessions[0]) { ($0[.cart].first, $0[.notice]) }
            guard line?.count == round, text == sku else {
                Issue.record("round \(round): cart \(String(describing: line)), notice \(text ?? "none")")
                return
            }
        }
    }

    @Test("LC-08: a hundred parallel increments are a hundred; a set among them is one write of many (I1)")
    func increments() async throws {
        let sessions = try managers()
        let browser = SessionBrowser(clock: clock)
        try await browser.visit(sessions[0]) { $0.set(.visits, to: 0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<100 {
                group.addTask {
                    try await browser.copy().visit(sessions[index % 2]) { session in
                        session.update(.visits) { $0 += 1 }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await browser.visit(sessions[1]) { $0[.visits] } == 100)
    }

    /// A request that has read what another process wrote, and whose commit then waits for one from before that.
    private struct Overtaken {
        let fixture: SessionFixture
        private let others: SessionManager
        private let gate: StoreGate
        private let slow: Task<Void, any Error>

        /// - Parameters:
        ///   - count: How many commits the other process makes while the answer to a commit of this one is on its way.
        ///   - write: What it does in the last one.
        init(by count: Int, _ write: @Sendable (Session) async throws -> Void) async throws {
            let keys = try KeyRing([SessionSecret.generate()])
            let fixture = try SessionFixture(keys: keys)
            self.fixture = fixture
            others = try SessionManager(
                store: FaultySessionStore(fixture.store, faults: StoreFaults()),
                keys: keys,
                clock: fixture.clock
            )
            try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 0) }
            let exchange = fixture.sessions.open(fixture.browser.request())
            try await exchange.session.update(.visits) { $0 += 1 }
            gate = fixture.faults.hold(.replace, next: 1, .after)
            slow = Task { _ = try await exchange.commit() }
            try await gate.waitForArrival()
            for _ in 1..<count { try await fixture.browser.visit(others) { $0.update(.visits) { $0 += 10 } } }
            try await fixture.browser.visit(others, write)
        }

        /// Lets the answer come once `body`, on a session that has been read now, waits for its turn.
        func carryOut<Value: Sendable>(
            _ body: @escaping @Sendable (SessionExchange, Session) async throws -> Value
        ) async throws -> Value {
            let exchange = fixture.sessions.open(fixture.browser.request())
            let session = try await exchange.session
            async let value = body(exchange, session)
            while fixture.sessions.queue.waitingCount(for: StoreKey(session.handle)) == 0 { await Task.yield() }
            gate.open()
            try await slow.value
            return try await value
        }
    }

    // More than a record tells of, too.
    @Test(
        "I1: a value that another process has put is consumed, whatever a commit before it in the queue has written",
        arguments: [1, 9]
    )
    func overtakenConsume(count: Int) async throws {
        let overtaken = try await Overtaken(by: count) { $0.set(.notice, to: "ticket") }
        #expect(try await overtaken.carryOut { _, session in try await session.consume(.notice) } == "ticket")
    }

    @Test(
        "a credential that another process has made is good, whatever a commit before it in the queue has written",
        arguments: [1, 9]
    )
    func overtakenRotation(count: Int) async throws {
        let overtaken = try await Overtaken(by: count) { $0.rotate(grace: .zero) }
        try await overtaken.carryOut { exchange, session in
            session.update(.visits) { $0 += 1 }
            _ = try await exchange.commit()
        }
        let fixture = overtaken.fixture
        #expect(try await fixture.browser.visit(fixture.sessions) { $0[.visits] } == 2 + 10 * (count - 1))
    }

    @Test("I5: a login ends the session that its request has found, whatever a commit before it in the queue wrote")
    func overtakenLogin() async throws {
        let overtaken = try await Overtaken(by: 9) { $0.rotate(grace: .zero) }
        let old = overtaken.fixture.browser.copy()
        try await overtaken.carryOut { exchange, session in
            session.logIn("ada")
            _ = try await exchange.commit()
        }
        #expect(try await old.visit(overtaken.fixture.sessions) { $0.isNew })
        #expect(overtaken.fixture.store.count() == 1)
    }

    @Test("LC-08: a logout is not lost to a parallel writer, and a login keeps its owner, a thousand times (I2)")
    func securityRelevant() async throws {
        let sessions = try managers()
        for round in 1...1000 {
            let browser = SessionBrowser(clock: clock)
            try await browser.visit(sessions[0]) { $0.set(.visits, to: 0) }
            let tab = browser.copy()
            // A writer that was slower than the login is told so, and a faster one is replayed under it.
            async let write: Void? = try? tab.visit(sessions[1]) { session in session.update(.visits) { $0 += 1 } }
            async let login: Void = browser.visit(sessions[0]) { $0.logIn("ada", keeping: .all) }
            _ = try await (write, login)
            let owner = try await browser.visit(sessions[round % 2]) { $0.owner }
            #expect(owner == "ada")
            let other = browser.copy()
            async let late: Void? = try? other.visit(sessions[1]) { session in session.update(.visits) { $0 += 1 } }
            async let logout: Void = browser.copy().visit(sessions[0]) { $0.logOut() }
            _ = try await (late, logout)
            guard try await browser.visit(sessions[1], { $0.isNew }) else {
                Issue.record("round \(round): the session is there after its logout")
                return
            }
        }
    }
}
