import HTTPTypes
import Logging
import SessionsTesting
import Testing

@testable import Sessions

/// The systems but express-session whose sessions move.
enum LeavingSystem: String, Sendable, CaseIterable, CustomTestStringConvertible {
    case koa, compas, compasInDevelopment, remix

    var testDescription: String { rawValue }

    static let id = "6f1c3a52-8a3c-4d1e-9f66-0c1b2a3d4e5f"
    static let maxAge: Duration = .seconds(14 * 86_400)
    private static let secret: ForeignSecret = "0123456789abcdef0123"

    /// The names of its cookies, the companion's included.
    var cookieNames: Set<String> {
        switch self {
        case .koa: ["koa.sess", "koa.sess.sig"]
        case .compas, .compasInDevelopment: ["shop.sess", "shop.sess.sig", "shop.sess.public"]
        case .remix: ["__session"]
        }
    }

    private func settings() throws -> CompasSettings {
        try CompasSettings(
            nodeEnvironment: self == .compas ? "production" : "development",
            appName: "Shop",
            appKeys: "0123456789abcdef0123,another",
            cookieURL: "shop.example"
        )
    }

    /// Its sessions, as a manager moves from them.
    func sessions(
        _ store: any SessionStore,
        _ owner: (@Sendable (OldValues) -> String?)? = nil
    ) throws -> OldSessions {
        switch self {
        case .koa:
            .koa(
                keys: [Self.secret],
                store: store,
                acknowledging: .keysAreCredentials,
                configuration: .koa(maxAge: Self.maxAge),
                owner: owner
            )
        case .compas, .compasInDevelopment:
            try .compas(
                settings(),
                store: store,
                acknowledging: .keysAreCredentials,
                maxAge: Self.maxAge,
                keepPublicCookie: true,
                owner: owner
            )
        case .remix:
            .remix(
                secrets: [Self.secret],
                store: store,
                acknowledging: .keysAreCredentials,
                configuration: .remix(maxAge: Self.maxAge),
                owner: owner
            )
        }
    }

    /// The service as it was before, in the old format.
    func beside(_ store: any SessionStore, _ clock: ManualSessionClock) throws -> SessionManager {
        switch self {
        case .koa:
            try .koa(
                keys: [Self.secret],
                store: store,
                acknowledging: .keysAreCredentials,
                configuration: .koa(maxAge: Self.maxAge),
                clock: clock,
                logger: .silent
            )
        case .compas, .compasInDevelopment:
            try .compas(
                settings(),
                store: store,
                acknowledging: .keysAreCredentials,
                maxAge: Self.maxAge,
                keepPublicCookie: true,
                clock: clock,
                logger: .silent
            )
        case .remix:
            try .remix(
                secrets: [Self.secret],
                store: store,
                acknowledging: .keysAreCredentials,
                configuration: .remix(maxAge: Self.maxAge),
                clock: clock,
                logger: .silent
            )
        }
    }

    /// A record as the other system writes it, of a session that was used at `now`.
    func json(at now: Timestamp) -> String {
        let values = #"{"visits":3,"passport":{"user":"bob"}"#
        let end = (now + Self.maxAge).microseconds / 1000
        return self == .remix
            ? "[\(values)},{}]" : values + #","_expire":\#(end),"_maxAge":1209600000}"#
    }

    /// Gives a browser the cookies of the session.
    func plant(in browser: SessionBrowser) throws {
        func plant(_ name: String, _ key: ForeignSecret, _ algorithm: KoaSignature) throws {
            let signing = try KoaSigning(keys: [key], algorithm: algorithm, name: CookieName(name))
            browser.plant(name, Self.id)
            browser.plant("\(name).sig", signing.signature(of: Self.id.utf8))
        }
        switch self {
        case .koa: try plant("koa.sess", Self.secret, .sha256)
        case .compas: try plant("shop.sess", Self.secret, .sha256)
        case .compasInDevelopment: try plant("shop.sess", "Shop", .sha1)
        case .remix: browser.plant("__session", RemixCookie(secrets: [Self.secret]).value(of: Self.id))
        }
        for name in cookieNames where name.hasSuffix(".public") { browser.plant(name, "truthy") }
    }
}

/// A service that moves its sessions out of the format of one of these systems, on two memory stores.
struct LeavingFixture {
    typealias Store = FaultySessionStore<MemorySessionStore>

    let system: LeavingSystem
    let clock: ManualSessionClock
    let old: Store
    let new: Store
    let events: EventLog
    /// Nodes of one service.
    let nodes: [SessionManager]
    let browser: SessionBrowser

    var sessions: SessionManager { nodes[0] }

    init(_ system: LeavingSystem, owner: (@Sendable (OldValues) -> String?)? = nil) throws {
        let (clock, events) = (ManualSessionClock(), EventLog())
        let old = try Store(MemorySessionStore(clock: clock))
        let new = try Store(MemorySessionStore(clock: clock))
        let keys = try KeyRing([SessionSecret.generate()])
        nodes = try (0..<3).map { _ in
            try SessionManager(
                store: new,
                keys: keys,
                movingFrom: system.sessions(old, owner),
                clock: clock,
                logger: .silent,
                observer: { events.append($0) }
            )
        }
        self.system = system
        self.clock = clock
        self.old = old
        self.new = new
        self.events = events
        browser = SessionBrowser(clock: clock)
    }

    var key: StoreKey {
        get throws { try #require(StoreKey(foreignID: LeavingSystem.id)) }
    }

    /// Has the other system write the session, and gives the browser its cookies.
    func systemWrites(lives life: Duration = LeavingSystem.maxAge) throws {
        let payload = Array(system.json(at: clock.now()).utf8)
        let record = StoredRecord(
            payload: payload,
            version: RecordVersion(of: payload),
            idleDeadline: clock.now() + life,
            absoluteDeadline: .distantFuture
        )
        #expect(try old.base.insert(record, at: key))
        try system.plant(in: browser)
    }

    /// What is left in the other system's store, as text.
    var left: String {
        get throws { String(decoding: old.base.load(try key)?.payload ?? [], as: UTF8.self) }
    }

    /// The Set-Cookie fields of a request.
    func setCookies(_ handler: (Session) async throws -> Void) async throws -> [String] {
        let exchange = sessions.open(browser.request())
        try await handler(exchange.session)
        var response = HTTPResponse(status: .ok)
        try await exchange.commit().apply(to: &response)
        browser.receive(response)
        return response.setCookies
    }

    /// A request that adds one to the visits.
    func visit(_ client: SessionBrowser, _ manager: SessionManager? = nil) async throws {
        try await client.visit(manager ?? sessions) { session in session.update(.visits) { $0 += 1 } }
    }

    func visits(_ client: SessionBrowser) async throws -> Int {
        try await client.visit(sessions) { $0[.visits] }
    }
}
