#if Hummingbird
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Sessions
import SessionsHummingbird
import SessionsTesting
import Testing

/// What clients send in place of an honest cookie (checklist sections A and C).
@Suite("Hostile and odd cookies")
struct HostileCookieTests {
    static let name = "__Host-Http-sid"

    /// Asks for the session with these Cookie fields.
    private func visits(_ client: any TestClientProtocol, _ cookies: [String]) async throws -> TestResponse {
        var headers: HTTPFields = [:]
        for cookie in cookies { headers.append(HTTPField(name: .cookie, value: cookie)) }
        return try await client.execute(uri: "/visits", method: .get, headers: headers)
    }

    /// A credential with one visit behind it.
    private func credential(_ client: any TestClientProtocol) async throws -> String {
        let visitor = Visitor(client)
        try await visitor.post("/visits")
        return try #require(visitor.credential)
    }

    @Test("PR-01: the cookie is found in whichever of several Cookie fields it stands", arguments: [true, false])
    func severalFields(isLive: Bool) async throws {
        let rig = try Rig()
        try await rig.test(rig.router().withVisits(), isLive ? .live : .router) { client in
            let own = "\(Self.name)=\(try await credential(client))"
            for fields in [
                ["a=1", own, "b=2"], ["a=1; \(own)", "b=2"], ["a=1", "b=2; \(own)"], [own, "a=1"], [own, own],
            ] {
                #expect(try await visits(client, fields).text == "1")
            }
        }
    }

    @Test("PR-09: two different cookies of the name are an attack: anonymous, no store asked, no cookie touched")
    func duplicate() async throws {
        let rig = try Rig()
        try await rig.test(rig.router().withVisits()) { client in
            let victim = "\(Self.name)=\(try await credential(client))"
            let attacker = "\(Self.name)=\(try await credential(client))"
            rig.faults.forgetCalls()
            for fields in [
                [victim, attacker], [attacker, victim], ["\(victim); \(attacker)"], [victim, "\(Self.name)=x"],
            ] {
                let answer = try await visits(client, fields)
                #expect(answer.text == "new")
                #expect(answer.setCookies.isEmpty)
            }
        }
        #expect(rig.faults.calls.isEmpty)
        #expect(rig.kinds.filter { $0 == .suspicious(.duplicate) }.count == 4)
    }

    @Test("PR-09: without a host-only name, exactly one of several cookies may be genuine")
    func duplicateOfOpenName() async throws {
        let rig = try Rig { $0.cookie = .plainHTTPForDevelopment() }
        try await rig.test(rig.router().withVisits()) { client in
            var credentials: [String] = []
            for _ in 0..<2 {
                let browser = SessionBrowser(isSecure: false)
                try await Visitor(client, browser).post("/visits")
                credentials.append("sid=\(try #require(browser.cookies["sid"]))")
            }
            #expect(try await visits(client, [credentials[0], "sid=junk"]).text == "1")
            #expect(try await visits(client, ["sid=junk", credentials[0]]).text == "1")
            #expect(try await visits(client, credentials).text == "new")
        }
    }

    @Test(
        "PR-13: a cookie that is not ours is expired once the session is asked for, and not before",
        arguments: ["junk", String(repeating: "A", count: 112), "AQAA" + String(repeating: "A", count: 108)]
    )
    func malformed(value: String) async throws {
        let rig = try Rig()
        let router = rig.router().withVisits()
        router.get("static") { _, _ in "static" }
        try await rig.test(router) { client async throws in
            let browser = SessionBrowser()
            browser.plant(Self.name, value)
            let visitor = Visitor(client, browser)
            #expect(try await visitor.get("/static").setCookies.isEmpty)
            #expect(try await visitor.get("/visits").setCookies == [CookieFieldTests.expired])
            #expect(try await visitor.get("/visits").setCookies.isEmpty)
        }
        #expect(rig.faults.calls.isEmpty)
    }

    @Test("a genuine cookie whose record is gone is nobody's fault: anonymous, no Set-Cookie")
    func gone() async throws {
        let rig = try Rig()
        try await rig.test(rig.router().withVisits()) { client in
            let old = try await credential(client)
            rig.store.base.removeAll()
            let answer = try await visits(client, ["\(Self.name)=\(old)"])
            #expect(answer.text == "new")
            #expect(answer.setCookies.isEmpty)
        }
    }

