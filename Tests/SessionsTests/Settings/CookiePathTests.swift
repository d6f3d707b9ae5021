import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

@Suite("express-session: cookie.path")
struct CookiePathTests {
    private static func site(_ outside: SessionConfiguration.OutsidePath = .refuse) throws -> SettingsSite {
        try SettingsSite { configuration in
            configuration.cookie.name = "sid"
            configuration.cookie.path = "/admin"
            configuration.outsidePath = outside
        }
    }

    @Test(
        "below the path there is a session (express 39 to 41)",
        arguments: ["/admin", "/admin/", "/admin/users", "/admin?a=/"]
    )
    func inside(path: String) async throws {
        #expect(try await Self.site().begin(path).have("Path=/admin"))
    }

    @Test(
        "a request target that is a whole URI is below the path if its path is (RFC 9112 section 3.2.2)",
        arguments: ["http://shop.example/admin", "http://shop.example:8080/admin/users?a=/", "HTTPS://[::1]/admin#a"]
    )
    func absoluteForm(target: String) throws {
        let site = try Self.site()
        var request = site.browser.request(.get, "/admin")
        for (path, isInside) in [(target, true), ("http://shop.example", false), ("http://admin/", false)] {
            request.path = path
            #expect(try site.sessions.open(request).isWithinCookiePath == isInside)
        }
    }

    @Test(
        "every request is below the path /",
        arguments: ["*", "http://shop.example/", "http://shop.example/a", "a:1"]
    )
    func everything(target: String) async throws {
        let site = try SettingsSite { $0.proxies = .nobody }
        var request = site.browser.request(.options, "/")
        request.path = target
        let exchange = site.sessions.open(request, over: RequestConnection(isEncrypted: true))
        _ = try await exchange.session
        #expect(try exchange.isWithinCookiePath)
    }

    @Test(
        "outside it there is none: nothing is loaded, stored or set (express 37, 42; RFC 6265 section 5.1.4)",
        arguments: ["/", "", "/administrator", "/Admin", "/public/admin", "/?/admin", "/%61dmin"]
    )
    func outside(path: String) async throws {
        let site = try Self.site()
        try await site.begin("/admin")
        var request = site.browser.request(.get, "/admin")
        request.path = path
        let exchange = site.sessions.open(request)
        #expect(try !exchange.isWithinCookiePath)
        let error = await #expect(throws: SessionError.self) { try await exchange.session }
        #expect(error?.code == .outsidePath)
        #expect(exchange.report.roundTrips == 0)
        #expect(try await exchange.commit().isEmpty)
        #expect(site.store.count() == 1)
        #expect(site.events.kinds == [.began], "the store has not failed")
    }

    @Test(
        "a target in absolute form has a path too (RFC 9112 section 3.2.2)",
        arguments: [
            ("http://a.example/admin", true), ("HTTPS://a.example:8443/admin/users?x=/", true),
            ("http://a.example/administrator", false), ("http://a.example", false), ("http://a.example?/admin", false),
            ("*", true), ("a.example:443", true),
        ]
    )
    func absolute(target: String, isInside: Bool) async throws {
        let site = try Self.site()
        var request = site.browser.request(.get, "/admin")
        request.path = target
        #expect(try site.sessions.open(request).isWithinCookiePath == isInside)
        // At the path / there is nothing outside.
        let everywhere = try SettingsSite { $0.proxies = .nobody }
        let exchange = everywhere.sessions.open(request, over: .encrypted)
        #expect(try exchange.isWithinCookiePath)
        _ = try await exchange.session
    }

    @Test("a credential in a header has its session at every path, and a request without one has none outside")
    func header() async throws {
        for transport in [.header, [.cookie, .header]] as [SessionTransport] {
            let site = try SettingsSite { configuration in
                configuration.transport = transport
                configuration.cookie.name = "sid"
                configuration.cookie.path = "/admin"
            }
            let login = site.sessions.open(site.browser.request(.post, "/admin"))
            let begun = try await login.session
            begun.travel(over: .header)
            begun.logIn("ann")
            let credential = try #require(try await login.commit().credential?.value)
            let fields: HTTPFields = [.authorization: "Bearer \(credential)"]
            let api = site.sessions.open(site.browser.request(.get, "/api", headerFields: fields))
            #expect(try await api.session.owner == "ann")
            let page = site.sessions.open(site.browser.request(.get, "/api"))
            if transport == .header {
                #expect(try await page.session.isNew)
            } else {
                let error = await #expect(throws: SessionError.self) { try await page.session }
                #expect(error?.code == .outsidePath)
            }
        }
    }

    @Test("outsidePath serve: a login page beside the path begins the session for it")
    func serve() async throws {
        let site = try Self.site(.serve)
        #expect(try await site.begin("/login").have("Path=/admin"))
        try await site.visit("/admin") { #expect($0[.visits] == 1) }
        try await site.visit("/administrator") { #expect($0.isNew) }
    }

    @Test("an exchange that knows no path has a session, and at the path / nobody looks")
    func unknown() async throws {
        let site = try Self.site()
        #expect(try site.sessions.open(HTTPFields()).isWithinCookiePath)
        _ = try await site.sessions.open(HTTPFields()).session
        #expect(try SettingsSite().sessions.rules == nil)
    }

    @Test("a path that ends in a slash does not reach the path without it (RFC 6265 section 5.1.4)")
    func slash() {
        #expect(CookieScope.reaches("/admin/", "/admin/x"))
        #expect(!CookieScope.reaches("/admin/", "/admin"))
        #expect(!CookieScope.reaches("/admin", "/administrator"))
        #expect(CookieScope.reaches("/", "/administrator"))
    }
}
