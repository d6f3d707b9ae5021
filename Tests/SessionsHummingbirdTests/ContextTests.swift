#if Hummingbird
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Sessions
import SessionsHummingbird
import SessionsTesting
import Testing

/// Groups, child contexts, several managers, and middlewares in the wrong place.
@Suite("Contexts and middlewares")
struct ContextTests {
    @Test("groups and child contexts share one session: one load, one commit")
    func child() async throws {
        let rig = try Rig()
        let router = rig.router()
        router.add(middleware: VisitMiddleware())
        router.group("shop").get("visits") { _, context in
            let session = try await context.session
            session.update(.visits) { $0 += 1 }
            return "\(session[.visits])"
        }
        router.group("account", context: OwnedContext.self)
            .add(middleware: VisitMiddleware())
            .get("visits") { _, context in
                let session = try await context.session
                session.update(.visits) { $0 += 1 }
                return "\(session[.visits])"
            }
        try await rig.test(router) { client async throws in
            let visitor = Visitor(client)
            #expect(try await visitor.get("/shop/visits").text == "2")
            rig.faults.forgetCalls()
            #expect(try await visitor.get("/account/visits").text == "5")
            #expect(rig.faults.operations == [.load, .replace])
        }
        #expect(rig.recordCount == 1)
    }

    @Test("middleware on a group alone: its routes have a session, the others say what to change")
    func group() async throws {
        let rig = try Rig()
        let router = Router(context: AppContext.self)
        router.get("outside") { _, context in "\(try await context.session[.visits])" }
        router.group("inside")
            .add(middleware: SessionMiddleware(rig.sessions))
            .get("visits") { _, context in "\(try await context.session[.visits])" }
        try await rig.test(router) { client in
            #expect(try await Visitor(client).get("/inside/visits").text == "0")
            let answer = try await Visitor(client).get("/outside")
            #expect(answer.status == .internalServerError)
            #expect(answer.text.isEmpty)
        }
        let line = try #require(rig.logs.elements.first { $0.level == .error })
        #expect(line.message.contains("No session middleware is around this route. Add the adapter's middleware"))
    }

    @Test("CF-14: without the middleware the error is a SessionConfigurationError, for the handler to see")
    func missing() async throws {
        let rig = try Rig()
        let router = Router(context: AppContext.self)
        router.get("/") { _, context in
            do {
                _ = try await context.session
                return "a session"
            } catch let error as SessionConfigurationError {
                return error.code.description
            }
        }
        router.get("other") { _, context in
            do {
                _ = try await context.session(of: rig.sessions)
                return "a session"
            } catch let error as SessionConfigurationError {
                return error.code.description
            }
        }
        try await rig.test(router) { client async throws in
            #expect(try await Visitor(client).get("/").text == "middlewareOrder")
            #expect(try await Visitor(client).get("/other").text == "middlewareOrder")
        }
    }

    @Test(
        "CF-14: the same middleware twice is refused with 500 and a clear log line, and no store is asked",
        arguments: [true, false]
    )
    func twice(isOnGroup: Bool) async throws {
        let rig = try Rig()
        let router = rig.router()
        let routes: any RouterMethods<AppContext>
        if isOnGroup {
            routes = router.group("visits").add(middleware: SessionMiddleware(rig.sessions))
        } else {
            router.add(middleware: SessionMiddleware(rig.sessions))
            routes = router.group("visits")
        }
        routes.get { _, context in "\(try await context.session[.visits])" }
        try await rig.test(router) { client in
            let answer = try await Visitor(client).get("/visits")
            #expect(answer.status == .internalServerError)
            #expect(answer.setCookies.isEmpty)
        }
        #expect(rig.faults.calls.isEmpty)
        let line = try #require(rig.logs.elements.first { $0.level == .error })
        #expect(line.message.contains("Two session middlewares around this route use the cookie __Host-Http-sid"))
        #expect(line.message.contains("Add the adapter's middleware or handler once"))
    }

    @Test("another manager with the same cookie name is refused too (CF-07)")
    func sameName() async throws {
        let rig = try Rig()
        let other = try rig.manager { $0.application = "other" }
        let router = rig.router()
        router.add(middleware: SessionMiddleware(other))
        router.get("/") { _, context in "\(try await context.session[.visits])" }
        try await rig.test(router) { client async throws in
            #expect(try await Visitor(client).get("/").status == .internalServerError)
        }
        let line = try #require(rig.logs.elements.first { $0.level == .error })
        #expect(line.message.contains("duplicateManager"))
        #expect(line.message.contains("SessionManagers"))
    }

