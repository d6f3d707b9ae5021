import SessionsTesting
import Testing

@testable import Sessions

/// LC-08: nobody's change is lost to somebody else's.
@Suite("Concurrent writers")
struct ConcurrentWriterTests {
    /// Two managers, as two processes would have them: their commits do not queue with each other's.
    private func managers() throws -> [SessionManager] {
        let store = try MemorySessionStore()
        let keys = try KeyRing([SessionSecret.generate()])
        return try (0..<2).map { _ in try SessionManager(store: store, keys: keys) }
    }

    @Test("LC-08: of two parallel writers of two keys both are kept, a thousand times (I1)")
    func twoKeys() async throws {
        let sessions = try managers()
        let browser = SessionBrowser()
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
        let browser = SessionBrowser()
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

    @Test("LC-08: a logout is not lost to a parallel writer, and a login keeps its owner, a thousand times (I2)")
    func securityRelevant() async throws {
        let sessions = try managers()
        for round in 1...1000 {
            let browser = SessionBrowser()
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
