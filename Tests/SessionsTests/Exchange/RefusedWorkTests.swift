import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

/// Work that a commit or a save refused or lost: it must not come back, and it must not take anything along.
@Suite("Refused work")
struct RefusedWorkTests {
    let fixture: SessionFixture

    init() async throws {
        fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { session in
            session.logIn("ada")
            session.set(.visits, to: 1)
            session.set(.notice, to: "hello")
        }
    }

    private func values() async throws -> (visits: Int, notice: String?) {
        try await fixture.browser.visit(fixture.sessions) { ($0[.visits], $0[.notice]) }
    }

    @Test(
        "a login or a restart after the head is refused, and so is what came after it; the session keeps its values",
        arguments: [true, false]
    )
    func lateLogin(logsIn: Bool) async throws {
        let exchange = fixture.sessions.open(fixture.browser.request())
        let session = try await exchange.session
        _ = try await exchange.commit()
        session.update(.visits) { $0 += 1 }
        if logsIn { session.logIn("bob") } else { session.restart() }
        session.set(.notice, to: "bob's")
        await #expect(throws: SessionError(.sealed, "")) { try await session.save() }
        session.update(.visits) { $0 += 10 }
        try await session.save()
        // A restart voids what came before it; a login over another owner leaves that owner's session as it was.
        #expect(try await values() == (logsIn ? 12 : 11, "hello"))
    }

    @Test("a change whose commit failed is not written by a later save")
    func failedCommit() async throws {
        let exchange = fixture.sessions.open(fixture.browser.request())
        let session = try await exchange.session
        session.update(.visits) { $0 += 1 }
        fixture.faults.failBefore(.replace, next: 10)
        await #expect(throws: SessionError(.outcomeUnknown, "")) { try await exchange.commit() }
        fixture.faults.clear()
        session.set(.notice, to: "later")
        try await session.save()
        #expect(try await values() == (1, "later"))
    }

    @Test("a save whose outcome is unknown is not made again by the commit (I1)")
    func unknownSave() async throws {
        let exchange = fixture.sessions.open(fixture.browser.request())
        let session = try await exchange.session
        session.update(.visits) { $0 += 1 }
        fixture.faults.failAfter(.replace, next: 1)
        fixture.faults.failBefore(.load, next: 1)
        await #expect(throws: SessionError(.outcomeUnknown, "")) { try await session.save() }
        _ = try await exchange.commit()
        #expect(try await values().visits == 2)
    }

    @Test(
        "a record whose idle deadline others have moved is alive: a long request changes, restarts and logs over it",
        arguments: ["change", "restart", "login"]
    )
    func movedDeadline(verb: String) async throws {
        let exchange = fixture.sessions.open(fixture.browser.request())
        let session = try await exchange.session
        let idle = fixture.sessions.configuration.lifetime.idle
        fixture.clock.advance(by: idle - .seconds(1))
        _ = try await values()
        fixture.clock.advance(by: .seconds(2))
        switch verb {
        case "change": session.update(.visits) { $0 += 1 }
        case "restart": session.restart()
        default: session.logIn("bob")
        }
        var response = HTTPResponse(status: .ok)
        try await exchange.commit().apply(to: &response)
        let old = fixture.browser.copy()
        fixture.browser.receive(response)
        if verb == "change" {
            #expect(try await values().visits == 2)
        } else {
            #expect(try await old.visit(fixture.sessions) { $0.isNew }, "I2: the session before has ended")
        }
        #expect(fixture.store.count() == (verb == "restart" ? 0 : 1) + (verb == "restart" ? 1 : 0))
    }

