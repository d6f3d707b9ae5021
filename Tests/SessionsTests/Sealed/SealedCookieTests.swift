import HTTPTypes
import Sessions
import SessionsTesting
import Testing

@testable import Sessions

@Suite("Sealed cookies")
struct SealedCookieTests {
    @Test("a session begins, changes, is logged in and ends, and nothing keeps it but its cookie")
    func life() async throws {
        let shop = try SealedFixture()
        let empty = try await shop.respond { _ in }
        #expect(empty.setCookies.isEmpty)
        try await shop.browser.visit(shop.sessions) { $0.update(.visits) { $0 += 1 } }
        for count in 2...5 {
            try await shop.browser.visit(shop.sessions) { session in
                #expect(!session.isNew)
                session.update(.visits) { $0 += 1 }
                #expect(session[.visits] == count)
            }
        }
        let id = try await shop.browser.visit(shop.sessions) { $0.id }
        try await shop.browser.visit(shop.sessions) { $0.logIn("ada", keeping: .only(.visits)) }
        try await shop.browser.visit(shop.sessions) { session in
            #expect(session.owner == "ada")
            #expect(session[.visits] == 5)
            #expect(session.id != id)
            session.flash(.notice, "Welcome")
        }
        #expect(try await shop.browser.visit(shop.sessions) { $0.flash(.notice) } == "Welcome")
        #expect(try await shop.browser.visit(shop.sessions) { $0.flash(.notice) } == nil)
        let out = try await shop.respond { #expect($0.end() == .forThisClient) }
        #expect(out.setCookies.count == 1 && out.setCookies[0].contains("Max-Age=0"))
        #expect(try await shop.browser.visit(shop.sessions) { $0.owner } == nil)
        #expect(shop.store.count() == 0)
        #expect(shop.events.kinds.contains(.began) && shop.events.kinds.contains(.loggedIn))
    }

    @Test("the report says that no store was asked, and why the cookie was sent")
    func report() async throws {
        let shop = try SealedFixture()
        try await shop.browser.visit(shop.sessions) { $0.set(.visits, to: 1) }
        let exchange = shop.sessions.open(shop.browser.request())
        try await exchange.session.set(.visits, to: 2)
        _ = try await exchange.commit()
        #expect(exchange.report.roundTrips == 0)
        #expect(exchange.report.commit == .replaced && exchange.report.cookie == .resealed)
    }

    @Test("I8: a request that only reads sends nothing, and CK-16: no cookie")
    func reading() async throws {
        let shop = try SealedFixture()
        try await shop.browser.visit(shop.sessions) { $0.set(.visits, to: 1) }
        shop.clock.advance(by: .seconds(30))
        let response = try await shop.respond { #expect($0[.visits] == 1) }
        #expect(response.setCookies.isEmpty)
        // A change to what is there already is none.
        #expect(try await shop.respond { $0.set(.visits, to: 1) }.setCookies.isEmpty)
    }

    @Test(
        "CR-08, I7: deadlines are in the seal: a cookie that outlived them opens nothing, whatever the browser thinks"
    )
    func deadlines() async throws {
        let shop = try SealedFixture()
        try await shop.browser.visit(shop.sessions) { $0.logIn("ada") }
        let thief = shop.browser.copy()
        // Idle: used by nobody for half an hour.
        shop.clock.advance(by: .seconds(1799))
        #expect(try await thief.copy().visit(shop.sessions) { $0.owner } == "ada")
        shop.clock.advance(by: .seconds(1))
        let response = try await shop.respond(thief) { #expect($0.owner == nil) }
        #expect(response.status == .ok && response.setCookies.isEmpty)
        #expect(try await shop.arrival(thief.cookies[SealedFixture.name] ?? "") == .expired)

        // Absolute: in use all the time, until twelve hours are over.
        let user = SessionBrowser(clock: shop.clock)
        try await user.visit(shop.sessions) { $0.logIn("ada") }
        for _ in 0..<35 {
            shop.clock.advance(by: .seconds(1200))
            #expect(try await user.visit(shop.sessions) { $0.owner } == "ada")
        }
        shop.clock.advance(by: .seconds(1199))
        #expect(try await user.visit(shop.sessions) { $0.owner } == "ada")
        shop.clock.advance(by: .seconds(1))
        #expect(try await user.visit(shop.sessions) { $0.owner } == nil)
    }

    @Test("a request that reads after the renewal interval seals anew, with a later deadline")
    func renewal() async throws {
        let shop = try SealedFixture()
        try await shop.browser.visit(shop.sessions) { $0.logIn("ada") }
        let before = shop.cookie
        shop.clock.advance(by: .seconds(61))
        let response = try await shop.respond { #expect($0.owner == "ada") }
        #expect(response.setCookies.count == 1)
        #expect(shop.cookie != before)
        shop.clock.advance(by: .seconds(1799))
        #expect(try await shop.browser.visit(shop.sessions) { $0.owner } == "ada")
    }

    @Test("CR-08, LC-21: a session that begins in the future, by more than clocks differ, opens nothing")
    func future() async throws {
        let keys = try KeyRing([.generate()])
        let ahead = ManualSessionClock()
        let there = try SealedFixture(keys: keys, clock: ahead)
        let here = try SealedFixture(keys: keys)
        ahead.set(here.clock.now() + .seconds(299))
        let browser = SessionBrowser(clock: here.clock)
        try await browser.visit(there.sessions) { $0.logIn("ada") }
        #expect(try await browser.visit(here.sessions) { $0.owner } == "ada")
        ahead.set(here.clock.now() + .seconds(301))
        try await browser.visit(there.sessions) { $0.logIn("ada") }
        #expect(try await browser.visit(here.sessions) { $0.owner } == nil)
    }

    @Test("a persistent cookie says the deadline that is in its seal")
    func persistence() async throws {
        let shop = try SealedFixture { configuration, _ in configuration.cookie.persistence = .persistent }
        let response = try await shop.respond { $0.logIn("ada") }
        #expect(response.setCookies[0].contains("Max-Age=43200"))
        let rolling = try SealedFixture { configuration, _ in
            configuration.cookie.persistence = .persistent
            configuration.rolling = true
        }
        #expect(try await rolling.respond { $0.logIn("ada") }.setCookies[0].contains("Max-Age=1800"))
    }

    @Test("I9: what is sealed shows nothing, and I10: one Set-Cookie for our name, the application's own stay")
    func response() async throws {
        let shop = try SealedFixture()
        let exchange = shop.sessions.open(shop.browser.request())
        let session = try await exchange.session
        session.set(.text, to: "attack at dawn")
        try await session.save()
        session.logIn("ada")
        try await session.save()
        session.set(.visits, to: 3)
        var response = HTTPResponse(status: .ok, headerFields: [.setCookie: "theme=dark; Path=/"])
        try await exchange.commit().apply(to: &response)
        #expect(response.setCookies.count == 2)
        #expect(response.setCookies[0] == "theme=dark; Path=/")
        #expect(response.headerFields[.cacheControl]?.contains("no-store") == true)
        shop.browser.receive(response)
        #expect(try await shop.browser.visit(shop.sessions) { $0[.visits] } == 3)
        #expect("\(exchange) \(exchange.report)".contains(shop.cookie.prefix(20)) == false)
    }

    @Test("checkpoints: what was saved travels on the error of a handler that throws")
    func checkpoint() async throws {
        let shop = try SealedFixture()
        struct Failure: Error {}
        await #expect(throws: Failure.self) {
            try await shop.browser.visit(shop.sessions) { session in
                session.set(.visits, to: 7)
                try await session.save()
                session.set(.visits, to: 8)
                throw Failure()
            }
        }
        #expect(try await shop.browser.visit(shop.sessions) { $0[.visits] } == 7)
    }

    @Test("LC-17: after the head, a change is refused, as there is no cookie to keep it in")
    func late() async throws {
        let shop = try SealedFixture()
        try await shop.browser.visit(shop.sessions) { $0.set(.visits, to: 1) }
        let exchange = shop.sessions.open(shop.browser.request())
        let session = try await exchange.session
        _ = try await exchange.commit()
        session.set(.visits, to: 2)
        await #expect(throws: SessionError(.sealed, "")) { try await session.save() }
        #expect(session[.visits] == 1)
        // And a destroy reaches nobody.
        #expect(session.end() == .forThisClient)
        try await session.save()
        #expect(shop.events.kinds.contains(.lateChangeLost))
        #expect(try await shop.browser.visit(shop.sessions) { $0[.visits] } == 1)
    }

    @Test("a throw that cannot carry a cookie keeps nothing, and says so")
    func thrown() async throws {
        let shop = try SealedFixture { configuration, _ in configuration.throwPolicy = .keepEverything }
        try await shop.browser.visit(shop.sessions) { $0.set(.visits, to: 1) }
        let response = try await shop.respond(nil, .threw(carriesFields: false)) { $0.set(.visits, to: 2) }
        #expect(response.setCookies.isEmpty)
        #expect(shop.events.kinds.contains(.changesDiscarded))
        try await shop.respond(nil, .threw(carriesFields: true)) { $0.set(.visits, to: 3) }
        #expect(try await shop.browser.visit(shop.sessions) { $0[.visits] } == 3)
    }

    @Test("restart, rotate, reload, CSRF and a lifetime of its own go on working")
    func verbs() async throws {
        let shop = try SealedFixture()
        try await shop.browser.visit(shop.sessions) { $0.set(.visits, to: 1) }
        let token = try await shop.browser.visit(shop.sessions) { $0.csrfToken }
        #expect(try await shop.browser.visit(shop.sessions) { $0.acceptsCSRFToken(token) })
        let id = try await shop.browser.visit(shop.sessions) { $0.id }
        try await shop.browser.visit(shop.sessions) { $0.rotate() }
        #expect(try await shop.browser.visit(shop.sessions) { $0.id } != id)
        try await shop.browser.visit(shop.sessions) { session in
            session.set(.visits, to: 9)
            try await session.reload()
            #expect(session[.visits] == 1)
        }
        try await shop.browser.visit(shop.sessions) { session in
            #expect(throws: SessionConfigurationError(.lifetime, "")) { try session.setLifetime(.aal1) }
            try session.setLifetime(SessionLifetime(idle: .seconds(60), absolute: .seconds(120)))
        }
        try await shop.browser.visit(shop.sessions) { $0.restart() }
        try await shop.browser.visit(shop.sessions) { session in
            #expect(session[.visits] == 0)
            #expect(!session.acceptsCSRFToken(token))
        }
    }

    @Test("many tasks of one request lose no change of each other")
    func tasks() async throws {
        let shop = try SealedFixture()
        try await shop.browser.visit(shop.sessions) { session in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        session.update(.visits) { $0 += 1 }
                        try await session.save()
                    }
                }
                try await group.waitForAll()
            }
        }
        #expect(try await shop.browser.visit(shop.sessions) { $0[.visits] } == 20)
    }

