import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

@Suite("Session lifecycle")
struct LifecycleTests {
    @Test("the default cookie, to the letter (CK-01, CK-02, CK-03)")
    func defaultCookie() async throws {
        let fixture = try SessionFixture()
        let response = try await fixture.respond { $0.set(.visits, to: 1) }
        let cookie = try #require(response.setCookies.first)
        let parts = cookie.split(separator: ";", maxSplits: 1)
        let pair = parts[0].split(separator: "=")
        #expect(pair[0] == "__Host-Http-sid")
        #expect(pair[1].utf8.count == 112)
        let attributes = Set(parts[1].split(separator: ";").map { $0.drop(while: { $0 == " " }) })
        #expect(attributes == ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"])
        #expect(response.headerFields[.cacheControl] == "no-store")
        #expect(response.headerFields[.vary] == "Cookie")
    }

    @Test("a persistent cookie lasts to the absolute deadline; a rolling one to the idle deadline, sent as that moves")
    func persistence() async throws {
        let fixture = try SessionFixture { $0.cookie.persistence = .persistent }
        let first = try await fixture.respond { $0.set(.visits, to: 1) }
        #expect(first.setCookies.first?.contains("Max-Age=7200;") == true)
        let rolling = try SessionFixture { configuration in
            configuration.cookie.persistence = .persistent
            configuration.rolling = true
        }
        #expect(try await rolling.respond { $0.set(.visits, to: 1) }.setCookies[0].contains("Max-Age=1800;"))
        #expect(try await rolling.respond { _ in }.setCookies.isEmpty)
        rolling.clock.advance(by: .seconds(61))
        #expect(try await rolling.respond { _ in }.setCookies.first?.contains("Max-Age=1800;") == true)
    }

    @Test(
        "logIn: owner, new credential, old one dead, nothing planted survives, CSRF secret renewed (LC-01, LC-19, CS-08)"
    )
    func logIn() async throws {
        let fixture = try SessionFixture()
        let (browser, sessions) = (fixture.browser, fixture.sessions)
        let (token, id) = try await browser.visit(sessions) { session in
            session.set(.visits, to: 1)
            session.set(.notice, to: "planted")
            return (session.csrfToken, session.id)
        }
        let before = browser.copy()
        try await browser.visit(sessions) { session in
            session.logIn(42, keeping: .only(.visits))
            #expect(session.owner == "42")
            #expect(session[.notice] == nil)
            #expect(session.id != id)
            session.set(.cart, to: [])
        }
        try await browser.visit(sessions) { session in
            #expect(session.owner == "42")
            #expect(session[.visits] == 1)
            #expect(session.contains(.cart))
            #expect(!session.contains(.notice))
            #expect(!session.acceptsCSRFToken(token))
            #expect(session.authenticatedAt == fixture.clock.now())
        }
        #expect(try await before.visit(sessions) { $0.owner } == nil)
        #expect(fixture.events.kinds.contains(.suspicious(.justSuperseded)))
    }

    @Test("discarding changes of an ended session shows nothing of what came after it (I5)")
    func discard() async throws {
        let fixture = try SessionFixture { $0.endedPolicy = .discard }
        let (browser, sessions) = (fixture.browser, fixture.sessions)
        try await browser.visit(sessions) { $0.set(.visits, to: 1) }
        let exchange = sessions.open(browser.copy().request())
        let session = try await exchange.session
        try await browser.visit(sessions) { session in
            session.logIn("ada")
            session.set(.notice, to: "after")
        }
        session.set(.visits, to: 2)
        try await session.save()
        #expect(session.isEnded)
        #expect(session.owner == nil)
        #expect(session[.notice] == nil)
        #expect(fixture.events.kinds.contains(.changesDiscarded))
        #expect(try await !exchange.commit().changesCookie)
    }

