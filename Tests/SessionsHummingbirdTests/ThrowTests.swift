#if Hummingbird
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOHTTP1
import Sessions
import SessionsHummingbird
import SessionsTesting
import Testing

/// What survives a handler that throws (ER-05): what takes rights away is kept, what gives is dropped.
@Suite("A handler that throws", .timeLimit(.minutes(10)))
struct ThrowTests {
    /// An error that makes no response.
    struct Broken: Error {}

    /// An error whose response cannot be made.
    struct Unspeakable: HTTPResponseError {
        var status: HTTPResponse.Status { .badRequest }
        func response(from request: Request, context: some RequestContext) throws -> Response { throw Broken() }
    }

    /// How the handlers end.
    enum Ending: String, CaseIterable, Sendable {
        case response, broken, unspeakable

        var error: any Error {
            switch self {
            case .response: HTTPError(.badRequest, headers: [.setCookie: "own=1"], message: "try again")
            case .broken: Broken()
            case .unspeakable: Unspeakable()
            }
        }

        var status: HTTPResponse.Status { self == .response ? .badRequest : .internalServerError }
    }

    /// A router whose handlers do something with the session and then throw.
    private func router(_ rig: Rig, _ ending: Ending) -> Router<AppContext> {
        let router = rig.router().withVisits()
        router.post("throw/:what") { _, context -> HTTPResponse.Status in
            let session = try await context.session
            switch context.parameters.get("what") {
            case "change": session.update(.visits) { $0 += 1 }
            case "save":
                session.update(.visits) { $0 += 1 }
                try await session.save()
            case "login": session.logIn("ann", keeping: .all)
            case "rotate": session.rotate(grace: .zero)
            case "destroy": session.destroy()
            case "restart":
                session.restart()
                session.set(.visits, to: 100)
            default: break
            }
            throw ending.error
        }
        router.get("owner") { _, context in try await context.session.owner ?? "nobody" }
        return router
    }

    @Test("keeps its status, its fields and its body", arguments: Ending.allCases)
    func response(ending: Ending) async throws {
        let rig = try Rig()
        try await rig.test(router(rig, ending)) { client in
            let visitor = Visitor(client)
            let answer = try await visitor.post("/throw/save")
            #expect(answer.status == ending.status)
            #expect(answer.setCookies.contains("own=1") == (ending == .response))
            #expect(answer.text.contains("try again") == (ending == .response))
        }
    }

    @Test("drops the data of a session that never was: no record, no cookie", arguments: Ending.allCases)
    func newSession(ending: Ending) async throws {
        let rig = try Rig()
        try await rig.test(router(rig, ending)) { client in
            let answer = try await Visitor(client).post("/throw/change")
            #expect(answer.sessionCookies.isEmpty)
            #expect(answer.vary == ["cookie"])
        }
        #expect(rig.faults.calls.isEmpty)
    }

    @Test("drops a change, and writes nothing", arguments: Ending.allCases)
    func change(ending: Ending) async throws {
        let rig = try Rig()
        try await rig.test(router(rig, ending)) { client in
            let visitor = Visitor(client)
            try await visitor.post("/visits")
            rig.faults.forgetCalls()
            try await visitor.post("/throw/change")
            #expect(rig.faults.operations == [.load])
            #expect(try await visitor.get("/visits").text == "1")
        }
        #expect(!rig.kinds.contains(.lateChangeLost))
    }

    @Test("carries the cookie that a save() has earned, whatever it throws", arguments: Ending.allCases)
    func save(ending: Ending) async throws {
        let rig = try Rig()
        try await rig.test(router(rig, ending)) { client in
            let visitor = Visitor(client)
            let answer = try await visitor.post("/throw/save")
            #expect(answer.status == ending.status)
            #expect(answer.sessionCookies.count == 1)
            #expect(answer.headers[values: .cacheControl] == ["no-store"])
            #expect(try await visitor.get("/visits").text == "1")
        }
    }

    @Test("keeps a rotation where its cookie can travel, and only there (I4)", arguments: Ending.allCases)
    func rotate(ending: Ending) async throws {
        let rig = try Rig()
        try await rig.test(router(rig, ending)) { client in
            let visitor = Visitor(client)
            try await visitor.post("/visits")
            let old = visitor.copy()
            let answer = try await visitor.post("/throw/rotate")
            let isKept = ending != .broken
            #expect(answer.sessionCookies.count == (isKept ? 1 : 0))
            #expect(try await visitor.get("/visits").text == "1")
            #expect(try await old.get("/visits").text == (isKept ? "new" : "1"))
        }
    }

