import HTTPTypes
import Sessions
import SessionsTesting
import Testing

@testable import Sessions

@Suite("Sealed cookies: revocations")
struct SealedRevocationTests {
    private func shop(keys: KeyRing? = nil) throws -> SealedFixture { try SealedFixture(keys: keys, revocations: true) }

    @Test("CR-09, I2: logging out ends the session for every copy of its cookie, and destroy says so")
    func logOut() async throws {
        let shop = try shop()
        try await shop.browser.visit(shop.sessions) { $0.logIn("ada") }
        let copy = shop.browser.copy()
        shop.clock.advance(by: .seconds(61))
        // A later cookie of the same session.
        try await shop.browser.visit(shop.sessions) { $0.set(.visits, to: 1) }
        #expect(try await copy.copy().visit(shop.sessions) { $0.owner } == "ada")
        #expect(try await shop.browser.visit(shop.sessions) { $0.end() } == .final)
        #expect(shop.cookie == "")
        #expect(try await copy.visit(shop.sessions) { $0.owner } == nil)
        #expect(try await shop.arrival(copy.cookies[SealedFixture.name] ?? "") == .gone)
        #expect(shop.store.count() == 1)
    }

    @Test("LC-07: a request under way when the session ended does not bring it back")
    func resurrection() async throws {
        let shop = try shop()
        try await shop.browser.visit(shop.sessions) { $0.logIn("ada") }
        let slow = shop.sessions.open(shop.browser.request())
        try await slow.session.set(.visits, to: 1)
        try await shop.browser.visit(shop.sessions) { $0.destroy() }
        var response = HTTPResponse(status: .ok)
        try await slow.commit().apply(to: &response)
        shop.browser.receive(response)
        #expect(try await shop.browser.visit(shop.sessions) { $0.owner } == nil)
    }

    @Test(
        "I2: a request under way that renews a credential does not carry an ended session over",
        arguments: LateRequest.all
    )
    func lateRenewal(late: LateRequest) async throws {
        let shop = try SealedFixture(revocations: true) { configuration, _ in configuration.deletesEmptied = true }
        try await shop.browser.visit(shop.sessions) { $0.set(.visits, to: 7) }
        let slow = shop.sessions.open(shop.browser.request())
        late.verb(try await slow.session)
        try await shop.browser.visit(shop.sessions) { $0.destroy() }
        var response = HTTPResponse(status: .ok)
        do {
            try await slow.commit().apply(to: &response)
        } catch {
            #expect(error as? SessionError == SessionError(.ended, ""))
        }
        shop.browser.receive(response)
        #expect(try await shop.browser.visit(shop.sessions) { $0[.visits] } == 0)
    }

    @Test("I2: a logout that a renewal has overtaken is refused, and does not look done", arguments: [true, false])
    func overtakenLogout(isLogin: Bool) async throws {
        let shop = try shop()
        try await shop.browser.visit(shop.sessions) { $0.set(.visits, to: 7) }
        let slow = shop.sessions.open(shop.browser.request())
        try await slow.session.destroy()
        try await shop.browser.visit(shop.sessions) { session in
            if isLogin { session.logIn("ada", keeping: .all) } else { session.rotate(grace: .zero) }
        }
        await #expect(throws: SessionError(.ended, "")) { try await slow.commit() }
        // The client has the new credential, and can end it.
        #expect(try await shop.browser.visit(shop.sessions) { $0[.visits] } == 7)
        try await shop.browser.visit(shop.sessions) { $0.destroy() }
        #expect(shop.cookie == "")
    }

    @Test(
        "a request that empties or restarts a session is refused where a renewal has overtaken it, and that one goes on",
        arguments: LateRequest.all.suffix(2)
    )
    func overtakenEnd(late: LateRequest) async throws {
        let shop = try SealedFixture(revocations: true) { configuration, _ in configuration.deletesEmptied = true }
        try await shop.browser.visit(shop.sessions) { $0.set(.visits, to: 7) }
        let slow = shop.sessions.open(shop.browser.request())
        late.verb(try await slow.session)
        try await shop.browser.visit(shop.sessions) { $0.rotate(grace: .zero) }
        await #expect(throws: SessionError(.ended, "")) { try await slow.commit() }
        #expect(try await shop.browser.visit(shop.sessions) { $0[.visits] } == 7)
    }

