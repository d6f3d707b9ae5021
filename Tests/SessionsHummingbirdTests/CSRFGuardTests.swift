#if Hummingbird
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Sessions
import SessionsHummingbird
import SessionsTesting
import Testing

/// What the guards of forms do, and the cases of Curveball's and Remix's suites (seed-behaviours 3.6 and 3.7).
@Suite("CSRFGuard")
struct CSRFGuardTests {
    static let own = "https://app.example"
    static let form = "application/x-www-form-urlencoded"

    /// A shop with a page that has a form, `GET /form`, and the form's target, `POST /form`, which tells its fields.
    private func router(
        _ rig: Rig,
        _ requirement: CSRFPolicy.Requirement = .everybody,
        field: String = "csrf",
        token: CSRFGuard<AppContext>.FindToken? = nil,
        reportsOnly: Bool = false,
        answer: CSRFGuard<AppContext>.Answer? = nil
    ) throws -> Router<AppContext> {
        let policy = try CSRFPolicy(OriginPolicy(origins: [Self.own]), of: requirement, field: field)
        let router = rig.router()
        router.group().add(
            middleware: CSRFGuard(
                policy,
                sessions: rig.sessions,
                reportsOnly: reportsOnly,
                token: token,
                answer: answer
            )
        )
        .get("page") { _, _ in "page" }
        .get("form") { _, context in try await context.session.csrfToken }
        .post("login") { _, context in
            try await context.session.logIn("ann")
            return HTTPResponse.Status.ok
        }
        .post("form") { request, context in
            let body = try await request.body.collect(upTo: context.maxUploadSize)
            return String(buffer: body)
        }
        return router
    }

    private func send(
        _ client: any TestClientProtocol,
        _ browser: SessionBrowser,
        _ uri: String = "/form",
        _ method: HTTPRequest.Method = .post,
        _ headers: HTTPFields = [:],
        body: String? = nil
    ) async throws -> TestResponse {
        var headers = headers
        if headers[.origin] == nil, method == .post { headers[.origin] = Self.own }
        if body != nil, headers[.contentType] == nil { headers[.contentType] = Self.form }
        let request = browser.request(method, uri, headerFields: headers)
        let response = try await client.execute(
            uri: uri,
            method: method,
            headers: request.headerFields,
            body: body.map { ByteBuffer(string: $0) }
        )
        browser.receive(response.head)
        return response
    }

    @Test(
        "a form with its token is let through, its body whole; the origin is checked first, and no store is asked for it"
    )
    func passes() async throws {
        let rig = try Rig()
        try await rig.test(try router(rig)) { client in
            let browser = SessionBrowser()
            let token = try await send(client, browser, "/form", .get).text
            let body = "name=%C3%A9+x&csrf=\(token)&name=2"
            let accepted = try await send(client, browser, body: body)
            #expect(accepted.status == .ok)
            #expect(accepted.text == body)
            rig.faults.forgetCalls()
            let foreign = try await send(client, browser, "/form", .post, [.origin: "https://evil.example"], body: body)
            #expect(foreign.status == .forbidden)
            #expect(rig.faults.calls.isEmpty)
        }
        #expect(rig.logs.elements.contains { $0.metadata["reason"] == "foreignOrigin" })
    }

    @Test("an anonymous GET behind the guard asks no store and begins no session, and neither does a form without one")
    func beginsNothing() async throws {
        let rig = try Rig()
        try await rig.test(try router(rig)) { client in
            let page = try await send(client, SessionBrowser(), "/page", .get)
            #expect(page.status == .ok)
            #expect(page.setCookies.isEmpty && page.vary.isEmpty)
            let refused = try await send(client, SessionBrowser(), body: "csrf=\(String(repeating: "A", count: 86))")
            #expect(refused.status == .forbidden)
            #expect(refused.setCookies.isEmpty)
        }
        #expect(rig.faults.calls.isEmpty)
        #expect(rig.recordCount == 0)
    }

