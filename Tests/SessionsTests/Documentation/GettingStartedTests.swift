import Sessions
import SessionsTesting
import Testing

/// The code of the tutorial "Getting started", compiled and run.
@Suite("Getting started")
struct GettingStartedTests {
    @Test("the tutorial's code does what its text says")
    func tutorial() async throws {
        let sessions = try SessionManager(
            store: MemorySessionStore(),
            keys: KeyRing.ephemeral()
        )
        let browser = SessionBrowser()
        try await browser.visit(sessions) { session in
            session.update(.visits) { $0 += 1 }
            session.set(.notice, to: "Hello")
            let visits = session[.visits]
            #expect(visits == 1)
        }
        try await browser.visit(sessions) { session in
            session.logIn("ada", keeping: .only(.visits))
            session.flash(.notice, "Welcome back")
        }
        let owner = try await browser.visit(sessions) { session in session.owner }
        #expect(owner == "ada")
        try await browser.visit(sessions) { session in
            #expect(session[.visits] == 1)
            #expect(session.flash(.notice) == "Welcome back")
            session.logOut()
        }
        #expect(try await browser.visit(sessions) { $0.isNew })
    }
}
