import SessionsTesting
import Testing

@testable import Sessions

@Suite("Flash")
struct FlashTests {
    @Test("there until a page reads it, then gone")
    func once() async throws {
        let fixture = try SessionFixture()
        let (browser, sessions) = (fixture.browser, fixture.sessions)
        try await browser.visit(sessions) { $0.flash(.notice, "Saved") }
        try await browser.visit(sessions) { _ in }
        #expect(try await browser.visit(sessions) { $0.flash(.notice) } == "Saved")
        #expect(try await browser.visit(sessions) { $0.flash(.notice) } == nil)
    }

    @Test("a commit that fails keeps it, and so does a handler that throws")
    func failedCommit() async throws {
        let fixture = try SessionFixture()
        let (browser, sessions) = (fixture.browser, fixture.sessions)
        try await browser.visit(sessions) { $0.flash(.notice, "Saved") }
        fixture.faults.failBefore(.replace, next: 100)
        await #expect(throws: SessionError.self) { try await browser.visit(sessions) { _ = $0.flash(.notice) } }
        fixture.faults.clear()
        struct Failure: Error {}
        await #expect(throws: Failure.self) {
            try await browser.visit(sessions) { session in
                _ = session.flash(.notice)
                throw Failure()
            }
        }
        #expect(try await browser.visit(sessions) { $0.flash(.notice) } == "Saved")
    }

    @Test("entries of two requests are two displays; the reader takes only what it saw")
    func entries() async throws {
        let fixture = try SessionFixture()
        let (browser, sessions) = (fixture.browser, fixture.sessions)
        try await browser.visit(sessions) { $0.flash(.notice, "first") }
        let reader = sessions.open(browser.request())
        #expect(try await reader.session.flash(.notice) == "first")
        try await browser.visit(sessions) { $0.flash(.notice, "second") }
        _ = try await reader.commit()
        #expect(try await browser.visit(sessions) { $0.flashes(.notice) } == ["second"])
    }

    @Test("keep one, keep all, now")
    func keeping() async throws {
        let fixture = try SessionFixture()
        let (browser, sessions) = (fixture.browser, fixture.sessions)
        let other = SessionKey<Int>("other", default: 0)
        try await browser.visit(sessions) { session in
            session.flash(.notice, "Saved")
            session.flash(other, 7)
        }
        try await browser.visit(sessions) { session in
            #expect(session.flash(.notice) == "Saved")
            #expect(session.flash(other) == 7)
            session.keepFlash(.notice)
        }
        try await browser.visit(sessions) { session in
            #expect(session.flash(other) == 0)
            #expect(session.flash(.notice) == "Saved")
            session.keepFlash()
            session.flashNow(other, 9)
            #expect(session.flash(other) == 9)
        }
        try await browser.visit(sessions) { session in
            #expect(session.flash(.notice) == "Saved")
            #expect(session.flash(other) == 0)
        }
    }

    @Test("next request only, as a setting: read or not, it goes")
    func nextRequest() async throws {
        let fixture = try SessionFixture { $0.flashLifetime = .nextRequest }
        let (browser, sessions) = (fixture.browser, fixture.sessions)
        try await browser.visit(sessions) { $0.flash(.notice, "Saved") }
        try await browser.visit(sessions) { _ in }
        #expect(try await browser.visit(sessions) { $0.flash(.notice) } == nil)
        try await browser.visit(sessions) { $0.flash(.notice, "Again") }
        try await browser.visit(sessions) { $0.keepFlash() }
        #expect(try await browser.visit(sessions) { $0.flash(.notice) } == "Again")
    }
}
