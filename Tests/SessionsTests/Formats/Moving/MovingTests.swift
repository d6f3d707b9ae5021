import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

@Suite("Moving from another system's sessions")
struct MovingTests {
    private static let own = "__Host-Http-sid"

    @Test("a session goes on with its values, flash, owner and deadlines, and the first write moves it")
    func move() async throws {
        let fixture = try MovingFixture()
        let beside = try fixture.beside()
        let browser = fixture.browser
        try await browser.visit(beside) { session in
            session.logIn("ada")
            session.set(.visits, to: 3)
            session.flash(.notice, "Welcome")
        }
        let end = try await browser.visit(beside) { $0.absoluteDeadline }
        fixture.clock.advance(by: .seconds(30))

        let seen = try await browser.visit(fixture.sessions) { "\($0.owner ?? "") \($0[.visits])" }
        #expect(seen == "ada 3")
        #expect(fixture.new.base.count() == 0)
        try await fixture.visit(browser)
        #expect(fixture.new.base.count() == 1)
        #expect(browser.cookies["connect.sid"] == nil)
        #expect(browser.cookies[Self.own] != nil)
        let after = try await browser.visit(fixture.sessions) { session in
            #expect(session.absoluteDeadline == end)
            #expect(session.authenticatedAt != nil)
            return "\(session.owner ?? "") \(session[.visits]) \(session.flash(.notice) ?? "")"
        }
        #expect(after == "ada 4 Welcome")
        #expect(try await fixture.sessions.list("ada").count == 1)
        #expect(fixture.events.kinds.contains(.moved))
    }

