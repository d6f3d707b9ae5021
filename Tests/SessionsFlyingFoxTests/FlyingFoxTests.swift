#if FlyingFox
import AdapterChecks
import FlyingFox
import Foundation
import HTTPTypes
import Sessions
import SessionsFlyingFox
import SessionsTesting
import Synchronization
import Testing

// Both HTTPTypes and FlyingFox have one.
private typealias HTTPResponse = FlyingFox.HTTPResponse

/// What is FlyingFox's own: routes, timeouts, sockets, and its fields.
@Suite("SessionsFlyingFox: FlyingFox's own ways", .timeLimit(.minutes(10)))
struct FlyingFoxTests {
    private let store: MemorySessionStore
    private let sessions: SessionManager

    init() throws {
        store = try MemorySessionStore()
        sessions = try SessionManager(store: store, keys: KeyRing([SessionSecret.generate()]))
    }

    /// Runs a server with these routes inside the session handler.
    private func run(
        timeout: TimeInterval = 60,
        _ routes: RoutedHTTPHandler,
        _ body: @Sendable (WireVisitor) async throws -> Void
    ) async throws {
        try await FlyingFoxSubject.run(SessionHTTPHandler(sessions, around: routes), timeout: timeout) {
            port async throws in
            try await body(WireVisitor(port))
        }
    }

    private static func withVisits() -> RoutedHTTPHandler {
        var routes = RoutedHTTPHandler()
        routes.appendRoute("GET /visits") { request in
            let session = try await request.session
            return HTTPResponse(statusCode: .ok, body: Data((session.isNew ? "new" : "\(session[.visits])").utf8))
        }
        routes.appendRoute("POST /visits") { request in
            try await request.session.update(.visits) { $0 += 1 }
            return HTTPResponse(statusCode: .ok)
        }
        return routes
    }

    @Test("the examples of the documentation do what its text says")
    func documentation() async throws {
        try await FlyingFoxSubject.run(Self.application(sessions)) { port async throws in
            let visitor = WireVisitor(port)
            #expect(try await visitor.get("/").text == "Visits: 1")
            #expect(try await visitor.get("/").text == "Visits: 2")
            #expect(try await visitor.get("/account").status == 401)
            let login = try await visitor.post("/login", [.origin: "https://shop.example"])
            #expect(login.status == 303)
            #expect(try await visitor.get("/account").text == "ada")
            #expect(try await visitor.post("/login", [.origin: "https://evil.example"]).status == 403)
        }
    }

    /// The server of `SessionsFlyingFox.md`.
    private static func application(_ sessions: SessionManager) throws -> some HTTPHandler {
        var routes = RoutedHTTPHandler()
        routes.appendRoute("GET /") { request in
            let session = try await request.session
            session.update(.visits) { $0 += 1 }
            return HTTPResponse(statusCode: .ok, body: Data("Visits: \(session[.visits])".utf8))
        }
        routes.appendRoute("POST /login") { request in
            let session = try await request.session
            session.logIn("ada", keeping: .only(.visits))
            var response = HTTPResponse(statusCode: .seeOther)
            response.headers[.location] = "/account"
            return response
        }
        routes.appendRoute("GET /account") { request in
            let owner = try await request.session.requireOwner()
            return HTTPResponse(statusCode: .ok, body: Data(owner.utf8))
        }
        return OriginHTTPHandler(
            try OriginPolicy(origins: ["https://shop.example"]),
            sessions: sessions,
            around: SessionHTTPHandler(sessions, around: routes)
        )
    }

    @Test("CF-14: without the handler, and outside its request, the error says what to change")
    func missing() async throws {
        let met = Met()
        try await FlyingFoxSubject.run(
            ClosureHTTPHandler { request in
                await met.look(request)
                return HTTPResponse(statusCode: .ok)
            }
        ) { port in try await WireVisitor(port).get("/") }
        var routes = RoutedHTTPHandler()
        routes.appendRoute("GET /detached") { request in
            await Task.detached { await met.look(request) }.value
            return HTTPResponse(statusCode: .ok)
        }
        try await run(routes) { visitor in try await visitor.get("/detached") }
        #expect(met.codes.withLock { $0 } == [.middlewareOrder, .middlewareOrder])
    }

