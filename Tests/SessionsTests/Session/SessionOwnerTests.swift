import SessionsTesting
import Testing

@testable import Sessions

@Suite("A session and its owner's others")
struct SessionOwnerTests {
    private func browsers(_ count: Int, _ fixture: SessionFixture) async throws -> [SessionBrowser] {
        var browsers: [SessionBrowser] = []
        for _ in 0..<count {
            let browser = SessionBrowser(clock: fixture.clock)
            try await browser.visit(fixture.sessions) { $0.logIn("ada") }
            browsers.append(browser)
        }
        return browsers
    }

    @Test("every list and revoke call of a request is among its round trips")
    func roundTrips() async throws {
        let fixture = try SessionFixture()
        let browsers = try await browsers(4, fixture)
        let exchange = fixture.sessions.open(browsers[0].request())
        let session = try await exchange.session
        #expect(exchange.report.roundTrips == 1)
        let summaries = try await session.listSessions()
        #expect(summaries.count == 4)
        #expect(exchange.report.roundTrips == 2)
        let other = try #require(summaries.first { $0.handle != session.handle })
        #expect(try await session.revokeSession(other.handle))
        #expect(exchange.report.roundTrips == 3)
        #expect(try await session.revokeOthers() == 2)
        // The epoch read and raised, the list, and each of two.
        #expect(exchange.report.roundTrips == 8)
        _ = try await exchange.commit()
        #expect(exchange.report.roundTrips == 8)
        #expect(exchange.report.roundTrips == fixture.faults.calls.count - 4 * 2)
    }

    @Test("a store that fails is counted too")
    func failing() async throws {
        let fixture = try SessionFixture()
        let browsers = try await browsers(1, fixture)
        let exchange = fixture.sessions.open(browsers[0].request())
        let session = try await exchange.session
        fixture.faults.failBefore(.entriesOfOwner)
        await #expect(throws: SessionError(.storeUnavailable, "")) { try await session.listSessions() }
        #expect(exchange.report.roundTrips == 2)
    }

    @Test("ID-12: another owner's handle is not there to revoke; its own logs the session out")
    func handles() async throws {
        let fixture = try SessionFixture()
        let browsers = try await browsers(1, fixture)
        let stranger = SessionBrowser(clock: fixture.clock)
        let handle = try await stranger.visit(fixture.sessions) { session in
            session.logIn("grace")
            return session.handle
        }
        #expect(try await browsers[0].visit(fixture.sessions) { try await $0.revokeSession(handle) } == false)
        #expect(try await stranger.visit(fixture.sessions) { $0.owner } == "grace")
        #expect(try await stranger.visit(fixture.sessions) { try await $0.revokeSession($0.handle) })
        #expect(try await fixture.sessions.list("grace").isEmpty)
        #expect(try await stranger.visit(fixture.sessions) { try await $0.revokeSession(handle) } == false)
    }

    @Test("without an owner there is nothing to list, and no store is asked")
    func anonymous() async throws {
        let fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { session in
            let summaries = try await session.listSessions()
            let ended = try await session.revokeOthers()
            #expect(summaries.isEmpty)
            #expect(ended == 0)
        }
        #expect(fixture.faults.calls.isEmpty)
    }
}
