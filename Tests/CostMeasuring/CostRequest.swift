package import Sessions
package import SessionsTesting

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
    /// - Returns: the client that made it.
    @discardableResult
    package func run(
        _ kind: CostKind,
        measure: (_ body: () async throws -> Void) async throws -> Void
    ) async throws -> SessionBrowser {
        let (browser, sessions) = (SessionBrowser(clock: clock), sessions)
        // Of a length that does not change, and nobody whom the store knows already.
        let owner = "user-\(UInt32.random(in: 1_000_000_000...4_000_000_000))"
        func begin(_ browser: SessionBrowser) async throws {
            try await browser.visit(sessions) { session in
                session.set(CostKind.key, to: 1)
                session.set(CostKind.once, to: "state")
            }
        }
        switch kind {
        case .none, .begun, .loggedInNew: break
        case .loggedOut:
            try await begin(browser)
            try await browser.visit(sessions) { $0.logIn(owner) }
        case .destroyedAll:
            for _ in 0..<3 {
                let browser = SessionBrowser(clock: clock)
                try await begin(browser)
                try await browser.visit(sessions) { $0.logIn(owner) }
            }
        default: try await begin(browser)
        }
        switch kind {
        case .untouched:
            try await measure { _ = try await sessions.open(browser.request()).commit() }
        case .none, .read:
            try await measure { try await browser.visit(sessions) { _ = $0[CostKind.key] } }
        case .touched:
            clock.advance(by: .seconds(61))
            try await measure { try await browser.visit(sessions) { _ = $0[CostKind.key] } }
        case .begun, .set:
            try await measure { try await browser.visit(sessions) { $0.set(CostKind.key, to: 2) } }
        case .conflict:
            // The other one goes from beginning to end between this one's load and its commit, and is not measured.
            let exchange = sessions.open(browser.request())
            try await measure { _ = try await exchange.session }
            try await browser.visit(sessions) { $0.update(CostKind.key) { $0 += 1 } }
            try await exchange.session.update(CostKind.key) { $0 += 1 }
            try await measure { _ = try await exchange.commit() }
        case .consumed:
            try await measure { try await browser.visit(sessions) { _ = try await $0.consume(CostKind.once) } }
        case .rotated:
            try await measure { try await browser.visit(sessions) { $0.rotate() } }
        case .loggedInNew, .loggedIn:
            try await measure { try await browser.visit(sessions) { $0.logIn(owner) } }
        case .destroyed:
            try await measure { try await browser.visit(sessions) { $0.destroy() } }
        case .loggedOut:
            try await measure { try await browser.visit(sessions) { $0.logOut() } }
        case .destroyedAll:
            try await measure { try await sessions.revokeAll(of: owner) }
        }
        return browser
    }
}