    @Test("an owner of 0 or 257 bytes is refused", arguments: [0, 257])
    func invalidOwner(count: Int) async throws {
        let fixture = try SessionFixture()
        await #expect(throws: SessionError(.invalidOwner, "")) {
            try await fixture.browser.visit(fixture.sessions) { $0.logIn(String(repeating: "x", count: count)) }
        }
        #expect(fixture.store.count() == 0)
    }

    @Test("destroy absorbs what follows, expires the cookie with the same attributes, and ends the session (CK-08)")
    func destroy() async throws {
        let fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 1) }
        let response = try await fixture.respond { session in
            session.destroy()
            session.set(.visits, to: 2)
            session.logIn("ada")
            session.rotate()
            session.restart()
            #expect(session.isEnded)
            #expect(session[.visits] == 0)
            #expect(session.owner == nil)
        }
        let cookie = try #require(response.setCookies.first)
        for part in ["__Host-Http-sid=;", "Max-Age=0", "Path=/", "Secure", "HttpOnly", "SameSite=Lax"] {
            #expect(cookie.contains(part))
        }
        #expect(fixture.store.count() == 0)
        #expect(fixture.browser.cookies.isEmpty)
    }

    @Test("10 000 logouts without a session: no record, no header (LC-16)")
    func logOutOfNothing() async throws {
        let fixture = try SessionFixture()
        for _ in 0..<10_000 {
            let response = try await fixture.respond { $0.logOut() }
            if !response.setCookies.isEmpty { Issue.record("a Set-Cookie for nothing") }
        }
        #expect(fixture.faults.operations.isEmpty)
    }

    @Test("restart: another handle, nothing of the old session")
    func restart() async throws {
        let fixture = try SessionFixture()
        let (browser, sessions) = (fixture.browser, fixture.sessions)
        let handle = try await browser.visit(sessions) { session in
            session.set(.visits, to: 1)
            return session.handle
        }
        let next = try await browser.visit(sessions) { session in
            session.restart()
            #expect(session.isNew)
            #expect(session[.visits] == 0)
            session.flash(.notice, "Signed out")
            return session.handle
        }
        #expect(next != handle)
        try await browser.visit(sessions) { session in
            #expect(session.handle == next)
            #expect(session.flash(.notice) == "Signed out")
        }
        #expect(fixture.store.count() == 1)
    }

    @Test("this session's own lifetime: remembered longer, within its own absolute deadline")
    func ownLifetime() async throws {
        let fixture = try SessionFixture { $0.cookie.persistence = .persistent }
        let (browser, sessions) = (fixture.browser, fixture.sessions)
        let days = SessionLifetime(idle: .seconds(20 * 86400), absolute: .seconds(30 * 86400))
        try await browser.visit(sessions) { session in
            session.logIn("ada")
            try session.setLifetime(days)
        }
        for _ in 0..<2 {
            fixture.clock.advance(by: .seconds(14 * 86400))
            #expect(try await browser.visit(sessions) { $0.owner } == "ada")
        }
        fixture.clock.advance(by: .seconds(2 * 86400))
        #expect(try await browser.visit(sessions) { $0.owner } == nil)
        try await browser.visit(sessions) { session in
            #expect(throws: SessionConfigurationError.self) {
                try session.setLifetime(SessionLifetime(idle: .seconds(2), absolute: .seconds(1)))
            }
        }
    }

    @Test("a cookie under an older key is accepted and re-issued under the first; without the key it is a stranger's")
    func keyRotation() async throws {
        let (old, new) = (SessionSecret.generate(), SessionSecret.generate())
        let first = try SessionFixture(keys: KeyRing([old]))
        try await first.browser.visit(first.sessions) { $0.set(.visits, to: 1) }
        let second = try SessionFixture(keys: KeyRing([new, old]), store: first.store)
        let before = first.browser.cookies
        try await first.browser.visit(second.sessions) { session in session.update(.visits) { $0 += 1 } }
        #expect(first.browser.cookies != before)
        let third = try SessionFixture(keys: KeyRing([new]), store: first.store)
        #expect(try await first.browser.visit(third.sessions) { $0[.visits] } == 2)
        let stranger = SessionBrowser()
        for (name, value) in before { stranger.plant(name, value) }
        #expect(try await stranger.visit(third.sessions) { $0[.visits] } == 0)
    }

    @Test("sealed at rest: nothing readable, nothing exchangeable between handles (ST-06)")
    func sealedRecords() async throws {
        let fixture = try SessionFixture { $0.sealsRecords = true }
        let other = SessionBrowser(clock: fixture.clock)
        try await fixture.browser.visit(fixture.sessions) { $0.set(.notice, to: "a readable secret") }
        try await other.visit(fixture.sessions) { $0.set(.notice, to: "another one") }
        let entries = fixture.store.entries(after: nil, limit: 3)
        #expect(entries.count == 2)
        for entry in entries {
            #expect(!String(decoding: entry.record.payload, as: UTF8.self).contains("readable"))
            var swapped = entry.record
            swapped.payload = entries.first { $0.key != entry.key }?.record.payload ?? []
            _ = try fixture.store.replace(swapped, at: entry.key, ifVersion: entry.record.version)
        }
        #expect(try await fixture.browser.visit(fixture.sessions) { $0[.notice] } == nil)
        #expect(fixture.events.kinds.last == .suspicious(.unreadable))
    }

    @Test(
        "a record that cannot be read makes the request a stranger's and stays as it is (ER-04, ST-03, ST-13)",
        arguments: [
            "", "{", #"{"v":2}"#, #"{"v":1}"#, "\u{0}", #"{"v":1,"hash":"x"}"#, String(repeating: "[", count: 100_000),
        ]
    )
    func unreadable(payload: String) async throws {
        let fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 1) }
        let entry = try #require(fixture.store.entries(after: nil, limit: 1).first)
        var record = entry.record
        record.payload = Array(payload.utf8)
        _ = try fixture.store.replace(record, at: entry.key, ifVersion: record.version)
        let response = try await fixture.respond { #expect($0[.visits] == 0) }
        #expect(response.setCookies.isEmpty)
        #expect(fixture.store.load(entry.key)?.payload == record.payload)
    }

    @Test("junk, another name's value and another application's are refused before any store call (PR-12, CR-06)")
    func junk() async throws {
        let fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 1) }
        let value = try #require(fixture.browser.cookies.values.first)
        let keys = SessionSecret.generate()
        let app = try SessionFixture(keys: KeyRing([keys])) { $0.application = "other" }
        fixture.faults.forgetCalls()
        let name = "__Host-Http-sid"
        let flipped = String(value.dropLast()) + (value.hasSuffix("A") ? "B" : "A")
        for junk in ["", "x", "[object]", String(value.dropLast()), value + "A", flipped, "\"\(value)\""] {
            let stranger = SessionBrowser()
            stranger.plant(name, junk)
            #expect(try await stranger.visit(fixture.sessions) { $0.isNew })
            #expect(stranger.cookies.isEmpty, "PR-13: a cookie that is not ours is expired")
        }
        #expect(fixture.faults.operations.isEmpty)
        let stranger = SessionBrowser()
        stranger.plant(name, value)
        #expect(try await stranger.visit(app.sessions) { $0.isNew })
        #expect(app.faults.operations.isEmpty)
    }

    @Test("two different cookies of our name: a stranger's, and nothing is expired (PR-09)")
    func duplicates() async throws {
        let fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 1) }
        var request = fixture.browser.request()
        request.headerFields.append(HTTPField(name: .cookie, value: "__Host-Http-sid=evil"))
        let exchange = fixture.sessions.open(request)
        #expect(try await exchange.session.isNew)
        #expect(try await !exchange.commit().changesCookie)
        #expect(exchange.report.arrival == .duplicate)
    }

    @Test("two genuine cookies of a name without host prefix: one that resolves is used, two are an attack (PR-09)")
    func duplicatesWithoutHostPrefix() async throws {
        let fixture = try SessionFixture { configuration in
            configuration.cookie.name = "__Secure-sid"
            configuration.cookie.path = "/shop"
        }
        let sessions = fixture.sessions
        func cookie() async throws -> String {
            let exchange = sessions.open(HTTPFields())
            try await exchange.session.set(.visits, to: 1)
            var response = HTTPResponse(status: .ok)
            try await exchange.commit().apply(to: &response)
            return String(response.setCookies[0].prefix { $0 != ";" })
        }
        let (one, two) = (try await cookie(), try await cookie())
        func visits(_ cookies: String...) async throws -> Int {
            try await sessions.open([.cookie: cookies.joined(separator: "; ")]).session[.visits]
        }
        #expect(try await visits(one, "__Secure-sid=evil") == 1)
        #expect(try await visits("__Secure-sid=evil", one) == 1)
        #expect(try await visits(one, two) == 0)
    }
}
