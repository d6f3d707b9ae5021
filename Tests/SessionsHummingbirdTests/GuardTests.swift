#if Hummingbird
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Sessions
import SessionsHummingbird
import SessionsTesting
import Testing

@Suite("OwnerGuard")
struct OwnerGuardTests {
    @Test("401, or 303 to the login; through for the owner, and not any more once revoked")
    func owners() async throws {
        let rig = try Rig()
        let router = rig.router().withVisits()
        router.group("api").add(middleware: OwnerGuard()).get { _, context in try await context.session.owner ?? "" }
        router.group("account").add(middleware: OwnerGuard(redirectingTo: "/signin"))
            .get { _, context in try await context.session.owner ?? "" }
        try await rig.test(router) { client in
            let visitor = Visitor(client)
            for path in ["/visits", "/login"] {
                #expect(try await visitor.get("/api").status == .unauthorized)
                let redirect = try await visitor.get("/account")
                #expect(redirect.status == .seeOther)
                #expect(redirect.headers[.location] == "/signin")
                #expect(redirect.vary == ["cookie"])
                try await visitor.post(path)
            }
            rig.faults.forgetCalls()
            let answer = try await visitor.get("/api")
            #expect(answer.text == "ann")
            #expect(answer.headers[.cacheControl] == "private")
            #expect(rig.faults.operations == [.load])
            #expect(try await visitor.get("/account").text == "ann")
            try await rig.sessions.revokeAll(of: "ann")
            #expect(try await visitor.get("/api").status == .unauthorized)
        }
    }

    @Test("a 401 has a challenge (RFC 9110 section 11.6.1) that names the cookie, no body, and varies by the cookie")
    func challenge() async throws {
        let rig = try Rig()
        let admins = try rig.manager { $0.cookie.name = "__Host-Http-admin" }
        let router = Router(context: AppContext.self)
        router.add(middleware: SessionMiddleware(try SessionManagers(rig.sessions, admins)))
        router.group("user").add(middleware: OwnerGuard()).get { _, _ in "in" }
        router.group("admin").add(middleware: OwnerGuard(of: admins)).get { _, _ in "in" }
        try await rig.test(router) { client in
            for (path, name) in [("/user", "__Host-Http-sid"), ("/admin", "__Host-Http-admin")] {
                let answer = try await Visitor(client).get(path)
                #expect(answer.status == .unauthorized)
                #expect(answer.headers[values: .wwwAuthenticate] == ["Cookie cookie-name=\"\(name)\""])
                #expect(answer.vary == ["cookie"])
                #expect(answer.text.isEmpty)
                #expect(answer.setCookies.isEmpty)
            }
        }
        // A visitor who is asked to sign in is no error of the application's.
        #expect(!rig.logs.elements.contains { $0.level >= .info })
    }

    @Test(
        "LC-14: a login that is too old is 401 with a challenge of its own, or 303; a new login opens the route again"
    )
    func fresh() async throws {
        let rig = try Rig()
        let router = rig.router().withVisits()
        let age = Duration.seconds(300)
        router.group("api").add(middleware: OwnerGuard(freshWithin: age)).get { _, _ in "in" }
        router.group("account").add(middleware: OwnerGuard(redirectingTo: "/signin"))
            .add(middleware: OwnerGuard(redirectingTo: "/confirm", freshWithin: age)).get { _, _ in "in" }
        router.get("handler") { _, context in
            let session = try await context.session
            session.update(.visits) { $0 += 1 }
            try session.requireFresh(within: age)
            return "in"
        }
        try await rig.test(router) { client in
            let visitor = Visitor(client)
            #expect(try await visitor.get("/account").headers[.location] == "/signin")
            #expect(try await visitor.get("/api").headers[.wwwAuthenticate] == "Cookie cookie-name=\"__Host-Http-sid\"")
            try await visitor.post("/login")
            rig.clock.advance(by: age)
            for path in ["/api", "/account", "/handler"] { #expect(try await visitor.get(path).text == "in") }
            rig.clock.advance(by: .microseconds(1))
            for path in ["/api", "/handler"] {
                let answer = try await visitor.get(path)
                #expect(answer.status == .unauthorized)
                #expect(answer.headers[.wwwAuthenticate]?.contains("max_age=\"300\"") == true)
                #expect(answer.headers[.cacheControl] == "private")
            }
            let redirect = try await visitor.get("/account")
            #expect(redirect.status == .seeOther)
            #expect(redirect.headers[.location] == "/confirm")
            // The handler threw, so its change was dropped (ER-05).
            #expect(try await visitor.get("/visits").text == "1")
            try await visitor.post("/login")
            #expect(try await visitor.get("/account").text == "in")
        }
    }

    @Test("of two managers it asks the one it was told: a user does not open the administrators' pages")
    func twoManagers() async throws {
        let rig = try Rig()
        let admins = try rig.manager { $0.cookie.name = "__Host-Http-admin" }
        let router = Router(context: AppContext.self)
        router.add(middleware: SessionMiddleware(admins))
        router.add(middleware: SessionMiddleware(rig.sessions))
        router.withVisits()
        router.post("admin") { _, context in
            try await context.session(of: admins).logIn("root")
            return HTTPResponse.Status.ok
        }
        router.group("admin").add(middleware: OwnerGuard(of: admins)).get { _, _ in "admins" }
        router.group("desk").add(middleware: OwnerGuard(redirectingTo: "/", of: admins)).get { _, _ in "desk" }
        router.group("user").add(middleware: OwnerGuard()).get { _, _ in "users" }
        try await rig.test(router) { client in
            let visitor = Visitor(client)
            try await visitor.post("/login")
            #expect(try await visitor.get("/user").text == "users")
            #expect(try await visitor.get("/admin").status == .unauthorized)
            #expect(try await visitor.get("/desk").status == .seeOther)
            try await visitor.post("/admin")
            #expect(try await visitor.get("/admin").text == "admins")
            #expect(try await visitor.get("/desk").text == "desk")
        }
    }
}

@Suite("OriginGuard")
struct OriginGuardTests {
    /// A request and whether it is let through.
    struct Case: Sendable, CustomTestStringConvertible {
        var method: HTTPRequest.Method = .post
        var site: String?
        var origin: String?
        var headers: HTTPFields = [:]
        var hasSession = true
        var isAccepted: Bool

