#if Hummingbird
import HTTPTypes
import Hummingbird
import Sessions
import SessionsHummingbird
import SessionsTesting
import Testing

/// express-session's cases about one request after the other.
@Suite("express-session: requests")
struct ExpressRequestTests {
    private static func count(_ session: Session) -> String {
        session.update(.visits) { $0 += 1 }
        return "\(session[.visits])"
    }

    @Test("express 2: a second session layer around a route answers 500, and the first one is left alone")
    func twice() async throws {
        let service = try Service()
        let router = { (router: Router<AppContext>) in
            router.add(middleware: SessionMiddleware(service.sessions))
            router.get { _, context in Self.count(try await context.session) }
        }
        try await service.serve(router) { (visitor) async throws in
            let answer = try await visitor.get()
            #expect(answer.status == 500)
            #expect(answer.setCookies.isEmpty)
        }
        #expect(service.count == 0)
    }

    @Test("express 3, 86: no secret is refused when the manager is made", arguments: [[], [""]])
    func noSecret(secrets: [String]) throws {
        #expect(throws: SessionConfigurationError(.missingSecret, "")) { try Service(secrets: secrets) }
        #expect(throws: SessionConfigurationError(.emptyKeyRing, "")) { try KeyRing([]) }
    }

    @Test(
        "express 5, 6, 100: a request without a cookie gets a session and a cookie, which opens its data again",
        arguments: Format.allCases
    )
    func lasts(format: Format) async throws {
        let service = try Service(format)
        try await service.serve(get: Self.count) { (visitor) async throws in
            let first = try await visitor.get()
            #expect(first.setCookie != nil)
            #expect(first.text == "1")
            #expect(try await visitor.get().text == "2")
            #expect(try await visitor.get().text == "3")
        }
        #expect(service.count == 1)
        let key = try #require(service.key)
        #expect(try await service.store.load(key)?.payload == service.record?.payload)
    }

    @Test(
        "express 7, 8: a store that fails is an error, whatever its name, and a request without a cookie is served",
        arguments: Format.allCases
    )
    func loadFails(format: Format) async throws {
        struct NoSuchFile: Error { let code = "ENOENT" }
        let service = try Service(format)
        try await service.serve(get: Self.count) { (visitor) async throws in
            #expect(try await visitor.get().status == 200)
            for error in [StoreFaults.unavailable, NoSuchFile()] as [any Error] {
                service.faults.failBefore(.load, with: error)
                let answer = try await visitor.get()
                #expect(answer.status == 503)
                #expect(answer.setCookies.isEmpty)
            }
            #expect(try await visitor.get().text == "2")
        }
        #expect(service.count == 1)
    }

    @Test("express 9: two requests without a cookie have two sessions", arguments: Format.allCases)
    func two(format: Format) async throws {
        let service = try Service(format)
        try await service.serve(get: { "\($0.id) \(Self.count($0))" }) { (visitor) async throws in
            let other = visitor.stranger(service.clock)
            let texts = [try await visitor.get().text, try await other.get().text]
            #expect(texts[0] != texts[1])
            #expect(visitor.cookie != other.cookie)
        }
        #expect(service.count == 2)
    }

    @Test("express 10: a request with an empty path, or none, works", arguments: ["", nil] as [String?])
    func emptyPath(path: String?) async throws {
        let service = try Service()
        let request = HTTPRequest(method: .get, scheme: "https", authority: "app.example", path: path)
        let exchange = service.sessions.open(request)
        try await exchange.session.set(.visits, to: 1)
        #expect(try await exchange.commit().changesCookie)
    }

    @Test("express 12: a response without a body carries the cookie", arguments: Format.allCases)
    func noBody(format: Format) async throws {
        let service = try Service(format)
        let routes = { (router: Router<AppContext>) in
            _ = router.get { _, context in
                try await context.session.set(.visits, to: 1)
                return HTTPResponse.Status.ok
            }
        }
        try await service.serve(routes) { (visitor) async throws in
            let answer = try await visitor.get()
            #expect(answer.status == 200)
            #expect(answer.text.isEmpty)
            #expect(answer.setCookie != nil)
        }
    }

