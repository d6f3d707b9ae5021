#if NIO
import AdapterChecks
import HTTPTypes
import NIOCore
import NIOHTTPTypes
import Sessions
import SessionsNIO
import SessionsTesting
import Synchronization
import Testing

/// What is a plain NIO server's own: parts, interim heads, and responses that break off.
@Suite("SessionsNIO: one part after the other", .timeLimit(.minutes(10)))
struct NIOTests {
    private let store: MemorySessionStore
    private let sessions: SessionManager

    init() throws {
        store = try MemorySessionStore()
        sessions = try SessionManager(store: store, keys: KeyRing([SessionSecret.generate()]))
    }

    private func run(
        _ handler: @escaping @Sendable (SessionRequest, SessionResponseWriter) async throws -> Void,
        _ body: @Sendable (WireVisitor) async throws -> Void
    ) async throws {
        let sessions = sessions
        try await NIOSubject.run {
            try await sessions.serve($0, $1, handler)
        } body: { port async throws in
            try await body(WireVisitor(port))
        }
    }

    /// Counts a visit, and answers with the number.
    private static func count(_ request: SessionRequest, _ response: SessionResponseWriter) async throws {
        let session = try await request.session
        session.update(.visits) { $0 += 1 }
        try await response.send(HTTPResponse(status: .ok), ByteBuffer(string: "\(session[.visits])"))
    }

    @Test("the examples of the documentation do what its text says")
    func documentation() async throws {
        let policy = try OriginPolicy(origins: ["https://shop.example"])
        try await run({ [sessions] request, response in
            if let refusal = policy.answer(to: request.head, sessions: sessions) {
                return try await response.send(refusal)
            }
            let session = try await request.session
            switch (request.head.method, request.head.path) {
            case (.get, "/"):
                session.update(.visits) { $0 += 1 }
                try await response.send(HTTPResponse(status: .ok), ByteBuffer(string: "Visits: \(session[.visits])"))
            case (.post, "/login"):
                session.logIn("ada", keeping: .only(.visits))
                try await response.send(HTTPResponse(status: .seeOther, headerFields: [.location: "/account"]))
            case (.get, "/account"):
                try await response.send(HTTPResponse(status: .ok), ByteBuffer(string: try session.requireOwner()))
            default:
                try await response.send(HTTPResponse(status: .notFound))
            }
        }) { visitor async throws in
            #expect(try await visitor.get("/").text == "Visits: 1")
            #expect(try await visitor.get("/").text == "Visits: 2")
            #expect(try await visitor.get("/account").status == 401)
            #expect(try await visitor.post("/login", [.origin: "https://shop.example"]).status == 303)
            #expect(try await visitor.get("/account").text == "ada")
            #expect(try await visitor.post("/login", [.origin: "https://evil.example"]).status == 403)
        }
    }

    @Test("CA-06: interim heads pass without a cookie and before the commit; the final one has it")
    func interim() async throws {
        try await run({ request, response in
            try await response.write(.head(HTTPResponse(status: .continue)))
            var body = ""
            for try await piece in request.body { body += String(buffer: piece) }
            let session = try await request.session
            session.set(.name, to: body)
            let hints = HTTPResponse(
                status: .init(code: 103, reasonPhrase: "Early Hints"),
                headerFields: [.other("Link"): "</style.css>; rel=preload"]
            )
            try await response.write(.head(hints))
            // Still open: what comes after the hints is part of the commit.
            session.update(.visits) { $0 += 1 }
            try await response.send(HTTPResponse(status: .ok), ByteBuffer(string: session[.name] ?? "-"))
        }) { visitor async throws in
            let connection = try await WireConnection(port: visitor.port)
            let text = WireConnection.text(
                of: visitor.request(.post, "/", [.expect: "100-continue"]),
                body: "ann"
            )
            try await connection.send(String(text.dropLast(3)))
            let go = try await connection.receive(.post)
            #expect(go.status == 100)
            #expect(go.fields.isEmpty)
            try await connection.send("ann")
            let hints = try await connection.receive(.post)
            #expect(hints.status == 103)
            #expect(hints.fields.map(\.name.canonicalName) == ["link"])
            let answer = try await connection.receive(.post)
            #expect(answer.text == "ann")
            #expect(answer.sessionCookies.count == 1)
            let cookie = try #require(answer.sessionCookies.first?.prefix { $0 != ";" })
            let exchange = sessions.open([.cookie: String(cookie)])
            #expect(try await exchange.session[.visits] == 1)
        }
    }

