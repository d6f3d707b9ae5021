#if Hummingbird
import HTTPTypes
import Hummingbird
import Logging
import Sessions
import SessionsHummingbird
import SessionsTesting
import Synchronization
import Testing

/// Curveball's cases. Its sessions end an hour after their last use, and one that is emptied is gone.
@Suite("Curveball")
struct CurveballTests {
    private static func service(
        expiry: Duration = .seconds(3600),
        _ change: (inout SessionConfiguration) -> Void = { _ in }
    ) throws -> Service {
        try Service(.native, maxAge: nil, name: "CB") { configuration in
            configuration.lifetime = SessionLifetime(idle: expiry, absolute: max(expiry, .seconds(86_400)))
            configuration.anonymousLifetime = configuration.lifetime
            configuration.deletesEmptied = true
            configuration.throwPolicy = .keepEverything
            change(&configuration)
        }
    }

    private static func count(_ session: Session) -> String {
        session.update(.visits) { $0 += 1 }
        return "\(session[.visits])"
    }

    @Test("Curveball 1: the cookie is CB, text without anything to escape, for the path /, HttpOnly and Lax")
    func cookie() async throws {
        let service = try Self.service()
        try await service.serve(get: Self.count) { (visitor) async throws in
            let field = try #require(try await visitor.get().setCookies.first)
            #expect(field.hasPrefix("CB="))
            #expect(field.hasSuffix("; Path=/; Secure; HttpOnly; SameSite=Lax"))
            let value = field.dropFirst(3).prefix { $0 != ";" }
            #expect(value.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0)) })
        }
    }

    @Test("Curveball 2: the session lasts, and with rolling the same cookie is sent again")
    func lasts() async throws {
        let service = try Self.service { $0.rolling = true }
        try await service.serve(get: Self.count) { (visitor) async throws in
            try await visitor.get()
            let cookie = visitor.cookie
            service.clock.advance(by: .seconds(1))
            let answer = try await visitor.get()
            #expect(answer.text == "2")
            #expect(answer.setCookie != nil)
            #expect(visitor.cookie == cookie)
        }
    }

    /// A store of one's own: five methods. What an application shares between its processes is in place of the dictionary.
    final class DictionaryStore: SessionStore {
        let records = Mutex<[StoreKey: StoredRecord]>([:])

        func load(_ key: StoreKey) async throws -> StoredRecord? { records.withLock { $0[key] } }

        func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool {
            records.withLock { records in
                guard records[key] == nil else { return false }
                records[key] = record
                return true
            }
        }

        func replace(
            _ record: StoredRecord,
            at key: StoreKey,
            ifVersion version: RecordVersion
        ) async throws -> ReplaceOutcome {
            records.withLock { records in
                guard let current = records[key] else { return .gone }
                guard current.version == version else { return .conflict(current) }
                records[key] = record
                return .replaced
            }
        }

        func touch(_ key: StoreKey, until deadline: Timestamp, ifVersion version: RecordVersion) async throws -> Bool {
            records.withLock { records in
                guard let current = records[key], current.version == version else { return false }
                records[key]?.idleDeadline = max(current.idleDeadline, deadline)
                return true
            }
        }

        func delete(_ key: StoreKey, ifVersion version: RecordVersion?) async throws -> Bool {
            records.withLock { records in
                guard let current = records[key], version == nil || current.version == version else { return false }
                records[key] = nil
                return true
            }
        }
    }

    @Test("Curveball 3: a store of one's own is five methods")
    func ownStore() async throws {
        let store = DictionaryStore()
        let sessions = try SessionManager(store: store, keys: KeyRing([SessionSecret.generate()]), logger: .quiet)
        let browser = SessionBrowser()
        try await browser.visit(sessions) { $0.set(.visits, to: 1) }
        try await browser.visit(sessions) { session in session.update(.visits) { $0 += 1 } }
        try await browser.visit(sessions) { $0.logIn("ada", keeping: .all) }
        #expect(try await browser.visit(sessions) { "\($0.owner ?? "") \($0[.visits])" } == "ada 2")
        #expect(store.records.withLock { $0.count } == 1)
        try await browser.visit(sessions) { $0.destroy() }
        #expect(store.records.withLock { $0.isEmpty })
    }

    @Test("Curveball 4: the cookie's name")
    func name() async throws {
        let service = try Service(.native, name: "MY_SESSION")
        try await service.serve(get: Self.count) { (visitor) async throws in
            #expect(try await visitor.get().setCookies.first?.hasPrefix("MY_SESSION=") == true)
        }
    }

    @Test(
        "Curveball 5, 6: the record ends so long after the last use, and the cookie says nothing of it",
        arguments: [3600, 7200]
    )
    func expiry(seconds: Int) async throws {
        let service = try Self.service(expiry: .seconds(seconds))
        try await service.serve(get: Self.count) { (visitor) async throws in
            #expect(try await visitor.get().attribute("Max-Age") == nil)
            #expect(service.record?.idleDeadline == service.clock.now() + .seconds(seconds))
            service.clock.advance(by: .seconds(10))
            try await visitor.get()
            #expect(service.record?.idleDeadline == service.clock.now() + .seconds(seconds))
            service.clock.advance(by: .seconds(seconds + 1))
            #expect(try await visitor.get().text == "1")
        }
    }

    @Test("Curveball 7: a session that is over at once is refused")
    func noExpiry() throws {
        #expect(throws: SessionConfigurationError(.lifetime, "")) { try Self.service(expiry: .zero) }
    }