    @Test("what Node has left in a session stays in it byte for byte, and its own settings stay behind")
    func values() async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites()
        try await fixture.visit(fixture.browser)
        let entry = try #require(fixture.new.base.entries(after: nil, limit: 2).first)
        let payload = String(decoding: entry.record.payload, as: UTF8.self)
        #expect(payload.contains(#""values":{"visits":4,"passport":{"user":"bob"},"cart":[{"sku":"tea","count":2}]}"#))
        #expect(!payload.contains("originalMaxAge"))
        let left = try fixture.oldJSON
        #expect(left.hasPrefix(#"{"cookie":{"originalMaxAge":1209600000,"#))
        #expect(!left.contains("bob") && !left.contains("tea"), "what has moved is not kept twice")
    }

    @Test("I3, I5: it moves to a handle and a secret that this server has made, and no cookie's value is adopted")
    func fresh() async throws {
        let fixture = try MovingFixture()
        for _ in 0..<2 {
            try fixture.nodeWrites()
            try await fixture.visit(fixture.oldClient)
        }
        #expect(fixture.new.base.count() == 2, "the same old session, written anew, is at a handle of its own")
        fixture.browser.plant("connect.sid", ExpressCookie(secrets: ["keyboard cat"]).value(of: "made-up"))
        try await fixture.visit(fixture.browser)
        let handle = HeldCredential(foreignID: "made-up", key: try fixture.key).handle
        #expect(fixture.new.base.load(StoreKey(handle)) == nil)
        #expect(fixture.old.base.count() == 1, "nothing new is written in the old format")
    }

    @Test(
        "I8: reading moves nothing inside the renewal interval; where it would move the deadline, it moves the session"
    )
    func reading() async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites()
        fixture.clock.advance(by: .seconds(59))
        let response = try await fixture.respond { #expect($0[.visits] == 3) }
        #expect(response.setCookies.isEmpty)
        #expect(try fixture.oldJSON == MovingFixture.json)
        #expect(fixture.new.faults.calls.isEmpty)
        fixture.clock.advance(by: .seconds(1))
        let due = try await fixture.respond { #expect($0[.visits] == 3) }
        #expect(due.setCookies.count == 2)
        #expect(try fixture.isForwarded)
        #expect(try await fixture.visits(fixture.browser) == 3)
    }

    @Test("onRead: the first request that asks for the session moves it, and one that does not costs nothing")
    func onRead() async throws {
        let fixture = try MovingFixture(.onRead)
        try fixture.nodeWrites()
        let exchange = fixture.sessions.open(fixture.browser.request())
        #expect(try await exchange.commit().isEmpty)
        #expect(fixture.old.faults.calls.isEmpty && fixture.new.faults.calls.isEmpty)
        #expect(try await fixture.visits(fixture.browser) == 3)
        #expect(try fixture.isForwarded)
        #expect(fixture.browser.cookies["connect.sid"] == nil)
    }

    @Test("I10: one Set-Cookie for each name: ours is set, the old one expires, and the application's own survive")
    func setCookies() async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites()
        let moved = try await fixture.respond { $0.set(.visits, to: 4) }.setCookies
        #expect(moved.count == 2)
        #expect(moved.count { $0.hasPrefix("\(Self.own)=") && !$0.contains("Max-Age=0") } == 1)
        #expect(moved.count { $0.hasPrefix("connect.sid=;") && $0.contains("Max-Age=0") } == 1)
        #expect(try await fixture.respond { $0.set(.visits, to: 5) }.setCookies.isEmpty)
        // A client that has kept the old cookie all the same is rid of it with the next one of ours.
        fixture.browser.plant("connect.sid", MovingFixture.cookie)
        let ended = try await fixture.respond { $0.destroy() }.setCookies
        #expect(Set(ended.compactMap { $0.split(separator: "=").first }) == ["connect.sid", "__Host-Http-sid"])
        #expect(ended.allSatisfy { $0.contains("Max-Age=0") })
    }

    @Test("a request with our own cookie asks one store once, and never looks at the old one")
    func native() async throws {
        let fixture = try MovingFixture()
        try await fixture.visit(fixture.browser)
        fixture.browser.plant("connect.sid", MovingFixture.cookie)
        fixture.new.faults.forgetCalls()
        let exchange = fixture.sessions.open(fixture.browser.request())
        #expect(try await exchange.session[.visits] == 1)
        #expect(try await exchange.commit().changesCookie == false)
        #expect(exchange.report.roundTrips == 1)
        #expect(fixture.new.faults.operations == [.load])
        #expect(fixture.old.faults.calls.isEmpty)
    }

    @Test("round trips: read 1, moved 3, after that as always; led from the old cookie 2")
    func roundTrips() async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites()
        func roundTrips(_ client: SessionBrowser, _ handler: (Session) -> Void) async throws -> Int {
            let exchange = fixture.sessions.open(client.request())
            handler(try await exchange.session)
            var response = HTTPResponse(status: .ok)
            try await exchange.commit().apply(to: &response)
            client.receive(response)
            return exchange.report.roundTrips
        }
        #expect(try await roundTrips(fixture.browser) { _ = $0[.visits] } == 1)
        #expect(try await roundTrips(fixture.browser) { $0.set(.visits, to: 4) } == 3)
        #expect(try await roundTrips(fixture.browser) { $0.set(.visits, to: 5) } == 2)
        // The third is the touch that makes sure of the credential it is answered with.
        #expect(try await roundTrips(fixture.oldClient) { _ = $0[.visits] } == 3)
    }

    @Test(
        "an old cookie that no secret verifies opens nothing, and is left where it is: the secret may be missing here"
    )
    func unverifiable() async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites()
        fixture.browser.plant("connect.sid", ExpressCookie(secrets: ["another"]).value(of: MovingFixture.id))
        let response = try await fixture.respond { #expect($0.isNew) }
        #expect(response.setCookies.isEmpty)
        #expect(fixture.events.kinds == [.suspicious(.unverifiable)])
        let began = try await fixture.respond { $0.set(.visits, to: 1) }.setCookies
        #expect(began.count == 1 && began[0].hasPrefix("\(Self.own)="))
    }

    @Test("a cookie of ours that is none does not keep the old one from being looked at")
    func refusedOwn() async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites()
        fixture.browser.plant(Self.own, "junk")
        #expect(try await fixture.visits(fixture.browser) == 3)
        try await fixture.visit(fixture.browser)
        #expect(try await fixture.visits(fixture.browser) == 4)
    }

    @Test("whose session it is can be told by what Node has put into it")
    func owner() async throws {
        struct Passport: Codable, Sendable { var user: String }
        let fixture = try MovingFixture(owner: { $0[SessionKey<Passport?>("passport")]?.user })
        try fixture.nodeWrites()
        #expect(try await fixture.browser.visit(fixture.sessions) { $0.owner } == "bob")
        try await fixture.visit(fixture.browser)
        #expect(try await fixture.browser.visit(fixture.sessions) { $0.owner } == "bob")
        #expect(try await fixture.sessions.list("bob").count == 1)
        try await fixture.sessions.revokeAll(of: "bob")
        #expect(try await fixture.visits(fixture.oldClient) == 0)
    }

    @Test(
        "I2: a revocation holds for a session of which Node's store does not tell when it was used last",
        arguments: [28, 36_525]
    )
    func revokedWithoutBeginning(days: Int) async throws {
        struct Passport: Codable, Sendable { var user: String }
        let fixture = try MovingFixture(owner: { $0[SessionKey<Passport?>("passport")]?.user })
        try fixture.nodeWrites(lives: .seconds(days * 86_400))
        // It is looked at and not moved: this response is lost.
        #expect(try await fixture.sessions.open(fixture.oldClient.request()).session[.visits] == 3)
        try await fixture.sessions.revokeAll(of: "bob")
        // Two weeks later the end that the store says is one lifetime away, as if the session had begun just now.
        for seconds in [60, 14 * 86_400 - 360, 200] {
            fixture.clock.advance(by: .seconds(seconds))
            #expect(try await fixture.visits(fixture.oldClient) == 0)
        }
    }

    @Test("a session of which nobody knows when it was in use moves with the first request that reads it")
    func movesWithoutBeginning() async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites(lives: .seconds(28 * 86_400))
        #expect(try await fixture.visits(fixture.oldClient) == 3)
        #expect(fixture.new.base.count() == 1)
    }

    @Test("a form that was made before its session moved is still answered, and none from before a login")
    func csrf() async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites()
        let token = try await fixture.browser.visit(fixture.sessions) { $0.csrfToken }
        #expect(try await fixture.browser.visit(fixture.sessions) { $0.acceptsCSRFToken(token) })
        try await fixture.visit(fixture.browser)
        #expect(try await fixture.browser.visit(fixture.sessions) { $0.acceptsCSRFToken(token) })
        let during = try await fixture.oldClient.visit(fixture.sessions) { session in
            session.logIn("ada", keeping: .all)
            return (session.csrfToken, session.handle)
        }
        let summary = try #require(try await fixture.sessions.list("ada").first)
        #expect(summary.handle == during.1)
        #expect(try await !fixture.browser.visit(fixture.sessions) { $0.acceptsCSRFToken(token) })
    }

    @Test("reload() reads a session where it has gone meanwhile")
    func reload() async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites()
        let exchange = fixture.sessions.open(fixture.oldClient.request())
        let session = try await exchange.session
        #expect(session[.visits] == 3)
        try await fixture.visit(fixture.browser)
        try await session.reload()
        #expect(session[.visits] == 4)
        _ = try await exchange.commit()
    }

    @Test("deletesEmptied: a session that is emptied before it has moved is deleted where it is")
    func emptied() async throws {
        let fixture = try MovingFixture(configure: { $0.deletesEmptied = true })
        try fixture.nodeWrites(#"{"cookie":{"originalMaxAge":1209600000,"path":"/"},"visits":3}"#)
        let response = try await fixture.respond { $0.remove(.visits) }
        #expect(response.setCookies.allSatisfy { $0.contains("Max-Age=0") } && response.setCookies.count == 2)
        #expect(fixture.old.base.count() == 0 && fixture.new.base.count() == 0)
    }
}
