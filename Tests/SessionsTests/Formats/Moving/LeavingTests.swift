import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

private struct Passport: Codable, Sendable {
    var user: String
}

@Suite("Leaving koa-session, Compas and Remix behind")
struct LeavingTests {
    private static let own = "__Host-Http-sid"
    private static let bob: @Sendable (OldValues) -> String? = { $0[SessionKey<Passport?>("passport")]?.user }

    @Test(
        "leaving koa-session, Compas or Remix: a session goes on with its values, flash, owner and deadlines",
        arguments: LeavingSystem.allCases
    )
    func move(system: LeavingSystem) async throws {
        let fixture = try LeavingFixture(system)
        let (browser, beside) = (fixture.browser, try system.beside(fixture.old.base, fixture.clock))
        try await browser.visit(beside) { session in
            session.logIn("ada")
            session.set(.visits, to: 3)
            session.flash(.notice, "Welcome")
        }
        #expect(Set(browser.cookies.keys) == system.cookieNames)
        let end = fixture.old.base.entries(after: nil, limit: 1).first?.record.absoluteDeadline
        fixture.clock.advance(by: .seconds(30))

        let seen = try await browser.visit(fixture.sessions) { "\($0.owner ?? "") \($0[.visits])" }
        #expect(seen == "ada 3")
        #expect(fixture.new.base.count() == 0, "reading moves nothing inside the renewal interval")
        try await fixture.visit(browser)
        #expect(fixture.new.base.count() == 1)
        #expect(Set(browser.cookies.keys) == [Self.own])
        let after = try await browser.visit(fixture.sessions) { session in
            #expect(session.absoluteDeadline == end)
            #expect(session.authenticatedAt != nil)
            return "\(session.owner ?? "") \(session[.visits]) \(session.flash(.notice) ?? "")"
        }
        #expect(after == "ada 4 Welcome")
        #expect(try await fixture.sessions.list("ada").count == 1)
    }

    @Test(
        "leaving koa-session, Compas or Remix: a mark takes the record's place, under the id that it had there",
        arguments: LeavingSystem.allCases
    )
    func mark(system: LeavingSystem) async throws {
        let fixture = try LeavingFixture(system, owner: Self.bob)
        try fixture.systemWrites()
        let client = fixture.browser.copy()
        #expect(try await client.visit(fixture.sessions) { "\($0.owner ?? "") \($0[.visits])" } == "bob 3")
        try await fixture.visit(fixture.browser)
        #expect(try fixture.left.contains(#""swiftMoved":{"to":""#))
        #expect(try !fixture.left.contains("bob"), "what has moved is not kept twice")
        #expect(fixture.old.base.count() == 1)
        #expect(!fixture.old.faults.operations.contains(.insert), "no id that the other system's table may not hold")
        #expect(try await client.visit(fixture.sessions) { "\($0.owner ?? "") \($0[.visits])" } == "bob 4")
        let moved = try #require(fixture.new.base.entries(after: nil, limit: 2).first).record
        let mark = try #require(fixture.old.base.load(fixture.key))
        #expect(mark.expiresAt <= moved.absoluteDeadline, "nor is what is left of it kept longer")
    }

    @Test(
        "leaving koa-session, Compas or Remix: requests with one old cookie, on several nodes, move its session once (I1)",
        arguments: LeavingSystem.allCases
    )
    func once(system: LeavingSystem) async throws {
        let fixture = try LeavingFixture(system)
        try fixture.systemWrites()
        let clients = (0..<20).map { _ in fixture.browser.copy() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, client) in clients.enumerated() {
                group.addTask { try await fixture.visit(client, fixture.nodes[number % 3]) }
            }
            try await group.waitForAll()
        }
        #expect(fixture.new.base.count() == 1)
        #expect(fixture.events.kinds.count { $0 == .moved } == 1)
        #expect(try await fixture.visits(fixture.browser) == 23)
        #expect(Set(clients.map { $0.cookies[Self.own] }).count == 1, "all are answered with the same credential")
        for client in clients { #expect(Set(client.cookies.keys) == [Self.own]) }
    }

    @Test(
        "leaving koa-session, Compas or Remix: a logout reaches a session that has moved, and one that has not (I2)",
        arguments: LeavingSystem.allCases,
        [true, false]
    )
    func logout(system: LeavingSystem, hasMoved: Bool) async throws {
        let fixture = try LeavingFixture(system)
        try fixture.systemWrites()
        let client = fixture.browser.copy()
        if hasMoved { try await fixture.visit(fixture.browser) }
        try await fixture.browser.visit(fixture.sessions) { $0.logOut() }
        #expect(fixture.browser.cookies.isEmpty)
        #expect(fixture.new.base.count() == 0)
        #expect(try await fixture.visits(client) == 0)
        try await fixture.visit(client)
        #expect(try await fixture.visits(client) == 1, "a session of its own")
    }