    /// The refusals that handlers have met.
    private final class Met: Sendable {
        let codes = Mutex<[SessionConfigurationError.Code?]>([])

        func look(_ request: FlyingFox.HTTPRequest) async {
            do {
                _ = try await request.session
            } catch {
                codes.withLock { $0.append((error as? SessionConfigurationError)?.code) }
            }
        }
    }

    @Test("CF-14: the handler twice is refused with 500, and no cookie is set")
    func twice() async throws {
        let inner = SessionHTTPHandler(sessions, around: Self.withVisits())
        try await FlyingFoxSubject.run(SessionHTTPHandler(sessions, around: inner)) { port async throws in
            let answer = try await WireVisitor(port).post("/visits")
            #expect(answer.status == 500)
            #expect(answer.setCookies.isEmpty)
        }
        #expect(store.count() == 0)
    }

    @Test("a request that no route takes is 404; one that asked for its session first varies by the cookie (CA-03)")
    func unhandled() async throws {
        var routes = Self.withVisits()
        routes.appendRoute("GET /secret") { request in
            _ = try await request.session.owner
            throw HTTPUnhandledError()
        }
        routes.appendRoute("GET /untouched") { _ in throw HTTPUnhandledError() }
        try await run(routes) { visitor async throws in
            let secret = try await visitor.get("/secret")
            #expect(secret.status == 404)
            #expect(secret.members(of: .vary) == ["cookie"])
            for path in ["/untouched", "/nowhere"] {
                let answer = try await visitor.get(path)
                #expect(answer.status == 404)
                #expect(answer.members(of: .vary).isEmpty)
            }
        }
    }

    @Test("a route leaves a request to the next one, which has the same session")
    func nextRoute() async throws {
        var routes = RoutedHTTPHandler()
        routes.appendRoute("POST /*") { request in
            try await request.session.update(.visits) { $0 += 1 }
            throw HTTPUnhandledError()
        }
        routes.appendRoute("POST /items/:id") { (request: FlyingFox.HTTPRequest, id: Int) in
            try await request.session.update(.visits) { $0 += id }
            return HTTPResponse(statusCode: .ok, body: Data("\(try await request.session[.visits])".utf8))
        }
        try await run(routes) { visitor async throws in
            let answer = try await visitor.post("/items/41")
            #expect(answer.text == "42")
            #expect(answer.sessionCookies.count == 1)
        }
    }

    @Test("a handler that outlives the server's timeout: 500, its changes dropped, its destroy kept (ER-05)")
    func timeout() async throws {
        var routes = Self.withVisits()
        for what in ["change", "destroy"] {
            routes.appendRoute(HTTPRoute("POST /late/\(what)")) { request in
                let session = try await request.session
                if what == "destroy" { session.destroy() } else { session.update(.visits) { $0 += 1 } }
                // Ends when the server cancels it.
                try? await Task.sleep(for: .seconds(3600))
                return HTTPResponse(statusCode: .ok)
            }
        }
        let browser = SessionBrowser()
        try await browser.visit(sessions) { $0.set(.visits, to: 1) }
        try await run(timeout: 0.2, routes) { server async throws in
            let visitor = WireVisitor(server.port, browser)
            #expect(try await visitor.post("/late/change").status == 500)
            #expect(try await browser.visit(sessions) { $0[.visits] } == 1)
            #expect(try await visitor.post("/late/destroy").status == 500)
            #expect(try await browser.visit(sessions) { $0.isNew })
        }
        #expect(store.count() == 0)
    }

