#if Hummingbird
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Sessions
import SessionsHummingbird
import SessionsTesting
import Testing

/// You pay for what you use: store calls and fields of a request.
@Suite("What a request costs")
struct CostTests {
    @Test(
        "CA-04: a route that never asks answers as it does without the middleware, and no store is asked",
        arguments: ["none", "genuine", "malformed"]
    )
    func untouched(cookie: String) async throws {
        let rig = try Rig()
        let browser = SessionBrowser()
        switch cookie {
        case "genuine": try await browser.visit(rig.sessions) { $0.set(.visits, to: 1) }
        case "malformed": browser.plant("__Host-Http-sid", "junk")
        default: break
        }
        rig.faults.forgetCalls()
        var answers: [TestResponse] = []
        for router in [rig.router(), Router(context: AppContext.self)] {
            router.get("static") { _, _ in
                Response(
                    status: .ok,
                    headers: [
                        .cacheControl: "public, max-age=3600", .vary: "Accept-Encoding", .setCookie: "theme=dark",
                    ],
                    body: .init(byteBuffer: ByteBuffer(string: "always the same"))
                )
            }
            answers.append(try await rig.test(router) { try await Visitor($0, browser).get("/static") })
        }
        #expect(answers[0].head == answers[1].head)
        #expect(answers[0].body == answers[1].body)
        #expect(rig.faults.calls.isEmpty)
        #expect(rig.kinds.filter { $0 != .began }.isEmpty)
    }

    @Test("CA-04: an error that an untouched route throws passes the middleware as it is")
    func untouchedError() async throws {
        struct Refusal: Error {}
        let rig = try Rig()
        let met = Recorder<String>()
        let router = Router(context: AppContext.self)
        router.add(middleware: ErrorWatcher(met))
        router.add(middleware: SessionMiddleware(rig.sessions))
        router.get("refused") { _, _ -> String in throw HTTPError(.forbidden) }
        router.get("broken") { _, _ -> String in throw Refusal() }
        try await rig.test(router) { client async throws in
            #expect(try await Visitor(client).get("/refused").status == .forbidden)
            #expect(try await Visitor(client).get("/broken").status == .internalServerError)
        }
        #expect(met.elements == ["HTTPError", "Refusal"])
    }

    @Test("a read costs one load and Vary: Cookie, and nothing else (I8)")
    func read() async throws {
        let rig = try Rig()
        try await rig.test(rig.router().withVisits()) { client in
            let visitor = Visitor(client)
            try await visitor.post("/visits")
            rig.faults.forgetCalls()
            let answer = try await visitor.get("/visits")
            #expect(answer.text == "1")
            #expect(answer.headers[values: .vary] == ["Cookie"])
            #expect(answer.setCookies.isEmpty)
            #expect(answer.headers[.cacheControl] == nil)
            #expect(rig.faults.operations == [.load])
        }
    }

    @Test("a read without a cookie asks no store, and begins nothing (LC-16)")
    func anonymousRead() async throws {
        let rig = try Rig()
        try await rig.test(rig.router().withVisits()) { client in
            let answer = try await Visitor(client).get("/visits")
            #expect(answer.text == "new")
            #expect(answer.vary == ["cookie"])
            #expect(answer.setCookies.isEmpty)
            // Neither does a logout of somebody who is not there.
            #expect(try await Visitor(client).post("/logout").setCookies.isEmpty)
        }
        #expect(rig.faults.calls.isEmpty)
        #expect(rig.recordCount == 0)
    }

    @Test("a change costs two round trips, and no Set-Cookie (CK-16)")
    func change() async throws {
        let rig = try Rig()
        try await rig.test(rig.router().withVisits()) { client in
            let visitor = Visitor(client)
            try await visitor.post("/visits")
            rig.faults.forgetCalls()
            let answer = try await visitor.post("/visits")
            #expect(answer.text == "2")
            #expect(answer.setCookies.isEmpty)
            #expect(answer.vary == ["cookie"])
            #expect(rig.faults.operations == [.load, .replace])
        }
    }

    @Test("a new session costs one round trip, and its cookie has the default attributes exactly (CK-01)")
    func begin() async throws {
        let rig = try Rig()
        try await rig.test(rig.router().withVisits()) { client in
            let answer = try await Visitor(client).post("/visits")
            let pieces = try #require(answer.setCookies.first).split(separator: "; ", maxSplits: 1)
            #expect(answer.setCookies.count == 1)
            #expect(pieces[0].wholeMatch(of: /__Host-Http-sid=[A-Za-z0-9_-]{112}/) != nil)
            #expect(pieces[1] == "Path=/; Secure; HttpOnly; SameSite=Lax")
            #expect(rig.faults.operations == [.insert])
        }
    }

    @Test("a read after the renewal interval touches, and only then (I8)")
    func touch() async throws {
        let rig = try Rig()
        try await rig.test(rig.router().withVisits()) { client in
            let visitor = Visitor(client)
            try await visitor.post("/visits")
            rig.faults.forgetCalls()
            rig.clock.advance(by: rig.sessions.configuration.renewalInterval)
            #expect(try await visitor.get("/visits").setCookies.isEmpty)
            try await visitor.get("/visits")
            #expect(rig.faults.operations == [.load, .touch, .load])
        }
    }

    @Test("the middleware reports each request's session life, untouched ones included, and nothing that authenticates")
    func report() async throws {
        let rig = try Rig()
        let reports = Recorder<String>()
        let router = Router(context: AppContext.self)
        router.add(
            middleware: SessionMiddleware(rig.sessions) { report, request in
                reports.append("\(request.uri.path) \(report)")
            }
        )
        router.withVisits()
        router.get("static") { _, _ in "static" }
        router.get("broken") { _, context -> String in
            try await context.session.destroy()
            throw HTTPError(.badRequest)
        }
        try await rig.test(router) { client in
            let visitor = Visitor(client)
            for path in ["/static", "/visits"] { try await visitor.get(path) }
            for path in ["/visits", "/visits"] { try await visitor.post(path) }
            for path in ["/visits", "/broken"] { try await visitor.get(path) }
        }
        #expect(
            reports.elements == [
                "/static session: untouched, nothing, cookie unchanged, 0 round trips",
                "/visits session: noCookie, nothing, cookie unchanged, 0 round trips",
                "/visits session: noCookie, inserted, cookie began, 1 round trips",
                "/visits session: found, replaced, cookie unchanged, 2 round trips",
                "/visits session: found, nothing, cookie unchanged, 1 round trips",
                "/broken session: found, deleted, cookie destroyed, 2 round trips",
            ]
        )
    }
}

/// An outer middleware that notes which errors come out of the routes.
struct ErrorWatcher: RouterMiddleware {
    typealias Context = AppContext
    private let met: Recorder<String>

    init(_ met: Recorder<String>) {
        self.met = met
    }

    func handle(
        _ request: Request,
        context: AppContext,
        next: (Request, AppContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            if let error = error as? SessionResponseError {
                met.append("SessionResponseError(\(type(of: error.underlying)))")
            } else {
                met.append("\(type(of: error))")
            }
            throw error
        }
    }
}
#endif
