import HTTPTypes
import Sessions
import SessionsTesting
import Testing

/// The cases of express-session's test/cookie.js, on the cookie's settings as they are set and sent.
@Suite("express-session: the cookie's settings")
struct ExpressCookieSettingsTests {
    /// What `GET` of a service with these settings answers in its Set-Cookie field.
    private static func field(
        _ path: String = "/",
        maxAge: Duration? = nil,
        _ change: (inout SessionConfiguration) -> Void = { _ in }
    ) async throws -> String {
        let service = try Service(maxAge: maxAge, change)
        let exchange = service.sessions.open(SessionBrowser(clock: service.clock).request(.get, path))
        try await exchange.session.set(.visits, to: 1)
        var response = HTTPFields()
        try await exchange.commit().apply(to: &response)
        return response[values: .setCookie].first ?? ""
    }

    @Test("cookie.js 1: the defaults are no end, HttpOnly and the path /")
    func defaults() async throws {
        let field = try await Self.field()
        #expect(field.hasSuffix("; Path=/; Secure; HttpOnly; SameSite=Lax"))
        #expect(!field.contains("Expires"))
        #expect(!field.contains("Max-Age"))
    }

    @Test("cookie.js 4, 5: maxAge and the end are two spellings of one thing")
    func coupled() async throws {
        let field = try await Self.field(maxAge: .seconds(60))
        #expect(field.contains("; Max-Age=60; Expires=Thu, 01 Jan 2026 00:01:00 GMT;"))
    }

    @Test("cookie.js 7: a maxAge that makes no sense is an error", arguments: [0, -1, 401 * 86_400])
    func badMaxAge(seconds: Int) async throws {
        #expect(throws: SessionConfigurationError(.lifetime, "")) { try Service(maxAge: .seconds(seconds)) }
    }

    @Test("cookie.js 8: partitioned")
    func partitioned() async throws {
        #expect(try await Self.field { $0.cookie.partitioned = true }.hasSuffix("; Partitioned"))
    }

    @Test("cookie.js 9: path")
    func path() async throws {
        #expect(try await Self.field("/foo") { $0.cookie.path = "/foo" }.contains("; Path=/foo;"))
    }

    @Test("express cookie.domain: connect.sid with a domain is sent with it, and without one with none")
    func domain() async throws {
        #expect(try await Self.field { $0.cookie.domain = "app.example" }.contains("; Domain=app.example;"))
        #expect(try await !Self.field().contains("Domain"))
    }

    @Test("cookie.js 10: priority", arguments: CookieAttributes.Priority.allCases)
    func priority(_ priority: CookieAttributes.Priority) async throws {
        #expect(try await Self.field { $0.cookie.priority = priority }.hasSuffix("; Priority=\(priority.rawValue)"))
    }

    @Test("cookie.js 11: HttpOnly is always there")
    func httpOnly() async throws {
        #expect(try await Self.field().contains("; HttpOnly"))
    }
}
