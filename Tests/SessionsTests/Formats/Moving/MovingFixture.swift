import HTTPTypes
import Logging
import SessionsTesting
import Testing

@testable import Sessions

/// A service that moves its sessions out of express-session's format, on two memory stores that fail on command.
struct MovingFixture {
    typealias Store = FaultySessionStore<MemorySessionStore>

    let clock = ManualSessionClock()
    let old: Store
    let new: Store
    let keys: KeyRing
    let events = EventLog()
    let sessions: SessionManager
    let browser: SessionBrowser

    static let id = "abcdefghijklmnopqrstuvwxyz012345"
    static let maxAge: Duration = .seconds(14 * 86_400)
    /// As Node writes it.
    static let json =
        #"{"cookie":{"originalMaxAge":1209600000,"expires":"2026-01-15T00:00:00.000Z","httpOnly":true,"path":"/"},"#
        + #""visits":3,"passport":{"user":"bob"},"cart":[{"sku":"tea","count":2}]}"#

    init(
        _ occasion: OldSessions.Occasion = .onWrite,
        until end: OldSessions.End = .noDate,
        owner: (@Sendable (OldValues) -> String?)? = nil,
        configure: (inout SessionConfiguration) -> Void = { _ in }
    ) throws {
        old = try Store(MemorySessionStore(clock: clock))
        new = try Store(MemorySessionStore(clock: clock))
        keys = try KeyRing([SessionSecret.generate()])
        browser = SessionBrowser(clock: clock)
        var configuration = SessionConfiguration()
        configure(&configuration)
        sessions = try Self.manager(
            new,
            keys,
            configuration,
            clock,
            events,
            Self.express(old, owner).until(end).moved(occasion)
        )
    }

    private static func manager(
        _ store: any SessionStore,
        _ keys: KeyRing,
        _ configuration: SessionConfiguration,
        _ clock: ManualSessionClock,
        _ events: EventLog,
        _ sessions: OldSessions
    ) throws -> SessionManager {
        try SessionManager(
            store: store,
            keys: keys,
            configuration: configuration,
            movingFrom: sessions,
            clock: clock,
            logger: .silent,
            observer: { events.append($0) }
        )
    }

    static func express(_ store: any SessionStore, _ owner: (@Sendable (OldValues) -> String?)? = nil) -> OldSessions {
        .express(
            secrets: ["keyboard cat"],
            store: store,
            acknowledging: .keysAreCredentials,
            configuration: .express(maxAge: maxAge),
            owner: owner
        )
    }

    /// Another node of the same service, on the same stores.
    func node() throws -> SessionManager {
        try Self.manager(
            new.base,
            keys,
            sessions.configuration,
            clock,
            events,
            Self.express(old.base)
        )
    }

    /// The service as it was before: beside Node, in the old format.
    func beside() throws -> SessionManager {
        try .express(
            secrets: ["keyboard cat"],
            store: old.base,
            acknowledging: .keysAreCredentials,
            configuration: .express(maxAge: Self.maxAge),
            clock: clock,
            logger: .silent
        )
    }

    static var cookie: String { ExpressCookie(secrets: ["keyboard cat"]).value(of: id) }

    var key: StoreKey {
        get throws { try #require(StoreKey(foreignID: Self.id)) }
    }

    /// Has Node write the session, and gives the browser its cookie.
    func nodeWrites(_ json: String = Self.json, lives life: Duration = Self.maxAge) throws {
        let key = try key
        _ = old.base.delete(key, ifVersion: nil)
        let record = StoredRecord(
            payload: Array(json.utf8),
            version: RecordVersion(of: Array(json.utf8)),
            idleDeadline: clock.now() + life,
            absoluteDeadline: .distantFuture
        )
        #expect(try old.base.insert(record, at: key))
        browser.plant("connect.sid", Self.cookie)
    }

    /// What is left in Node's store, as text.
    var oldJSON: String {
        get throws { String(decoding: old.base.load(try key)?.payload ?? [], as: UTF8.self) }
    }

    /// Whether the session has left Node's store.
    var isForwarded: Bool {
        get throws { try oldJSON.contains(#""swiftMoved":{"to":""#) }
    }

    /// A client that has the old cookie and nothing else.
    var oldClient: SessionBrowser {
        let client = SessionBrowser(clock: clock)
        client.plant("connect.sid", Self.cookie)
        return client
    }

    /// One request whose response is looked at.
    func respond(_ handler: (Session) async throws -> Void) async throws -> HTTPResponse {
        let exchange = sessions.open(browser.request())
        try await handler(exchange.session)
        var response = HTTPResponse(status: .ok)
        try await exchange.commit().apply(to: &response)
        browser.receive(response)
        return response
    }

    /// A request that adds one to the visits.
    func visit(_ client: SessionBrowser, _ manager: SessionManager? = nil) async throws {
        try await client.visit(manager ?? sessions) { session in session.update(.visits) { $0 += 1 } }
    }

    func visits(_ client: SessionBrowser, _ manager: SessionManager? = nil) async throws -> Int {
        try await client.visit(manager ?? sessions) { $0[.visits] }
    }
}
