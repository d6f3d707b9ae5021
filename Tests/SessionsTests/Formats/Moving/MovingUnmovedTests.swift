import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

@Suite("Moving from another system's sessions: while a session has not moved")
struct MovingUnmovedTests {
    @Test(
        "I8: inside the renewal interval the old credential is neither rotated nor sent again as one of ours",
        arguments: [true, false]
    )
    func notDue(isRotating: Bool) async throws {
        let fixture = try MovingFixture(configure: { configuration in
            if isRotating {
                configuration.rotationInterval = .seconds(4 * 3600)
            } else {
                // Our own idle time is longer than the old one, so that the old deadline looks as if it lagged behind.
                configuration.rolling = true
                let long = SessionLifetime(idle: .seconds(20 * 86_400), absolute: .seconds(30 * 86_400))
                configuration.lifetime = long
                configuration.anonymousLifetime = long
            }
        })
        let beside = try fixture.beside()
        try await fixture.visit(fixture.browser, beside)
        fixture.clock.advance(by: .seconds(5 * 3600))
        try await fixture.visit(fixture.browser, beside)
        fixture.clock.advance(by: .seconds(10))
        fixture.old.faults.forgetCalls()
        let response = try await fixture.respond { #expect($0[.visits] == 2) }
        #expect(response.setCookies.isEmpty)
        #expect(fixture.old.faults.operations == [.load], "nothing is written")
        #expect(fixture.new.faults.calls.isEmpty)
        #expect(try await fixture.visits(fixture.browser) == 2, "nobody is signed out")
    }

    @Test("over a connection on which our cookie cannot travel, a session moves, and the old cookie leads to it")
    func cookieWithheld() async throws {
        let fixture = try MovingFixture(configure: { $0.proxies = .nobody })
        try fixture.nodeWrites()
        func visit(_ client: SessionBrowser, isEncrypted: Bool) async throws -> [Int] {
            let exchange = fixture.sessions.open(
                client.request(),
                over: RequestConnection(isEncrypted: isEncrypted, peerAddress: nil)
            )
            let session = try await exchange.session
            session.update(.visits) { $0 += 1 }
            let visits = session[.visits]
            var response = HTTPResponse(status: .ok)
            try await exchange.commit().apply(to: &response)
            client.receive(response)
            return [visits, response.setCookies.count]
        }
        let client = fixture.oldClient
        #expect(try await visit(client, isEncrypted: false) == [4, 0])
        #expect(fixture.new.base.count() == 1)
        #expect(try await visit(client, isEncrypted: false) == [5, 0])
        #expect(try await visit(client, isEncrypted: true) == [6, 2])
        #expect(client.cookies["connect.sid"] == nil)
        #expect(try await visit(client, isEncrypted: true) == [7, 0])
        #expect(fixture.new.base.count() == 1)
    }

    @Test(
        "sign out everywhere else: the session that asks for it goes on, the others do not",
        arguments: [true, false]
    )
    func revokeOthers(isThrown: Bool) async throws {
        let fixture = try MovingFixture()
        let (beside, other) = (try fixture.beside(), SessionBrowser(clock: fixture.clock))
        try await fixture.browser.visit(beside) { $0.logIn("ada") }
        try await other.visit(beside) { $0.logIn("ada") }
        fixture.clock.advance(by: .seconds(1))
        let exchange = fixture.sessions.open(fixture.browser.request())
        try await exchange.session.revokeOthers()
        var response = HTTPResponse(status: .ok)
        try await exchange.commit(isThrown ? .threw(carriesFields: true) : .returned).apply(to: &response)
        fixture.browser.receive(response)
        #expect(try await fixture.browser.visit(fixture.sessions) { $0.owner } == "ada")
        #expect(try await other.visit(fixture.sessions) { $0.owner } == nil)
        #expect(try await fixture.sessions.list("ada").count == 1)
    }

    @Test(
        "sign out everywhere else: a request of the same browser that is under way takes nothing from it",
        arguments: ["it commits first", "it commits in between", "it commits last"]
    )
    func revokeOthersBesideAnother(order: String) async throws {
        let fixture = try MovingFixture()
        try await fixture.browser.visit(fixture.beside()) { $0.logIn("ada") }
        fixture.clock.advance(by: .seconds(1))
        let other = fixture.sessions.open(fixture.browser.request())
        try await other.session.update(.visits) { $0 += 1 }
        func commitOther() async { _ = try? await other.commit() }
        fixture.clock.advance(by: .seconds(1))
        let exchange = fixture.sessions.open(fixture.browser.request())
        let session = try await exchange.session
        if order == "it commits first" { await commitOther() }
        #expect(try await session.revokeOthers() == 0)
        if order == "it commits in between" { await commitOther() }
        var response = HTTPResponse(status: .ok)
        try await exchange.commit().apply(to: &response)
        fixture.browser.receive(response)
        if order == "it commits last" { await commitOther() }
        #expect(try await fixture.browser.visit(fixture.sessions) { $0.owner } == "ada")
        #expect(try await fixture.sessions.list("ada").count == 1)
    }

    @Test("I2: a request that has read before its owner was signed out everywhere neither reloads nor consumes")
    func revoked() async throws {
        let fixture = try MovingFixture()
        try await fixture.browser.visit(fixture.beside()) { session in
            session.logIn("ada")
            session.set(.visits, to: 3)
        }
        fixture.clock.advance(by: .seconds(1))
        let session = try await fixture.sessions.open(fixture.browser.request()).session
        #expect(session[.visits] == 3)
        fixture.clock.advance(by: .seconds(1))
        try await fixture.sessions.revokeAll(of: "ada")
        await #expect(throws: SessionError(.ended, "")) { try await session.reload() }
        await #expect(throws: SessionError(.ended, "")) { try await session.consume(SessionKey<Int?>("visits")) }
        fixture.new.faults.failBefore(.epoch)
        await #expect(throws: SessionError(.storeUnavailable, "")) {
            try await session.consume(SessionKey<Int?>("visits"))
        }
    }
}
