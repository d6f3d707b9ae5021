import Testing

@testable import Sessions

/// Every row of the commit table, as a pure function.
@Suite("CommitPlan")
struct CommitPlanTests {
    @Test("nothing loaded, nothing changed: nothing, no header")
    func anonymousRead() throws {
        var fixture = try PlanFixture()
        fixture.becomeAnonymous()
        let plan = try fixture.plan(on: nil)
        #expect(plan.write.kind == .nothing)
        #expect(plan.reason == nil)
    }

    @Test("nothing loaded, nothing changed, saveUninitialized: insert and Set-Cookie")
    func saveUninitialized() throws {
        var fixture = try PlanFixture()
        fixture.becomeAnonymous()
        fixture.configuration.saveUninitialized = true
        let plan = try fixture.plan(on: nil)
        #expect(plan.write.kind == .inserted)
        #expect(plan.reason == .began)
    }

    @Test("nothing loaded, changed: insert and Set-Cookie at a handle of our own (I3)")
    func anonymousChange() throws {
        var fixture = try PlanFixture()
        fixture.becomeAnonymous()
        fixture.request.operations = [.set("visits", 1)]
        let plan = try fixture.plan(on: nil)
        let written = try #require(plan.written)
        #expect(plan.write.kind == .inserted)
        #expect(plan.reason == .began)
        #expect(written.value("visits") == 1)
        #expect(written.key == StoreKey(try #require(fixture.request.fresh).credential.handle))
        #expect(written.key != fixture.record.key)
        #expect(written.stored.absoluteDeadline == fixture.now + SessionLifetime.anonymous.absolute)
        #expect(plan.sent?.hash == written.content.secretHash)
    }

    @Test(
        "a cookie that is not ours is expired once the session was asked for (PR-13)",
        arguments: [Arrival.malformed, .unverifiable]
    )
    func malformed(arrival: Arrival) throws {
        var fixture = try PlanFixture()
        fixture.becomeAnonymous(arrival)
        #expect(try fixture.plan(on: nil).reason == .malformed)
    }

    @Test(
        "a genuine cookie without a live session gets no Set-Cookie",
        arguments: [Arrival.gone, .expired, .superseded, .justSuperseded, .unreadable, .duplicate]
    )
    func noExpiryOnSuspicion(arrival: Arrival) throws {
        var fixture = try PlanFixture()
        fixture.becomeAnonymous(arrival)
        #expect(try fixture.plan(on: nil).reason == nil)
    }

    @Test("a request that raced a rotation begins no anonymous session over the new cookie")
    func justSuperseded() throws {
        var fixture = try PlanFixture()
        fixture.becomeAnonymous(.justSuperseded)
        fixture.request.operations = [.set("visits", 1)]
        #expect(throws: SessionError.ended) { try fixture.plan(on: nil) }
        fixture.configuration.endedPolicy = .discard
        #expect(try fixture.plan(on: nil).write.kind == .nothing)
        fixture.request.arrival = .superseded
        #expect(try fixture.plan(on: nil).write.kind == .inserted)
    }

    @Test("record, read only, inside the renewal interval: nothing (I8)")
    func readInsideRenewal() throws {
        let fixture = try PlanFixture()
        let plan = try fixture.plan()
        #expect(plan.write.kind == .nothing)
        #expect(plan.reason == nil)
    }

    @Test("record, read only, renewal interval passed: touch, no cookie")
    func readAfterRenewal() throws {
        var fixture = try PlanFixture()
        fixture.now = fixture.now + .seconds(60)
        let plan = try fixture.plan()
        guard case .touch(_, let deadline) = plan.write else {
            Issue.record("expected a touch, got \(plan.write.kind)")
            return
        }
        #expect(deadline == fixture.now + SessionLifetime.anonymous.idle)
        #expect(plan.reason == nil)
    }

    @Test("record, read only, touch() asked for: touch even inside the renewal interval")
    func touchAskedFor() throws {
        var fixture = try PlanFixture()
        fixture.request.intent.touches = true
        #expect(try fixture.plan().write.kind == .touched)
    }

    @Test("a touch never rewinds, whatever the clock does (I7)")
    func touchNeverRewinds() throws {
        var fixture = try PlanFixture()
        fixture.request.intent.touches = true
        fixture.now = fixture.now - .seconds(300)
        #expect(try fixture.plan().write.kind == .nothing)
    }

    @Test("rolling: the cookie goes out again with a touch, and only if that succeeded")
    func rolling() throws {
        var fixture = try PlanFixture()
        fixture.configuration.rolling = true
        #expect(try fixture.plan().reason == nil)
        fixture.now = fixture.now + .seconds(60)
        let plan = try fixture.plan()
        guard case .resend(let held, .rolled) = plan.cookie else {
            Issue.record("expected the cookie again")
            return
        }
        #expect(held.hash == fixture.held.hash)
    }

    @Test("a credential under an older key is re-issued with the next write (CR-07)")
    func reissue() throws {
        var fixture = try PlanFixture()
        fixture.request.held?.isUnderFirstKey = false
        #expect(try fixture.plan().reason == nil)
        fixture.request.operations = [.set("visits", 1)]
        #expect(try fixture.plan().reason == .reissued)
    }

    @Test("resave: replace though nothing changed")
    func resave() throws {
        var fixture = try PlanFixture()
        fixture.configuration.resave = true
        #expect(try fixture.plan().write.kind == .replaced)
        fixture.request.hasWritten = true
        #expect(try fixture.plan().write.kind == .nothing)
        fixture.request.operations = [.set("visits", 1)]
        #expect(try fixture.plan().write.kind == .replaced)
    }

