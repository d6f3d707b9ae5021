import SessionsTesting
import Testing

@testable import Sessions

@Suite("Fresh logins")
struct FreshnessTests {
    @Test("LC-14: without an owner a login is required: 401, with the manager's challenge")
    func nobody() async throws {
        let fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { session in
            #expect(!session.isFresh())
            let error = #expect(throws: SessionError.self) { try session.requireFresh() }
            #expect(error?.code == .loginRequired)
            #expect(error?.code.httpStatus == 401)
            #expect(error?.challenge == "Cookie cookie-name=\"__Host-Http-sid\"")
            #expect(throws: SessionError(.loginRequired, "")) { try session.requireOwner() }
        }
    }

    @Test(
        "LC-14: a login of five minutes is fresh, one of a microsecond more is not, and using the session is no login"
    )
    func age() async throws {
        let fixture = try SessionFixture()
        let (browser, sessions) = (fixture.browser, fixture.sessions)
        try await browser.visit(sessions) { session in
            session.logIn("ada")
            try session.requireFresh(within: .zero)
        }
        fixture.clock.advance(by: .seconds(150))
        try await browser.visit(sessions) { $0.set(.visits, to: 1) }
        fixture.clock.advance(by: .seconds(150))
        try await browser.visit(sessions) { session in
            #expect(try session.requireOwner() == "ada")
            try session.requireFresh()
            #expect(session.isFresh() && !session.isFresh(within: .seconds(299)))
        }
        fixture.clock.advance(by: .microseconds(1))
        try await browser.visit(sessions) { session in
            let error = #expect(throws: SessionError.self) { try session.requireFresh() }
            #expect(error?.code == .freshLoginRequired)
            #expect(error?.code.httpStatus == 401)
            #expect(
                error?.challenge?.hasSuffix(", error=\"insufficient_user_authentication\", max_age=\"300\"") == true
            )
            try session.requireFresh(within: .seconds(301))
        }
    }

    @Test("LC-14: logging in again makes it fresh, rotates the credential and keeps the values")
    func again() async throws {
        let fixture = try SessionFixture()
        let (browser, sessions) = (fixture.browser, fixture.sessions)
        try await browser.visit(sessions) { session in
            session.logIn("ada")
            session.set(.visits, to: 7)
        }
        fixture.clock.advance(by: .seconds(600))
        let old = browser.copy()
        try await browser.visit(sessions) { session in
            #expect(throws: SessionError(.freshLoginRequired, "")) { try session.requireFresh() }
            session.logIn("ada")
        }
        try await browser.visit(sessions) { session in
            try session.requireFresh()
            #expect(session[.visits] == 7)
        }
        #expect(try await old.visit(sessions) { $0.owner } == nil)
    }

    @Test("a session that was destroyed, or a login in the future, is not fresh")
    func odd() async throws {
        let fixture = try SessionFixture()
        let (browser, sessions) = (fixture.browser, fixture.sessions)
        try await browser.visit(sessions) { $0.logIn("ada") }
        fixture.clock.advance(by: .seconds(-60))
        #expect(try await browser.visit(sessions) { $0.isFresh() })
        fixture.clock.advance(by: .seconds(-1))
        #expect(try await browser.visit(sessions) { !$0.isFresh() })
        fixture.clock.advance(by: .seconds(61))
        try await browser.visit(sessions) { session in
            #expect(session.isFresh())
            session.destroy()
            #expect(throws: SessionError(.loginRequired, "")) { try session.requireFresh() }
        }
    }
}
