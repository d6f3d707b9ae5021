import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

@Suite("Exchange")
struct ExchangeTests {
    @Test("untouched: no store call, no header, response as it was (CA-04, LC-16)")
    func untouched() async throws {
        let fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 1) }
        fixture.faults.forgetCalls()
        let exchange = fixture.sessions.open(fixture.browser.request())
        var response = HTTPResponse(status: .ok)
        response.headerFields[.cacheControl] = "public, max-age=60"
        let before = response
        try await exchange.commit().apply(to: &response)
        #expect(response == before)
        #expect(fixture.faults.operations.isEmpty)
        #expect(exchange.report.arrival == nil)
    }

    @Test(
        "DS-04: round trips: anonymous 0, read 1, changed 2, new 1, lost race 3, destroyed 2, dead or junk cookie 1, 0"
    )
    func roundTrips() async throws {
        let fixture = try SessionFixture()
        let (browser, sessions) = (fixture.browser, fixture.sessions)
        func operations(_ body: () async throws -> Void) async throws -> [StoreOperation] {
            fixture.faults.forgetCalls()
            try await body()
            return fixture.faults.operations
        }
        #expect(try await operations { try await browser.visit(sessions) { $0.set(.visits, to: 1) } } == [.insert])
        #expect(try await operations { try await browser.visit(sessions) { _ = $0[.visits] } } == [.load])
        let change = { try await browser.visit(sessions) { session in session.update(.visits) { $0 += 1 } } }
        #expect(try await operations(change) == [.load, .replace])
        let slow = sessions.open(browser.request())
        fixture.faults.forgetCalls()
        try await slow.session.update(.visits) { $0 += 1 }
        fixture.faults.before(.replace) {
            let entries = fixture.store.entries(after: nil, limit: 1)
            var record = entries[0].record
            let version = record.version
            record.version = .random()
            _ = try fixture.store.replace(record, at: entries[0].key, ifVersion: version)
        }
        _ = try await slow.commit()
        #expect(fixture.faults.operations == [.load, .replace, .replace])
        #expect(slow.report.conflicts == 1)
        #expect(slow.report.roundTrips == 3)
        let dead = browser.copy()
        #expect(try await operations { try await browser.visit(sessions) { $0.destroy() } } == [.load, .delete])
        #expect(try await operations { try await browser.visit(sessions) { _ = $0[.visits] } } == [])
        // That the record is gone is remembered for this request, and for no other.
        let exchange = sessions.open(dead.request())
        let ask = { for _ in 0..<3 { _ = try await exchange.session[.visits] } }
        #expect(
            try await operations {
                try await ask(); _ = try await exchange.commit()
            } == [.load]
        )
        #expect(try await operations { try await dead.visit(sessions) { _ = $0[.visits] } } == [.load])
        for junk in ["", "x", String(repeating: "A", count: 112), String(repeating: "x", count: 10_000)] {
            dead.plant("__Host-Http-sid", junk)
            #expect(try await operations { try await dead.visit(sessions) { _ = $0[.visits] } } == [])
        }
    }

    @Test("a thousand tasks that ask at the same time load once")
    func singleFlight() async throws {
        let fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 3) }
        fixture.faults.forgetCalls()
        let gate = fixture.faults.hold(.load)
        let exchange = fixture.sessions.open(fixture.browser.request())
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<1000 { group.addTask { try await exchange.session[.visits] } }
            try await gate.waitForArrival()
            gate.open()
            for try await visits in group { #expect(visits == 3) }
        }
        #expect(fixture.faults.operations == [.load])
    }

    @Test("a loader that is cancelled costs the others nothing")
    func cancelledLoader() async throws {
        let fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 3) }
        let gate = fixture.faults.hold(.load, next: 1)
        let exchange = fixture.sessions.open(fixture.browser.request())
        let loader = Task { try await exchange.session[.visits] }
        try await gate.waitForArrival()
        let waiter = Task { try await exchange.session[.visits] }
        loader.cancel()
        await #expect(throws: CancellationError.self) { try await loader.value }
        #expect(try await waiter.value == 3)
    }

    @Test("a store that fails on the way in is 503 and never an anonymous session; no cookie is set or cleared (ER-01)")
    func storeDown() async throws {
        let fixture = try SessionFixture()
        let (browser, sessions) = (fixture.browser, fixture.sessions)
        try await browser.visit(sessions) { $0.set(.visits, to: 3) }
        fixture.faults.failBefore(.load, next: 2)
        let exchange = sessions.open(browser.request())
        await #expect(throws: SessionError(.storeUnavailable, "")) { try await exchange.session }
        await #expect(throws: SessionError(.storeUnavailable, "")) { try await exchange.session }
        #expect(try await !exchange.commit(.threw(carriesFields: true)).changesCookie)
        #expect(try await browser.visit(sessions) { $0[.visits] } == 3)
    }

    @Test(
        "CA-03: what is answered after the store failed on the way in varies by the cookie, which stays as it is",
        arguments: ["commit", "close", "error"]
    )
    func variesWhenStoreIsDown(how: String) async throws {
        let fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { $0.logIn("ada") }
        fixture.faults.failBefore(.load)
        let exchange = fixture.sessions.open(fixture.browser.request())
        let error = await #expect(throws: SessionError.self) { try await exchange.session }
        var response = HTTPResponse(status: .ok)
        switch how {
        case "commit": try await exchange.commit().apply(to: &response)
        case "close": try await exchange.close().apply(to: &response)
        default: response = try #require(error).response
        }
        #expect(response.status == (how == "error" ? .serviceUnavailable : .ok))
        #expect(response.headerFields[fields: .vary].map(\.value) == ["Cookie"])
        #expect(response.setCookies.isEmpty)
        #expect(response.headerFields[.cacheControl] == nil)
    }

    @Test("commit is once; afterwards the exchange is sealed")
    func sealed() async throws {
        let fixture = try SessionFixture()
        let exchange = fixture.sessions.open(fixture.browser.request())
        let session = try await exchange.session
        _ = try await exchange.commit()
        await #expect(throws: SessionError(.sealed, "")) { try await exchange.commit() }
        session.set(.visits, to: 1)
        await #expect(throws: SessionError(.sealed, "")) { try await session.save() }
        #expect(fixture.store.count() == 0)
    }

    @Test("after the commit, save() replaces; without it a late change is logged as lost (LC-17)")
    func lateChange() async throws {
        let fixture = try SessionFixture()
        let (browser, sessions) = (fixture.browser, fixture.sessions)
        try await browser.visit(sessions) { $0.set(.visits, to: 1) }
        do {
            let exchange = sessions.open(browser.request())
            let session = try await exchange.session
            _ = try await exchange.commit()
            session.update(.visits) { $0 += 1 }
            try await session.save()
            session.update(.visits) { $0 += 1 }
            session.rotate(grace: .zero)
            await #expect(throws: SessionError(.sealed, "")) { try await session.save() }
            session.update(.visits) { $0 += 10 }
        }
        #expect(fixture.events.kinds.last == .lateChangeLost)
        #expect(try await browser.visit(sessions) { $0[.visits] } == 2)
    }

    @Test("a late destroy still works (LC-17)")
    func lateDestroy() async throws {
        let fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 1) }
        let gate = fixture.faults.hold(.delete, .after)
        let exchange = fixture.sessions.open(fixture.browser.request())
        let session = try await exchange.session
        _ = try await exchange.commit()
        session.destroy()
        try await gate.waitForArrival()
        gate.open()
        #expect(fixture.store.count() == 0)
    }

    @Test("cancelling the request's task does not cut a commit short")
    func cancelledCommit() async throws {
        let fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 1) }
        let gate = fixture.faults.hold(.replace, next: 1)
        let exchange = fixture.sessions.open(fixture.browser.request())
        try await exchange.session.update(.visits) { $0 += 1 }
        let commit = Task { try await exchange.commit() }
        try await gate.waitForArrival()
        commit.cancel()
        gate.open()
        _ = try await commit.value
        #expect(try await fixture.browser.visit(fixture.sessions) { $0[.visits] } == 2)
    }

    @Test("a thousand racers on one handle queue: nobody conflicts, nobody retries")
    func queue() async throws {
        let fixture = try SessionFixture()
        let (browser, sessions) = (fixture.browser, fixture.sessions)
        try await browser.visit(sessions) { $0.set(.visits, to: 0) }
        let exchanges = (0..<1000).map { _ in sessions.open(browser.request()) }
        for exchange in exchanges { try await exchange.session.update(.visits) { $0 += 1 } }
        fixture.faults.forgetCalls()
        // The first is held at the store until another has gone through elsewhere; the others line up behind it.
        let gate = fixture.faults.hold(.replace, next: 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for exchange in exchanges { group.addTask { _ = try await exchange.commit() } }
            try await gate.waitForArrival()
            gate.open()
            try await group.waitForAll()
        }
        let conflicts = exchanges.reduce(0) { $0 + $1.report.conflicts }
        #expect(try await browser.visit(sessions) { $0[.visits] } == 1000)
        // Whoever entered an empty lane started from what it had loaded itself, and lost one race at most.
        #expect(exchanges.allSatisfy { $0.report.conflicts <= 1 })
        #expect(fixture.faults.count(of: .replace) == 1000 + conflicts)
    }

    @Test("DS-06: commits that wait for each other in a process lose no race, though all have read the same")
    func headStart() async throws {
        let fixture = try SessionFixture()
        let (browser, sessions) = (fixture.browser, fixture.sessions)
        try await browser.visit(sessions) { $0.set(.visits, to: 0) }
        let exchanges = (0..<50).map { _ in sessions.open(browser.request()) }
        for exchange in exchanges { try await exchange.session.update(.visits) { $0 += 1 } }
        let key = try await StoreKey(exchanges[0].session.handle)
        let gate = fixture.faults.hold(.replace, next: 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for exchange in exchanges { group.addTask { _ = try await exchange.commit() } }
            try await gate.waitForArrival()
            while sessions.queue.waitingCount(for: key) < 49 { await Task.yield() }
            gate.open()
            try await group.waitForAll()
        }
        #expect(exchanges.allSatisfy { $0.report.conflicts == 0 })
        #expect(try await browser.visit(sessions) { $0[.visits] } == 50)
    }

    @Test("endless contention ends at the deadline, with 503")
    func contended() async throws {
        let fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 0) }
        let exchange = fixture.sessions.open(fixture.browser.request())
        try await exchange.session.update(.visits) { $0 += 1 }
        for call in 1...10 {
            fixture.faults.before(.replace, call: call) {
                fixture.clock.advance(by: .seconds(2))
                let entry = fixture.store.entries(after: nil, limit: 1)[0]
                var record = entry.record
                record.version = .random()
                _ = try fixture.store.replace(record, at: entry.key, ifVersion: entry.record.version)
            }
        }
        await #expect(throws: SessionError(.contended, "")) { try await exchange.commit() }
    }

    @Test("endless contention after a lost reply ends in outcomeUnknown: what was sent first may have been kept (I1)")
    func contendedInDoubt() async throws {
        let fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 0) }
        let exchange = fixture.sessions.open(fixture.browser.request())
        try await exchange.session.update(.visits) { $0 += 1 }
        fixture.faults.before(.replace) { throw SessionStoreError(.unavailable, "injected: the reply is lost") }
        for call in 2...10 {
            fixture.faults.before(.replace, call: call) {
                fixture.clock.advance(by: .seconds(2))
                let entry = fixture.store.entries(after: nil, limit: 1)[0]
                var record = entry.record
                record.version = .random()
                _ = try fixture.store.replace(record, at: entry.key, ifVersion: entry.record.version)
            }
        }
        await #expect(throws: SessionError(.outcomeUnknown, "")) { try await exchange.commit() }
    }

    @Test("a change that the database's client has sent twice by itself is made once (I1)")
    func sentTwice() async throws {
        let fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 0) }
        fixture.faults.duplicate(.replace)
        try await fixture.browser.visit(fixture.sessions) { session in session.update(.visits) { $0 += 1 } }
        #expect(try await fixture.browser.visit(fixture.sessions) { $0[.visits] } == 1)
    }

    /// A session that is read as zero, and a change to it whose reply is lost, over which others write as often as said.
    private func writeOver(times: Int) async throws -> (fixture: SessionFixture, visits: () async throws -> Int) {
        let keys = try KeyRing([SessionSecret.generate()])
        let fixture = try SessionFixture(keys: keys)
        let others = try SessionManager(
            store: FaultySessionStore(fixture.store, faults: StoreFaults()),
            keys: keys,
            clock: fixture.clock
        )
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 0) }
        let tab = fixture.browser.copy()
        fixture.faults.after(.replace) {
            for _ in 0..<times { try await tab.visit(others) { session in session.update(.visits) { $0 += 10 } } }
            throw SessionStoreError(.unavailable, "injected: the reply is lost")
        }
        return (fixture, { try await tab.visit(others) { $0[.visits] } })
    }

    @Test("a change whose reply was lost, and that others have written over too often to tell, is not made again (I1)")
    func forgottenChange() async throws {
        let (fixture, visits) = try await writeOver(times: 5)
        await #expect(throws: SessionError(.outcomeUnknown, "")) {
            try await fixture.browser.visit(fixture.sessions) { session in session.update(.visits) { $0 += 1 } }
        }
        #expect(try await visits() == 51)
    }

    @Test("a change whose reply was lost is known by its version for as long as the record tells of it (I1)")
    func rememberedChange() async throws {
        // The last thing that the record tells is that change, and not what it was made on.
        let (fixture, visits) = try await writeOver(times: 4)
        try await fixture.browser.visit(fixture.sessions) { session in session.update(.visits) { $0 += 1 } }
        #expect(try await visits() == 41)
    }

    @Test("ID-08: an insert whose reply was lost is not taken for done by what somebody else has at its handle")
    func othersRecord() async throws {
        let fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 7) }
        let other = try #require(fixture.store.entries(after: nil, limit: 1).first?.record)
        let exchange = fixture.sessions.open(SessionBrowser(clock: fixture.clock).request())
        try await exchange.session.set(.visits, to: 1)
        // A random number generator that is broken hands two sessions one handle.
        let key = try await StoreKey(exchange.session.handle)
        fixture.faults.before(.insert) {
            #expect(try fixture.store.insert(other, at: key))
            throw SessionStoreError(.unavailable, "injected: the reply is lost")
        }
        await #expect(throws: SessionError(.storeUnavailable, "")) { try await exchange.commit() }
    }

    @Test("an insert is never sent twice: the record is there, or 503 (I3)", arguments: [true, false])
    func lostInsert(isApplied: Bool) async throws {
        let fixture = try SessionFixture()
        if isApplied { fixture.faults.failAfter(.insert) } else { fixture.faults.failBefore(.insert) }
        if isApplied {
            try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 1) }
            #expect(fixture.faults.operations == [.insert, .load])
            #expect(try await fixture.browser.visit(fixture.sessions) { $0[.visits] } == 1)
        } else {
            await #expect(throws: SessionError(.storeUnavailable, "")) {
                try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 1) }
            }
            #expect(fixture.faults.operations == [.insert, .load])
            #expect(fixture.browser.cookies.isEmpty)
        }
    }

    @Test("a replace of unknown outcome whose record cannot be read is outcomeUnknown, and consume hands out nothing")
    func outcomeUnknown() async throws {
        let fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { $0.set(.notice, to: "ticket") }
        for consumes in [false, true] {
            fixture.faults.clear()
            let exchange = fixture.sessions.open(fixture.browser.request())
            let session = try await exchange.session
            fixture.faults.failBefore(.replace, next: 100)
            fixture.faults.failBefore(.load, next: 100)
            await #expect(throws: SessionError(.outcomeUnknown, "")) {
                if consumes { return _ = try await session.consume(.notice) }
                session.set(.visits, to: 1)
                _ = try await exchange.commit()
            }
        }
    }

    @Test("fields that a checkpoint earned travel on the error")
    func earnedFields() async throws {
        let fixture = try SessionFixture()
        let exchange = fixture.sessions.open(fixture.browser.request())
        let session = try await exchange.session
        session.set(.visits, to: 1)
        try await session.save()
        session.set(.visits, to: 2)
        fixture.faults.failBefore(.replace, next: 100)
        do {
            _ = try await exchange.commit()
            Issue.record("the commit did not throw")
        } catch let error as SessionError {
            #expect(error.fields.changesCookie)
        }
    }

    @Test("save() is a checkpoint: what it wrote is never made again")
    func checkpoint() async throws {
        let fixture = try SessionFixture()
        let (browser, sessions) = (fixture.browser, fixture.sessions)
        try await browser.visit(sessions) { $0.set(.visits, to: 0) }
        try await browser.visit(sessions) { session in
            session.update(.visits) { $0 += 1 }
            try await session.save()
            try await browser.copy().visit(sessions) { other in other.update(.visits) { $0 += 10 } }
            session.update(.visits) { $0 += 100 }
        }
        #expect(try await browser.visit(sessions) { $0[.visits] } == 111)
    }

    @Test("reload drops what is pending and reads anew; on an ended session it throws")
    func reload() async throws {
        let fixture = try SessionFixture()
        let (browser, sessions) = (fixture.browser, fixture.sessions)
        try await browser.visit(sessions) { $0.set(.visits, to: 1) }
        try await browser.visit(sessions) { session in
            try await browser.copy().visit(sessions) { $0.set(.visits, to: 5) }
            session.set(.visits, to: 9)
            try await session.reload()
            #expect(session[.visits] == 5)
            try await browser.copy().visit(sessions) { $0.destroy() }
            await #expect(throws: SessionError.ended) { try await session.reload() }
        }
    }

    @Test("consume refuses a value that this request has changed, and leaves pending changes pending")
    func consume() async throws {
        let fixture = try SessionFixture()
        let (browser, sessions) = (fixture.browser, fixture.sessions)
        try await browser.visit(sessions) { $0.set(.notice, to: "state") }
        try await browser.visit(sessions) { session in
            session.set(.visits, to: 4)
            let first = try await session.consume(.notice)
            let payload = fixture.payload()
            let second = try await session.consume(.notice)
            #expect(first == "state")
            #expect(!payload.contains("visits"))
            #expect(second == nil)
            session.set(.notice, to: "new")
            await #expect(throws: SessionError(.pendingOperation, "")) { try await session.consume(.notice) }
        }
        try await browser.visit(sessions) { session in
            #expect(session[.visits] == 4)
            #expect(session[.notice] == "new")
        }
    }

    @Test("a consumed value does not come back when the handler throws")
    func consumeThenThrow() async throws {
        struct Failure: Error {}
        let fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { $0.set(.notice, to: "state") }
        await #expect(throws: Failure.self) {
            try await fixture.browser.visit(fixture.sessions) { session in
                _ = try await session.consume(.notice)
                throw Failure()
            }
        }
        #expect(try await fixture.browser.visit(fixture.sessions) { $0[.notice] } == nil)
    }
}