    @Test("CK-14: a cookie that is lost at any moment makes an anonymous request, and never an error")
    func lostCookies() async throws {
        let rig = try Rig()
        let router = rig.router().withVisits()
        router.post("rotate") { _, context in
            try await context.session.rotate()
            return HTTPResponse.Status.ok
        }
        router.post("flash") { _, context in
            let session = try await context.session
            session.flash(.notice, "Saved")
            return session.csrfToken
        }
        try await rig.test(router) { client in
            var visitor = Visitor(client)
            for _ in 0..<500 {
                let path = try #require(
                    ["/begin", "/login", "/visits", "/rotate", "/flash", "/logout"].randomElement()
                )
                #expect(try await visitor.post(path).status == .ok, "\(path)")
                guard Int.random(in: 0..<3) == 0 else { continue }
                visitor = Visitor(client)
                let answer = try await visitor.get("/visits")
                #expect(answer.status == .ok)
                #expect(answer.text == "new")
                #expect(answer.setCookies.isEmpty)
            }
        }
        #expect(!rig.logs.elements.contains { $0.level >= .warning })
    }

    @Test("ID-07: an identifier that the client brings is never adopted (I3)")
    func adoption() async throws {
        let rig = try Rig()
        try await rig.test(rig.router().withVisits()) { client in
            let visitor = Visitor(client)
            try await visitor.post("/visits")
            let old = try #require(visitor.credential)
            let thief = visitor.copy()
            let oldKeys = rig.store.base.entries(after: nil, limit: 10).map(\.key)
            rig.store.base.removeAll()
            #expect(try await visitor.post("/visits").text == "1")
            #expect(visitor.credential != old)
            #expect(try await thief.get("/visits").text == "new")
            #expect(!rig.store.base.entries(after: nil, limit: 10).map(\.key).contains { oldKeys.contains($0) })
        }
        #expect(rig.recordCount == 1)
    }

    @Test("LC-16, PR-12: a flood of junk cookies and of none asks no store and makes no record")
    func flood() async throws {
        let rig = try Rig()
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        try await rig.test(rig.router().withVisits()) { client in
            for index in 0..<1_000 {
                let length = [0, 1, 42, 111, 112, 112, 112, 113, 4_000][index % 9]
                let value = String((0..<length).map { _ in letters.randomElement() ?? "A" })
                let answer = try await visits(client, index % 10 == 0 ? [] : ["\(Self.name)=\(value)"])
                #expect(answer.text == "new")
                #expect(answer.status == .ok)
            }
        }
        #expect(rig.faults.calls.isEmpty)
        #expect(rig.recordCount == 0)
    }

    @Test("PR-10: a megabyte of cookies is an anonymous request", .timeLimit(.minutes(5)))
    func megabyte() async throws {
        let rig = try Rig()
        try await rig.test(rig.router().withVisits()) { client in
            let own = "\(Self.name)=\(try await credential(client))"
            let padding = String(repeating: "a=;", count: 350_000)
            #expect(try await visits(client, [padding, own]).text == "new")
            #expect(try await visits(client, [padding + own]).text == "new")
        }
    }

    @Test(
        "PR-02, PR-03, PR-04, PR-05, PR-07, PR-08: what looks like the name to some parser is not the name",
        arguments: [
            "\u{2000}__Host-Http-sid=", "\u{A0}__Host-Http-sid=", "\u{85}__Host-Http-sid=", "\u{FEFF}__Host-Http-sid=",
            "__%48ost-Http-sid=", "%5F%5FHost-Http-sid=", "..Host-Http-sid=", "__host-http-sid=", "__Host-Http-sid[=",
            "=__Host-Http-sid=", "a=1,__Host-Http-sid=", "a=1\u{37E}__Host-Http-sid=",
            "__Host-Http-sid =x; __Host_Http_sid=",
            "$Version=1; $__Host-Http-sid=", "__Host-Http-sid\u{301}=", "__Host-Http-sid2=",
        ]
    )
    func lookalike(prefix: String) async throws {
        let rig = try Rig()
        try await rig.test(rig.router().withVisits()) { client in
            let credential = try await credential(client)
            rig.faults.forgetCalls()
            #expect(try await visits(client, [prefix + credential]).text == "new")
            #expect(rig.faults.calls.isEmpty)
        }
    }

    @Test("ID-10: a credential is taken from the cookie and from nowhere else")
    func elsewhere() async throws {
        let rig = try Rig()
        try await rig.test(rig.router().withVisits()) { client in
            let credential = try await credential(client)
            rig.faults.forgetCalls()
            for uri in [
                "/visits?sid=\(credential)", "/visits?\(Self.name)=\(credential)", "/visits;jsessionid=\(credential)",
            ] {
                let answer = try await client.execute(uri: uri, method: .get)
                #expect(answer.text == "new" || answer.status == .notFound)
            }
            for name in ["X-Session-Id", "Authorization", Self.name, "Set-Cookie", "Cookie2"] {
                let headers: HTTPFields = [.other(name): "\(Self.name)=\(credential)"]
                #expect(try await client.execute(uri: "/visits", method: .get, headers: headers).text == "new")
            }
            #expect(rig.faults.calls.isEmpty)
        }
    }
}
#endif