    @Test("Curveball 8, 9: an id that nobody knows is not adopted, and another cookie is nothing to us")
    func unknown() async throws {
        let service = try Self.service()
        try await service.serve(get: Self.count) { (visitor) async throws in
            visitor.browser.plant("CB", "bm90LWFuLWlk")
            visitor.browser.plant("other", "1")
            let answer = try await visitor.get()
            #expect(answer.text == "1")
            #expect(answer.setCookies.count == 1)
            #expect(visitor.cookie != "bm90LWFuLWlk")
            #expect(visitor.browser.cookies["other"] == "1")
        }
        #expect(service.count == 1)
    }

    @Test("Curveball 10: a new id with the same data, and the old one is worth nothing", arguments: Format.allCases)
    func newID(format: Format) async throws {
        let service = try Service(format, maxAge: .seconds(3600))
        let routes = { (router: Router<AppContext>) in
            router.get { _, context in Self.count(try await context.session) }
            router.get("again") { _, context in
                let session = try await context.session
                session.rotate(grace: .zero)
                return session.id
            }
        }
        try await service.serve(routes) { (visitor) async throws in
            try await visitor.get()
            let (key, cookie, old) = (service.key, visitor.cookie, visitor.copy())
            let id = try await visitor.get("/again").text
            #expect(!id.isEmpty)
            #expect(visitor.cookie != cookie)
            #expect(service.count == 1)
            // Where the id is the record's key, the old row is gone.
            #expect((service.key == key) == (format == .native))
            // Until then a change with the old cookie is refused, as its client may not have got the new one yet.
            service.clock.advance(by: .seconds(61))
            #expect(try await old.get().text == "1")
            #expect(try await visitor.get().text == "2")
        }
    }

    @Test("Curveball 11, 12: a session that is emptied is gone, and its cookie with it")
    func emptied() async throws {
        let service = try Self.service()
        let routes = { (router: Router<AppContext>) in
            router.get { _, context in Self.count(try await context.session) }
            router.get("empty") { _, context in
                try await context.session.remove(.visits)
                return ""
            }
        }
        try await service.serve(routes) { (visitor) async throws in
            try await visitor.get()
            #expect(service.count == 1)
            let answer = try await visitor.get("/empty")
            #expect(service.count == 0)
            #expect(answer.attribute("Max-Age") == "0")
            #expect(visitor.cookie == nil)
        }
    }

    @Test("Curveball 13: a handler that throws keeps its session, where that is the setting")
    func throwing() async throws {
        let service = try Self.service()
        let routes = { (router: Router<AppContext>) in
            _ = router.get { _, context -> String in
                _ = Self.count(try await context.session)
                throw HTTPError(HTTPResponse.Status(code: 418))
            }
        }
        try await service.serve(routes) { (visitor) async throws in
            let answer = try await visitor.get()
            #expect(answer.status == 418)
            #expect(answer.setCookie != nil)
            #expect(try await visitor.browser.visit(service.sessions) { $0[.visits] } == 1)
        }
    }

    @Test("Curveball 15: two tokens of one request are two texts, and both are accepted in the next one")
    func tokens() async throws {
        let service = try Self.service()
        let browser = SessionBrowser(clock: service.clock)
        let tokens = try await browser.visit(service.sessions) { [$0.csrfToken, $0.csrfToken] }
        #expect(tokens[0] != tokens[1])
        for token in tokens { #expect(try await browser.visit(service.sessions) { $0.acceptsCSRFToken(token) }) }
    }

    @Test("Curveball 21, 22: memory, what has expired is hidden at once, and deleted as new sessions come")
    func hidden() async throws {
        let service = try Self.service()
        let browser = SessionBrowser(clock: service.clock)
        try await browser.visit(service.sessions) { $0.set(.visits, to: 1) }
        let key = try #require(service.key)
        service.clock.advance(by: .seconds(3601))
        #expect(try await browser.visit(service.sessions) { $0.isNew })
        #expect(service.store.base.load(key) != nil)
        service.clock.advance(by: .seconds(61))
        // Each new record makes room where it is put, and the memory is in several parts.
        for _ in 0..<1000 {
            try await SessionBrowser(clock: service.clock).visit(service.sessions) { $0.set(.visits, to: 1) }
        }
        #expect(service.store.base.load(key) == nil)
    }

    @Test("Curveball 23–25: memory is swept, from time to time, until the sweeper is ended")
    func swept() async throws {
        let service = try Self.service()
        let browser = SessionBrowser(clock: service.clock)
        try await browser.visit(service.sessions) { $0.set(.visits, to: 1) }
        let sweeper = try SessionSweeper(
            store: service.store,
            interval: .seconds(600),
            clock: service.clock,
            logger: .quiet
        )
        let task = Task { await sweeper.run() }
        for isExpired in [false, true] {
            try await service.clock.waitForSleepers()
            #expect(service.count == (isExpired ? 0 : 1))
            if !isExpired { service.clock.advance(by: .seconds(4000)) }
        }
        task.cancel()
        await task.value
    }

    @Test(
        "Curveball 26: a new session with no data leaves nothing, and an old one is not asked for unless somebody asks"
    )
    func lazy() async throws {
        let service = try Self.service()
        let routes = { (router: Router<AppContext>) in
            router.get { _, context in "\(try await context.session[.visits])" }
            router.get("about") { _, _ in "about" }
        }
        try await service.serve(routes) { (visitor) async throws in
            #expect(try await visitor.get().setCookies.isEmpty)
            visitor.browser.plant("CB", "a")
            try await visitor.get("/about")
        }
        #expect(service.faults.calls.isEmpty)
    }
}
#endif
