import HTTPTypes
import Logging
import SessionsTesting

@testable import Sessions

/// A manager, and requests to it that differ in path, fields and connection.
struct SettingsSite {
    let clock = ManualSessionClock()
    let store: MemorySessionStore
    let sessions: SessionManager
    let browser: SessionBrowser
    let events = EventLog()

    init(configure: (inout SessionConfiguration) -> Void = { _ in }) throws {
        var configuration = SessionConfiguration()
        configure(&configuration)
        store = try MemorySessionStore(clock: clock)
        sessions = try SessionManager(
            store: store,
            keys: KeyRing([SessionSecret.generate()]),
            configuration: configuration,
            clock: clock,
            logger: .silent,
            observer: { [events] event in events.append(event) }
        )
        browser = SessionBrowser(clock: clock)
    }

    /// The same in express-session's format.
    init(express configuration: SessionConfiguration) throws {
        store = try MemorySessionStore(clock: clock)
        sessions = try .express(
            secrets: ["keyboard cat"],
            store: store,
            acknowledging: .keysAreCredentials,
            configuration: configuration,
            clock: clock,
            logger: .silent,
            observer: { [events] event in events.append(event) }
        )
        browser = SessionBrowser(clock: clock)
    }

    /// The same in any format; the cookie's name is the format's own, or `sid`.
    init(_ format: AnyFormat, configure: (inout SessionConfiguration) -> Void) throws {
        store = try MemorySessionStore(clock: clock)
        sessions = try format.manager(store, clock, configure)
        browser = SessionBrowser(clock: clock)
    }

    /// The payload of the only record, as text.
    var payload: String {
        String(decoding: store.entries(after: nil, limit: 2).first?.record.payload ?? [], as: UTF8.self)
    }

    /// One request, and the `Set-Cookie` fields of its response.
    @discardableResult
    func visit(
        _ path: String = "/",
        _ fields: HTTPFields = [:],
        over connection: RequestConnection? = RequestConnection(isEncrypted: true),
        _ handler: (Session) async throws -> Void
    ) async throws -> [String] {
        let exchange = sessions.open(browser.request(.get, path, headerFields: fields), over: connection)
        try await handler(exchange.session)
        var response = HTTPResponse(status: .ok)
        try await exchange.commit().apply(to: &response)
        browser.receive(response)
        return response.setCookies
    }

    /// A request that begins a session.
    @discardableResult
    func begin(
        _ path: String = "/",
        _ fields: HTTPFields = [:],
        over connection: RequestConnection? = RequestConnection(isEncrypted: true)
    ) async throws -> [String] {
        try await visit(path, fields, over: connection) { $0.set(.visits, to: 1) }
    }
}

/// Every way to spell a session.
enum AnyFormat: CaseIterable {
    case native, sealed, express, koa, koaCookies, remix, remixCookies

    func manager(
        _ store: MemorySessionStore,
        _ clock: ManualSessionClock,
        _ configure: (inout SessionConfiguration) -> Void
    ) throws -> SessionManager {
        var configuration = SessionConfiguration()
        switch self {
        case .native, .sealed: configuration.cookie.name = "sid"
        case .express: configuration = .express()
        case .koa, .koaCookies: configuration = .koa()
        case .remix, .remixCookies: configuration = .remix()
        }
        configure(&configuration)
        let secret: [ForeignSecret] = ["keyboard cat"]
        return switch self {
        case .native:
            try SessionManager(
                store: store,
                keys: KeyRing([SessionSecret.generate()]),
                configuration: configuration,
                clock: clock,
                logger: .silent
            )
        case .sealed:
            try SessionManager(
                sealedCookies: SealedCookies(),
                acknowledging: SealedCookies().missing,
                keys: KeyRing([SessionSecret.generate()]),
                configuration: configuration,
                clock: clock,
                logger: .silent
            )
        case .express:
            try .express(
                secrets: secret,
                store: store,
                acknowledging: .keysAreCredentials,
                configuration: configuration,
                clock: clock,
                logger: .silent
            )
        case .koa:
            try .koa(
                keys: secret,
                store: store,
                acknowledging: .keysAreCredentials,
                configuration: configuration,
                clock: clock,
                logger: .silent
            )
        case .koaCookies:
            try .koaCookies(
                keys: secret,
                acknowledging: .ofForeignCookies,
                configuration: configuration,
                clock: clock,
                logger: .silent
            )
        case .remix:
            try .remix(
                secrets: secret,
                store: store,
                acknowledging: .keysAreCredentials,
                configuration: configuration,
                clock: clock,
                logger: .silent
            )
        case .remixCookies:
            try .remixCookies(
                secrets: secret,
                acknowledging: .ofForeignCookies,
                configuration: configuration,
                clock: clock,
                logger: .silent
            )
        }
    }

    /// How many cookies a session has: koa-session's has one for its signature.
    var cookieCount: Int { self == .koa || self == .koaCookies ? 2 : 1 }
}

extension [String] {
    /// Whether the one cookie that is set has this attribute.
    func have(_ attribute: String) -> Bool {
        count == 1 && self[0].split(separator: "; ").dropFirst().contains { $0 == attribute }
    }
}

extension [String] {
    /// Whether every cookie that is set has this attribute.
    func allHave(_ attribute: String) -> Bool { !isEmpty && allSatisfy { [$0].have(attribute) } }

    /// Whether any has it.
    func anyHas(_ attribute: String) -> Bool { contains { [$0].have(attribute) } }
}

extension RequestConnection {
    static let encrypted = RequestConnection(isEncrypted: true, peerAddress: "192.0.2.7")
    static let plain = RequestConnection(isEncrypted: false, peerAddress: "192.0.2.7")
}

extension HTTPFields {
    static func forwarded(_ proto: String, for address: String? = nil) -> HTTPFields {
        var fields: HTTPFields = [:]
        if let name = HTTPField.Name("X-Forwarded-Proto") { fields[name] = proto }
        if let address, let name = HTTPField.Name("X-Forwarded-For") { fields[name] = address }
        return fields
    }
}