        var testDescription: String {
            "\(method.rawValue) site \(site ?? "-") origin \(origin ?? "-") \(hasSession ? "with" : "without") a session"
        }
    }

    static let trusted = "https://pay.example"

    static let cases: [Case] = [
        // CS-01
        Case(site: "same-origin", isAccepted: true),
        Case(site: "none", isAccepted: true),
        Case(site: "same-site", isAccepted: false),
        Case(site: "same-site", origin: "https://sib.app.example", isAccepted: false),
        Case(site: "cross-site", isAccepted: false),
        Case(site: "cross-site", origin: "https://evil.example", isAccepted: false),
        Case(site: "bogus", isAccepted: false),
        Case(site: "", isAccepted: false),
        Case(isAccepted: false),
        Case(hasSession: false, isAccepted: true),
        Case(origin: "https://app.example", isAccepted: true),
        Case(origin: "https://evil.example", isAccepted: false),
        Case(origin: "https://evil.example", hasSession: false, isAccepted: false),
        Case(origin: "null", isAccepted: false),
        Case(method: .get, site: "cross-site", isAccepted: true),
        Case(method: .head, site: "cross-site", isAccepted: true),
        Case(method: .options, site: "cross-site", isAccepted: true),
        Case(method: .put, site: "cross-site", isAccepted: false),
        Case(method: .patch, site: "cross-site", isAccepted: false),
        Case(method: .delete, site: "cross-site", isAccepted: false),
        Case(method: .other("FOO"), site: "cross-site", isAccepted: false),
        Case(method: .other("QUERY"), site: "cross-site", isAccepted: false),
        Case(method: .other("get"), site: "cross-site", isAccepted: false),
        // CS-02
        Case(origin: "http://app.example", isAccepted: false),
        Case(site: "cross-site", origin: trusted, isAccepted: true),
        Case(origin: trusted, isAccepted: true),
        Case(origin: "http://pay.example", isAccepted: false),
        Case(origin: "https://pay.example.evil.example", isAccepted: false),
        Case(origin: "https://pay.example:444", isAccepted: false),
        Case(origin: "https://pay.example, https://evil.example", isAccepted: false),
        Case(origin: "https://localhost", isAccepted: false),
        // CS-04
        Case(origin: "https://evil.example", headers: [.other("X-Forwarded-Host"): "evil.example"], isAccepted: false),
        Case(origin: "https://evil.example", headers: [.other("Host"): "evil.example"], isAccepted: false),
        // CS-11
        Case(method: .trace, site: "cross-site", isAccepted: false),
        Case(site: "cross-site", headers: [.other("X-HTTP-Method-Override"): "GET"], isAccepted: false),
        // CS-10
        Case(site: "cross-site", headers: [.contentType: "application/json"], isAccepted: false),
        Case(site: "cross-site", headers: [.contentType: "application/json; x"], isAccepted: false),
        Case(site: "cross-site", headers: [.contentType: "text/plain"], isAccepted: false),
        Case(site: "cross-site", headers: [.contentType: "TEXT/PLAIN"], isAccepted: false),
        Case(site: "cross-site", headers: [.contentType: "multipart/form-data;"], isAccepted: false),
        Case(origin: "https://evil.example", headers: [.contentType: "text/plain"], isAccepted: false),
        Case(site: "same-origin", headers: [.contentType: "text/plain"], isAccepted: true),
        Case(site: "cross-site", headers: [.other("X-Requested-With"): "XMLHttpRequest"], isAccepted: false),
        Case(site: "cross-site", headers: [.accept: "application/json"], isAccepted: false),
    ]