    @Test("an upgrade: the 101 carries the cookie, and the socket changes and saves; a declined one is a response")
    func upgrade() async throws {
        var routes = Self.withVisits()
        routes.appendRoute("GET /socket") { request in
            let session = try await request.session
            if session.isNew { session.set(.visits, to: 0) }
            return try await WebSocketHTTPHandler(
                handler: MessageFrameWSHandler(handler: Counter(session: session), frameSize: 1024)
            ).handleRequest(request)
        }
        try await run(routes) { visitor async throws in
            let declined = try await visitor.get("/socket")
            #expect(declined.status == 400)
            #expect(declined.sessionCookies.count == 1)
            let connection = try await WireConnection(port: visitor.port)
            let answer = try await visitor.send(
                .get,
                "/socket",
                [
                    .upgrade: "websocket", .connection: "Upgrade", .secWebSocketVersion: "13",
                    .secWebSocketKey: "dGhlIHNhbXBsZSBub25jZQ==",
                ],
                over: connection
            )
            #expect(answer.status == 101)
            #expect(answer.members(of: .vary) == ["cookie"])
            // An empty text, masked with zeros, comes back when it is counted.
            for count in 1...3 {
                try await connection.send(bytes: [0x81, 0x80, 0, 0, 0, 0])
                #expect(try await connection.receive(bytes: 3) == [0x81, 0x01, UInt8(ascii: "0") + UInt8(count)])
            }
            #expect(try await visitor.get("/visits").text == "3")
        }
    }

    /// Answers every message with how many there were.
    private struct Counter: WSMessageHandler {
        let session: Session

        func makeMessages(for client: AsyncStream<WSMessage>) async throws -> AsyncStream<WSMessage> {
            let session = session
            return AsyncStream { continuation in
                let task = Task {
                    for await _ in client {
                        session.update(.visits) { $0 += 1 }
                        try await session.save()
                        continuation.yield(.text("\(session[.visits])"))
                    }
                    continuation.finish()
                }
                continuation.onTermination = { _ in task.cancel() }
            }
        }
    }

    @Test("I10: the application's fields stay as it has spelled them, whatever they hold")
    func spelling() async throws {
        var routes = RoutedHTTPHandler()
        routes.appendRoute("POST /own") { request in
            try await request.session.update(.visits) { $0 += 1 }
            var response = HTTPResponse(statusCode: .ok)
            response.headers = [
                HTTPHeader("set-cookie"): "a=1", HTTPHeader("SET-COOKIE"): "b=2", HTTPHeader("X-Own"): "é",
            ]
            response.headers.addValue("c=3", for: .setCookie)
            response.headers[.cacheControl] = "public"
            return response
        }
        try await run(routes) { visitor async throws in
            let answer = try await visitor.post("/own")
            #expect(answer.setCookies.dropLast() == ["a=1", "b=2", "c=3"])
            #expect(answer.sessionCookies.count == 1)
            #expect(answer.fields[.xOwn] == "é")
            #expect(answer.fields[values: .cacheControl] == ["no-store"])
        }
    }

    @Test("of several Cookie fields FlyingFox keeps the last: a request is anonymous at worst, and never another's")
    func severalCookies() async throws {
        try await run(Self.withVisits()) { visitor async throws in
            try await visitor.post("/visits")
            let cookie = try #require(visitor.browser.request().headerFields[.cookie])
            let client = WireVisitor(visitor.port)
            var fields = HTTPFields()
            fields.append(HTTPField(name: .cookie, value: "theme=dark"))
            fields.append(HTTPField(name: .cookie, value: cookie))
            #expect(try await client.get("/visits", fields).text == "1")
            fields.append(HTTPField(name: .cookie, value: "a=1"))
            #expect(try await client.get("/visits", fields).text == "new")
        }
    }
}

extension SessionKey<Int> {
    fileprivate static var visits: Self { Self("visits", default: 0) }
}

extension HTTPField.Name {
    // swift-format-ignore: NeverForceUnwrap
    // The name is a token.
    fileprivate static let xOwn = HTTPField.Name("X-Own")!
}
#endif