    @Test("a commit that fails is the handler's to answer, with another head that has what the session has earned")
    func ownErrorPage() async throws {
        let faults = StoreFaults()
        let store = FaultySessionStore(try MemorySessionStore(), faults: faults)
        let sessions = try SessionManager(store: store, keys: KeyRing([SessionSecret.generate()]))
        try await NIOSubject.run { inbound, outbound in
            try await sessions.serve(inbound, outbound) { request, response in
                let session = try await request.session
                session.set(.name, to: "ann")
                try await session.save()
                session.update(.visits) { $0 += 1 }
                do {
                    try await response.send(HTTPResponse(status: .ok))
                } catch let error as SessionError {
                    try await response.send(
                        HTTPResponse(status: .init(code: error.code.httpStatus)),
                        ByteBuffer(string: "Try again later.")
                    )
                }
            }
        } body: { port async throws in
            let visitor = WireVisitor(port)
            faults.failBefore(.replace, next: 100)
            let answer = try await visitor.get("/")
            #expect(answer.status == 503)
            #expect(answer.text == "Try again later.")
            // save() has begun the session: the client gets its cookie.
            #expect(answer.sessionCookies.count == 1)
            #expect(answer.members(of: .vary) == ["cookie"])
        }
    }

    @Test("a handler that returns without an answer: 500, its changes dropped, and the log says so")
    func silent() async throws {
        try await run({ request, response in
            try await request.session.update(.visits) { $0 += 1 }
            guard request.head.path == "/silent" else {
                return try await response.send(HTTPResponse(status: .ok))
            }
        }) { visitor async throws in
            #expect(try await visitor.get("/").status == 200)
            let answer = try await visitor.get("/silent")
            #expect(answer.status == 500)
            #expect(answer.members(of: .vary) == ["cookie"])
            #expect(try await visitor.browser.visit(sessions) { $0[.visits] } == 1)
        }
    }

    @Test("a handler that throws in the middle of its response: the client sees that it broke off, the session stands")
    func breaksOff() async throws {
        struct Broken: Error {}
        try await run({ request, response in
            try await request.session.update(.visits) { $0 += 1 }
            try await response.write(.head(HTTPResponse(status: .ok)))
            try await response.write(.body(ByteBuffer(string: "half of ")))
            throw Broken()
        }) { visitor async throws in
            await #expect(throws: WireError.self) { try await visitor.get("/") }
        }
        #expect(store.count() == 1)
    }

    @Test("a head after the head, and a body before it, are refused, and the response that stands is sent")
    func order() async throws {
        let met = Mutex<[SessionResponseWriter.OrderError]>([])
        try await run({ _, response in
            @Sendable func attempt(_ part: HTTPResponsePart) async throws {
                do {
                    try await response.write(part)
                } catch let error as SessionResponseWriter.OrderError {
                    met.withLock { $0.append(error) }
                }
            }
            try await attempt(.body(ByteBuffer(string: "early")))
            try await attempt(.end(nil))
            try await response.write(.head(HTTPResponse(status: .ok)))
            try await attempt(.head(HTTPResponse(status: .notFound)))
            try await response.write(.end(nil))
            try await attempt(.body(ByteBuffer(string: "late")))
        }) { visitor async throws in
            let answer = try await visitor.get("/")
            #expect(answer.status == 200)
            #expect(answer.text.isEmpty)
        }
        #expect(met.withLock { $0 } == [.bodyBeforeHead, .bodyBeforeHead, .headAfterHead, .bodyBeforeHead])
    }

    @Test("what a handler leaves of a body is thrown away, and the next request of the connection is its own")
    func leftovers() async throws {
        try await run({ request, response in
            if request.head.path == "/first" {
                let iterator = request.body.makeAsyncIterator()
                _ = try await iterator.next()
            }
            try await Self.count(request, response)
        }) { visitor async throws in
            let connection = try await WireConnection(port: visitor.port)
            let body = String(repeating: "GET / HTTP/1.1\r\n\r\n", count: 20_000)
            for (path, count) in [("/first", 1), ("/second", 2), ("/third", 3)] {
                try await connection.send(visitor.request(.post, path), body: body)
                let answer = try await connection.receive(.post)
                visitor.browser.receive(HTTPResponse(status: .ok, headerFields: answer.fields))
                #expect(answer.text == "\(count)")
            }
        }
    }

    @Test("a request that is cut off in its body: the handler hears of it, gives nothing, and keeps its destroy")
    func cutOff() async throws {
        let heard = Mutex(0)
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        let browser = SessionBrowser()
        try await browser.visit(sessions) { $0.set(.visits, to: 1) }
        try await run({ request, response in
            let session = try await request.session
            session.destroy()
            do {
                for try await _ in request.body {}
            } catch {
                heard.withLock { $0 += 1 }
                end.yield()
                throw error
            }
            try await response.send(HTTPResponse(status: .ok))
        }) { visitor async throws in
            let connection = try await WireConnection(port: visitor.port)
            let text = WireConnection.text(of: browser.request(.post, "/"), body: "whole")
            try await connection.send(String(text.dropLast(3)))
            connection.hangUp()
            for await _ in ended { break }
        }
        #expect(heard.withLock { $0 } == 1)
        #expect(store.count() == 0)
    }
}

extension SessionKey<Int> {
    fileprivate static var visits: Self { Self("visits", default: 0) }
}

extension SessionKey<String?> {
    fileprivate static var name: Self { Self("name") }
}

extension HTTPField.Name {
    // swift-format-ignore: NeverForceUnwrap
    // The tests name tokens only.
    fileprivate static func other(_ name: String) -> HTTPField.Name { HTTPField.Name(name)! }
}
#endif