    private func router(_ rig: Rig) throws -> Router<AppContext> {
        // "https://PAY.EXAMPLE:443/" would be refused; case and default port are the same origin (CS-02).
        let policy = try OriginPolicy(origins: ["https://app.example", "https://PAY.EXAMPLE:443"])
        let router = rig.router().withVisits()
        let guarded = router.group("guarded").add(middleware: OriginGuard(policy, sessions: rig.sessions))
        for method in Set(Self.cases.map(\.method)) {
            guarded.on("\(method.rawValue)", method: method) { _, _ in "in" }
        }
        return router
    }

    @Test("CS-01, CS-02, CS-04, CS-10, CS-11, CS-13: the table, and no store is asked")
    func table() async throws {
        let rig = try Rig()
        try await rig.test(try router(rig)) { client in
            let visitor = Visitor(client)
            try await visitor.post("/visits")
            rig.faults.forgetCalls()
            for test in Self.cases {
                var headers = test.headers
                if let site = test.site { headers[.other("Sec-Fetch-Site")] = site }
                if let origin = test.origin { headers[.origin] = origin }
                let sender = test.hasSession ? visitor : Visitor(client)
                let answer = try await sender.send(test.method, "/guarded/\(test.method.rawValue)?_method=GET", headers)
                #expect(answer.status == (test.isAccepted ? .ok : .forbidden), "\(test.testDescription)")
            }
        }
        #expect(rig.faults.calls.isEmpty)
    }

    @Test("CS-14: a refusal is not stored, and varies by what decided; nothing but the status tells the reason")
    func refusal() async throws {
        let rig = try Rig()
        try await rig.test(try router(rig)) { client in
            let answer = try await Visitor(client).send(
                .post,
                "/guarded/POST",
                [.other("Sec-Fetch-Site"): "cross-site"]
            )
            #expect(answer.status == .forbidden)
            #expect(answer.vary == ["sec-fetch-site", "origin"])
            #expect(answer.headers[values: .cacheControl] == ["no-store"])
            #expect(answer.text.isEmpty)
        }
        #expect(rig.logs.elements.contains { $0.metadata["reason"] == "crossSite" })
    }

    @Test("CS-16: a guard that only reports lets the request through, and says in the log what it would have refused")
    func reports() async throws {
        let rig = try Rig()
        let policy = try OriginPolicy(origins: ["https://app.example"])
        let router = rig.router().withVisits()
        router.group("report").add(middleware: OriginGuard(policy, sessions: rig.sessions, reportsOnly: true))
            .post { _, _ in "in" }
        router.group("refuse").add(middleware: OriginGuard(policy, sessions: rig.sessions)).post { _, _ in "in" }
        try await rig.test(router) { client in
            let visitor = Visitor(client)
            try await visitor.post("/visits")
            let own: HTTPFields = [.origin: "https://app.example"]
            #expect(try await visitor.post("/report", own).text == "in")
            #expect(!rig.logs.elements.contains { $0.metadata["reason"] != nil })
            let foreign: [HTTPFields] = [
                [.other("Sec-Fetch-Site"): "cross-site"], [.origin: "https://evil.example"], [:],
            ]
            for fields in foreign {
                let answer = try await visitor.post("/report", fields)
                #expect(answer.status == .ok)
                #expect(answer.text == "in")
            }
            #expect(try await visitor.post("/refuse", foreign[0]).status == .forbidden)
        }
        let warned = rig.logs.elements.filter { $0.level == .warning }.compactMap { $0.metadata["reason"] }
        #expect(warned == ["crossSite", "foreignOrigin", "unknownOrigin"])
    }

    @Test("CS-12: a login form is guarded before there is a session")
    func loginForm() async throws {
        let rig = try Rig()
        let policy = try OriginPolicy(origins: ["https://app.example"])
        let router = Router(context: AppContext.self)
        router.add(middleware: OriginGuard(policy, sessions: rig.sessions))
        router.add(middleware: SessionMiddleware(rig.sessions))
        router.withVisits()
        try await rig.test(router) { client async throws in
            let visitor = Visitor(client)
            #expect(try await visitor.post("/login", [.origin: "https://evil.example"]).status == .forbidden)
            #expect(visitor.credential == nil)
            #expect(try await visitor.post("/login", [.origin: "https://app.example"]).status == .ok)
            #expect(visitor.credential != nil)
        }
    }
}
#endif
