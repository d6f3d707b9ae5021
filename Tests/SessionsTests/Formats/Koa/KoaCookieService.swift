import Foundation
import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

/// A manager for koa-session's sessions without a store, and a browser.
struct KoaCookieService {
    static let name = "koa.sess"
    static let key: ForeignSecret = "0123456789abcdef0123456789abcdef"
    static let missing: MissingGuarantees = [
        .concurrentChangesAreLost, .earlierStatesComeBack, .nothingIsConsumedOnce, .logoutReachesOneClient,
        .valuesAreReadable, .deadlinesAreUnknown,
    ]

    let clock = ManualSessionClock()
    let sessions: SessionManager
    let browser: SessionBrowser

    init(
        maxAge: Duration? = .seconds(86_400),
        keys: [ForeignSecret] = [key],
        signature: KoaSignature = .sha256,
        companion: String? = nil
    ) throws {
        // A moment before the day is over after which the session of the vectors ends.
        clock.set(Timestamp(microseconds: 1_699_913_610_000_000))
        var configuration = SessionConfiguration.koa(name: Self.name, maxAge: maxAge, renewal: .each(.seconds(30)))
        configuration.cookie.companion = companion
        sessions = try .koaCookies(
            keys: keys,
            signature: signature,
            acknowledging: Self.missing,
            configuration: configuration,
            clock: clock,
            logger: .silent
        )
        browser = SessionBrowser(clock: clock)
    }

    /// Has Node write a session into the browser's cookies.
    func nodeWrites(_ json: String, signedBy key: ForeignSecret = key, as algorithm: KoaSignature = .sha256) throws {
        let value = Data(json.utf8).base64EncodedString()
        let signing = try KoaSigning(keys: [key], algorithm: algorithm, name: CookieName(Self.name))
        browser.plant(Self.name, value)
        browser.plant("\(Self.name).sig", signing.signature(of: value.utf8))
    }

    /// What the browser's cookie says, as Node would read it.
    func json() throws -> String {
        let value = try #require(browser.cookies[Self.name])
        let signature = try #require(browser.cookies["\(Self.name).sig"])
        let signing = try KoaSigning(keys: [Self.key], algorithm: .sha256, name: CookieName(Self.name))
        #expect(signing.signature(of: value.utf8) == signature)
        return String(decoding: try #require(Data(base64Encoded: value)), as: UTF8.self)
    }

    /// One request: what the handler returns, and the names of the cookies that the response sets.
    @discardableResult
    func visit<Result>(
        _ browser: SessionBrowser? = nil,
        _ handler: (Session) async throws -> Result
    ) async throws -> (result: Result, set: [String]) {
        let browser = browser ?? self.browser
        let exchange = sessions.open(browser.request())
        let result = try await handler(exchange.session)
        var response = HTTPResponse(status: .ok)
        try await exchange.commit().apply(to: &response)
        browser.receive(response)
        let fields = response.headerFields[fields: .setCookie]
        return (result, fields.map { String($0.value.prefix { $0 != "=" }) })
    }
}

extension SessionKey<Int> {
    static var views: Self { Self("views", default: 0) }
}