    @Test("does not log in, and the session before stays as it was (I5)", arguments: Ending.allCases)
    func login(ending: Ending) async throws {
        let rig = try Rig()
        try await rig.test(router(rig, ending)) { client in
            let visitor = Visitor(client)
            try await visitor.post("/visits")
            #expect(try await visitor.post("/throw/login").sessionCookies.isEmpty)
            #expect(try await visitor.get("/owner").text == "nobody")
            #expect(try await visitor.get("/visits").text == "1")
        }
    }

    @Test("keeps a destroy, and the ending half of a restart (I2)", arguments: Ending.allCases, ["destroy", "restart"])
    func destroy(ending: Ending, what: String) async throws {
        let rig = try Rig()
        try await rig.test(router(rig, ending)) { client in
            let visitor = Visitor(client)
            try await visitor.post("/visits")
            let thief = visitor.copy()
            let answer = try await visitor.post("/throw/\(what)")
            #expect(answer.status == ending.status)
            #expect(answer.sessionCookies == [CookieFieldTests.expired])
            #expect(try await thief.get("/visits").text == "new")
        }
        #expect(rig.recordCount == 0)
    }

    @Test("is found again by the middlewares outside, inside the error that carries the fields")
    func underlying() async throws {
        let rig = try Rig()
        let met = Recorder<String>()
        let router = Router(context: AppContext.self)
        router.add(middleware: ErrorWatcher(met))
        router.add(middleware: SessionMiddleware(rig.sessions))
        router.get("refused") { _, context -> String in
            _ = try await context.session
            throw HTTPError(.forbidden)
        }
        router.get("broken") { _, context -> String in
            let session = try await context.session
            session.set(.name, to: "somebody")
            try await session.save()
            throw Broken()
        }
        try await rig.test(router) { client async throws in
            #expect(try await Visitor(client).get("/refused").status == .forbidden)
            #expect(try await Visitor(client).get("/broken").status == .internalServerError)
        }
        #expect(met.elements == ["SessionResponseError(HTTPError)", "SessionResponseError(Broken)"])
        // Hummingbird would have told of it at debug level only.
        #expect(rig.logs.elements.contains { $0.level == .error && $0.text.contains("Broken") })
    }

    @Test(
        "CA-03: an error that makes no response varies by the cookie, whoever answers it",
        arguments: Placement.allCases
    )
    func answeredElsewhere(placement: Placement) async throws {
        let rig = try Rig()
        let admins = try rig.manager { $0.cookie.name = "__Host-Http-admin" }
        let router = Router(context: AppContext.self)
        if placement == .outside { router.add(middleware: ErrorConverter()) }
        router.add(middleware: SessionMiddleware(try SessionManagers(rig.sessions, admins)))
        if placement == .inside { router.add(middleware: ErrorConverter()) }
        router.get("read/:all") { _, context -> String in
            _ = try await context.session
            if context.parameters.get("all") == "true" { _ = try await context.session(of: admins) }
            throw Broken()
        }
        router.get("saved") { _, context -> String in
            for sessions in [rig.sessions, admins] {
                let session = try await context.session(of: sessions)
                session.set(.name, to: "somebody")
                try await session.save()
            }
            throw Broken()
        }
        router.get("untouched") { _, _ -> String in throw Broken() }
        let status: HTTPResponse.Status = placement == .nowhere ? .internalServerError : .notFound
        try await rig.test(router) { client in
            for path in ["/read/false", "/read/true"] {
                let answer = try await Visitor(client).get(path)
                #expect(answer.status == status)
                #expect(answer.vary == ["cookie"])
            }
            let saved = try await Visitor(client).get("/saved")
            #expect(saved.status == status)
            #expect(saved.setCookies.count == 2)
            #expect(saved.headers[values: .cacheControl] == ["no-store"])
            let untouched = try await Visitor(client).get("/untouched")
            #expect(untouched.status == status)
            #expect(untouched.vary.isEmpty)
        }
    }

    /// Where the middleware stands that answers the application's errors.
    enum Placement: String, CaseIterable, Sendable { case outside, inside, nowhere }

    @Test("an error of the HTTP parser passes as it is: the server has to see it, to end the connection")
    func parserError() async throws {
        let rig = try Rig()
        let met = Recorder<String>()
        let router = Router(context: AppContext.self)
        router.add(middleware: ErrorWatcher(met))
        router.add(middleware: SessionMiddleware(rig.sessions))
        router.get("/") { _, context -> String in
            let session = try await context.session
            session.set(.name, to: "somebody")
            try await session.save()
            throw HTTPParserError.invalidEOFState
        }
        _ = try? await rig.test(router) { client in try await Visitor(client).get("/") }
        #expect(met.elements == ["HTTPParserError"])
    }

