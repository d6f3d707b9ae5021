import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

@Suite("Protection")
struct ProtectionTests {
    private static func cookie(_ value: String) -> NamedCookie {
        NamedCookie(name: .default, field: HTTPField(name: .setCookie, value: value))
    }

    private func apply(cookie: Bool, owned: Bool, to fields: HTTPFields) -> HTTPFields {
        var session = SessionFields()
        session.isAccessed = true
        session.isOwned = owned
        if cookie { session.cookies = [Self.cookie("__Host-Http-sid=x; Path=/")] }
        var response = HTTPResponse(status: .ok, headerFields: fields)
        session.apply(to: &response)
        return response.headerFields
    }

    @Test("CA-01, CA-02: a response that sets our cookie is not stored, whatever the application asked for")
    func noStore() throws {
        let surrogate = try #require(HTTPField.Name("Surrogate-Control"))
        let cdn = try #require(HTTPField.Name("CDN-Cache-Control"))
        let fields = apply(
            cookie: true,
            owned: false,
            to: [.cacheControl: "public, s-maxage=31536000", surrogate: "max-age=9", cdn: "max-age=9"]
        )
        #expect(fields[.cacheControl] == "no-store")
        #expect(fields[surrogate] == nil)
        #expect(fields[cdn] == nil)
    }

    @Test(
        "CA-01, CA-02: no field that speaks to some caches alone is left beside ours (RFC 9213)",
        arguments: [
            "CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "Netlify-CDN-Cache-Control",
            "Vercel-CDN-Cache-Control", "Akamai-Cache-Control", "X-LiteSpeed-Cache-Control", "cdn-CACHE-control",
            "Surrogate-Control", "SURROGATE-control", "Edge-Control", "X-Accel-Expires",
        ]
    )
    func targeted(name: String) throws {
        let name = try #require(HTTPField.Name(name))
        var present = HTTPFields()
        for value in ["public, max-age=9", "max-age=10"] { present.append(HTTPField(name: name, value: value)) }
        for (cookie, owned, left) in [(true, false, 0), (true, true, 0), (false, true, 0), (false, false, 2)] {
            let fields = apply(cookie: cookie, owned: owned, to: present)
            #expect(fields[fields: name].count == left, "cookie \(cookie), owned \(owned)")
            #expect(fields[.cacheControl] == (cookie ? "no-store" : owned ? "private" : nil))
        }
        // An exception from the application's own rule for browsers.
        present[.cacheControl] = "private, max-age=5"
        let fields = apply(cookie: false, owned: true, to: present)
        #expect(fields[fields: name].isEmpty)
        #expect(fields[.cacheControl] == "private, max-age=5")
    }

    @Test("fields that only look like those for caches are left alone")
    func untargeted() throws {
        for name in ["Cache-Controls", "XCache-Control", "Surrogate-Key", "CDN-Cache-Control-Debug"] {
            let name = try #require(HTTPField.Name(name))
            #expect(apply(cookie: true, owned: true, to: [name: "x"])[name] == "x")
        }
    }

    @Test(
        "CA-03: Vary names the cookie once, beside the application's own",
        arguments: [
            ([], ["Cookie"]), (["Accept"], ["Accept", "Cookie"]), (["cookie"], ["cookie"]), (["*"], ["*"]),
            (["Accept, COOKIE"], ["Accept, COOKIE"]), (["X-Cookie"], ["X-Cookie", "Cookie"]),
        ]
    )
    func vary(present: [String], expected: [String]) {
        var fields = HTTPFields()
        for value in present { fields.append(HTTPField(name: .vary, value: value)) }
        #expect(apply(cookie: false, owned: false, to: fields)[fields: .vary].map(\.value) == expected)
    }

    @Test(
        "CA-05: a response that read an owner's session is private",
        arguments: [
            (nil, "private"), ("public, max-age=60", "private, max-age=60"), ("no-store", "no-store"),
            ("private, max-age=5", "private, max-age=5"), ("S-MaxAge=9, no-cache", "private, no-cache"),
        ] as [(String?, String)]
    )
    func isPrivate(present: String?, expected: String) {
        var fields = HTTPFields()
        fields[.cacheControl] = present
        #expect(apply(cookie: false, owned: true, to: fields)[.cacheControl] == expected)
        #expect(apply(cookie: false, owned: false, to: fields)[.cacheControl] == present)
    }

