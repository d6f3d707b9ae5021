#if Hummingbird
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Sessions
import SessionsHummingbird
import SessionsTesting
import Testing

/// The patterns of express-session's documentation, each as an application would write it.
@Suite("Patterns of express-session's documentation")
struct PatternTests {
    struct Line: Codable, Sendable, Equatable {
        var product: String
        var quantity: Int
    }

    struct Flash: Codable, Sendable, Equatable {
        var type: String
        var message: String
    }

    @Test("Basic usage: a view counter")
    func viewCounter() async throws {
        let rig = try Rig()
        let router = rig.router()
        router.get("/") { _, context in
            let session = try await context.session
            session.update(.views) { $0 += 1 }
            return "Views: \(session[.views])"
        }
        try await rig.test(router) { client async throws in
            let visitor = Visitor(client)
            #expect(try await visitor.get("/").text == "Views: 1")
            #expect(try await visitor.get("/").text == "Views: 2")
            #expect(try await Visitor(client).get("/").text == "Views: 1")
        }
    }

    @Test("Authentication: login with a new id, a guard, logout")
    func loginGuard() async throws {
        let rig = try Rig()
        let router = rig.router()
        router.post("login") { request, context in
            guard request.uri.queryParameters.get("password") == "swordfish" else { throw HTTPError(.unauthorized) }
            let session = try await context.session
            session.logIn("42")
            session.set(.role, to: "editor")
            return "Logged in"
        }
        router.post("logout") { _, context in
            try await context.session.logOut()
            return Response.redirect(to: "/login", type: .normal)
        }
        router.group("dashboard")
            .add(middleware: OwnerGuard())
            .get { _, context in
                let session = try await context.session
                return "\(try session.requireOwner()) \(session[.role] ?? "")"
            }
        try await rig.test(router) { client async throws in
            let visitor = Visitor(client)
            #expect(try await visitor.get("/dashboard").status == .unauthorized)
            #expect(try await visitor.post("/login?password=guess").status == .unauthorized)
            try await visitor.post("/login?password=swordfish")
            let thief = visitor.copy()
            #expect(try await visitor.get("/dashboard").text == "42 editor")
            try await visitor.post("/logout")
            #expect(try await visitor.get("/dashboard").status == .unauthorized)
            #expect(try await thief.get("/dashboard").status == .unauthorized, "I2")
        }
        #expect(rig.recordCount == 0)
    }

    @Test("Flash messages: shown by the next page that asks, and once")
    func flash() async throws {
        let rig = try Rig()
        let router = rig.router()
        router.post("action") { _, context in
            try await context.session.flash(.flash, Flash(type: "success", message: "Action completed!"))
            return Response.redirect(to: "/result", type: .normal)
        }
        router.get("result") { _, context in
            try await context.session.flash(.flash)?.message ?? "nothing"
        }
        try await rig.test(router) { client async throws in
            let visitor = Visitor(client)
            #expect(try await visitor.post("/action").status == .seeOther)
            #expect(try await visitor.get("/result").text == "Action completed!")
            #expect(try await visitor.get("/result").text == "nothing")
        }
    }

    @Test("Shopping cart: two requests that add at the same time both keep their line (I1)")
    func cart() async throws {
        let rig = try Rig()
        let router = rig.router()
        router.post("cart/add") { request, context in
            let product = try request.uri.queryParameters.require("product")
            let session = try await context.session
            session.update(.lines) { cart in
                if let index = cart.firstIndex(where: { $0.product == product }) {
                    cart[index].quantity += 1
                } else {
                    cart.append(Line(product: product, quantity: 1))
                }
            }
            return HTTPResponse.Status.ok
        }
        router.get("cart") { _, context in
            try await context.session[.lines].map { "\($0.product) \($0.quantity)" }.sorted().joined(separator: ", ")
        }
        try await rig.test(router) { client async throws in
            let visitor = Visitor(client)
            try await visitor.post("/cart/add?product=tea")
            async let one = visitor.post("/cart/add?product=tea")
            async let other = visitor.post("/cart/add?product=milk")
            _ = try await (one, other)
            #expect(try await visitor.get("/cart").text == "milk 1, tea 2")
        }
    }

    @Test("Production configuration: Secure and Strict behind one proxy, a day long, under a name of its own")
    func production() async throws {
        let rig = try Rig { configuration in
            configuration.cookie.name = "__Host-myapp"
            configuration.cookie.sameSite = .strict
            configuration.cookie.persistence = .persistent
            configuration.lifetime = SessionLifetime(idle: .seconds(86_400), absolute: .seconds(86_400))
            configuration.anonymousLifetime = configuration.lifetime
            configuration.proxies = .hops(1)
        }
        let router = rig.router().withVisits()
        try await rig.test(router) { client async throws in
            var headers: HTTPFields = [:]
            headers[try #require(HTTPField.Name("X-Forwarded-Proto"))] = "https"
            let answer = try await client.execute(uri: "/visits", method: .post, headers: headers)
            let cookie = try #require(answer.setCookies.first)
            #expect(cookie.hasPrefix("__Host-myapp="))
            for attribute in ["Max-Age=86400", "Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
                #expect(cookie.contains("; \(attribute)"))
            }
            headers[try #require(HTTPField.Name("X-Forwarded-Proto"))] = "http"
            let plain = try await client.execute(uri: "/visits", method: .post, headers: headers)
            #expect(plain.setCookies.isEmpty)
        }
        #expect(rig.recordCount == 1)
    }

    @Test("Touch, save, reload and regenerate, as the session API has them")
    func sessionAPI() async throws {
        let rig = try Rig()
        let router = rig.router().withVisits()
        router.get("keep-alive") { _, context in
            try await context.session.touch()
            return "Session refreshed"
        }
        router.post("important") { _, context in
            let session = try await context.session
            session.set(.views, to: 7)
            try await session.save()
            session.set(.views, to: 8)
            try await session.reload()
            return "\(session[.views])"
        }
        router.post("regenerate") { _, context in
            let session = try await context.session
            let id = session.id
            session.restart()
            return "\(session.id != id) \(session[.views])"
        }
        try await rig.test(router) { client async throws in
            let visitor = Visitor(client)
            #expect(try await visitor.post("/important").text == "7")
            rig.clock.advance(by: .seconds(29 * 60))
            #expect(try await visitor.get("/keep-alive").text == "Session refreshed")
            rig.clock.advance(by: .seconds(29 * 60))
            #expect(try await visitor.post("/regenerate").text == "true 0")
        }
        #expect(rig.recordCount == 1)
    }
}

extension SessionKey<Int> {
    fileprivate static var views: Self { Self("views", default: 0) }
}

extension SessionKey<String?> {
    fileprivate static var role: Self { Self("role") }
}

extension SessionKey<[PatternTests.Line]> {
    fileprivate static var lines: Self { Self("cart", default: []) }
}

extension SessionKey<PatternTests.Flash?> {
    fileprivate static var flash: Self { Self("flash") }
}
#endif