    // MARK: What is missing

    @Test("I1, I4 and I6 are missing, as the argument says: the last answer wins, old states count on, consume throws")
    func missing() async throws {
        let shop = try SealedFixture()
        try await shop.browser.visit(shop.sessions) { $0.set(.visits, to: 5) }
        let earlier = shop.browser.copy()
        // Two requests at once: the second answer is what the browser keeps.
        let (first, second) = (shop.sessions.open(shop.browser.request()), shop.sessions.open(shop.browser.request()))
        try await first.session.set(.text, to: "first")
        try await second.session.update(.visits) { $0 -= 2 }
        for exchange in [first, second] {
            var response = HTTPResponse(status: .ok)
            try await exchange.commit().apply(to: &response)
            shop.browser.receive(response)
        }
        try await shop.browser.visit(shop.sessions) { session in
            #expect(session[.text] == "" && session[.visits] == 3)
        }
        // Who kept the cookie from before goes back to it.
        #expect(try await earlier.visit(shop.sessions) { $0[.visits] } == 5)
        await #expect(throws: SessionError(.unsupported, "")) {
            try await shop.browser.visit(shop.sessions) { try await $0.consume(.visits) }
        }
    }

    @Test("CR-09: without revocations a copied cookie counts on after logging out, and destroy says so")
    func replay() async throws {
        let shop = try SealedFixture()
        try await shop.browser.visit(shop.sessions) { $0.logIn("ada") }
        let copy = shop.browser.copy()
        #expect(try await shop.browser.visit(shop.sessions) { $0.end() } == .forThisClient)
        #expect(try await copy.visit(shop.sessions) { $0.owner } == "ada")
    }

    @Test("listing and revoking throw: 501")
    func unsupported() async throws {
        for hasRevocations in [false, true] {
            let shop = try SealedFixture(revocations: hasRevocations)
            try await shop.browser.visit(shop.sessions) { $0.logIn("ada") }
            let handle = try await shop.browser.visit(shop.sessions) { $0.handle }
            let calls: [(Session) async throws -> Void] = [
                { _ = try await $0.listSessions() },
                { _ = try await $0.revokeSession(.random()) },
                { _ = try await $0.consume(.notice) },
                { _ in _ = try await shop.sessions.list("ada") },
                { _ in _ = try await shop.sessions.revoke(handle, of: "ada") },
                { _ in _ = try await shop.sessions.revokeAll(of: "ada", keeping: handle) },
            ]
            for call in calls {
                let error = await #expect(throws: SessionError.self) {
                    try await shop.browser.visit(shop.sessions) { try await call($0) }
                }
                #expect(error?.code == .unsupported && error?.code.httpStatus == 501)
            }
            guard !hasRevocations else { continue }
            await #expect(throws: SessionError(.unsupported, "")) { try await shop.sessions.revokeAll(of: "ada") }
            await #expect(throws: SessionError(.unsupported, "")) {
                try await shop.browser.visit(shop.sessions) { try await $0.revokeOthers() }
            }
        }
    }

    // MARK: Configuration

    private func code(
        _ named: MissingGuarantees = SealedFixture.all,
        keys: KeyRing? = nil,
        _ configure: (inout SessionConfiguration, inout SealedCookies) throws -> Void = { _, _ in }
    ) throws -> (SessionConfigurationError.Code, String)? {
        var (configuration, cookies) = (SessionConfiguration(), SealedCookies())
        try configure(&configuration, &cookies)
        do {
            _ = try SessionManager(
                sealedCookies: cookies,
                acknowledging: named,
                keys: keys ?? KeyRing([.generate()]),
                configuration: configuration
            )
            return nil
        } catch let error as SessionConfigurationError {
            return (error.code, error.message)
        }
    }

    @Test("each missing guarantee has to be named, and the error names those that were not")
    func acknowledging() throws {
        #expect(try code() == nil)
        for bit in 0..<4 {
            let member = MissingGuarantees(rawValue: 1 << bit)
            let refusal = try #require(try code(SealedFixture.all.subtracting(member)))
            #expect(refusal.0 == .store && refusal.1.contains(member.spelled))
        }
        #expect(try code([])?.0 == .store)
        let store = FaultySessionStore(try MemorySessionStore())
        #expect(try code(SealedFixture.all.subtracting(.logoutReachesOneClient)) { $1.revocations = store } == nil)
        #expect(try code { $1.revocations = store }?.0 == .store)
    }

    @Test("CF-02, CF-12: a configuration that means nothing here is refused")
    func configuration() throws {
        #expect(try code(keys: .ephemeral())?.0 == .missingSecret)
        #expect(try code(keys: .ephemeral()) { $0.sessionsMayEndWithProcess = $1.padding > 0 } == nil)
        #expect(try code { $1.padding = $0.resave ? 1 : 0 }?.0 == .limit)
        #expect(try code { $1.padding = $0.resave ? 1 : 257 }?.0 == .limit)
        #expect(try code { configuration, _ in configuration.rotationInterval = .seconds(3600) }?.0 == .store)
        #expect(try code { configuration, _ in configuration.maximumSessionsPerOwner = 3 }?.0 == .store)
        #expect(try code { configuration, _ in configuration.sealsRecords = true }?.0 == .store)
        #expect(try code { configuration, _ in configuration.maximumRecordBytes = 4097 }?.0 == .limit)
        #expect(try code { configuration, _ in configuration.maximumRecordBytes = 3000 } == nil)
        // Revocations that are forgotten before the sessions are.
        let named = SealedFixture.all.subtracting(.logoutReachesOneClient)
        #expect(try code(named) { $1.revocations = try $0.resave ? nil : MemorySessionStore() }?.0 == .store)
    }
}
