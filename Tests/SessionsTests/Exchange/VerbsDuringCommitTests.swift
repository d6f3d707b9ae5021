import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

/// What a task does to a session while another task's commit of it is under way.
@Suite("Verbs during a commit")
struct VerbsDuringCommitTests {
    enum Checkpoint: CaseIterable, Sendable { case save, commit }

    let fixture: SessionFixture

    init() async throws {
        fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { session in
            session.logIn("ada")
            session.set(.visits, to: 1)
            session.set(.notice, to: "hello")
        }
    }

    /// Runs `body` while the write of `change` is held up at the store.
    private func during(
        _ checkpoint: Checkpoint = .save,
        holding operation: StoreOperation = .replace,
        _ change: (Session) -> Void,
        do body: @Sendable (Session) async throws -> Void
    ) async throws -> SessionExchange {
        let exchange = fixture.sessions.open(fixture.browser.request())
        let session = try await exchange.session
        change(session)
        let gate = fixture.faults.hold(operation, next: 1)
        async let settled: Void = {
            switch checkpoint {
            case .save: try await session.save()
            case .commit: _ = try await exchange.commit()
            }
        }()
        try await gate.waitForArrival()
        try await body(session)
        gate.open()
        try await settled
        return exchange
    }

    private func visits() async throws -> Int { try await fixture.browser.visit(fixture.sessions) { $0[.visits] } }

    @Test("I2: a destroy ends the session, whatever is being written", arguments: Checkpoint.allCases)
    func destroy(checkpoint: Checkpoint) async throws {
        let exchange = try await during(checkpoint) { session in
            session.update(.visits) { $0 += 1 }
        } do: { session in
            session.destroy()
        }
        let session = try await exchange.session
        if checkpoint == .save { _ = try await exchange.commit() } else { try await session.save() }
        #expect(session.isEnded)
        #expect(fixture.store.count() == 0)
    }

    @Test("I2: a destroy ends what a rotation or a restart under way makes of the session", arguments: [true, false])
    func destroyAnother(restarts: Bool) async throws {
        let operation: StoreOperation = restarts ? .insert : .replace
        let exchange = try await during(holding: operation) { session in
            if restarts { session.restart() } else { session.rotate(grace: .zero) }
            session.set(.visits, to: 5)
        } do: { session in
            session.destroy()
        }
        _ = try await exchange.commit()
        #expect(fixture.store.count() == 0)
    }

    @Test("I2: a destroy of a session that is just beginning")
    func destroyBeginning() async throws {
        let exchange = fixture.sessions.open([:])
        let session = try await exchange.session
        session.set(.visits, to: 1)
        let gate = fixture.faults.hold(.insert, next: 1)
        async let saved: Void = session.save()
        try await gate.waitForArrival()
        session.destroy()
        gate.open()
        try await saved
        _ = try await exchange.commit()
        #expect(fixture.store.count() == 1, "ada's is there still")
    }

    @Test("a login, a rotation and a change that come during a save are committed by the next")
    func later() async throws {
        let exchange = try await during { session in
            session.update(.visits) { $0 += 1 }
        } do: { session in
            session.update(.visits) { $0 += 10 }
            session.logIn("ada")
            session.set(.notice, to: "again")
        }
        let session = try await exchange.session
        #expect(session[.visits] == 12)
        #expect(session[.notice] == "again")
        var response = HTTPResponse(status: .ok)
        try await exchange.commit().apply(to: &response)
        #expect(exchange.report.cookie == .loggedIn)
        fixture.browser.receive(response)
        #expect(try await visits() == 12)
    }

    @Test("a restart during a save starts from nothing")
    func restart() async throws {
        let exchange = try await during { session in
            session.update(.visits) { $0 += 1 }
        } do: { session in
            session.restart()
            session.set(.notice, to: "new")
        }
        var response = HTTPResponse(status: .ok)
        try await exchange.commit().apply(to: &response)
        fixture.browser.receive(response)
        let (visits, notice) = try await fixture.browser.visit(fixture.sessions) { ($0[.visits], $0[.notice]) }
        #expect(visits == 0 && notice == "new")
        #expect(fixture.store.count() == 1)
    }

    @Test("a value that cannot be encoded is refused, also when it came during a save")
    func unencodable() async throws {
        let exchange = try await during { session in
            session.update(.visits) { $0 += 1 }
        } do: { session in
            session.set(SessionKey("ratio", default: 0.5), to: .nan)
        }
        await #expect(throws: SessionError(.unencodable, "")) { try await exchange.commit() }
        #expect(try await visits() == 2)
    }

    @Test("I1: two saves of one exchange at the same time commit its changes once", arguments: 0..<20)
    func once(round: Int) async throws {
        let exchange = fixture.sessions.open(fixture.browser.request())
        let session = try await exchange.session
        session.update(.visits) { $0 += 1 }
        let gate = fixture.faults.hold(.replace, next: 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 { group.addTask { try await session.save() } }
            try await gate.waitForArrival()
            gate.open()
            try await group.waitForAll()
        }
        _ = try await exchange.commit()
        #expect(try await visits() == 2)
    }

    @Test("an update may read the session, also where it is made again under a newer record")
    func reentrant() async throws {
        let exchange = fixture.sessions.open(fixture.browser.request())
        let session = try await exchange.session
        session.set(.notice, to: "seen")
        session.update(.visits) { $0 += session[.notice] == "seen" ? 5 : 100 }
        let cart: SessionKey<[CartLine]> = .cart
        #expect(try await session.consume(cart) == nil)
        #expect(session[.visits] == 6)
        _ = try await exchange.commit()
        #expect(try await visits() == 6)
    }

    @Test(
        "a verb inside an update is refused with a clear error, and the session stays as it was",
        arguments: ["set", "update", "logIn", "rotate", "restart", "touch"]
    )
    func nested(verb: String) async throws {
        let exchange = fixture.sessions.open(fixture.browser.request())
        let session = try await exchange.session
        session.update(.visits) { visits in
            visits += 1
            switch verb {
            case "set": session.set(.notice, to: "nested")
            case "update": session.update(.visits) { $0 += 1 }
            case "logIn": session.logIn("bob")
            case "rotate": session.rotate()
            case "restart": session.restart()
            default: session.touch()
            }
        }
        await #expect(throws: SessionError(.nestedChange, "")) { try await exchange.commit() }
        let (visits, notice) = try await fixture.browser.visit(fixture.sessions) { ($0[.visits], $0[.notice]) }
        #expect(visits == 1 && notice == "hello")
    }

    @Test("a destroy inside an update ends the session (I2)")
    func nestedDestroy() async throws {
        try await fixture.browser.visit(fixture.sessions) { session in
            session.update(.visits) { _ in session.destroy() }
        }
        #expect(fixture.store.count() == 0)
    }
}