    @Test("CA-06: no cookie on an interim response, one on the response that switches protocols")
    func interim() {
        var session = SessionFields()
        session.isAccessed = true
        session.cookies = [Self.cookie("__Host-Http-sid=x")]
        for (code, expected) in [(100, 0), (103, 0), (101, 1), (200, 1), (304, 1), (500, 1)] {
            var response = HTTPResponse(status: HTTPResponse.Status(code: code))
            session.apply(to: &response)
            #expect(response.setCookies.count == expected, "status \(code)")
        }
    }

    @Test("CS-05, CS-06: every rendering differs and is accepted; anything else is not")
    func csrfTokens() async throws {
        let fixture = try SessionFixture()
        let token = try await fixture.browser.visit(fixture.sessions) { $0.csrfToken }
        let other = SessionBrowser(clock: fixture.clock)
        let foreign = try await other.visit(fixture.sessions) { $0.csrfToken }
        try await fixture.browser.visit(fixture.sessions) { session in
            let renderings = Set((0..<1000).map { _ in session.csrfToken })
            #expect(renderings.count == 1000)
            #expect(renderings.allSatisfy { session.acceptsCSRFToken($0) && $0.utf8.count == 86 })
            #expect(session.acceptsCSRFToken(token))
            // One secret behind all of them: the halves, one over the other.
            let secrets = renderings.compactMap { Base64URL.decode($0.utf8) }.map { bytes in
                zip(bytes[..<32], bytes[32...]).map { $0 ^ $1 }
            }
            #expect(secrets.count == 1000 && Set(secrets).count == 1)
            let flipped = String(token.dropLast(2)) + (token.hasSuffix("A") ? "Aw" : "gA")
            for bad in [nil, "", "x", foreign, flipped, String(token.dropLast()), token + "A"] as [String?] {
                #expect(!session.acceptsCSRFToken(bad))
            }
        }
    }

    @Test("a token counts in the request that begins its session with it, and no other does; after a login, neither")
    func csrfOfNewSession() async throws {
        let fixture = try SessionFixture()
        let foreign = try await SessionBrowser(clock: fixture.clock).visit(fixture.sessions) { $0.csrfToken }
        let token = try await fixture.browser.visit(fixture.sessions) { session in
            #expect(!session.acceptsCSRFToken(foreign))
            let token = session.csrfToken
            #expect(session.acceptsCSRFToken(token))
            #expect(!session.acceptsCSRFToken(foreign))
            try await session.save()
            #expect(session.acceptsCSRFToken(token))
            return token
        }
        try await fixture.browser.visit(fixture.sessions) { session in
            #expect(session.acceptsCSRFToken(token))
            session.logIn("ann")
            #expect(!session.acceptsCSRFToken(token))
            session.destroy()
            #expect(!session.acceptsCSRFToken(session.csrfToken))
        }
        // One that has been handed no token has none, though its identifier has been asked for.
        try await SessionBrowser(clock: fixture.clock).visit(fixture.sessions) { session in
            _ = session.id
            #expect(!session.acceptsCSRFToken(token))
        }
    }

    @Test("a token survives a rotation with a grace and not one without (CS-08)")
    func csrfRotation() async throws {
        let fixture = try SessionFixture()
        let (browser, sessions) = (fixture.browser, fixture.sessions)
        let token = try await browser.visit(sessions) { $0.csrfToken }
        try await browser.visit(sessions) { $0.rotate(grace: .seconds(30)) }
        #expect(try await browser.visit(sessions) { $0.acceptsCSRFToken(token) })
        fixture.clock.advance(by: .seconds(31))
        try await browser.visit(sessions) { $0.rotate(grace: .zero) }
        #expect(try await browser.visit(sessions) { !$0.acceptsCSRFToken(token) })
    }

