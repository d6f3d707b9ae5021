import HTTPTypes
import Sessions
import SessionsTesting
import Testing

/// express-session's cases about settings that depend on the request: proxies, `auto`, the cookie's path, a function.
@Suite("express-session: proxy, path, auto, cookie as a function")
struct ExpressSettingsTests {
    /// What one request without a cookie got, whose handler puts something into the session.
    private struct Outcome {
        let field: String?
        let isStored: Bool

        var isSecure: Bool { field?.contains("; Secure") ?? false }

        var sameSite: String? {
            field?.components(after: "; SameSite=").map { String($0.prefix { $0 != ";" }) }
        }
    }

    /// One request at a service with these settings.
    ///
    /// - Parameter proto: What `X-Forwarded-Proto` says.
    private static func outcome(
        _ path: String = "/",
        authority: String = "app.example",
        proto: String? = nil,
        isEncrypted: Bool = false,
        _ change: (inout SessionConfiguration) -> Void
    ) async throws -> Outcome {
        let service = try Service { change(&$0) }
        var request = HTTPRequest(method: .get, scheme: "http", authority: authority, path: path)
        if let proto { request.headerFields[.forwardedProto] = proto }
        let exchange = service.sessions.open(request, over: RequestConnection(isEncrypted: isEncrypted))
        try await exchange.session.set(.visits, to: 1)
        var fields = HTTPFields()
        try await exchange.commit().apply(to: &fields)
        return Outcome(field: fields[values: .setCookie].first, isStored: service.count > 0)
    }

    // MARK: proxy

    @Test(
        "express 30, 31: a secure cookie is sent where a trusted proxy says https, of several the first",
        arguments: [("https", 1), ("https,http", 2)]
    )
    func trusted(proto: String, hops: Int) async throws {
        let outcome = try await Self.outcome(proto: proto) { $0.proxies = .hops(hops) }
        #expect(outcome.isSecure)
        #expect(outcome.isStored)
    }

    @Test("express 32: no word of the trusted proxy, no cookie, and nothing is stored that nobody could come back to")
    func silent() async throws {
        let outcome = try await Self.outcome { $0.proxies = .hops(1) }
        #expect(outcome.field == nil)
        #expect(!outcome.isStored)
    }

    @Test("express 33, 35: what a proxy says does not count if nobody trusts it")
    func untrusted() async throws {
        let outcome = try await Self.outcome(proto: "https") { $0.proxies = TrustedProxies.nobody }
        #expect(outcome.field == nil)
        #expect(!outcome.isStored)
    }

    @Test(
        "express 36, 125, 126: a secure cookie is sent over an encrypted connection, and none over another",
        arguments: [true, false]
    )
    func encrypted(isEncrypted: Bool) async throws {
        let outcome = try await Self.outcome(isEncrypted: isEncrypted) { $0.proxies = TrustedProxies.nobody }
        #expect(outcome.isSecure == isEncrypted)
        #expect(outcome.isStored == isEncrypted)
    }

    // MARK: cookie.path

