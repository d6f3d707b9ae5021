#if Hummingbird
import Hummingbird
import HummingbirdTesting
import Sessions
import SessionsHummingbird
import Testing

/// The application of the README.
@Suite("A visits counter")
struct CounterTests {
    @Test("counts each visitor's own visits, through the router and over a real connection", arguments: [true, false])
    func counts(isLive: Bool) async throws {
        let rig = try Rig()
        let router = rig.router()
        router.get("/") { _, context in
            let session = try await context.session
            session.update(.visits) { $0 += 1 }
            return "Visits: \(session[.visits])"
        }
        try await rig.test(router, isLive ? .live : .router) { client async throws in
            let ann = Visitor(client)
            let ben = Visitor(client)
            for count in 1...3 {
                #expect(try await ann.get("/").text == "Visits: \(count)")
            }
            #expect(try await ben.get("/").text == "Visits: 1")
            #expect(try await ann.get("/").text == "Visits: 4")
        }
        #expect(rig.recordCount == 2)
    }

    @Test("login, flash and redirect: signed in, greeted once, the old credential worth nothing (I5)")
    func login() async throws {
        let rig = try Rig()
        let router = rig.router().withVisits()
        router.post("signin") { _, context in
            let session = try await context.session
            session.logIn("ada", keeping: .only(.visits))
            session.flash(.notice, "Welcome back")
            return Response.redirect(to: "/account", type: .normal)
        }
        router.get("account") { _, context in
            let session = try await context.session
            return "\(session.owner ?? "nobody"): \(session.flash(.notice) ?? "-"), \(session[.visits]) visits"
        }
        try await rig.test(router) { client in
            let ada = Visitor(client)
            try await ada.post("/visits")
            let thief = ada.copy()
            let redirect = try await ada.post("/signin")
            #expect(redirect.status == .seeOther)
            #expect(redirect.headers[.location] == "/account")
            #expect(redirect.sessionCookies.count == 1)
            #expect(redirect.headers[values: .cacheControl] == ["no-store"])
            #expect(try await ada.get("/account").text == "ada: Welcome back, 1 visits")
            #expect(try await ada.get("/account").text == "ada: -, 1 visits")
            #expect(try await thief.get("/account").text == "nobody: -, 0 visits")
        }
    }

    @Test("a HEAD request is a request like any other: it counts and gets the cookie")
    func head() async throws {
        let rig = try Rig()
        let router = rig.router(options: [.autoGenerateHeadEndpoints])
        router.get("/") { _, context in
            let session = try await context.session
            session.update(.visits) { $0 += 1 }
            return "Visits: \(session[.visits])"
        }
        try await rig.test(router) { client in
            let visitor = Visitor(client)
            let head = try await visitor.send(.head, "/")
            #expect(head.status == .ok)
            #expect(head.text.isEmpty)
            #expect(head.sessionCookies.count == 1)
            #expect(head.headers[values: .cacheControl] == ["no-store"])
            #expect(head.vary == ["cookie"])
            #expect(try await visitor.get("/").text == "Visits: 2")
        }
    }
}
#endif
