#if Hummingbird
import AdapterChecks
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Sessions
import SessionsHummingbird
import SessionsTesting
import Testing

/// What the guard of tokens lets through without one.
@Suite("CSRFGuard: exempt routes and reports")
struct CSRFExemptionTests {
    private static let own = "https://app.example"

    @Test("CS-15: what a browser sends for a device-bound session needs no token on a route of its own, and its origin")
    func deviceBound() async throws {
        let rig = try Rig()
        let origins = try OriginPolicy(origins: [Self.own])
        let router = rig.router().withVisits()
        let device = router.group("device").add(middleware: OriginGuard(origins, sessions: rig.sessions))
        device.post("refresh") { _, context in try await context.session.requireOwner() }
        let forms = router.group("forms").add(
            middleware: CSRFGuard(try CSRFPolicy(origins), sessions: rig.sessions)
        )
        forms.post("refresh") { _, context in try await context.session.requireOwner() }
        try await rig.test(router) { client in
            let visitor = Visitor(client)
            try await visitor.post("/login")
            // As Chromium sends it.
            let request: HTTPFields = [
                .origin: Self.own, .other("Sec-Fetch-Site"): "same-origin", .other("Sec-Fetch-Mode"): "no-cors",
                .contentLength: "0",
            ]
            #expect(try await visitor.post("/device/refresh", request).text == "ann")
            #expect(try await visitor.post("/forms/refresh", request).status == .forbidden)
            var foreign = request
            foreign[.origin] = "https://evil.example"
            foreign[.other("Sec-Fetch-Site")] = "cross-site"
            #expect(try await visitor.post("/device/refresh", foreign).status == .forbidden)
        }
    }

    /// A form's page, and a target that counts the bytes of the form and asks for no session.
    private func router(_ rig: Rig, reportsOnly: Bool) throws -> Router<AppContext> {
        let policy = try CSRFPolicy(OriginPolicy(origins: [Self.own]))
        let router = rig.router()
        router.group()
            .add(middleware: CSRFGuard(policy, sessions: rig.sessions, reportsOnly: reportsOnly))
            .get("form") { _, context in try await context.session.csrfToken }
            .post("form") { request, _ in
                var count = 0
                for try await piece in request.body { count += piece.readableBytes }
                return "\(count)"
            }
        return router
    }

    private static func form(_ browser: SessionBrowser) -> HTTPRequest {
        browser.request(
            .post,
            "/form",
            headerFields: [.origin: own, .contentType: "application/x-www-form-urlencoded"]
        )
    }

    /// What the guards of `rig` warned of.
    private func warnings(_ rig: Rig) -> [String] {
        rig.logs.elements.filter { $0.level == .warning }.compactMap { $0.metadata["reason"] }.map { "\($0)" }
    }

    @Test(
        "CS-16: a form too large to be read is let through whole by a guard that only reports",
        arguments: [true, false]
    )
    func tooLarge(reportsOnly: Bool) async throws {
        let rig = try Rig()
        try await rig.test(try router(rig, reportsOnly: reportsOnly)) { client in
            let browser = SessionBrowser()
            let page = try await client.execute(uri: "/form", method: .get)
            browser.receive(page.head)
            for (count, token) in [(100, page.text), (2 * 1024 * 1024 + 1, page.text), (100, "wrong")] {
                let field = "csrf=\(token)&a="
                let body = field + String(repeating: "x", count: count - field.utf8.count)
                let answer = try await client.execute(
                    uri: "/form",
                    method: .post,
                    headers: Self.form(browser).headerFields,
                    body: ByteBuffer(string: body)
                )
                let isJudged = count == 100
                if reportsOnly || isJudged && token == page.text {
                    #expect(answer.text == "\(count)")
                } else {
                    #expect(answer.status == (isJudged ? .forbidden : .contentTooLarge))
                }
            }
        }
        #expect(warnings(rig) == (reportsOnly ? ["unreadForm", "invalidToken"] : []))
    }

    @Test("CS-16: nor is a form read whose length nobody says")
    func chunked() async throws {
        let rig = try Rig()
        try await rig.test(try router(rig, reportsOnly: true), .live) { client in
            let visitor = WireVisitor(try #require(client.port))
            try await visitor.get("/form")
            let connection = try await WireConnection(port: visitor.port)
            let text = WireConnection.text(of: Self.form(visitor.browser))
                .replacing("Content-Length: 0\r\n", with: "Transfer-Encoding: chunked\r\n")
            try await connection.send(text + "3\r\na=1\r\n4\r\n&b=2\r\n0\r\n\r\n")
            let answer = try await connection.receive(.post)
            #expect(answer.status == 200)
            #expect(answer.text == "7")
        }
        #expect(warnings(rig) == ["unreadForm"])
    }

    @Test(
        "CS-16: a store that is down is 503 at the guard, and no matter of one that only reports",
        arguments: [true, false]
    )
    func storeFails(reportsOnly: Bool) async throws {
        let rig = try Rig()
        try await rig.test(try router(rig, reportsOnly: reportsOnly)) { client in
            let browser = SessionBrowser()
            let page = try await client.execute(uri: "/form", method: .get)
            browser.receive(page.head)
            rig.faults.failBefore(.load)
            let answer = try await client.execute(
                uri: "/form",
                method: .post,
                headers: Self.form(browser).headerFields,
                body: ByteBuffer(string: "csrf=\(page.text)")
            )
            #expect(answer.status == (reportsOnly ? .ok : .serviceUnavailable))
        }
        #expect(warnings(rig) == (reportsOnly ? ["storeUnavailable"] : []))
    }
}
#endif