    @Test(
        "express 37, 38: a request outside of cookie.path has no session, whatever its Host",
        arguments: ["/", "/foo", "/foo/barn", "/foo/ba", "/bar/foo/bar"],
        ["app.example", "", "foo/bar", "http:"]
    )
    func outside(path: String, host: String) async throws {
        await #expect(throws: SessionError.self) {
            _ = try await Self.outcome(path, authority: host) { $0.cookie.path = "/foo/bar" }
        }
    }

    @Test(
        "express 39, 40: one below cookie.path has one",
        arguments: ["/foo/bar", "/foo/bar/", "/foo/bar/baz", "/foo/bar?a=1"]
    )
    func below(path: String) async throws {
        let outcome = try await Self.outcome(path) { $0.cookie.path = "/foo/bar" }
        #expect(outcome.field?.contains("; Path=/foo/bar;") == true)
        #expect(outcome.isStored)
    }

    // MARK: secure and sameSite, as the connection has them

    /// A cookie whose `secure` and `sameSite` are express-session's `auto`.
    private static func automatic(_ configuration: inout SessionConfiguration, _ proxies: TrustedProxies) {
        configuration.cookie = .automatic(name: "connect.sid")
        configuration.cookie.isCrossSiteWhereSecure = true
        configuration.proxies = proxies
    }

    @Test("express 43, 44: secure auto, https counts where the proxy is trusted", arguments: [true, false])
    func automaticProxy(isTrusted: Bool) async throws {
        let outcome = try await Self.outcome(proto: "https") {
            $0.cookie = .automatic(name: "connect.sid")
            $0.proxies = isTrusted ? .hops(1) : TrustedProxies.nobody
        }
        #expect(outcome.field != nil)
        #expect(outcome.isSecure == isTrusted)
    }

    @Test("express 45, 46: secure auto, by the connection", arguments: [true, false])
    func automaticConnection(isEncrypted: Bool) async throws {
        let outcome = try await Self.outcome(isEncrypted: isEncrypted) {
            $0.cookie = .automatic(name: "connect.sid")
            $0.proxies = TrustedProxies.nobody
        }
        #expect(outcome.field != nil)
        #expect(outcome.isSecure == isEncrypted)
    }

    @Test(
        "express 49, 50, 54, 55: sameSite auto, None with Secure over an encrypted connection, Lax over another",
        arguments: [true, false]
    )
    func sameSite(isEncrypted: Bool) async throws {
        let outcome = try await Self.outcome(isEncrypted: isEncrypted) { Self.automatic(&$0, TrustedProxies.nobody) }
        #expect(outcome.sameSite == (isEncrypted ? "None" : "Lax"))
        #expect(outcome.isSecure == isEncrypted)
    }

    @Test(
        "express 51–53: sameSite auto, by what a trusted proxy says",
        arguments: [("https", true), ("http", true), ("https", false)]
    )
    func sameSiteProxy(proto: String, isTrusted: Bool) async throws {
        let outcome = try await Self.outcome(proto: proto) {
            Self.automatic(&$0, isTrusted ? .hops(1) : TrustedProxies.nobody)
        }
        #expect(outcome.sameSite == (proto == "https" && isTrusted ? "None" : "Lax"))
    }

    @Test("express 56: SameSite=None without Secure is refused when the manager is made")
    func noneInTheClear() throws {
        #expect(throws: SessionConfigurationError(.insecureCookie, "")) {
            try Service {
                $0.cookie = .plainHTTPForDevelopment()
                $0.cookie.sameSite = .none
            }
        }
    }

    @Test("express 57: no Secure anywhere, and a connection in the clear: Lax")
    func development() async throws {
        let outcome = try await Self.outcome {
            $0.cookie = .plainHTTPForDevelopment(name: "connect.sid")
            $0.proxies = TrustedProxies.nobody
        }
        #expect(outcome.sameSite == "Lax")
        #expect(!outcome.isSecure)
    }

    @Test(
        "express 58, 59: Secure always and sameSite auto, both over an encrypted connection, and no cookie over another",
        arguments: [true, false]
    )
    func always(isEncrypted: Bool) async throws {
        let outcome = try await Self.outcome(isEncrypted: isEncrypted) {
            $0.cookie.isCrossSiteWhereSecure = true
            $0.proxies = TrustedProxies.nobody
        }
        #expect(outcome.sameSite == (isEncrypted ? "None" : nil))
        #expect(outcome.isSecure == isEncrypted)
    }

    @Test("Primate 7: Secure if the application runs on TLS", arguments: [true, false])
    func primate(isEncrypted: Bool) async throws {
        let outcome = try await Self.outcome(isEncrypted: isEncrypted) {
            $0.cookie = .automatic(name: "sessionId")
            $0.cookie.sameSite = .strict
            $0.proxies = TrustedProxies.nobody
        }
        #expect(outcome.isSecure == isEncrypted)
        #expect(outcome.sameSite == "Strict")
    }

    // MARK: cookie as a function

    @Test("express 47, 48: a function of the request says what the cookie is like", arguments: ["/one", "/two/below"])
    func function(path: String) async throws {
        let outcome = try await Self.outcome(path) { configuration in
            configuration.cookieForRequest = { request, cookie in
                cookie.path = request.head.path ?? "/"
                cookie.sameSite = .strict
            }
        }
        #expect(outcome.field?.contains("; Path=\(path);") == true)
        #expect(outcome.field?.contains("; HttpOnly") == true)
        #expect(outcome.sameSite == "Strict")
    }
}

extension HTTPField.Name {
    // swift-format-ignore: NeverForceUnwrap
    // The name is a token.
    fileprivate static let forwardedProto = HTTPField.Name("X-Forwarded-Proto")!
}
