import HTTPTypes
import SessionsTesting
import Synchronization
import Testing

@testable import Sessions

@Suite("express-session: cookie as a function of the request")
struct CookieForRequestTests {
    @Test("express 47: it is called, and its attributes are applied")
    func attributes() async throws {
        let site = try SettingsSite { configuration in
            configuration.cookie.name = "sid"
            configuration.cookieForRequest = { _, cookie in
                cookie.path = "/foo"
                cookie.sameSite = .strict
                cookie.priority = .high
            }
        }
        let cookies = try await site.begin("/foo/bar")
        #expect(cookies.count == 1, "I10")
        #expect(cookies.have("Path=/foo"))
        #expect(cookies.have("SameSite=Strict"))
        #expect(cookies.have("Priority=High"))
        #expect(cookies.have("HttpOnly"))
    }

    @Test("express 48: it gets the request")
    func request() async throws {
        let site = try SettingsSite { configuration in
            configuration.cookie.name = "sid"
            configuration.cookieForRequest = { request, cookie in cookie.path = request.head.path ?? "/" }
        }
        #expect(try await site.begin("/foo").have("Path=/foo"))
        #expect("\(CookieRequest(head: site.browser.request(), isSecure: true, connection: nil))".contains("redacted"))
    }

    @Test("one call an exchange whose session is asked for, and none for any other")
    func calls() async throws {
        let calls = Calls()
        let site = try SettingsSite { configuration in
            configuration.cookieForRequest = { _, _ in calls.count.withLock { $0 += 1 } }
        }
        let untouched = site.sessions.open(site.browser.request())
        #expect(try await untouched.commit().isEmpty)
        #expect(calls.count.withLock { $0 } == 0, "cost nothing when unused")
        try await site.visit { session in
            session.set(.visits, to: 1)
            try await session.save()
            session.logIn("ada", keeping: .all)
        }
        #expect(calls.count.withLock { $0 } == 1)
        let asked = site.sessions.open(site.browser.request())
        #expect(try asked.isWithinCookiePath)
        _ = try await asked.session
        #expect(calls.count.withLock { $0 } == 2)
    }

    final class Calls: Sendable {
        let count = Mutex(0)
    }

    @Test("settings that are unsafe are refused with a typed error, and nothing is stored", arguments: 0..<5)
    func unsafe(index: Int) async throws {
        let changes: [(@Sendable (inout SessionCookie) -> Void, SessionConfigurationError.Code)] = [
            ({ $0.path = "/a;b" }, .invalidCookieAttribute),
            ({ $0.domain = "app.example" }, .cookiePrefix),
            ({ $0.name = "other" }, .invalidCookieName),
            ({ $0 = .plainHTTPForDevelopment(name: $0.name) }, .insecureCookie),
            ({ $0 = .automatic(name: $0.name) }, .insecureCookie),
        ]
        let (change, code) = changes[index]
        let site = try SettingsSite { $0.cookieForRequest = { _, cookie in change(&cookie) } }
        await #expect(throws: SessionConfigurationError(code, "")) { try await site.begin() }
        #expect(site.store.count() == 0)
        #expect(!site.events.kinds.contains(.storeFailed))
    }

    @Test("SameSite=None without Secure is refused (express 56)")
    func crossSite() async throws {
        let site = try SettingsSite { configuration in
            configuration.cookie = .plainHTTPForDevelopment()
            configuration.cookieForRequest = { _, cookie in cookie.sameSite = .none }
        }
        await #expect(throws: SessionConfigurationError(.insecureCookie, "")) { try await site.begin() }
    }

    @Test("how long the browser keeps the cookie may depend on the request too, and its end expires it as it was set")
    func persistence() async throws {
        let site = try SettingsSite { configuration in
            configuration.cookie.name = "sid"
            configuration.cookieForRequest = { request, cookie in
                cookie.path = "/app"
                if request.head.path?.hasSuffix("?remember") == true { cookie.persistence = .persistent }
            }
        }
        #expect(try await site.begin("/app?remember").have("Max-Age=7200"))
        let ended = try await site.visit("/app") { $0.destroy() }
        #expect(ended.have("Max-Age=0") && ended.have("Path=/app"))
    }

    @Test(
        "in every format the cookies are as the request says, and end as they were set",
        arguments: AnyFormat.allCases
    )
    func formats(_ format: AnyFormat) async throws {
        let site = try SettingsSite(format) { configuration in
            configuration.cookieForRequest = { _, cookie in (cookie.path, cookie.sameSite) = ("/app", .strict) }
        }
        let begun = try await site.begin("/app")
        #expect(begun.count == format.cookieCount)
        #expect(begun.allHave("Path=/app") && begun.allHave("SameSite=Strict") && begun.allHave("HttpOnly"))
        try await site.visit("/app") { #expect($0[.visits] == 1) }
        let ended = try await site.visit("/app") { $0.destroy() }
        #expect(ended.count == format.cookieCount)
        #expect(ended.allHave("Path=/app") && ended.allHave("Max-Age=0"))
        #expect(site.browser.cookies.isEmpty)
    }

    @Test("express-session: a session keeps the path and domain that it was given, whatever the function says later")
    func existingSession() async throws {
        var configuration = SessionConfiguration.express(maxAge: .seconds(3600))
        configuration.cookieForRequest = { request, cookie in
            if request.head.path?.hasPrefix("/shop") == true { cookie.path = "/shop" }
        }
        let site = try SettingsSite(express: configuration)
        #expect(try await site.begin("/shop/cart").have("Path=/shop"))
        #expect(site.payload.contains(#""path":"/shop""#))
        var request = site.browser.request(.get, "/shop")
        request.path = "/"
        let exchange = site.sessions.open(request)
        try await exchange.session.update(.visits) { $0 += 1 }
        var response = HTTPResponse(status: .ok)
        try await exchange.commit().apply(to: &response)
        #expect(response.setCookies.have("Path=/shop"))
    }
}