    private static let own = "https://example.com"

    @Test(
        "CS-01, CS-02, CS-11, CS-13: where a request that may change something comes from",
        arguments: [
            ("POST", "same-origin", nil, true), ("POST", "none", nil, true), ("POST", "same-site", nil, false),
            ("POST", "cross-site", nil, false), ("POST", "bogus", nil, false), ("POST", "", nil, false),
            ("POST", "same-site", "https://sib.example.com", false), ("POST", "cross-site", "https://t.example", true),
            ("POST", nil, own, true), ("POST", nil, "https://attacker.example", false), ("POST", nil, "null", false),
            ("POST", nil, "http://example.com", false), ("POST", nil, "https://example.com.evil.example", false),
            ("POST", nil, "https://t.example:444", false), ("POST", nil, nil, false), ("GET", "cross-site", nil, true),
            ("HEAD", "cross-site", nil, true), ("OPTIONS", "cross-site", nil, true), ("PUT", "cross-site", nil, false),
            ("DELETE", "cross-site", nil, false), ("FOO", "cross-site", nil, false),
            ("TRACE", "cross-site", nil, false),
        ] as [(String, String?, String?, Bool)]
    )
    func origins(method: String, site: String?, origin: String?, isAccepted: Bool) throws {
        let policy = try OriginPolicy(origins: [Self.own, "https://T.example:443"])
        var request = HTTPRequest(
            method: try #require(HTTPRequest.Method(method)),
            scheme: "https",
            authority: "example.com",
            path: "/"
        )
        request.headerFields[try #require(HTTPField.Name("Sec-Fetch-Site"))] = site
        request.headerFields[.origin] = origin
        #expect((policy.refusal(of: request, carriesSession: true) == nil) == isAccepted)
    }

    @Test(
        "CS-10: nothing that a page may choose decides: no content type, no accepted type, no method override",
        arguments: [
            [], [("Content-Type", "text/plain")], [("Content-Type", "TEXT/PLAIN")], [("Content-Type", "")],
            [("Content-Type", "application/json; x")], [("Content-Type", "application/json")],
            [("Content-Type", "multipart/form-data;")],
            [("Content-Type", "application/json"), ("Content-Type", "text/plain")],
            [("Content-Type", "application/x-www-form-urlencoded\u{0}")], [("Accept", "application/json")],
            [("Accept", "text/vnd.turbo-stream.html")], [("Accept-Language", "x")],
            [("X-Requested-With", "XMLHttpRequest")],
            [("X-HTTP-Method-Override", "GET")], [("X-Method-Override", "HEAD")], [("Referer", "https://example.com/")],
            [("Host", "evil.example")], [("X-Forwarded-Host", "evil.example")], [("Range", "bytes=0-")],
        ] as [[(String, String)]]
    )
    func chosenByThePage(fields: [(String, String)]) throws {
        let policy = try OriginPolicy(origins: [Self.own])
        for (site, origin, isAccepted) in [
            ("cross-site", "https://evil.example", false), ("same-site", "https://evil.example", false),
            (nil, "https://evil.example", false), (nil, "null", false), (nil, nil, false),
            ("same-origin", Self.own, true),
            (nil, Self.own, true),
        ] as [(String?, String?, Bool)] {
            var request = HTTPRequest(method: .post, scheme: "https", authority: "example.com", path: "/?_method=GET")
            for (name, value) in fields {
                request.headerFields.append(HTTPField(name: try #require(HTTPField.Name(name)), value: value))
            }
            request.headerFields[try #require(HTTPField.Name("Sec-Fetch-Site"))] = site
            request.headerFields[.origin] = origin
            #expect((policy.refusal(of: request, carriesSession: true) == nil) == isAccepted)
        }
    }

    @Test("a script without cookies and without both fields is accepted")
    func scripts() throws {
        let policy = try OriginPolicy(origins: [Self.own])
        let request = HTTPRequest(method: .post, scheme: "https", authority: "example.com", path: "/")
        #expect(policy.refusal(of: request, carriesSession: false) == nil)
    }
}