    @Test("CF-07: managers that are named together are refused when the application starts, before any route is asked")
    func namedTogether() throws {
        let rig = try Rig()
        let other = try rig.manager { $0.application = "other" }
        let router = Router(context: AppContext.self)
        #expect(throws: SessionConfigurationError(.duplicateManager, "")) {
            router.add(middleware: SessionMiddleware(try SessionManagers(rig.sessions, other)))
        }
    }

    @Test("one middleware serves several managers: the first is meant where none is named, and each is committed once")
    func oneMiddleware() async throws {
        let rig = try Rig()
        let admins = try rig.manager { $0.cookie.name = "__Host-Http-admin" }
        let staff = try rig.manager { $0.cookie.name = "__Host-Http-staff" }
        let reports = Recorder<String>()
        let router = Router(context: AppContext.self)
        router.add(
            middleware: SessionMiddleware(try SessionManagers(rig.sessions, admins, staff)) { report, _ in
                reports.append("\(report.commit)")
            }
        )
        router.post("both") { _, context in
            let user = try await context.session
            user.update(.visits) { $0 += 1 }
            let admin = try await context.session(of: admins)
            admin.update(.visits) { $0 += 10 }
            return "\(user[.visits]) \(admin[.visits]) \(user.isNew)"
        }
        router.get("visits") { _, context in "\(try await context.session(of: rig.sessions)[.visits])" }
        router.get("thrown") { _, context -> String in
            try await context.session.destroy()
            try await context.session(of: staff).logOut()
            throw HTTPError(.badRequest)
        }
        try await rig.test(router) { client in
            let visitor = Visitor(client)
            let answer = try await visitor.post("/both")
            #expect(answer.text == "1 10 true")
            #expect(
                answer.setCookies.map { $0.prefix { $0 != "=" } }.sorted() == ["__Host-Http-admin", "__Host-Http-sid"]
            )
            #expect(reports.elements == ["inserted", "inserted", "nothing"])
            #expect(try await visitor.post("/both").text == "2 20 false")
            #expect(try await visitor.get("/visits").text == "2")
            let thrown = try await visitor.get("/thrown")
            #expect(thrown.status == .badRequest)
            #expect(thrown.sessionCookies == [CookieFieldTests.expired])
            #expect(try await visitor.get("/visits").text == "0")
        }
        #expect(rig.recordCount == 1)
    }

    @Test("two managers with different cookies: two sessions, each by name; the innermost is the one without a name")
    func twoManagers() async throws {
        let rig = try Rig()
        let admins = try rig.manager { $0.cookie.name = "__Host-Http-admin" }
        let router = rig.router()
        router.add(middleware: SessionMiddleware(admins))
        router.post("users") { _, context in
            let session = try await context.session(of: rig.sessions)
            session.update(.visits) { $0 += 1 }
            return "\(session[.visits])"
        }
        router.post("admins") { _, context in
            let session = try await context.session(of: admins)
            session.update(.visits) { $0 += 10 }
            return "\(session[.visits])"
        }
        router.post("both") { _, context in
            let user = try await context.session(of: rig.sessions)
            user.update(.visits) { $0 += 1 }
            let admin = try await context.session
            admin.update(.visits) { $0 += 10 }
            return "\(user[.visits]) \(admin[.visits])"
        }
        try await rig.test(router) { client in
            let visitor = Visitor(client)
            #expect(try await visitor.post("/users").setCookies.map { $0.prefix(16) } == ["__Host-Http-sid="])
            #expect(try await visitor.post("/admins").setCookies.map { $0.prefix(18) } == ["__Host-Http-admin="])
            #expect(try await visitor.post("/both").text == "2 20")
            let fresh = Visitor(client)
            let answer = try await fresh.post("/both")
            #expect(answer.setCookies.count == 2)
            #expect(answer.vary == ["cookie"])
            #expect(answer.headers[values: .cacheControl] == ["no-store"])
            #expect(try await fresh.post("/both").text == "2 20")
        }
        #expect(rig.recordCount == 4)
    }

    @Test("ID-09: the cookie of one manager is worth nothing under the name of the other")
    func realms() async throws {
        let rig = try Rig()
        let admins = try rig.manager { $0.cookie.name = "__Host-Http-admin" }
        let router = rig.router()
        router.add(middleware: SessionMiddleware(admins))
        router.post("visits") { _, context in
            let session = try await context.session(of: rig.sessions)
            session.update(.visits) { $0 += 1 }
            return HTTPResponse.Status.ok
        }
        router.get("admin") { _, context in
            let session = try await context.session(of: admins)
            return session.isNew ? "new" : "\(session[.visits])"
        }
        try await rig.test(router) { client in
            let visitor = Visitor(client)
            try await visitor.post("/visits")
            let browser = SessionBrowser()
            browser.plant("__Host-Http-admin", try #require(visitor.credential))
            rig.faults.forgetCalls()
            #expect(try await Visitor(client, browser).get("/admin").text == "new")
            #expect(rig.faults.calls.isEmpty)
        }
    }
}

/// Counts a visit in whatever context it stands in.
struct VisitMiddleware<Context: SessionRequestContext>: RouterMiddleware {
    func handle(
        _ request: Request,
        context: Context,
        next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        try await context.session.update(.visits) { $0 += 1 }
        return try await next(request, context)
    }
}
#endif
