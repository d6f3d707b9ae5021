#if Hummingbird
import Hummingbird
import Sessions
import SessionsHummingbird
import SessionsTesting
import Testing

/// The patterns of express-session's documentation, as they are written here.
@Suite("express-session: its documentation's patterns")
struct ExpressPatternTests {
    struct CartLine: Codable, Sendable, Equatable {
        var productID: String
        var quantity: Int
    }

    private static let cart = SessionKey<[CartLine]>("cart", default: [])

    @Test("express pattern: views are counted, and the id is shown")
    func views() async throws {
        let service = try Service()
        try await service.serve(get: { session in
            session.update(.visits) { $0 += 1 }
            return "\(session[.visits]) \(session.id)"
        }) { (visitor) async throws in
            #expect(try await visitor.get().text.hasPrefix("1 "))
            #expect(try await visitor.get().text.hasPrefix("2 "))
        }
    }

    @Test(
        "express pattern: a login has a new id, a guard lets only those through who have logged in, and a logout ends it"
    )
    func login() async throws {
        let service = try Service(.native)
        let router = Router(context: AppContext.self)
        router.add(middleware: SessionMiddleware(service.sessions))
        router.post("login") { request, context in
            guard request.uri.queryParameters["password"] == "right" else { throw HTTPError(.unauthorized) }
            let session = try await context.session
            session.logIn("ada")
            session.set(.name, to: "Ada")
            return Response.redirect(to: "/dashboard")
        }
        router.post("logout") { _, context in
            try await context.session.logOut()
            return Response.redirect(to: "/login")
        }
        router.group("dashboard")
            .add(middleware: OwnerGuard())
            .get { _, context in try await context.session[.name] ?? "" }
        try await service.serve(router) { (visitor) async throws in
            // A session from before, whose id somebody else may know.
            try await visitor.browser.visit(service.sessions) { $0.set(.visits, to: 1) }
            let thief = visitor.copy()
            #expect(try await visitor.get("/dashboard").status == 401)
            #expect(try await visitor.send(.post, "/login?password=wrong").status == 401)
            #expect(try await visitor.send(.post, "/login?password=right").status == 303)
            #expect(try await visitor.get("/dashboard").text == "Ada")
            #expect(try await thief.get("/dashboard").status == 401)
            let copy = visitor.copy()
            #expect(try await visitor.send(.post, "/logout").status == 303)
            #expect(visitor.cookie == nil)
            #expect(try await copy.get("/dashboard").status == 401)
        }
    }

    @Test("express pattern: a flash message is there after the redirect, once")
    func flash() async throws {
        let service = try Service()
        let routes = { (router: Router<AppContext>) in
            router.post("action") { _, context in
                try await context.session.flash(.notice, "Action completed!")
                return Response.redirect(to: "/result")
            }
            router.get("result") { _, context in try await context.session.flash(.notice) ?? "nothing" }
        }
        try await service.serve(routes) { (visitor) async throws in
            #expect(try await visitor.get("/result").text == "nothing")
            #expect(try await visitor.send(.post, "/action").status == 303)
            #expect(try await visitor.get("/result").text == "Action completed!")
            #expect(try await visitor.get("/result").text == "nothing")
        }
    }

    @Test("express pattern: two tabs put things into one cart, and nothing is lost")
    func shop() async throws {
        let service = try Service()
        let routes = { (router: Router<AppContext>) in
            router.post("cart/:product") { _, context in
                let product = try context.parameters.require("product")
                let session = try await context.session
                session.update(Self.cart) { cart in
                    if let index = cart.firstIndex(where: { $0.productID == product }) {
                        cart[index].quantity += 1
                    } else {
                        cart.append(CartLine(productID: product, quantity: 1))
                    }
                }
                return ""
            }
            router.get("cart") { _, context in
                try await context.session[Self.cart].map { "\($0.quantity) \($0.productID)" }.joined(separator: ", ")
            }
        }
        try await service.serve(routes) { (visitor) async throws in
            try await visitor.send(.post, "/cart/tea")
            // The other tab has read the cart before this one writes it.
            let gate = service.faults.hold(.replace, next: 1)
            async let slow = visitor.copy().send(.post, "/cart/cups")
            try await gate.waitForArrival()
            let other = try Service(beside: service)
            try await visitor.browser.copy().visit(other.sessions) { session in
                session.update(Self.cart) { $0[0].quantity += 1 }
            }
            gate.open()
            #expect(try await slow.status == 200)
            #expect(try await visitor.get("/cart").text == "2 tea, 1 cups")
        }
    }

    @Test("express pattern: save, reload, touch and the session's id in one handler")
    func api() async throws {
        let service = try Service()
        try await service.serve(get: { session in
            session.set(.visits, to: 1)
            try await session.save()
            try await session.reload()
            session.touch()
            return "\(session[.visits]) \(session.id.isEmpty)"
        }) { (visitor) async throws in
            #expect(try await visitor.get().text == "1 false")
        }
    }

    @Test("express pattern: the production configuration, refused where it is unsafe")
    func production() throws {
        var configuration = SessionConfiguration()
        configuration.cookie.name = "__Host-myapp"
        configuration.cookie.sameSite = .strict
        configuration.cookie.persistence = .persistent
        configuration.lifetime = SessionLifetime(idle: .seconds(86_400), absolute: .seconds(86_400))
        let keys = try KeyRing([SessionSecret.generate(), SessionSecret.generate()])
        _ = try SessionManager(store: MemorySessionStore(), keys: keys, configuration: configuration, logger: .quiet)

        #expect(throws: SessionConfigurationError(.weakSecret, "")) { try SessionSecret(encoded: "keyboard cat") }
        configuration.cookie.domain = "example.com"
        #expect(throws: SessionConfigurationError(.cookiePrefix, "")) {
            try SessionManager(store: MemorySessionStore(), keys: keys, configuration: configuration, logger: .quiet)
        }
    }
}
#endif
