#if Hummingbird
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Sessions
import SessionsHummingbird
import SessionsTesting
import Synchronization
import Testing

/// A client of an API, which keeps the credential that it is told and sends it along.
private final class APIClient: Sendable {
    private let client: any TestClientProtocol
    private let held = Mutex<String?>(nil)

    init(_ client: any TestClientProtocol) {
        self.client = client
    }

    var credential: String? {
        get { held.withLock { $0 } }
        set { held.withLock { $0 = newValue } }
    }

    func send(_ method: HTTPRequest.Method, _ uri: String, _ headers: HTTPFields = [:]) async throws -> TestResponse {
        var headers = headers
        if let credential { headers[.authorization] = "Bearer \(credential)" }
        let response = try await client.execute(uri: uri, method: method, headers: headers)
        if let told = response.headers[.other("Session-Credential")] { credential = told == "none" ? nil : told }
        return response
    }
}

@Suite("Header transport over Hummingbird")
struct HeaderTransportTests {
    static let own = "https://app.example"

    /// Pages with forms, and an API, on one manager.
    private func router(_ rig: Rig) throws -> Router<AppContext> {
        let csrf = try CSRFPolicy(OriginPolicy(origins: [Self.own]))
        let router = rig.router()
        router.get("static") { _, _ in "static" }
        let guarded = router.group().add(middleware: CSRFGuard(csrf, sessions: rig.sessions))
        // A login form is held to its origin alone: it has no session whose token it could have.
        router.group().add(middleware: OriginGuard(csrf.origins, sessions: rig.sessions)).post("login") { _, context in
            let session = try await context.session
            session.travel(over: .header)
            session.logIn("ann")
            return HTTPResponse.Status.noContent
        }
        router.post("begin") { _, context in
            try await context.session.set(.name, to: "somebody")
            return HTTPResponse.Status.ok
        }
        let api = guarded.group("api/me").add(middleware: OwnerGuard())
        api.get { _, context in try await context.session.owner ?? "" }
        api.post("visits") { request, context in
            let body = try await request.body.collect(upTo: 100)
            let session = try await context.session
            session.update(.visits) { $0 += 1 }
            return "\(session[.visits]) \(body.readableBytes)"
        }
        api.post("refresh") { _, context in
            try await context.session.rotate()
            return HTTPResponse.Status.noContent
        }
        api.post("logout") { _, context in
            try await context.session.logOut()
            return HTTPResponse.Status.noContent
        }
        return router
    }

    @Test("an API client logs in, works, refreshes and logs out, from wherever it is, and no cookie is ever set")
    func endToEnd() async throws {
        let rig = try Rig { $0.transport = [.cookie, .header] }
        try await rig.test(try router(rig), .live) { client in
            let api = APIClient(client)
            var answers: [TestResponse] = []
            func send(_ method: HTTPRequest.Method, _ uri: String, _ headers: HTTPFields = [:]) async throws
                -> TestResponse
            {
                let answer = try await api.send(method, uri, headers)
                answers.append(answer)
                return answer
            }
            // What a web view of another origin, or a script that CORS has let in, has on its requests.
            let foreign: HTTPFields = [.other("Sec-Fetch-Site"): "cross-site", .origin: "https://native.example"]
            let stranger = try await send(.get, "/api/me")
            #expect(stranger.status == .unauthorized)
            let both = "Bearer realm=\"app\", Cookie cookie-name=\"__Host-Http-sid\""
            #expect(stranger.headers[.wwwAuthenticate] == both)
            // No credential yet: another site's login form is refused, as for a page (CS-12).
            #expect(try await send(.post, "/login", foreign).status == .forbidden)

            let login = try await send(.post, "/login")
            #expect(login.status == .noContent)
            #expect(login.headers[values: .cacheControl] == ["no-store"])
            #expect(login.vary == ["cookie", "authorization"])
            let first = try #require(api.credential)
            // No origin, no token, and the body as it is.
            #expect(try await send(.post, "/api/me/visits", foreign).text == "1 0")
            #expect(try await send(.get, "/api/me").text == "ann")
            #expect(api.credential == first)

            #expect(try await send(.post, "/api/me/refresh", foreign).status == .noContent)
            let second = try #require(api.credential)
            #expect(second != first)
            let late = APIClient(client)
            late.credential = first
            #expect(try await late.send(.get, "/api/me").text == "ann")
            #expect(late.credential == second)
            rig.clock.advance(by: rig.sessions.configuration.rotationGrace)
            let thief = APIClient(client)
            thief.credential = first
            let superseded = try await thief.send(.get, "/api/me")
            #expect(superseded.status == .unauthorized)
            #expect(superseded.headers[.wwwAuthenticate] == "Bearer realm=\"app\", error=\"invalid_token\"")
            #expect(thief.credential == first)

            let logout = try await send(.post, "/api/me/logout", foreign)
            #expect(logout.headers[.other("Session-Credential")] == "none")
            #expect(api.credential == nil)
            #expect(answers.allSatisfy { $0.setCookies.isEmpty })
            late.credential = second
            #expect(try await late.send(.get, "/api/me").status == .unauthorized)
        }
        #expect(rig.recordCount == 0)
        #expect(!rig.logs.elements.contains { $0.level >= .error })
    }

    @Test("a cookie beside the header brings the checks back; the header alone needs no token, the cookie alone does")
    func cookieBeside() async throws {
        let rig = try Rig { $0.transport = [.cookie, .header] }
        try await rig.test(try router(rig)) { client in
            let page = Visitor(client)
            try await page.post("/begin")
            let api = APIClient(client)
            _ = try await api.send(.post, "/login")
            let credential = try #require(api.credential)
            let foreign: HTTPFields = [.other("Sec-Fetch-Site"): "cross-site"]
            var beside = foreign
            beside[.authorization] = "Bearer \(credential)"
            #expect(try await api.send(.post, "/api/me/visits", foreign).status == .ok)
            #expect(try await page.post("/api/me/visits", beside).status == .forbidden)
            beside[.other("Sec-Fetch-Site")] = "same-origin"
            // Now the token is missing.
            #expect(try await page.post("/api/me/visits", beside).status == .forbidden)
            #expect(try await page.get("/api/me", beside).text == "ann")
        }
    }

    @Test("CA-04: an untouched route answers as without the middleware, whatever the header holds")
    func untouched() async throws {
        let rig = try Rig { $0.transport = .header }
        try await rig.test(try router(rig)) { client in
            for value in ["Bearer x", "Bearer", "Basic YTpi"] {
                let answer = try await client.execute(uri: "/static", method: .get, headers: [.authorization: value])
                #expect(answer.text == "static")
                #expect(answer.vary.isEmpty)
                #expect(answer.headers[.other("Session-Credential")] == nil)
            }
        }
        #expect(rig.faults.calls.isEmpty)
        #expect(rig.kinds.isEmpty)
    }

    @Test("CF-07: two middlewares with the header transport around one route fail with the first request")
    func twoManagers() async throws {
        let rig = try Rig { $0.transport = .header }
        let other = try rig.manager { configuration in
            configuration.transport = [.cookie, .header]
            configuration.cookie.name = "__Host-Http-other"
        }
        let router = rig.router()
        router.add(middleware: SessionMiddleware(other))
        router.get("/") { _, _ in "in" }
        try await rig.test(router) { client async throws in
            #expect(try await Visitor(client).get("/").status == .internalServerError)
        }
    }
}
#endif