    @Test("CS-12: with tokens of owners alone, a visitor's login form needs none, and is held to its origin")
    func visitors() async throws {
        let rig = try Rig()
        try await rig.test(try router(rig, .owners)) { client in
            let browser = SessionBrowser()
            #expect(try await send(client, browser, body: "a=1").text == "a=1")
            let evil = try await send(client, browser, "/login", .post, [.origin: "https://evil.example"])
            #expect(evil.status == .forbidden)
            #expect(try await send(client, browser, "/login").status == .ok)
            #expect(try await send(client, browser, body: "a=1").status == .forbidden)
            let token = try await send(client, browser, "/form", .get).text
            #expect(try await send(client, browser, body: "a=1&csrf=\(token)").status == .ok)
        }
    }

    @Test(
        "CS-05, CS-10: the form is read as one only if it says so; what it is called lets nothing pass without a token"
    )
    func contentTypes() async throws {
        let rig = try Rig()
        try await rig.test(try router(rig)) { client in
            let browser = SessionBrowser()
            let token = try await send(client, browser, "/form", .get).text
            for (type, isAccepted) in [
                (Self.form, true), ("Application/X-WWW-Form-Urlencoded; charset=utf-8", true), ("text/plain", false),
                ("multipart/form-data; boundary=x", false), ("application/json", false), ("", false),
            ] {
                let headers: HTTPFields = [.contentType: type]
                let answer = try await send(client, browser, "/form", .post, headers, body: "csrf=\(token)")
                #expect(answer.status == (isAccepted ? .ok : .forbidden), "\(type)")
                var withHeader = headers
                withHeader[.other("X-CSRF-Token")] = token
                let other = try await send(client, browser, "/form", .post, withHeader, body: "anything")
                #expect(other.text == "anything", "\(type)")
            }
            let query = try await send(client, browser, "/form?csrf=\(token)&_csrf=\(token)", body: "a=1")
            #expect(query.status == .forbidden)
            let twice = try await send(client, browser, body: "csrf=\(token)&csrf=\(token)")
            #expect(twice.status == .forbidden)
        }
    }

    @Test("a form larger than the context takes is 413, and not one byte of it is read for a visitor without a session")
    func tooLarge() async throws {
        let rig = try Rig()
        try await rig.test(try router(rig)) { client in
            let browser = SessionBrowser()
            _ = try await send(client, browser, "/form", .get)
            let body = "a=" + String(repeating: "x", count: 2 * 1024 * 1024 + 1)
            #expect(try await send(client, browser, body: body).status == .contentTooLarge)
            #expect(try await send(client, SessionBrowser(), body: body).status == .forbidden)
        }
    }

    @Test(
        "CS-14: a refusal is not stored and varies by what decided, an answer of the application's too; CS-16: report"
    )
    func answers() async throws {
        let rig = try Rig()
        let own = try router(
            rig,
            answer: { refusal, _, _ in
                Response(
                    status: .seeOther,
                    headers: [.location: "/stale?\(refusal)", .cacheControl: "public", .vary: "Accept"]
                )
            }
        )
        try await rig.test(own) { client in
            let answer = try await send(client, SessionBrowser(), body: "a=1")
            #expect(answer.status == .seeOther)
            #expect(answer.headers[.location] == "/stale?missingToken")
            #expect(answer.headers[values: .cacheControl] == ["no-store"])
            #expect(answer.vary == ["accept", "sec-fetch-site", "origin", "cookie"])
        }
        try await rig.test(try router(rig)) { client in
            let answer = try await send(client, SessionBrowser(), body: "a=1")
            #expect(answer.headers[values: .cacheControl] == ["no-store"])
            #expect(answer.vary == ["sec-fetch-site", "origin", "cookie"])
            #expect(answer.text.isEmpty)
        }
        try await rig.test(try router(rig, reportsOnly: true)) { client in
            let answer = try await send(
                client,
                SessionBrowser(),
                "/form",
                .post,
                [.origin: "https://evil.example"],
                body: "a"
            )
            #expect(answer.text == "a")
        }
        #expect(rig.logs.elements.contains { $0.level == .warning && $0.metadata["reason"] == "foreignOrigin" })
    }

