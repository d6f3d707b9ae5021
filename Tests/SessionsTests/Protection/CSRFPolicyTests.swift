import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

@Suite("CSRFPolicy")
struct CSRFPolicyTests {
    private let fixture: SessionFixture
    private let policy: CSRFPolicy

    init() throws {
        fixture = try SessionFixture()
        policy = try CSRFPolicy(OriginPolicy(origins: ["https://app.example"]))
    }

    private func request(_ method: HTTPRequest.Method = .post, _ fields: HTTPFields = [:]) -> HTTPRequest {
        fixture.browser.request(method, "/?csrf=x", headerFields: fields)
    }

    private func name(_ text: String) throws -> HTTPField.Name { try #require(HTTPField.Name(text)) }

    @Test("CS-05: the first header that holds something counts, then the form field; blanks around it do not matter")
    func places() throws {
        #expect(policy.token(in: [try name("x-csrf-token"): "a"]) == "a")
        #expect(policy.token(in: [try name("X-XSRF-Token"): "b", try name("CSRF-Token"): "c"]) == "b")
        #expect(policy.token(in: [try name("X-CSRF-Token"): " \t", try name("CSRF-Token"): "c"]) == "c")
        #expect(policy.token(in: [:]) == nil)
        #expect(policy.token(inForm: Array("name=a+b&csrf=tok-_en&x".utf8)) == "tok-_en")
        #expect(policy.token(inForm: Array("%63srf=t%6Fken+".utf8)) == "token")
        #expect(policy.token(inForm: Array("csrf=%2%zz".utf8)) == "%2%zz")
        for body in ["", "csrf", "csrf=", "csrf=+", "=csrf", "Csrf=x", "csrf[]=x", "xcsrf=x", "csrf%00=x", "a=csrf=x"] {
            #expect(policy.token(inForm: Array(body.utf8)) == nil, "\(body)")
        }
        let other = try CSRFPolicy(policy.origins, headers: ["X-Mine"], field: nil)
        #expect(other.token(in: [try name("X-CSRF-Token"): "a"]) == nil)
        #expect(other.token(in: [try name("x-mine"): "a"]) == "a")
        #expect(other.token(inForm: Array("csrf=x".utf8)) == nil && !other.readsForms)
        let array = try CSRFPolicy(policy.origins, headers: [], field: "form[csrf]")
        #expect(array.token(inForm: Array("form%5Bcsrf%5d=x".utf8)) == "x")
    }

    @Test(
        "CS-05: a token that comes twice is none, in headers and in a form, and neither is one in a query or a cookie"
    )
    func twice() async throws {
        let token = try await fixture.browser.visit(fixture.sessions) { $0.csrfToken }
        var fields = HTTPFields()
        for _ in 0..<2 { fields.append(HTTPField(name: try name("X-CSRF-Token"), value: token)) }
        let form = Array("csrf=\(token)&csrf=\(token)".utf8)
        let request = fixture.browser.request(
            .post,
            "/?csrf=\(token)&_csrf=\(token)",
            headerFields: [.cookie: "csrf=\(token); X-CSRF-Token=\(token)"]
        )
        #expect(policy.token(in: request.headerFields) == nil)
        try await fixture.browser.visit(fixture.sessions) { session in
            #expect(policy.refusal(of: policy.token(in: fields), in: session) == .invalidToken)
            #expect(policy.refusal(of: policy.token(inForm: form), in: session) == .invalidToken)
            #expect(policy.refusal(of: policy.token(in: request.headerFields), in: session) == .missingToken)
            #expect(policy.refusal(of: token, in: session) == nil)
            #expect(policy.refusal(of: "", in: session) == .missingToken)
        }
    }

    @Test("CS-05: a form of a megabyte of separators is looked through once")
    func hugeForm() {
        #expect(policy.token(inForm: [UInt8](repeating: UInt8(ascii: "&"), count: 1 << 20)) == nil)
        #expect(policy.token(inForm: [UInt8](repeating: UInt8(ascii: "%"), count: 1 << 20)) == nil)
        let many = Array(String(repeating: "csrf=x&", count: 100_000).utf8)
        #expect(policy.token(inForm: many) == "x,x")
    }

    @Test(
        "CS-07: a token belongs to its session: not another's, not a cookie's double, not the one from before the login"
    )
    func bound() async throws {
        let sessions = fixture.sessions
        let other = SessionBrowser(clock: fixture.clock)
        let foreign = try await other.visit(sessions) { $0.csrfToken }
        let early = try await fixture.browser.visit(sessions) { $0.csrfToken }
        try await fixture.browser.visit(sessions) { session in
            #expect(policy.refusal(of: foreign, in: session) == .invalidToken)
            // What an attacker has set as a cookie and sends along as a field, of any form.
            for text in ["x", String(repeating: "A", count: 86), String(repeating: "A", count: 43)] {
                #expect(policy.refusal(of: text, in: session) == .invalidToken)
            }
            session.logIn("ada", keeping: .all)
        }
        try await fixture.browser.visit(sessions) { #expect(policy.refusal(of: early, in: $0) == .invalidToken) }
    }

    @Test("CS-08: the secret is renewed at login, logout, restart and by a rotation without a grace")
    func renewed() async throws {
        let sessions = fixture.sessions
        let verbs: [(Session) -> Void] = [
            { $0.logIn("ada", keeping: .all) }, { $0.rotate(grace: .zero) }, { $0.restart() },
            { $0.logIn("bob", keeping: .all) }, { $0.destroy() },
        ]
        for verb in verbs {
            let token = try await fixture.browser.visit(sessions) { $0.csrfToken }
            try await fixture.browser.visit(sessions) { session in
                #expect(session.acceptsCSRFToken(token))
                verb(session)
            }
            let isAccepted = try await fixture.browser.visit(sessions) { $0.acceptsCSRFToken(token) }
            #expect(!isAccepted)
        }
    }

    @Test("CS-09: a token that was made over plain HTTP is worth nothing over HTTPS: the realms differ")
    func schemes() throws {
        let keys = try KeyRing([SessionSecret.generate()])
        let (handle, nonce) = (SessionHandle.random(), Nonce.random())
        let secrets = ["__Host-Http-sid", "sid"].map { name in
            CredentialCodec(keys: keys, realm: Realm(application: "app", cookieName: name))
                .csrfSecret(handle: handle, nonce: nonce)
        }
        #expect(secrets[0] != secrets[1])
    }

    @Test(
        "CS-10: a header that any page may send, or that is none, is refused for the token",
        arguments: [
            "Accept", "accept-language", "Content-Type", "CONTENT-LANGUAGE", "Range", "Cookie", "Origin", "Referer",
            "User-Agent", "Authorization", "Sec-Fetch-Site", "Proxy-Token", "DPR", "Host", "Date", "", "a b", "é",
        ]
    )
    func safelisted(header: String) {
        let error = #expect(throws: SessionConfigurationError.self) {
            try CSRFPolicy(policy.origins, headers: ["X-CSRF-Token", header])
        }
        #expect(error?.code == .csrfToken)
    }

    @Test("a policy without any place for the token is refused")
    func noPlace() {
        for field in [nil, ""] as [String?] {
            let error = #expect(throws: SessionConfigurationError.self) {
                try CSRFPolicy(policy.origins, headers: [], field: field)
            }
            #expect(error?.code == .csrfToken)
        }
    }