    @Test("and whose destroy the store does not confirm: 503, and what was thrown is in the log")
    func unconfirmed() async throws {
        let rig = try Rig()
        try await rig.test(router(rig, .broken)) { client in
            let visitor = Visitor(client)
            try await visitor.post("/visits")
            rig.faults.failBefore(.delete, next: 2)
            let answer = try await visitor.post("/throw/destroy")
            #expect(answer.status == .serviceUnavailable)
            #expect(answer.sessionCookies.isEmpty)
            #expect(rig.logs.elements.contains { $0.level == .error && $0.text.contains("Broken") })
            #expect(try await visitor.get("/visits").text == "1")
        }
    }

    @Test("a redirect that is thrown after save() carries the cookie")
    func redirect() async throws {
        let rig = try Rig()
        let router = rig.router()
        router.get("/") { _, context -> String in
            let session = try await context.session
            session.flash(.notice, "Sign in first")
            try await session.save()
            throw HTTPError(.seeOther, headers: [.location: "/signin"])
        }
        router.get("signin") { _, context in try await context.session.flash(.notice) ?? "-" }
        try await rig.test(router) { client in
            let visitor = Visitor(client)
            let answer = try await visitor.get("/")
            #expect(answer.status == .seeOther)
            #expect(answer.headers[.location] == "/signin")
            #expect(try await visitor.get("/signin").text == "Sign in first")
            #expect(try await visitor.get("/signin").text == "-")
        }
    }

    @Test("no route: the 404 carries what a middleware around every request has saved, and varies by the cookie")
    func notFound() async throws {
        let rig = try Rig()
        let router = rig.router()
        router.add(middleware: FootprintMiddleware())
        router.withVisits()
        try await rig.test(router) { client in
            let visitor = Visitor(client)
            let answer = try await visitor.get("/nowhere")
            #expect(answer.status == .notFound)
            #expect(answer.sessionCookies.count == 1)
            #expect(answer.headers[values: .cacheControl] == ["no-store"])
            #expect(try await visitor.get("/visits").text == "2")
            let second = try await visitor.get("/nowhere")
            #expect(second.status == .notFound)
            #expect(second.setCookies.isEmpty)
            #expect(second.vary == ["cookie"])
        }
    }

    @Test(
        "an update that throws when it runs again makes the response: its error, with the cookie that a save() had earned"
    )
    func replay() async throws {
        let rig = try Rig()
        let gate = Gate()
        let router = rig.router().withVisits()
        router.post("last") { _, context in
            let session = try await context.session
            session.rotate()
            try await session.save()
            try session.update(.visits) { visits in
                guard visits < 2 else { throw HTTPError(.gone, message: "sold out") }
                visits += 1
            }
            await gate.pass()
            return HTTPResponse.Status.ok
        }
        try await rig.test(router) { client in
            let visitor = Visitor(client)
            try await visitor.post("/visits")
            async let late = visitor.copy().post("/last")
            await gate.waitForArrivals()
            try await visitor.post("/visits")
            gate.open()
            let answer = try await late
            #expect(answer.status == .gone)
            #expect(answer.text.contains("sold out"))
            #expect(answer.sessionCookies.count == 1)
            #expect(try await visitor.get("/visits").text == "2")
        }
    }
}

/// Answers the application's own errors, as an application might that knows of the session middleware's.
struct ErrorConverter: RouterMiddleware {
    typealias Context = AppContext

    func handle(
        _ request: Request,
        context: AppContext,
        next: (Request, AppContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch is ThrowTests.Broken {
            return Response(status: .notFound)
        } catch let error as SessionResponseError {
            guard error.underlying is ThrowTests.Broken else { throw error }
            var response = Response(status: .notFound)
            error.apply(to: &response)
            return response
        }
    }
}

/// Touches the session around every request, and saves at once, so that nothing depends on how the route ends.
struct FootprintMiddleware: RouterMiddleware {
    typealias Context = AppContext

    func handle(
        _ request: Request,
        context: AppContext,
        next: (Request, AppContext) async throws -> Response
    ) async throws -> Response {
        let session = try await context.session
        session.update(.visits) { $0 += 1 }
        try await session.save()
        return try await next(request, context)
    }
}
#endif
