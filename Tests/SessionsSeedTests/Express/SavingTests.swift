#if Hummingbird
import Hummingbird
import Sessions
import SessionsHummingbird
import SessionsTesting
import Testing

/// express-session's cases about what is saved and sent, and when: rolling, resave, saveUninitialized.
@Suite("express-session: rolling, resave, saveUninitialized")
struct ExpressSavingTests {
    /// A handler that puts something into a new session, and only reads an old one.
    private static func once(_ session: Session) -> String {
        if session.isNew { session.set(.visits, to: 1) }
        return "\(session[.visits])"
    }

    private static func nothing(_ session: Session) -> String { "\(session.isNew)" }

    private static func count(_ session: Session) -> String {
        session.update(.visits) { $0 += 1 }
        return "\(session[.visits])"
    }

    @Test("express 69: not rolling, a request that changes nothing gets no cookie", arguments: Format.allCases)
    func notRolling(format: Format) async throws {
        let service = try Service(format)
        try await service.serve(get: Self.once) { (visitor) async throws in
            #expect(try await visitor.get().setCookie != nil)
            service.clock.advance(by: .seconds(1))
            #expect(try await visitor.get().setCookie == nil)
        }
    }

    @Test(
        "express 70: rolling, it gets one, also where the cookie ends with the browser",
        arguments: Format.allCases,
        [60, nil] as [Int?]
    )
    func rolling(format: Format, maxAge: Int?) async throws {
        let service = try Service(format, maxAge: maxAge.map { .seconds($0) }) { $0.rolling = true }
        try await service.serve(get: Self.once) { (visitor) async throws in
            #expect(try await visitor.get().setCookie != nil)
            let cookie = visitor.cookie
            service.clock.advance(by: .seconds(1))
            #expect(try await visitor.get().setCookie != nil)
            #expect(visitor.cookie == cookie)
        }
    }

    @Test(
        "express 71, 72, 82: rolling brings no cookie to a session with nothing in it, unless those are kept",
        arguments: [false, true]
    )
    func rollingUninitialized(isKept: Bool) async throws {
        let service = try Service {
            $0.rolling = true
            $0.saveUninitialized = isKept
        }
        try await service.serve(get: Self.nothing) { (visitor) async throws in
            #expect((try await visitor.get().setCookie != nil) == isKept)
        }
        #expect(service.count == (isKept ? 1 : 0))
        #expect(service.writes == (isKept ? 1 : 0))
    }

    @Test(
        "express 73, 83: a new session with something in it is kept and sent, rolling or not",
        arguments: [false, true]
    )
    func initialized(isRolling: Bool) async throws {
        let service = try Service { $0.rolling = isRolling }
        try await service.serve(get: Self.count) { (visitor) async throws in
            #expect(try await visitor.get().setCookie != nil)
        }
        #expect(service.count == 1)
    }

    @Test("express 74, 76: by default what has not changed is not written", arguments: Format.allCases)
    func noResave(format: Format) async throws {
        let service = try Service(format)
        try await service.serve(get: Self.once) { (visitor) async throws in
            try await visitor.get()
            service.clock.advance(by: .seconds(1))
            try await visitor.get()
        }
        #expect(service.writes == 1)
    }

    @Test("express 75: resave writes it all the same", arguments: Format.allCases)
    func resave(format: Format) async throws {
        let service = try Service(format) { $0.resave = true }
        try await service.serve(get: Self.once) { (visitor) async throws in
            try await visitor.get()
            service.clock.advance(by: .seconds(1))
            // Node's Set-Cookie asks for a change, too, unless it is rolling.
            #expect(try await visitor.get().setCookie == nil)
        }
        #expect(service.writes == 2)
    }

    @Test("express 77: of three requests the two that change something are written")
    func changed() async throws {
        let service = try Service()
        let routes = { (router: Router<AppContext>) in
            router.put { _, context in Self.count(try await context.session) }
            router.get { _, context in "\(try await context.session[.visits])" }
        }
        try await service.serve(routes) { (visitor) async throws in
            #expect(try await visitor.send(.put).text == "1")
            #expect(service.writes == 1)
            #expect(try await visitor.get().text == "1")
            #expect(service.writes == 1)
            #expect(try await visitor.send(.put).text == "2")
            #expect(service.writes == 2)
        }
    }

    private struct Nested: Codable, Sendable {
        struct Inner: Codable, Sendable { var cookie: Int }
        var user = Inner(cookie: 0)
    }

    @Test("express 78: a member `cookie` inside of a value is a part of the value")
    func nestedCookie() async throws {
        let data = SessionKey<Nested>("data", default: Nested())
        let service = try Service()
        try await service.serve(get: { session in
            session.update(data) { $0.user.cookie += 1 }
            return "\(session[data].user.cookie)"
        }) { (visitor) async throws in
            #expect(try await visitor.get().text == "1")
            #expect(try await visitor.get().text == "2")
        }
        #expect(service.writes == 2)
        #expect(service.json.contains(#""data":{"user":{"cookie":2}}"#))
    }

    @Test(
        "express 80, 81: a new session with nothing in it is kept if that is asked for",
        arguments: Format.allCases,
        [false, true]
    )
    func saveUninitialized(format: Format, isKept: Bool) async throws {
        let service = try Service(format) { if isKept { $0.saveUninitialized = true } }
        try await service.serve(get: Self.nothing) { (visitor) async throws in
            #expect((try await visitor.get().setCookie != nil) == isKept)
            #expect(try await visitor.get().text == "\(!isKept)")
        }
        #expect(service.count == (isKept ? 1 : 0))
    }

    @Test("express 85: a new session with nothing in it is not touched either")
    func notTouched() async throws {
        let service = try Service()
        try await service.serve(get: Self.nothing) { (visitor) async throws in
            try await visitor.get()
            try await visitor.get()
        }
        #expect(service.faults.calls.isEmpty)
    }

    @Test("express 101: a change sends a cookie with a maxAge again, a request that changes nothing does not")
    func sentOnChange() async throws {
        let service = try Service()
        let routes = { (router: Router<AppContext>) in
            router.get("change") { _, context in Self.count(try await context.session) }
            router.get { _, context in "\(try await context.session[.visits])" }
        }
        try await service.serve(routes) { (visitor) async throws in
            #expect(try await visitor.get("/change").attribute("Max-Age") == "60")
            service.clock.advance(by: .seconds(1))
            #expect(try await visitor.get().setCookie == nil)
            #expect(try await visitor.get("/change").attribute("Max-Age") == "60")
        }
    }
}
#endif