    @Test("resave: a cookie that lasts until the idle deadline goes out again with a change, and not otherwise")
    func resaveLasting() throws {
        var fixture = try PlanFixture()
        fixture.configuration.resave = true
        fixture.request.persistence = .untilIdle
        #expect(try fixture.plan().reason == nil)
        fixture.request.operations = [.set("visits", 1)]
        #expect(try fixture.plan().reason == .rolled)
    }

    @Test("record, changed: replace if version; the idle deadline moves, the absolute one does not (I7)")
    func change() throws {
        var fixture = try PlanFixture()
        fixture.request.operations = [.set("visits", 1)]
        let plan = try fixture.plan()
        guard case .replace(let written, let read) = plan.write else {
            Issue.record("expected a replace, got \(plan.write.kind)")
            return
        }
        #expect(read == fixture.record.stored)
        #expect(written.stored.version == fixture.request.version)
        #expect(written.content.recent == [fixture.record.stored.version])
        #expect(written.value("visits") == 1)
        #expect(written.stored.idleDeadline == fixture.now + SessionLifetime.anonymous.idle)
        #expect(written.stored.absoluteDeadline == fixture.record.stored.absoluteDeadline)
        #expect(plan.reason == nil)
    }

    @Test("a change that ends where it began is no change")
    func noChange() throws {
        var fixture = try PlanFixture()
        try fixture.record.content.values.set(ValueName("visits"), to: 3)
        fixture.request.operations = [.set("visits", 4), .set("visits", 3)]
        #expect(try fixture.plan().write.kind == .nothing)
    }

    @Test("a lost race: the operations are made again on the newer record (I1)")
    func replay() throws {
        var fixture = try PlanFixture()
        fixture.request.operations = [.increment("visits")]
        try fixture.record.content.values.set(ValueName("visits"), to: 41)
        try fixture.record.content.values.set(ValueName("theirs"), to: 5)
        let written = try #require(try fixture.plan().written)
        #expect(written.value("visits") == 42)
        #expect(written.value("theirs") == 5)
    }

    @Test(
        "changed, but gone or superseded meanwhile: ended, or discarded if the setting says so",
        arguments: [true, false]
    )
    func endedMeanwhile(isGone: Bool) throws {
        var fixture = try PlanFixture()
        fixture.supersede()
        fixture.request.operations = [.set("visits", 1)]
        let record = isGone ? nil : fixture.record
        #expect(throws: SessionError.ended) { try fixture.plan(on: record) }
        fixture.configuration.endedPolicy = .discard
        #expect(try fixture.plan(on: record).write.kind == .nothing)
    }

    @Test("expired while the handler ran is gone (I7)")
    func expiredMeanwhile() throws {
        var fixture = try PlanFixture()
        fixture.request.operations = [.set("visits", 1)]
        fixture.now = fixture.record.stored.expiresAt
        #expect(throws: SessionError.ended) { try fixture.plan() }
    }

    @Test("changed to empty: a change by default, a deletion if the setting says so; an owner or a flash keeps it")
    func emptied() throws {
        var fixture = try PlanFixture()
        try fixture.record.content.values.set(ValueName("visits"), to: 3)
        fixture.request.operations = [.remove("visits")]
        #expect(try fixture.plan().write.kind == .replaced)
        fixture.configuration.deletesEmptied = true
        guard case .deleteEmptied(_, let read) = try fixture.plan().write else {
            Issue.record("expected a deletion")
            return
        }
        #expect(read == fixture.record.stored)
        var owned = fixture
        owned.own("ada")
        #expect(try owned.plan().write.kind == .replaced)
        fixture.record.content.flash = [FlashEntry(id: 1, name: ValueName("notice"), text: [0x31])]
        #expect(try fixture.plan().write.kind == .replaced)
    }

    @Test("destroyed: delete whatever the version, expire the cookie (I2)", arguments: [true, false])
    func destroy(isSuperseded: Bool) throws {
        var fixture = try PlanFixture()
        if isSuperseded { fixture.supersede() }
        fixture.request.intent.ending = .destroy
        guard case .delete(let key) = try fixture.plan().write else {
            Issue.record("expected a deletion")
            return
        }
        #expect(key == fixture.record.key)
        #expect(try fixture.plan().reason == .destroyed)
        #expect(try fixture.plan(on: nil).write.kind == .deleted)
    }

    @Test("logging out without a session is nothing; with a dead credential it rids the client of it (LC-16)")
    func destroyNothing() throws {
        var fixture = try PlanFixture()
        fixture.becomeAnonymous()
        fixture.request.intent.ending = .destroy
        #expect(try fixture.plan(on: nil).write.kind == .nothing)
        #expect(try fixture.plan(on: nil).reason == nil)
        fixture.request.arrival = .gone
        #expect(try fixture.plan(on: nil).reason == .destroyed)
        fixture.request.arrival = .superseded
        #expect(try fixture.plan(on: nil).reason == nil)
    }

    @Test("restarted: delete, then insert; Set-Cookie")
    func restart() throws {
        var fixture = try PlanFixture()
        try fixture.record.content.values.set(ValueName("old"), to: 1)
        fixture.request.intent.ending = .restart
        fixture.request.operations = [.set("new", 1)]
        let plan = try fixture.plan()
        guard case .deleteThenInsert(let key, let written) = plan.write else {
            Issue.record("expected a restart, got \(plan.write.kind)")
            return
        }
        #expect(key == fixture.record.key)
        #expect(written.key != key)
        #expect(written.value("old") == nil)
        #expect(written.value("new") == 1)
        #expect(plan.reason == .restarted)
        #expect(try fixture.plan(on: nil).write.kind == .inserted)
        fixture.supersede()
        #expect(throws: SessionError.ended) { try fixture.plan() }
    }
}