    @Test("CS-03, remix cop 11: what is exempt is a route, and no spelling of a path leads around the guard")
    func exemptions() async throws {
        let rig = try Rig()
        let policy = try OriginPolicy(origins: [Self.own])
        let router = Router(context: AppContext.self)
        router.post("bypass/hook") { _, _ in "hook" }
        let guarded = router.group().add(middleware: OriginGuard(policy, sessions: rig.sessions))
        guarded.post("bypass") { _, _ in "guarded" }
        guarded.post("bypass/other") { _, _ in "guarded" }
        guarded.post("foo/**") { _, _ in "guarded" }
        try await rig.test(router) { client in
            let cross: HTTPFields = [.other("Sec-Fetch-Site"): "cross-site"]
            let visitor = Visitor(client)
            #expect(try await visitor.post("/bypass/hook", cross).text == "hook")
            for path in [
                "/bypass", "/bypass/", "/bypass/other", "/foo/../bypass/hook", "/foo/%2e%2e/bypass/hook",
                "/bypass/hook/../other", "//bypass/other", "/BYPASS/hook", "/bypass/%68ook/../other", "/bypass/hook/x",
            ] {
                let answer = try await visitor.post(path, cross)
                #expect(answer.status == .forbidden || answer.status == .notFound, "\(path)")
            }
        }
    }

    @Test("remix cop 12: the application answers what is refused; without any session middleware or manager")
    func onDeny() async throws {
        let rig = try Rig()
        let router = Router(context: BasicRequestContext.self)
        router.add(
            middleware: OriginGuard(try OriginPolicy(origins: [Self.own])) { refusal, request, _ in
                Response(
                    status: .forbidden,
                    body: .init(byteBuffer: ByteBuffer(string: "\(refusal.rawValue) \(request.uri.path)"))
                )
            }
        )
        router.post("/a") { _, _ in "in" }
        let application = Application(router: router)
        try await application.test(.router) { client in
            func post(_ headers: HTTPFields) async throws -> TestResponse {
                try await client.execute(uri: "/a", method: .post, headers: headers)
            }
            let denied = try await post([.other("Sec-Fetch-Site"): "cross-site"])
            #expect(denied.status == .forbidden)
            #expect(denied.text == "crossSite /a")
            #expect(denied.headers[.cacheControl] == "no-store")
            #expect(try await post([.other("Sec-Fetch-Site"): "same-origin"]).text == "in")
            #expect(try await post([:]).text == "in")
            #expect(try await post([.cookie: "any=1"]).status == .forbidden)
        }
        #expect(rig.faults.calls.isEmpty)
    }

    @Test("CF-14, remix csrf: a guard of tokens without a session middleware around it fails with the first request")
    func noMiddleware() async throws {
        let rig = try Rig()
        let policy = try CSRFPolicy(OriginPolicy(origins: [Self.own]))
        let router = Router(context: AppContext.self)
        router.add(middleware: CSRFGuard(policy, sessions: rig.sessions))
        router.get("page") { _, _ in "page" }
        try await rig.test(router) { client async throws in
            #expect(try await Visitor(client).get("/page").status == .internalServerError)
        }
        #expect(rig.logs.elements.contains { $0.message.contains("session middleware") })
    }

    @Test("a store that fails is 503 and no refusal (ER-01)")
    func storeFails() async throws {
        let rig = try Rig()
        try await rig.test(try router(rig)) { client in
            let browser = SessionBrowser()
            let token = try await send(client, browser, "/form", .get).text
            rig.faults.failBefore(.load)
            #expect(try await send(client, browser, body: "csrf=\(token)").status == .serviceUnavailable)
        }
    }

    // MARK: Curveball

