#if Hummingbird
import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
import HummingbirdTesting
import Logging
import Sessions
import SessionsHummingbird
import SessionsTesting
import Testing

/// What the adapter adds to the settings: the client's connection, the task's session, commits by hand.
@Suite("Settings in Hummingbird")
struct SettingsTests {
    /// A manager that goes by the connection, with routes that say what they met.
    private func rig(_ proxies: TrustedProxies) throws -> (Rig, Router<AppContext>) {
        let rig = try Rig { configuration in
            configuration.cookie = .automatic(name: "sid")
            configuration.proxies = proxies
        }
        return (rig, rig.router().withVisits())
    }

    private static func isSecure(_ answer: TestResponse) -> Bool {
        answer.setCookies.count == 1 && answer.setCookies[0].contains("; Secure")
    }

    @Test("proxy: plain HTTP is plain, and a field that nobody is trusted for changes nothing (express 33, 44, 126)")
    func plain() async throws {
        let (rig, router) = try rig(.nobody)
        try await rig.test(router, .live) { client async throws in
            let answer = try await client.execute(
                uri: "/visits",
                method: .post,
                headers: Self.forwarded("https")
            )
            #expect(answer.setCookies.count == 1)
            #expect(!Self.isSecure(answer))
        }
    }

    @Test("proxy: one at a named address is believed, and one at another is not (express 30 to 32, 43)")
    func trusted() async throws {
        for (ranges, isSecure) in [(["127.0.0.0/8", "::1"], true), (["192.0.2.0/24"], false)] {
            let (rig, router) = try rig(.addresses(ranges))
            try await rig.test(router, .live) { client async throws in
                let answer = try await client.execute(
                    uri: "/visits",
                    method: .post,
                    headers: Self.forwarded("https")
                )
                #expect(Self.isSecure(answer) == isSecure)
            }
        }
    }

    private static func forwarded(_ proto: String) -> HTTPFields {
        var fields: HTTPFields = [:]
        if let name = HTTPField.Name("X-Forwarded-Proto") { fields[name] = proto }
        return fields
    }

    @Test("real TLS is told from the connection, with HTTP/2 and without (express 125; Primate: Secure on TLS)")
    func encrypted() async throws {
        let (rig, router) = try rig(.nobody)
        let server = try HTTPServerBuilder.http2Upgrade(tlsConfiguration: TestCertificate.serverConfiguration())
        try await rig.test(router, .ahc(.https), server: server) { client async throws in
            #expect(try await Self.isSecure(Visitor(client).post("/visits")))
        }
    }

    @Test("express 32: a Secure cookie on plain HTTP is withheld, and leaves no row")
    func withheld() async throws {
        let rig = try Rig { $0.proxies = .nobody }
        try await rig.test(rig.router().withVisits(), .live) { client async throws in
            let answer = try await client.execute(uri: "/visits", method: .post)
            #expect(answer.status == .ok)
            #expect(answer.setCookies.isEmpty)
        }
        #expect(rig.recordCount == 0)
        #expect(rig.kinds == [.cookieWithheld])
    }

    @Test("a context that was made without its source is told so, with 500")
    func noSource() async throws {
        struct Blind: SessionRequestContext {
            var coreContext: CoreRequestContextStorage
            var sessionContext = SessionContext()
            init(source: Source) { coreContext = .init(source: source) }
        }
        let rig = try Rig { $0.proxies = .nobody }
        let router = Router(context: Blind.self)
        router.add(middleware: SessionMiddleware(rig.sessions))
        router.get("static") { _, _ in "always the same" }
        router.get("visits") { _, context in "\(try await context.session[.visits])" }
        try await Application(router: router).test(.router) { client async throws in
            #expect(try await client.execute(uri: "/static", method: .get).status == .ok)
            #expect(try await client.execute(uri: "/visits", method: .get).status == .internalServerError)
        }
    }

    @Test("a request outside the cookie's path answers 500 if it asks for its session, and costs nothing if not")
    func path() async throws {
        let rig = try Rig { configuration in
            configuration.cookie.name = "sid"
            configuration.cookie.path = "/admin"
        }
        let router = rig.router()
        for path in ["admin", "administrator"] {
            router.post(RouterPath(path)) { _, context in
                try await context.session.set(.name, to: "root")
                return HTTPResponse.Status.ok
            }
        }
        try await rig.test(router) { client async throws in
            #expect(try await client.execute(uri: "/admin", method: .post).setCookies.count == 1)
            let answer = try await client.execute(uri: "/administrator", method: .post)
            #expect(answer.status == .internalServerError && answer.setCookies.isEmpty)
        }
        #expect(rig.recordCount == 1)
    }

    @Test("ambient: code without a context reaches the session; without the option it gets a typed error")
    func ambient() async throws {
        @Sendable func count() async throws { try await Session.current.update(.visits) { $0 += 1 } }
        for isAmbient in [true, false] {
            let rig = try Rig()
            let router = Router(context: AppContext.self)
            router.add(middleware: SessionMiddleware(rig.sessions, options: isAmbient ? .ambient : []))
            router.post("visits") { _, _ in
                try await count()
                return HTTPResponse.Status.ok
            }
            try await rig.test(router) { client async throws in
                let answer = try await client.execute(uri: "/visits", method: .post)
                #expect(answer.status == (isAmbient ? .ok : .internalServerError))
                #expect(answer.sessionCookies.count == (isAmbient ? 1 : 0))
            }
        }
    }

    @Test("autoCommit off: the handler saves, and what it did not save is dropped and logged")
    func explicitCommit() async throws {
        let rig = try Rig()
        let router = Router(context: AppContext.self)
        router.add(middleware: SessionMiddleware(rig.sessions, options: .explicitCommit))
        router.post("saved") { _, context in
            let session = try await context.session
            session.set(.visits, to: 1)
            try await session.save()
            session.set(.visits, to: 2)
            return HTTPResponse.Status.ok
        }
        router.post("forgotten") { _, context in
            try await context.session.set(.visits, to: 3)
            return HTTPResponse.Status.ok
        }
        router.post("logout") { _, context -> HTTPResponse.Status in
            try await context.session.logOut()
            throw HTTPError(.badRequest)
        }
        router.get("visits") { _, context in "\(try await context.session[.visits])" }
        try await rig.test(router) { client async throws in
            let visitor = Visitor(client)
            #expect(try await visitor.post("/saved").sessionCookies.count == 1)
            #expect(try await visitor.post("/forgotten").sessionCookies.isEmpty)
            #expect(try await visitor.get("/visits").text == "1")
            #expect(rig.kinds == [.began, .uncommitted, .uncommitted])
            #expect(rig.logs.elements.contains { $0.level == .warning && $0.message.contains("nobody called save()") })
            #expect(try await visitor.post("/logout").sessionCookies.count == 1, "I2")
            #expect(rig.recordCount == 0)
        }
    }
}
#endif