    @Test(
        "leaving koa-session, Compas or Remix: who is signed out everywhere is so with a session that has not moved (I2)",
        arguments: LeavingSystem.allCases
    )
    func revoked(system: LeavingSystem) async throws {
        let fixture = try LeavingFixture(system, owner: Self.bob)
        try fixture.systemWrites()
        fixture.clock.advance(by: .seconds(1))
        try await fixture.sessions.revokeAll(of: "bob")
        fixture.clock.advance(by: .seconds(1))
        #expect(try await fixture.visits(fixture.browser) == 0)
    }

    @Test(
        "leaving koa-session, Compas or Remix: every cookie of theirs expires, as it was set, and ours is set (I10)",
        arguments: LeavingSystem.allCases
    )
    func cookies(system: LeavingSystem) async throws {
        let fixture = try LeavingFixture(system)
        try fixture.systemWrites()
        let fields = try await fixture.setCookies { $0.set(.visits, to: 4) }
        let names = fields.compactMap { $0.split(separator: "=").first.map(String.init) }
        #expect(names.count == Set(names).count, "one field for each name")
        #expect(Set(names) == system.cookieNames.union([Self.own]))
        for field in fields where !field.hasPrefix(Self.own) {
            #expect(field.contains("=; Max-Age=0") && field.contains("Path=/"))
            #expect(field.contains("Domain=shop.example") == (system == .compas))
            #expect(field.contains("Secure") == (system != .compasInDevelopment))
        }
        #expect(try await fixture.setCookies { $0.set(.visits, to: 5) }.isEmpty)
    }

    @Test(
        "leaving koa-session, Compas or Remix: a cookie that no key signed opens nothing, and is left where it is (I3)",
        arguments: LeavingSystem.allCases
    )
    func unverifiable(system: LeavingSystem) async throws {
        let fixture = try LeavingFixture(system)
        try fixture.systemWrites()
        let name = system == .remix ? "__session" : system == .koa ? "koa.sess.sig" : "shop.sess.sig"
        fixture.browser.plant(name, "A" + (try #require(fixture.browser.cookies[name])))
        let fields = try await fixture.setCookies { #expect($0.isNew) }
        #expect(fields.isEmpty)
        #expect(fixture.old.faults.calls.isEmpty, "the store is not asked")
        #expect(Set(fixture.browser.cookies.keys) == system.cookieNames)
    }

    @Test("leaving Remix: a session in its files moves, and its file leads there until a logout")
    func files() async throws {
        let (scratch, clock) = (try FileScratch(), ManualSessionClock())
        // A file's deadline goes by the system's clock.
        clock.set(SystemSessionClock().now())
        let (files, new) = (
            try RemixFileStore(directory: scratch.directory), try MemorySessionStore(clock: clock)
        )
        let missing: MissingGuarantees = [.concurrentChangesAreLost, .endedSessionsComeBack]
        let beside = try SessionManager.remix(
            secrets: ["s3cr3t"],
            store: files,
            acknowledging: missing,
            clock: clock,
            logger: .silent
        )
        let sessions = try SessionManager(
            store: new,
            keys: .ephemeral(),
            movingFrom: .remix(secrets: ["s3cr3t"], store: files, acknowledging: missing),
            clock: clock,
            logger: .silent
        )
        let browser = SessionBrowser(clock: clock)
        try await browser.visit(beside) { $0.set(.visits, to: 3) }
        let clients = [browser, browser.copy(), browser.copy()]
        for client in clients.prefix(2) {
            try await client.visit(sessions) { session in session.update(.visits) { $0 += 1 } }
        }
        #expect(try await browser.visit(sessions) { $0[.visits] } == 5)
        #expect(new.count() == 1)
        try await browser.visit(sessions) { $0.logOut() }
        #expect(try await clients[2].visit(sessions) { $0[.visits] } == 0)
        #expect(new.count() == 0)
    }

    @Test("a session that its storage keeps without an end moves with the first request that asks for it")
    func endless() async throws {
        let fixture = try LeavingFixture(.remix)
        try fixture.systemWrites(lives: .seconds(36_525 * 86_400))
        #expect(try await fixture.visits(fixture.browser) == 3)
        #expect(fixture.new.base.count() == 1)
        #expect(Set(fixture.browser.cookies.keys) == [Self.own])
        let end = try await fixture.browser.visit(fixture.sessions) { $0.absoluteDeadline }
        #expect(end == fixture.clock.now() + .seconds(90 * 86_400), "it gets an end (I7)")
    }

    @Test("I2: a revocation holds for a session of Remix's whose storage does not tell when it was used last")
    func revokedWithoutBeginning() async throws {
        let fixture = try LeavingFixture(.remix, owner: Self.bob)
        try fixture.systemWrites(lives: .seconds(36_525 * 86_400))
        try await fixture.sessions.revokeAll(of: "bob")
        fixture.clock.advance(by: .seconds(60))
        #expect(try await fixture.browser.visit(fixture.sessions) { "\($0.owner ?? "") \($0[.visits])" } == " 0")
    }
}