    @Test("CK-06: a renewal that is too large for a cookie ends nothing")
    func tooLargeRenewal() async throws {
        let shop = try shop()
        try await shop.browser.visit(shop.sessions) { $0.set(.visits, to: 7) }
        await #expect(throws: SessionError(.tooLarge, "")) {
            try await shop.browser.visit(shop.sessions) { session in
                session.set(.text, to: String(repeating: "x", count: 4000))
                session.rotate(grace: .zero)
            }
        }
        #expect(try await shop.browser.visit(shop.sessions) { $0[.visits] } == 7)
        #expect(shop.store.count() == 0)
    }

    @Test("I2: two logouts at the same time are both done")
    func logoutTwice() async throws {
        let shop = try shop()
        try await shop.browser.visit(shop.sessions) { $0.set(.visits, to: 7) }
        let other = shop.sessions.open(shop.browser.request())
        try await other.session.destroy()
        try await shop.browser.visit(shop.sessions) { $0.destroy() }
        #expect(try await other.commit().changesCookie)
    }

    @Test("I2: a session that was sealed when lifetimes were longer stays ended, and does not outlive its revocation")
    func shorterLifetimes() async throws {
        let keys = try KeyRing([.generate()])
        let before = try SealedFixture(keys: keys, revocations: true) { configuration, _ in
            configuration.lifetime = .aal1
            configuration.anonymousLifetime = .aal1
        }
        let (first, second) = (before.browser, before.browser.copy())
        try await first.visit(before.sessions) { $0.set(.visits, to: 1) }
        try await second.visit(before.sessions) { $0.set(.visits, to: 2) }
        let copy = first.copy()
        // The application is started anew with the standard lifetimes, and then with the long ones again.
        let after = try SealedFixture(keys: keys, revocations: true, store: before.store, clock: before.clock)
        try await first.visit(after.sessions) { $0.destroy() }
        before.clock.advance(by: .seconds(86_400))
        _ = before.store.sweep(expiredBefore: before.clock.now(), limit: 10)
        #expect(try await copy.visit(before.sessions) { $0[.visits] } == 0)
        #expect(try await second.visit(before.sessions) { $0[.visits] } == 2)
        #expect(try await second.visit(after.sessions) { $0[.visits] } == 0)
    }

    @Test("an entry is kept until no cookie of the session could count, and is a few bytes")
    func entry() async throws {
        let shop = try shop()
        try await shop.browser.visit(shop.sessions) { $0.set(.visits, to: 1) }
        let copy = shop.browser.copy()
        try await shop.browser.visit(shop.sessions) { $0.destroy() }
        let entry = try #require(shop.store.entries(after: nil, limit: 10).first)
        #expect(entry.key.text.hasPrefix("revoked:") && entry.record.payload.isEmpty && entry.record.owner == nil)
        let end = shop.clock.now() + .seconds(12 * 3600 + 300)
        #expect(entry.record.expiresAt == end)
        for _ in 0..<13 {
            shop.clock.advance(by: .seconds(3600))
            _ = shop.store.sweep(expiredBefore: shop.clock.now(), limit: 10)
            #expect(try await copy.visit(shop.sessions) { $0[.visits] } == 0)
        }
        #expect(shop.store.count() == 0)
    }

    @Test(
        "LC-01, I5: the cookie from before a login, a strict rotation or a restart is worth nothing",
        arguments: 0...3
    )
    func superseded(verb: Int) async throws {
        let shop = try shop()
        try await shop.browser.visit(shop.sessions) { $0.set(.visits, to: 1) }
        if verb == 3 { try await shop.browser.visit(shop.sessions) { $0.logIn("eve") } }
        let before = shop.browser.copy()
        let handle = try await shop.browser.visit(shop.sessions) { $0.handle }
        try await shop.browser.visit(shop.sessions) { session in
            switch verb {
            case 0: session.logIn("ada", keeping: .only(.visits))
            case 1: session.rotate(grace: .zero)
            case 2: session.restart()
            default: session.logIn("ada")
            }
        }
        #expect(try await shop.arrival(before.cookies[SealedFixture.name] ?? "") == .gone)
        #expect(try await shop.arrival(shop.cookie) == .found)
        #expect(try await shop.browser.visit(shop.sessions) { $0.handle } != handle)
        // A rotation with a grace leaves it alone.
        let kept = shop.browser.copy()
        try await shop.browser.visit(shop.sessions) { $0.rotate() }
        #expect(try await shop.arrival(kept.cookies[SealedFixture.name] ?? "") == .found)
        // A form that was made in the request of the change is good for the session after it.
        var token = ""
        try await shop.browser.visit(shop.sessions) { session in
            session.rotate(grace: .zero)
            token = session.csrfToken
        }
        #expect(try await shop.browser.visit(shop.sessions) { $0.acceptsCSRFToken(token) })
        // And whoever holds one from before cannot sign this one out.
        try await before.visit(shop.sessions) { $0.destroy() }
        #expect(try await shop.arrival(shop.cookie) == .found)
    }

    @Test("a request costs one call, two with an owner; none if it does not ask for its session")
    func cost() async throws {
        let shop = try shop()
        func roundTrips(_ handler: (Session) async throws -> Void) async throws -> Int {
            let exchange = shop.sessions.open(shop.browser.request())
            try await handler(exchange.session)
            var response = HTTPResponse(status: .ok)
            try await exchange.commit().apply(to: &response)
            shop.browser.receive(response)
            return exchange.report.roundTrips
        }
        #expect(try await roundTrips { $0.set(.visits, to: 1) } == 0)
        #expect(try await roundTrips { $0.set(.visits, to: 2) } == 1)
        #expect(try await roundTrips { $0.logIn("ada") } == 3)
        #expect(try await roundTrips { $0.set(.visits, to: 2) } == 2)
        #expect(try await roundTrips { $0.logOut() } == 3)
        let before = shop.faults.count(of: .load)
        _ = try await shop.sessions.open(shop.browser.request()).commit()
        #expect(shop.faults.count(of: .load) == before)
    }

    @Test("ER-01: a store of revocations that fails is an error, never a session that might have ended")
    func failing() async throws {
        let shop = try shop()
        try await shop.browser.visit(shop.sessions) { $0.logIn("ada") }
        shop.faults.failBefore(.load)
        let before = shop.cookie
        await #expect(throws: SessionError(.storeUnavailable, "")) {
            try await shop.browser.visit(shop.sessions) { $0.owner }
        }
        #expect(shop.cookie == before)
        shop.faults.clear()
        #expect(try await shop.browser.visit(shop.sessions) { $0.owner } == "ada")
    }

    @Test("LC-10: a logout that is not confirmed is an error, and the cookie stays, to try again")
    func unconfirmed() async throws {
        let shop = try shop()
        try await shop.browser.visit(shop.sessions) { $0.logIn("ada") }
        shop.faults.failBefore(.insert, next: 4)
        let before = shop.cookie
        await #expect(throws: SessionError(.storeUnavailable, "")) {
            try await shop.browser.visit(shop.sessions) { $0.logOut() }
        }
        #expect(shop.cookie == before)
        // A login that cannot end the earlier session does not count either.
        await #expect(throws: SessionError(.storeUnavailable, "")) {
            try await shop.browser.visit(shop.sessions) { $0.logIn("eve") }
        }
        #expect(shop.cookie == before)
        shop.faults.clear()
        #expect(try await shop.browser.visit(shop.sessions) { $0.end() } == .final)
        #expect(try await shop.arrival(before) == .gone)
    }

    @Test("LC-17: a destroy after the head is carried out")
    func late() async throws {
        let shop = try shop()
        try await shop.browser.visit(shop.sessions) { $0.logIn("ada") }
        let exchange = shop.sessions.open(shop.browser.request())
        let session = try await exchange.session
        _ = try await exchange.commit()
        #expect(session.end() == .final)
        try await session.save()
        #expect(try await shop.arrival(shop.cookie) == .gone)
        #expect(!shop.events.kinds.contains(.lateChangeLost))
    }

    @Test("LC-12: revoking all of an owner's sessions ends each of them, and nobody else's")
    func revokeAll() async throws {
        let shop = try shop()
        let browsers = (0..<4).map { _ in SessionBrowser(clock: shop.clock) }
        for (index, browser) in browsers.enumerated() {
            try await browser.visit(shop.sessions) { $0.logIn(index < 3 ? "ada" : "eve") }
        }
        shop.clock.advance(by: .seconds(1))
        try await shop.sessions.revokeAll(of: "ada")
        var owners: [String?] = []
        for browser in browsers { owners.append(try await browser.visit(shop.sessions) { $0.owner }) }
        #expect(owners == [nil, nil, nil, "eve"])
        // It is kept for as long as one of their cookies could count.
        shop.clock.advance(by: .seconds(1700))
        _ = shop.store.sweep(expiredBefore: shop.clock.now(), limit: 10)
        #expect(try await browsers[0].visit(shop.sessions) { $0.owner } == nil)
        // Who logs in afterwards is in.
        try await browsers[0].visit(shop.sessions) { $0.logIn("ada") }
        #expect(try await browsers[0].visit(shop.sessions) { $0.owner } == "ada")
    }

    @Test("LC-12: a login whose request was opened before the owner was revoked does not count")
    func race() async throws {
        let shop = try shop()
        let exchange = shop.sessions.open(shop.browser.request())
        try await exchange.session.logIn("ada")
        shop.clock.advance(by: .seconds(1))
        try await shop.sessions.revokeAll(of: "ada")
        let error = await #expect(throws: SessionError.self) { try await exchange.commit() }
        #expect(error?.code == .revoked && error?.fields.changesCookie == false)

        // One that had answered a moment before the epoch was written, too.
        shop.clock.advance(by: .seconds(1))
        let other = shop.sessions.open(shop.browser.request())
        shop.clock.advance(by: .seconds(2))
        try await other.session.logIn("ada")
        var response = HTTPResponse(status: .ok)
        try await other.commit().apply(to: &response)
        shop.browser.receive(response)
        let owner = OwnerKey(realm: shop.sessions.realm, owner: "ada")
        shop.store.raiseEpoch(of: owner, to: shop.clock.now() - .seconds(1), keptUntil: .distantFuture)
        #expect(try await shop.browser.visit(shop.sessions) { $0.owner } == nil)
    }

    @Test("LC-12: signing out everywhere else keeps this session, by a new cookie")
    func revokeOthers() async throws {
        let shop = try shop()
        let other = SessionBrowser(clock: shop.clock)
        try await shop.browser.visit(shop.sessions) { $0.logIn("ada") }
        try await other.visit(shop.sessions) { $0.logIn("ada") }
        let copy = shop.browser.copy()
        try await shop.browser.visit(shop.sessions) { session in
            session.set(.visits, to: 3)
            try await session.revokeOthers()
        }
        try await shop.browser.visit(shop.sessions) { session in
            #expect(session.owner == "ada" && session[.visits] == 3)
        }
        #expect(try await other.visit(shop.sessions) { $0.owner } == nil)
        #expect(try await copy.visit(shop.sessions) { $0.owner } == nil)
        // With a login in the same request, as a password reset has it.
        shop.clock.advance(by: .seconds(1))
        try await shop.browser.visit(shop.sessions) { session in
            session.logIn("ada")
            try await session.revokeOthers()
        }
        #expect(try await shop.browser.visit(shop.sessions) { $0.owner } == "ada")
        // After the head, the cookie that this takes could not be sent: nothing is revoked.
        let exchange = shop.sessions.open(shop.browser.request())
        let session = try await exchange.session
        _ = try await exchange.commit()
        await #expect(throws: SessionError(.sealed, "")) { try await session.revokeOthers() }
        #expect(try await shop.browser.visit(shop.sessions) { $0.owner } == "ada")
    }

    @Test("any store does: revocations in files, and ordinary sessions beside them")
    func files() async throws {
        let scratch = try FileScratch()
        let files = try scratch.store { $0.synchronous = .off }
        let keys = try KeyRing([.generate()])
        let sealed = try SessionManager(
            sealedCookies: {
                var cookies = SealedCookies()
                cookies.revocations = files
                return cookies
            }(),
            acknowledging: [.concurrentChangesAreLost, .earlierStatesComeBack, .nothingIsConsumedOnce],
            keys: keys
        )
        var configuration = SessionConfiguration()
        configuration.cookie.name = "__Host-Http-staff"
        let stored = try SessionManager(store: files, keys: keys, configuration: configuration)
        let browser = SessionBrowser()
        try await browser.visit(sealed) { $0.logIn("ada") }
        try await browser.visit(stored) { $0.logIn("ada") }
        let copy = browser.copy()
        #expect(try await browser.visit(sealed) { $0.end() } == .final)
        #expect(try await copy.visit(sealed) { $0.owner } == nil)
        #expect(try await copy.visit(stored) { $0.owner } == "ada")
        #expect(try await stored.list("ada").count == 1)
    }

    @Test("reload says that the session was ended meanwhile")
    func reload() async throws {
        let shop = try shop()
        try await shop.browser.visit(shop.sessions) { $0.logIn("ada") }
        let copy = shop.browser.copy()
        let exchange = shop.sessions.open(shop.browser.request())
        let session = try await exchange.session
        try await session.reload()
        try await copy.visit(shop.sessions) { $0.destroy() }
        await #expect(throws: SessionError(.ended, "")) { try await session.reload() }
    }
}

/// What a request that was under way does after another one has ended the session, or renewed its credential.
struct LateRequest: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let verb: @Sendable (Session) -> Void

    static let all = [
        LateRequest(testDescription: "rotates strictly") { $0.rotate(grace: .zero) },
        LateRequest(testDescription: "logs in and keeps everything") { $0.logIn("ada", keeping: .all) },
        LateRequest(testDescription: "restarts") { $0.restart() },
        LateRequest(testDescription: "empties") { $0.remove(.visits) },
    ]
}
