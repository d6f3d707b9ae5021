#if Hummingbird
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Sessions
import SessionsHummingbird
import Testing

/// One response (I10), and Secure wherever the application stands (CK-13).
@Suite("Set-Cookie on the response")
struct CookieFieldTests {
    static let expired =
        "__Host-Http-sid=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; Secure; HttpOnly; SameSite=Lax"

    @Test("I10: set, rotate and destroy earn one field, the deletion; the application's own cookies survive untouched")
    func one() async throws {
        let rig = try Rig()
        let own = [
            "theme=dark; Path=/",
            "basket=7; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=/shop; Partitioned; Secure; Priority=High",
            "__Host-Http-sid2=not-ours; Path=/; Secure",
            "theme=dark; Path=/old",
        ]
        let router = rig.router().withVisits()
        router.post("all") { _, context in
            let session = try await context.session
            session.set(.name, to: "somebody")
            try await session.save()
            session.rotate(grace: .zero)
            try await session.save()
            session.destroy()
            var response = Response(status: .ok)
            for cookie in own { response.headers.append(HTTPField(name: .setCookie, value: cookie)) }
            return response
        }
        try await rig.test(router) { client in
            let visitor = Visitor(client)
            try await visitor.post("/begin")
            let answer = try await visitor.post("/all")
            #expect(answer.setCookies == own + [Self.expired])
            #expect(visitor.credential == nil)
        }
        #expect(rig.recordCount == 0)
    }

    @Test("I10: begin, save, log in and rotate in one request earn one cookie, the last, and it works")
    func last() async throws {
        let rig = try Rig()
        let router = rig.router().withVisits()
        router.post("all") { _, context in
            let session = try await context.session
            session.set(.name, to: "somebody")
            try await session.save()
            session.logIn("ann", keeping: .all)
            try await session.save()
            session.rotate(grace: .zero)
            return HTTPResponse.Status.ok
        }
        router.get("owner") { _, context in try await context.session.owner ?? "nobody" }
        try await rig.test(router) { client async throws in
            let visitor = Visitor(client)
            #expect(try await visitor.post("/all").setCookies.count == 1)
            #expect(try await visitor.get("/owner").text == "ann")
        }
        #expect(rig.recordCount == 1)
    }

    @Test("I10: a field of our name that the application has made gives way to ours")
    func forged() async throws {
        let rig = try Rig()
        let router = rig.router()
        router.post("begin") { _, context in
            try await context.session.set(.name, to: "somebody")
            return Response(status: .ok, headers: [.setCookie: "__Host-Http-sid=forged; Path=/; Secure"])
        }
        try await rig.test(router) { client in
            let answer = try await Visitor(client).post("/begin")
            #expect(answer.sessionCookies.count == 1)
            #expect(!answer.sessionCookies[0].contains("forged"))
        }
    }

    @Test(
        "CK-13: Secure whatever a proxy says or does not say about the connection to it",
        arguments: [nil, "http", "https"] as [String?]
    )
    func proxy(scheme: String?) async throws {
        let rig = try Rig()
        var headers: HTTPFields = [:]
        if let scheme {
            headers[HTTPField.Name.other("X-Forwarded-Proto")] = scheme
            headers[HTTPField.Name.other("Forwarded")] = "proto=\(scheme)"
        }
        let fields = headers
        try await rig.test(rig.router().withVisits(), .live) { client async throws in
            let visitor = Visitor(client)
            #expect(try await visitor.post("/visits", fields).setCookies.allSatisfy { $0.contains("; Secure;") })
            #expect(try await visitor.post("/logout", fields).setCookies == [Self.expired])
        }
    }

    @Test("CF-06: a cookie without Secure only where the configuration says so, and the log warns of it")
    func plainHTTP() async throws {
        let rig = try Rig { $0.cookie = .plainHTTPForDevelopment() }
        try await rig.test(rig.router().withVisits()) { client in
            let answer = try await Visitor(client).post("/visits")
            #expect(answer.setCookies.count == 1)
            #expect(answer.setCookies[0].hasSuffix("; Path=/; HttpOnly; SameSite=Lax"))
            #expect(answer.setCookies[0].hasPrefix("sid="))
        }
        #expect(rig.logs.elements.contains { $0.level == .warning && $0.message.contains("without Secure") })
    }
}
#endif