    @Test("a touch that was not confirmed sends no cookie again")
    func unconfirmedTouch() async throws {
        let fixture = try SessionFixture { $0.rolling = true }
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 1) }
        let exchange = fixture.sessions.open(fixture.browser.request())
        try await exchange.session.touch()
        fixture.clock.advance(by: .seconds(120))
        try await fixture.browser.visit(fixture.sessions) { $0.logIn("ada") }
        let fields = try await exchange.commit()
        #expect(!fields.changesCookie)
        #expect(exchange.report.commit == .nothing)
    }

    @Test("a successor that a login has overtaken is not sent")
    func overtakenSuccessor() async throws {
        let old = fixture.browser.copy()
        try await fixture.browser.visit(fixture.sessions) { $0.rotate(grace: .seconds(30)) }
        let exchange = fixture.sessions.open(old.request())
        _ = try await exchange.session[.visits]
        #expect(exchange.report.arrival == .foundInGrace)
        try await fixture.browser.visit(fixture.sessions) { $0.logIn("ada") }
        #expect(!(try await exchange.commit()).changesCookie)
    }

    @Test("sign out everywhere and sign in here, in one request")
    func resetPassword() async throws {
        let elsewhere = SessionBrowser(clock: fixture.clock)
        let here = SessionBrowser(clock: fixture.clock)
        try await elsewhere.visit(fixture.sessions) { $0.logIn("ada") }
        fixture.clock.advance(by: .seconds(1))
        let count = try await here.visit(fixture.sessions) { session in
            session.logIn("ada")
            return try await session.revokeOthers()
        }
        #expect(count == 2)
        #expect(try await here.visit(fixture.sessions) { $0.owner } == "ada")
        #expect(try await elsewhere.visit(fixture.sessions) { $0.owner } == nil)
    }

    @Test("a revoke-all by somebody else is not covered up by one's own")
    func foreignRevoke() async throws {
        let exchange = fixture.sessions.open([:])
        let session = try await exchange.session
        fixture.clock.advance(by: .seconds(1))
        try await fixture.sessions.revokeAll(of: "ada")
        fixture.clock.advance(by: .seconds(1))
        session.logIn("ada")
        try await session.revokeOthers()
        await #expect(throws: SessionError(.revoked, "")) { try await exchange.commit() }
        #expect(fixture.store.count() == 0)
    }

    @Test("a logout of a session that this node cannot read deletes it")
    func unreadableLogout() async throws {
        try await spoilRecord()
        let response = try await fixture.respond { $0.logOut() }
        #expect(response.setCookies.count == 1)
        #expect(fixture.store.count() == 0)
    }

    @Test("a change to a session that this node cannot read is refused, and its cookie stays")
    func unreadableChange() async throws {
        try await spoilRecord()
        await #expect(throws: SessionError(.ended, "")) { try await fixture.respond { $0.set(.visits, to: 1) } }
        #expect(try await fixture.respond { _ = $0.csrfToken }.setCookies.isEmpty)
        #expect(fixture.store.count() == 1)
    }

    /// Makes a record of a later version of the library out of the only one.
    private func spoilRecord() async throws {
        let entry = try #require(fixture.store.entries(after: nil, limit: 1).first)
        var record = entry.record
        record.payload = Array(#"{"v":2}"#.utf8)
        #expect(try fixture.store.replace(record, at: entry.key, ifVersion: record.version) == .replaced)
    }

    @Test("a logout that raced a privilege change does not look done")
    func racedLogout() async throws {
        let old = fixture.browser.copy()
        try await fixture.browser.visit(fixture.sessions) { $0.rotate(grace: .zero) }
        await #expect(throws: SessionError(.ended, "")) { try await old.visit(fixture.sessions) { $0.logOut() } }
        #expect(try await values().visits == 1)
    }

    @Test("consume waits for a pending login to be saved")
    func consumeBeforeLogin() async throws {
        try await fixture.browser.visit(fixture.sessions) { session in
            session.logIn("bob")
            await #expect(throws: SessionError(.pendingOperation, "")) { try await session.consume(.notice) }
        }
    }

    @Test("consume keeps what a form was made with (CS-06)")
    func consumeAndToken() async throws {
        let token = try await fixture.browser.visit(fixture.sessions) { session in
            session.rotate(grace: .zero)
            let token = session.csrfToken
            let notice = try await session.consume(.notice)
            #expect(notice == "hello")
            return token
        }
        #expect(try await fixture.browser.visit(fixture.sessions) { $0.acceptsCSRFToken(token) })
    }

    @Test("a token made after a login over another owner is the new session's (CS-06)")
    func tokenOfTheNext() async throws {
        let token = try await fixture.browser.visit(fixture.sessions) { session in
            session.logIn("bob")
            return session.csrfToken
        }
        #expect(try await fixture.browser.visit(fixture.sessions) { $0.acceptsCSRFToken(token) })
    }

    @Test("consume: a removal that came late, after it was sent again, hands the value out once (I6)")
    func lateRemoval() async throws {
        fixture.faults.failBefore(.replace, next: 1)
        fixture.faults.duplicate(.replace, next: 2)
        let value = try? await fixture.browser.visit(fixture.sessions) { try await $0.consume(.notice) }
        #expect(value == "hello")
        #expect(try await values().notice == nil)
    }

    /// A session in a stream that is older than the idle time, while another request has renewed the session.
    private func stream() async throws -> (exchange: SessionExchange, session: Session) {
        let exchange = fixture.sessions.open(fixture.browser.request())
        let session = try await exchange.session
        _ = try await exchange.commit()
        fixture.clock.advance(by: fixture.sessions.configuration.lifetime.idle - .seconds(1))
        _ = try await values()
        fixture.clock.advance(by: .seconds(2))
        fixture.faults.forgetCalls()
        return (exchange, session)
    }

    @Test("consume: a record whose idle deadline others have moved is alive, also to a stream that has an older copy")
    func consumeOverMovedDeadline() async throws {
        let (exchange, session) = try await stream()
        let before = exchange.report.roundTrips
        let notice = try await session.consume(.notice)
        #expect(notice == "hello")
        #expect(fixture.faults.operations == [.load, .replace])
        #expect(exchange.report.roundTrips == before + 2)
        #expect(try await values().notice == nil)
    }

    @Test("I7: a stream's consume does not take back the idle deadline that other requests have moved")
    func consumeUnderMovedDeadline() async throws {
        let exchange = fixture.sessions.open(fixture.browser.request())
        let session = try await exchange.session
        _ = try await exchange.commit()
        let idle = fixture.sessions.configuration.lifetime.idle
        fixture.clock.advance(by: idle - .seconds(60))
        try await fixture.browser.visit(fixture.sessions) { _ = $0[.notice] }
        fixture.clock.advance(by: .seconds(1))
        let notice = try await session.consume(.notice)
        #expect(notice == "hello")
        // Past the deadline of the stream's copy, and before the one that the visit made.
        fixture.clock.advance(by: idle - .seconds(60))
        #expect(try await fixture.browser.visit(fixture.sessions) { $0.isNew } == false)
    }

    @Test("consume: a store that cannot tell whether the session lives is storeUnavailable, and nothing is consumed")
    func consumeUntold() async throws {
        let (_, session) = try await stream()
        fixture.faults.failBefore(.load)
        await #expect(throws: SessionError(.storeUnavailable, "")) { try await session.consume(.notice) }
        #expect(fixture.faults.operations == [.load])
        let notice = try await session.consume(.notice)
        #expect(notice == "hello")
    }

    @Test(
        "consume: a session that is over is ended, and past its absolute deadline no store is asked",
        arguments: ["idle", "absolute", "destroyed", "rotated"]
    )
    func consumeAfterEnd(reason: String) async throws {
        let exchange = fixture.sessions.open(fixture.browser.request())
        let session = try await exchange.session
        _ = try await exchange.commit()
        let lifetime = fixture.sessions.configuration.lifetime
        switch reason {
        case "idle": fixture.clock.advance(by: lifetime.idle)
        case "absolute": fixture.clock.advance(by: lifetime.absolute)
        default:
            fixture.clock.advance(by: lifetime.idle - .seconds(1))
            try await fixture.browser.visit(fixture.sessions) { other in
                if reason == "destroyed" { other.destroy() } else { other.rotate(grace: .zero) }
            }
            fixture.clock.advance(by: .seconds(2))
        }
        fixture.faults.forgetCalls()
        await #expect(throws: SessionError(.ended, "")) { try await session.consume(.notice) }
        #expect(fixture.faults.operations == (reason == "absolute" ? [] : [.load]))
    }

    @Test("I5: a consume that another request's login has outrun shows nothing of what came after that")
    func consumeAfterLogin() async throws {
        let exchange = fixture.sessions.open(fixture.browser.request())
        let session = try await exchange.session
        try await fixture.browser.visit(fixture.sessions) { other in
            other.logIn("ada", keeping: .all)
            other.set(.visits, to: 9)
        }
        await #expect(throws: SessionError(.ended, "")) { try await session.consume(.notice) }
        #expect(session[.visits] == 1)
    }

    @Test("a value that differs in what == does not look at is a change (I1)")
    func partialEquality() async throws {
        struct Line: Codable, Sendable, Equatable {
            var id: Int
            var count: Int
            static func == (lhs: Line, rhs: Line) -> Bool { lhs.id == rhs.id }
        }
        let line = SessionKey<Line>("line", default: Line(id: 0, count: 0))
        try await fixture.browser.visit(fixture.sessions) { $0.set(line, to: Line(id: 7, count: 12)) }
        try await fixture.browser.visit(fixture.sessions) { $0.set(line, to: Line(id: 7, count: 21)) }
        #expect(try await fixture.browser.visit(fixture.sessions) { $0[line].count } == 21)
    }

    @Test("a short lifetime of the session's own is renewed in time by requests that read (I7)")
    func shortLifetime() async throws {
        try await fixture.browser.visit(fixture.sessions) {
            try $0.setLifetime(SessionLifetime(idle: .seconds(30), absolute: .seconds(3600)))
        }
        for _ in 0..<5 {
            fixture.clock.advance(by: .seconds(20))
            #expect(try await values().visits == 1)
        }
    }

    @Test("a lifetime set in the request of a login is the logged-in session's", arguments: [true, false])
    func rememberMe(isSetBefore: Bool) async throws {
        let remembered = SessionLifetime(idle: .seconds(86400), absolute: .seconds(86400 * 30))
        let browser = SessionBrowser(clock: fixture.clock)
        try await browser.visit(fixture.sessions) { $0.set(.visits, to: 3) }
        let lifetime = try await browser.visit(fixture.sessions) { session in
            if isSetBefore { try session.setLifetime(remembered) }
            session.logIn("eve", keeping: .all)
            if !isSetBefore { try session.setLifetime(remembered) }
            return session.lifetime
        }
        #expect(lifetime == remembered)
        #expect(try await browser.visit(fixture.sessions) { $0.lifetime } == remembered)
    }

    @Test("a session that was emptied and saved is an anonymous one: it may begin again")
    func emptied() async throws {
        let fixture = try SessionFixture { $0.deletesEmptied = true }
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 1) }
        try await fixture.browser.visit(fixture.sessions) { session in
            session.remove(.visits)
            try await session.save()
            #expect(!session.isEnded && session.isNew)
            session.set(.visits, to: 7)
        }
        #expect(try await fixture.browser.visit(fixture.sessions) { $0[.visits] } == 7)
    }

    @Test("flash for the next request only: a save in that request does not take it away before it is read")
    func flashAndSave() async throws {
        let fixture = try SessionFixture { $0.flashLifetime = .nextRequest }
        try await fixture.browser.visit(fixture.sessions) { $0.flash(.notice, "saved") }
        let notice = try await fixture.browser.visit(fixture.sessions) { session in
            session.set(.visits, to: 1)
            try await session.save()
            return session.flash(.notice)
        }
        #expect(notice == "saved")
        #expect(try await fixture.browser.visit(fixture.sessions) { $0.flash(.notice) } == nil)
    }

    @Test("after a lost login reply the sign-in page is served")
    func lostLoginReply() async throws {
        let old = fixture.browser.copy()
        try await fixture.browser.visit(fixture.sessions) { $0.logIn("ada") }
        let exchange = fixture.sessions.open(old.request())
        _ = try await exchange.session.csrfToken
        #expect(exchange.report.arrival == .justSuperseded)
        #expect(!(try await exchange.commit()).changesCookie)
    }

    @Test("a clock that was set back makes no rotation recent")
    func clockBack() async throws {
        let old = fixture.browser.copy()
        try await fixture.browser.visit(fixture.sessions) { $0.logIn("ada") }
        fixture.clock.set(Timestamp(microseconds: fixture.clock.now().microseconds - 10_000_000))
        let exchange = fixture.sessions.open(old.request())
        _ = try await exchange.session
        #expect(exchange.report.arrival == .superseded)
    }

    @Test("an update whose value cannot be encoded when it is made again: a typed error, without the value")
    func unencodableReplay() async throws {
        let ratio = SessionKey<Double>("ratio", default: 1)
        let exchange = fixture.sessions.open(fixture.browser.request())
        try await exchange.session.update(ratio) { $0 = 1 / ($0 - 2) }
        try await fixture.browser.visit(fixture.sessions) { $0.set(ratio, to: 2) }
        await #expect(throws: SessionError(.unencodable, "")) { try await exchange.commit() }
    }

    @Test("reload drops a change that could not be encoded")
    func reloadAfterFailure() async throws {
        let exchange = fixture.sessions.open([:])
        let session = try await exchange.session
        session.set(SessionKey("ratio", default: 0.5), to: .infinity)
        try await session.reload()
        _ = try await exchange.commit()
    }

    @Test("an emptied session whose state cannot be asked: 503, and a typed error")
    func emptiedUnknown() async throws {
        let fixture = try SessionFixture { $0.deletesEmptied = true }
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 1) }
        let exchange = fixture.sessions.open(fixture.browser.request())
        try await exchange.session.remove(.visits)
        try await fixture.browser.visit(fixture.sessions) { $0.set(.notice, to: "meanwhile") }
        fixture.faults.failBefore(.load, next: 1)
        await #expect(throws: SessionError(.storeUnavailable, "")) { try await exchange.commit() }
    }
}
