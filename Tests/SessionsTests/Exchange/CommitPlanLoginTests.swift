import Testing

@testable import Sessions

/// Logins, rotations and throws in the commit table.
@Suite("CommitPlan: login, rotation, throw")
struct CommitPlanLoginTests {
    private func login(_ owner: String, keeping kept: KeptValues = .none, after position: Int = 0) -> Intent.Login {
        Intent.Login(owner: owner, kept: kept, position: position)
    }

    @Test("logIn: new credential without a grace, deadlines begun anew, pre-session erased, owner indexed (I5, LC-01)")
    func logIn() throws {
        var fixture = try PlanFixture()
        _ = fixture.rotateMeanwhile()
        try fixture.record.content.values.set(ValueName("planted"), to: 1)
        try fixture.record.content.values.set(ValueName("theme"), to: 2)
        fixture.request.intent.login = login("ada", keeping: .only(SessionKey<Int>("theme", default: 0)))
        fixture.request.operations = [.set("after", 3)]
        let plan = try fixture.plan()
        let written = try #require(plan.written)
        #expect(plan.write.kind == .replaced)
        #expect(written.key == fixture.record.key)
        #expect(written.content.grace == nil)
        #expect(written.standing(of: fixture.held.hash, at: fixture.now) == .superseded)
        #expect(plan.sent?.hash == written.content.secretHash)
        #expect(written.value("planted") == nil)
        #expect(written.value("theme") == 2)
        #expect(written.value("after") == 3)
        #expect(written.stored.owner == OwnerKey(realm: fixture.realm, owner: "ada"))
        #expect(plan.checksEpoch == written.stored.owner)
        #expect(written.stored.absoluteDeadline == fixture.now + SessionLifetime.standard.absolute)
        #expect(written.content.authenticatedAt == fixture.now)
        #expect(written.content.csrfNonce != fixture.record.content.csrfNonce)
    }

    @Test("logIn keeping all keeps what the anonymous session held")
    func logInKeepingAll() throws {
        var fixture = try PlanFixture()
        try fixture.record.content.values.set(ValueName("cart"), to: 1)
        fixture.request.operations = [.set("before", 2)]
        fixture.request.intent.login = login("ada", keeping: .all, after: 1)
        let written = try #require(try fixture.plan().written)
        #expect(written.value("cart") == 1)
        #expect(written.value("before") == 2)
    }

    @Test("logIn on a session that is gone or superseded at commit: insert, with what was recorded after it")
    func logInAfterEnd() throws {
        var fixture = try PlanFixture()
        fixture.supersede()
        fixture.request.operations = [.set("before", 1), .set("after", 2)]
        fixture.request.intent.login = login("ada", keeping: .all, after: 1)
        for record in [nil, fixture.record] {
            let plan = try fixture.plan(on: record)
            let written = try #require(plan.written)
            #expect(plan.write.kind == .inserted)
            #expect(written.key != fixture.record.key)
            #expect(written.value("before") == nil)
            #expect(written.value("after") == 2)
        }
    }

    @Test("logIn over another owner is a restart")
    func logInOverAnother() throws {
        var fixture = try PlanFixture()
        fixture.own("grace")
        try fixture.record.content.values.set(ValueName("cart"), to: 1)
        fixture.request.intent.login = login("ada", keeping: .all)
        let plan = try fixture.plan()
        #expect(plan.write.kind == .restarted)
        #expect(plan.written?.value("cart") == nil)
        #expect(plan.written?.stored.owner == OwnerKey(realm: fixture.realm, owner: "ada"))
    }

    @Test("logIn over the same owner keeps everything and begins the deadlines anew (LC-04)")
    func logInAgain() throws {
        var fixture = try PlanFixture()
        fixture.own("ada")
        try fixture.record.content.values.set(ValueName("cart"), to: 1)
        fixture.request.intent.login = login("ada")
        let plan = try fixture.plan()
        #expect(plan.write.kind == .replaced)
        #expect(plan.written?.value("cart") == 1)
        #expect(plan.written?.stored.absoluteDeadline == fixture.now + SessionLifetime.standard.absolute)
    }

    @Test("LC-02: rotation without a grace: every earlier secret is worth nothing")
    func strictRotation() throws {
        var fixture = try PlanFixture()
        fixture.request.intent.rotation = .strict
        let plan = try fixture.plan()
        let written = try #require(plan.written)
        #expect(written.standing(of: fixture.held.hash, at: fixture.now) == .superseded)
        #expect(plan.reason == .rotated)
    }