    @Test("CS-11: GET, HEAD and OPTIONS ask for no token, every other method does, whatever overrides it")
    func methods() throws {
        for method in ["GET", "HEAD", "OPTIONS"] {
            #expect(!policy.asksForToken(request(try #require(.init(method))), for: fixture.sessions))
        }
        for method in ["POST", "PUT", "PATCH", "DELETE", "TRACE", "QUERY", "get", "FOO"] {
            let fields: HTTPFields = [try name("X-HTTP-Method-Override"): "GET"]
            #expect(policy.asksForToken(request(try #require(.init(method)), fields), for: fixture.sessions))
        }
    }

    @Test("whose requests need a token: everybody's, or the owners' alone, so that a visitor's form begins no session")
    func requirement() async throws {
        let owners = try CSRFPolicy(policy.origins, of: .owners)
        let exchange = fixture.sessions.open(request())
        let session = try await exchange.session
        #expect(policy.refusal(of: nil, in: session) == .missingToken)
        #expect(owners.refusal(of: nil, in: session) == nil)
        session.logIn("ada")
        #expect(owners.refusal(of: nil, in: session) == .missingToken)
        let visitor = fixture.sessions.open(request())
        _ = owners.refusal(of: "x", in: try await visitor.session)
        _ = policy.refusal(of: "x", in: try await visitor.session)
        #expect(try await !visitor.commit().changesCookie)
        #expect(fixture.store.count() == 0)
    }
}
