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

extension [String] {
    /// Whether the one cookie that is set has this attribute.
    func have(_ attribute: String) -> Bool {
        count == 1 && self[0].split(separator: "; ").dropFirst().contains { $0 == attribute }
    }
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