    @Test("curveball csrf: a token is generated, stands for its request and its session")
    func curveballTokens() async throws {
        let rig = try Rig()
        let router = try router(rig, field: "csrf-token")
        router.get("two") { _, context in
            let session = try await context.session
            let tokens = [session.csrfToken, session.csrfToken]
            #expect(tokens.allSatisfy { session.acceptsCSRFToken($0) })
            return tokens.joined(separator: " ")
        }
        try await rig.test(router) { client in
            let browser = SessionBrowser()
            let first = try await send(client, browser, "/two", .get).text.split(separator: " ")
            let later = try await send(client, browser, "/form", .get).text
            // Masked anew each time, so another text; each opens the form, in the request and in the session.
            for token in first.map(String.init) + [later] {
                #expect(try await send(client, browser, body: "csrf-token=\(token)").status == .ok)
            }
        }
    }

    @Test(
        "curveball csrf: 403 when none was generated, none supplied, or a wrong one; 200 when it is right",
        arguments: ["none generated", "none supplied", "wrong", "right"]
    )
    func curveball(which: String) async throws {
        let rig = try Rig()
        let router = try router(rig, field: "csrf-token")
        router.post("visits") { _, context in
            try await context.session.set(.visits, to: 1)
            return HTTPResponse.Status.ok
        }
        try await rig.test(router) { client in
            let browser = SessionBrowser()
            var token = try await send(client, SessionBrowser(), "/form", .get).text
            if which != "none generated" { _ = try await send(client, browser, "/visits") }
            if which == "right" { token = try await send(client, browser, "/form", .get).text }
            let body = which == "none supplied" ? "a=1" : "csrf-token=\(token)"
            #expect(try await send(client, browser, body: body).status == (which == "right" ? .ok : .forbidden))
        }
    }

    // MARK: Remix

    @Test(
        "remix csrf: a token of fixed length; accepted from each header and from the form; missing and invalid are 403"
    )
    func remix() async throws {
        let rig = try Rig()
        let router = try router(
            rig,
            field: "_csrf",
            answer: { refusal, _, _ in
                Response(status: .forbidden, body: .init(byteBuffer: ByteBuffer(string: refusal.description)))
            }
        )
        try await rig.test(router) { client in
            let browser = SessionBrowser()
            let token = try await send(client, browser, "/form", .get).text
            #expect(token.utf8.count == 86)
            for name in ["X-Csrf-Token", "X-Xsrf-Token", "Csrf-Token"] {
                #expect(try await send(client, browser, "/form", .post, [.other(name): token]).status == .ok)
            }
            #expect(try await send(client, browser, body: "_csrf=\(token)").status == .ok)
            #expect(try await send(client, browser).text == "missingToken")
            #expect(try await send(client, browser, body: "_csrf=").text == "missingToken")
            #expect(try await send(client, browser, body: "_csrf=wrong").text == "invalidToken")
            let evil = try await send(client, browser, "/form", .post, [.origin: "https://evil.example"])
            #expect(evil.status == .forbidden)
            #expect(evil.text == "foreignOrigin")
        }
    }

    @Test("remix csrf: the application says where the value is")
    func remixValue() async throws {
        let rig = try Rig()
        let router = try router(
            rig,
            token: { request, _ in
                let body = try await request.collectBody(upTo: 1024)
                return String(buffer: body).split(separator: "|").last.map(String.init)
            }
        )
        try await rig.test(router) { client in
            let browser = SessionBrowser()
            let token = try await send(client, browser, "/form", .get).text
            let type: HTTPFields = [.contentType: "text/plain"]
            let accepted = try await send(client, browser, "/form", .post, type, body: "a|\(token)")
            #expect(accepted.text == "a|\(token)")
            // In its place, not beside it.
            var header = type
            header[.other("X-CSRF-Token")] = token
            #expect(try await send(client, browser, "/form", .post, header, body: "a|b").status == .forbidden)
        }
    }
}
#endif