    @Test("express 13: a stored value called like a method is a value, and the method works")
    func methodNames() async throws {
        let save = SessionKey<String?>("save")
        let service = try Service()
        try await service.serve(get: { session in
            session.set(save, to: "a value")
            session.update(.visits) { $0 += 1 }
            try await session.save()
            return "\(session[.visits]) \(session[save] ?? "")"
        }) { (visitor) async throws in
            #expect(try await visitor.get().text == "1 a value")
            #expect(try await visitor.get().text == "2 a value")
        }
        #expect(service.json.contains(#""save":"a value""#))
    }

    @Test("express 14, 102: a session's names are those of its values, and a mirror finds nothing else")
    func names() async throws {
        let service = try Service()
        try await service.serve(get: { session in
            session.set(.name, to: "bob")
            session.set(.visits, to: 1)
            return session.names.joined(separator: ",") + " \(Mirror(reflecting: session).children.count) \(session)"
        }) { (visitor) async throws in
            #expect(try await visitor.get().text == "name,visits 0 Session(redacted)")
        }
        #expect(service.json.hasPrefix(#"{"cookie":{"#))
        #expect(service.json.contains(#"},"name":"bob","visits":1,"#))
    }

    @Test("express 21: the end in the record is the cookie's, and the next request moves it under the same id")
    func sameEnd() async throws {
        let service = try Service {
            $0.rolling = true
            $0.resave = true
        }
        let expires = { @Sendable () -> String? in
            service.json.components(after: #""expires":""#).map { String($0.prefix { $0 != "\"" }) }
        }
        try await service.serve(get: { session in
            if session.isNew { session.set(.visits, to: 1) }
            return session.id
        }) { (visitor) async throws in
            let first = try await visitor.get()
            // 2026-01-01T00:01:00, in the spelling of each.
            #expect(first.attribute("Expires") == "Thu, 01 Jan 2026 00:01:00 GMT")
            #expect(expires() == "2026-01-01T00:01:00.000Z")
            service.clock.advance(by: .seconds(2))
            let second = try await visitor.get()
            #expect(second.text == first.text)
            #expect(second.attribute("Expires") == "Thu, 01 Jan 2026 00:01:02 GMT")
            #expect(expires() == "2026-01-01T00:01:02.000Z")
        }
    }

    @Test(
        "express 22, 23: a genuine id that the store does not know gets a new session under another id",
        arguments: Format.allCases
    )
    func unknown(format: Format) async throws {
        let service = try Service(format)
        try await service.serve(get: { session in
            let text = "\(session.isNew) \(session.id)"
            _ = Self.count(session)
            return text
        }) { (visitor) async throws in
            let first = try await visitor.get()
            let cookie = visitor.cookie
            service.store.base.removeAll()
            let second = try await visitor.get()
            #expect(second.text.hasPrefix("true"))
            #expect(second.text != first.text)
            #expect(second.setCookie != nil)
            #expect(visitor.cookie != cookie)
        }
        #expect(service.count == 1)
    }

    @Test("express 24, 25, 140, 141: an id without a genuine signature opens nothing, and the store is not asked")
    func unsigned() async throws {
        let service = try Service()
        try await service.serve(get: { session in
            let text = "\(session.isNew)"
            _ = Self.count(session)
            return text
        }) { (visitor) async throws in
            #expect(try await visitor.get().text == "true")
            let genuine = try #require(visitor.cookie)
            let id = try #require(service.key?.text)
            let bad = [
                id, "s:\(id)", "s%3A\(id)", "s:\(id).", String(genuine.dropLast()), genuine + "0", "s%3A\(id).abc",
            ]
            for value in bad {
                let other = visitor.stranger(service.clock)
                other.browser.plant("connect.sid", value)
                service.faults.forgetCalls()
                let answer = try await other.get()
                #expect(answer.text == "true", "\(value)")
                #expect(service.faults.count(of: .load) == 0)
                #expect(other.cookie?.contains(id) == false)
            }
            #expect(try await visitor.get().text == "false")
        }
    }

    @Test(
        "express 26–28: an expired session is a new one with a new id, is not among all sessions, and is swept",
        arguments: Format.allCases
    )
    func expired(format: Format) async throws {
        let service = try Service(format, maxAge: .milliseconds(5))
        try await service.serve(get: { session in
            let text = "\(session.isNew) \(session.id)"
            _ = Self.count(session)
            return text
        }) { (visitor) async throws in
            // A jar that does not know the time, as a thief's.
            let first = try await visitor.get()
            #expect(first.text.hasPrefix("true"))
            let cookie = try #require(service.cookie(of: first))
            let key = try #require(service.key)
            service.clock.advance(by: .milliseconds(6))
            #expect(service.store.base.entries(after: nil, limit: 10).isEmpty)
            let thief = visitor.stranger(service.clock)
            thief.browser.plant(service.cookieName, cookie)
            let second = try await thief.get()
            #expect(second.text.hasPrefix("true"))
            #expect(second.text != first.text)
            let all = service.store.base.entries(after: nil, limit: 10)
            #expect(all.count == 1)
            #expect(all.first?.key != key)
        }
        #expect(service.count == 2)
        service.clock.advance(by: .seconds(61))
        let sweeper = try SessionSweeper(store: service.store, clock: service.clock, logger: .quiet)
        #expect(try await sweeper.sweepOnce() == 2)
        #expect(service.count == 0)
    }

    @Test("express 29: a record without `cookie` is read, and is written with one")
    func noCookieMember() async throws {
        let service = try Service()
        try await service.serve(get: Self.count) { (visitor) async throws in
            #expect(try await visitor.get().text == "1")
            let key = try #require(service.key)
            var record = try #require(service.record)
            let read = record.version
            record.payload = Array(#"{"visits":5}"#.utf8)
            record.version = .random()
            #expect(try service.store.base.replace(record, at: key, ifVersion: read) == .replaced)
            #expect(try await visitor.get().text == "6")
        }
        #expect(service.json.contains(#""visits":6"#))
        #expect(service.json.contains(#""cookie":{"originalMaxAge":60000"#))
    }

    @Test(
        "express 97, 98: another middleware that makes the response anew, outside or inside, loses nothing",
        arguments: [true, false]
    )
    func otherMiddleware(isOutside: Bool) async throws {
        struct Shouting: RouterMiddleware {
            func handle(
                _ request: Request,
                context: AppContext,
                next: (Request, AppContext) async throws -> Response
            ) async throws -> Response {
                var response = try await next(request, context)
                response.headers[.contentType] = nil
                response.headers[.server] = "shouting"
                return response
            }
        }
        let service = try Service(maxAge: nil)
        let router = Router(context: AppContext.self)
        if isOutside { router.add(middleware: Shouting()) }
        router.add(middleware: SessionMiddleware(service.sessions))
        if !isOutside { router.add(middleware: Shouting()) }
        router.get { _, context in Self.count(try await context.session) }
        try await service.serve(router) { (visitor) async throws in
            for number in 1...3 {
                let answer = try await visitor.get()
                #expect(answer.text == "\(number)")
                #expect(answer.headers[.server] == "shouting")
                #expect((answer.setCookie != nil) == (number == 1))
            }
        }
    }

    @Test("express 120, 121: other cookies on the response stay", arguments: Format.allCases)
    func otherCookies(format: Format) async throws {
        let service = try Service(format)
        let routes = { (router: Router<AppContext>) in
            _ = router.get { _, context in
                try await context.session.set(.visits, to: 1)
                var response = Response(status: .ok)
                response.headers.append(HTTPField(name: .setCookie, value: "one=1"))
                response.headers.append(HTTPField(name: .setCookie, value: "two=2; Path=/there"))
                return response
            }
        }
        try await service.serve(routes) { (visitor) async throws in
            let answer = try await visitor.get()
            #expect(answer.setCookies.count == 3)
            #expect(answer.setCookies.contains("one=1"))
            #expect(answer.setCookies.contains("two=2; Path=/there"))
            #expect(answer.setCookie != nil)
        }
    }
}
#endif
