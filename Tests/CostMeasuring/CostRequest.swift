package import Sessions
import SessionsTesting

/// Makes one request of a kind, after everything that has to be there before it.
package struct CostRequest: Sendable {
    private let clock: ManualSessionClock
    private let sessions: SessionManager

    /// Makes requests whose sessions a store keeps.
    package init(store: any SessionStore) throws {
        try self.init { keys, clock in try SessionManager(store: store, keys: keys, clock: clock) }
    }

    package init(_ make: (KeyRing, any SessionClock) throws -> SessionManager) throws {
        // Servers go by their own clocks: what is over for them is not to be over.
        clock = ManualSessionClock(SystemSessionClock().now())
        sessions = try make(KeyRing([.generate()]), clock)
    }

    /// Prepares for a request of `kind`, and hands it to `measure`, which makes it; in several parts if others come between.
    ///
    /// - Returns: what its client sees of it.
    @discardableResult
    package func run(
        _ kind: CostKind,
        measure: (_ body: () async throws -> Void) async throws -> Void
    ) async throws -> CostAnswer {
        let (browser, sessions) = (SessionBrowser(clock: clock), sessions)
        // Of a length that does not change, and nobody whom the store knows already.
        let owner = "user-\(UInt32.random(in: 1_000_000_000...4_000_000_000))"
        switch kind {
        case .none, .begun, .loggedInNew: break
        case .loggedOut: try await begin(browser, owner)
        case .listed, .othersRevoked:
            for browser in [browser, SessionBrowser(clock: clock), SessionBrowser(clock: clock)] {
                try await begin(browser, owner)
            }
        case .destroyedAll:
            for _ in 0..<3 { try await begin(SessionBrowser(clock: clock), owner) }
            // The application's own doing, in no request of a client's.
            try await measure { try await sessions.revokeAll(of: owner) }
            return CostAnswer()
        default: try await begin(browser, nil)
        }
        if kind == .touched { clock.advance(by: .seconds(61)) }
        var answer = CostAnswer()
        answer.receivedBytes = browser.cookies.values.reduce(0) { $0 + $1.utf8.count }
        let exchange = sessions.open(browser.request())
        if kind == .conflict {
            // The other one goes from beginning to end between this one's load and its commit, and is not measured.
            try await measure { _ = try await exchange.session }
            try await browser.visit(sessions) { $0.update(CostKind.key) { $0 += 1 } }
        }
        try await measure {
            if kind != .untouched { try await Self.handle(kind, try await exchange.session, owner) }
            answer.setBytes = try await exchange.commit().cookieValue?.utf8.count ?? 0
        }
        answer.roundTrips = exchange.report.roundTrips
        return answer
    }

    /// Begins a session, of `owner` if there is one.
    private func begin(_ browser: SessionBrowser, _ owner: String?) async throws {
        try await browser.visit(sessions) { session in
            session.set(CostKind.key, to: 1)
            session.set(CostKind.once, to: "state")
        }
        if let owner { try await browser.visit(sessions) { $0.logIn(owner) } }
    }

    /// Does what a request of `kind` asks for.
    private static func handle(_ kind: CostKind, _ session: Session, _ owner: String) async throws {
        switch kind {
        case .untouched, .destroyedAll: break
        case .none, .read, .touched: _ = session[CostKind.key]
        case .begun, .set: session.set(CostKind.key, to: 2)
        case .conflict: session.update(CostKind.key) { $0 += 1 }
        case .saved:
            session.set(CostKind.key, to: 2)
            try await session.save()
            session.set(CostKind.key, to: 3)
        case .consumed: _ = try await session.consume(CostKind.once)
        case .rotated: session.rotate()
        case .restarted: session.restart()
        case .loggedInNew, .loggedIn: session.logIn(owner)
        case .destroyed: session.destroy()
        case .loggedOut: session.logOut()
        case .listed: _ = try await session.listSessions()
        case .othersRevoked: try await session.revokeOthers()
        }
    }
}
