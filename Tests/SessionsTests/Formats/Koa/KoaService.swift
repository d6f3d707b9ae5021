import HTTPTypes
import Logging
import SessionsTesting
import Testing

@testable import Sessions

/// A manager in koa-session's format, on a memory store.
struct KoaService {
    static let name = "compas.sess"
    static let key: ForeignSecret = "0123456789abcdef0123456789abcdef"
    static let id = "6f1c3a52-8a3c-4d1e-9f66-0c1b2a3d4e5f"

    let clock = ManualSessionClock()
    let store: MemorySessionStore
    let sessions: SessionManager
    let browser: SessionBrowser

    init(
        maxAge: Duration? = .seconds(86_400),
        renewal: KoaRenewal = .each(.seconds(30)),
        keys: [ForeignSecret] = [key],
        signature: KoaSignature = .sha256,
        companion: String? = nil,
        generateID: (@Sendable () -> String)? = nil
    ) throws {
        store = try MemorySessionStore(clock: clock)
        var configuration = SessionConfiguration.koa(name: Self.name, maxAge: maxAge, renewal: renewal)
        configuration.cookie.companion = companion
        sessions = try .koa(
            keys: keys,
            signature: signature,
            store: store,
            acknowledging: .keysAreCredentials,
            configuration: configuration,
            generateID: generateID,
            clock: clock,
            logger: .silent
        )
        browser = SessionBrowser(clock: clock)
    }

    /// Milliseconds from now, as JavaScript has them.
    func milliseconds(in seconds: Int = 0) -> Int64 { clock.now().microseconds / 1000 + Int64(seconds) * 1000 }

    /// Has Node write a session, which its store keeps ten seconds longer, and gives the browser its cookies.
    func nodeWrites(_ json: String, seconds: Int = 86_400, signedBy key: ForeignSecret = key) throws {
        let key = (try #require(StoreKey(foreignID: Self.id)), key)
        let record = StoredRecord(
            payload: Array(json.utf8),
            version: RecordVersion(of: Array(json.utf8)),
            idleDeadline: clock.now() + .seconds(seconds + 10),
            absoluteDeadline: .distantFuture
        )
        _ = store.delete(key.0, ifVersion: nil)
        #expect(try store.insert(record, at: key.0))
        try plant(Self.id, signedBy: key.1)
    }

    /// Gives the browser cookies with this id.
    func plant(_ id: String, signedBy key: ForeignSecret = key) throws {
        let signing = try KoaSigning(keys: [key], algorithm: .sha256, name: CookieName(Self.name))
        browser.plant(Self.name, id)
        browser.plant("\(Self.name).sig", signing.signature(of: id.utf8))
    }

    /// A session of Node's that ends in so many seconds from now.
    func nodes(_ values: String = #""visits":3,"passport":{"user":"bob"},"z":{"b":1,"a":2}"#, seconds: Int = 86_400)
        -> String
    {
        #"{\#(values),"_expire":\#(milliseconds(in: seconds)),"_maxAge":86400000}"#
    }

    /// What the store holds, as Node would read it.
    var json: String {
        String(decoding: store.entries(after: nil, limit: 1).first?.record.payload ?? [], as: UTF8.self)
    }

    /// The Set-Cookie fields of a request.
    func setCookies(_ handler: (Session) async throws -> Void) async throws -> [String] {
        let exchange = sessions.open(browser.request())
        try await handler(exchange.session)
        var response = HTTPResponse(status: .ok)
        try await exchange.commit().apply(to: &response)
        browser.receive(response)
        return response.headerFields[fields: .setCookie].map(\.value)
    }
    /// The Set-Cookie fields of a request that reads, and is to find so many visits.
    func look(_ visits: Int) async throws -> [String] {
        try await setCookies { session in #expect(session[.visits] == visits) }
    }
}