    @Test("rotation with a grace: the old secret counts on, the successor is derived from it")
    func gracefulRotation() throws {
        var fixture = try PlanFixture()
        fixture.request.intent.rotation = .graceful(.seconds(30))
        let plan = try fixture.plan()
        let written = try #require(plan.written)
        #expect(written.standing(of: fixture.held.hash, at: fixture.now + .seconds(29)) == .inGrace)
        #expect(written.standing(of: fixture.held.hash, at: fixture.now + .seconds(30)) == .superseded)
        let grace = try #require(written.content.grace)
        let derived = fixture.codec.successors(of: fixture.held.secret, nonce: grace.nonce, handle: fixture.held.handle)
        #expect(derived.map(\.hash) == [written.content.secretHash])
        #expect(plan.sent?.hash == written.content.secretHash)
    }

    @Test("a holder inside the grace is answered with the one successor, and may change the session")
    func holderInGrace() throws {
        var fixture = try PlanFixture()
        let successor = fixture.rotateMeanwhile()
        let reading = try fixture.plan()
        // The touch moves nothing: it tells whether the successor is the current credential still.
        #expect(reading.touchedUntil == fixture.record.stored.idleDeadline)
        #expect(reading.sent?.hash == successor.hash)
        fixture.request.operations = [.set("visits", 1)]
        let changing = try fixture.plan()
        #expect(changing.write.kind == .replaced)
        #expect(changing.sent?.hash == successor.hash)
        #expect(changing.written?.content.secretHash == successor.hash)
    }

    @Test("a second graceful rotation inside a grace is satisfied by the first; the grace is not extended")
    func secondRotation() throws {
        var fixture = try PlanFixture()
        let successor = fixture.rotateMeanwhile(grace: .seconds(5))
        fixture.request.intent.rotation = .graceful(.seconds(60))
        let plan = try fixture.plan()
        #expect(plan.touchedUntil == fixture.record.stored.idleDeadline)
        #expect(plan.sent?.hash == successor.hash)
    }

    @Test("a successor that another key derived, or none, is not sent: the request is served without a cookie")
    func underivableSuccessor() throws {
        var fixture = try PlanFixture()
        _ = fixture.rotateMeanwhile()
        fixture.record.content.secretHash = CredentialSecret.random().hash
        let plan = try fixture.plan()
        #expect(plan.write.kind == .nothing)
        #expect(plan.sent == nil)
        fixture.request.operations = [.set("visits", 1)]
        #expect(try fixture.plan().sent == nil)
    }

    @Test("a handler that threw: data and login are dropped, destroy is kept (ER-05)")
    func threw() throws {
        var fixture = try PlanFixture()
        fixture.request.outcome = .threw(carriesFields: true)
        fixture.request.operations = [.set("visits", 1)]
        fixture.request.intent.login = login("ada")
        #expect(try fixture.plan().write.kind == .nothing)
        fixture.request.intent.ending = .destroy
        #expect(try fixture.plan().write.kind == .deleted)
        fixture.request.intent.ending = .restart
        #expect(try fixture.plan().write.kind == .deleted)
        fixture.configuration.throwPolicy = .dropEverything
        #expect(try fixture.plan().write.kind == .nothing)
    }

    @Test("a handler that threw: a rotation is kept only if its cookie can travel", arguments: [true, false])
    func threwRotating(carriesFields: Bool) throws {
        var fixture = try PlanFixture()
        fixture.request.outcome = .threw(carriesFields: carriesFields)
        fixture.request.intent.rotation = .strict
        #expect(try fixture.plan().write.kind == (carriesFields ? .replaced : .nothing))
    }

    @Test("a handler that threw, with keepEverything: as if it had returned")
    func threwKeepingEverything() throws {
        var fixture = try PlanFixture()
        fixture.configuration.throwPolicy = .keepEverything
        fixture.request.outcome = .threw(carriesFields: true)
        fixture.request.operations = [.set("visits", 1)]
        #expect(try fixture.plan().written?.value("visits") == 1)
    }

    @Test("next-request flash goes at the end of the request that was shown it, unless kept")
    func nextRequestFlash() throws {
        var fixture = try PlanFixture()
        fixture.record.content.flash = [
            FlashEntry(id: 1, name: ValueName("a"), text: [0x31]),
            FlashEntry(id: 2, name: ValueName("b"), text: [0x32]),
        ]
        fixture.request.shownFlash = [1, 2]
        fixture.request.keptFlash = [2]
        #expect(try fixture.plan().written?.content.flash.map(\.id) == [2])
    }
}
