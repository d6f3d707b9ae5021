#if Hummingbird
import HTTPTypes
import Hummingbird
import Sessions
import SessionsHummingbird
import SessionsTesting
import Testing

/// express-session's cases about how long a cookie and a session live.
@Suite("express-session: maxAge and expires")
struct ExpressLifetimeTests {
    private static func once(_ session: Session) -> String {
        if session.isNew { session.set(.visits, to: 1) }
        return ""
    }

    private static func count(_ session: Session) -> String {
        session.update(.visits) { $0 += 1 }
        return ""
    }

    @Test("express 116: no Expires where the cookie ends with the browser, which is the default")
    func browserSession() async throws {
        let service = try Service(maxAge: nil)
        #expect(SessionConfiguration.express().cookie.persistence == .browserSession)
        #expect(SessionConfiguration().cookie.persistence == .browserSession)
        try await service.serve(get: Self.once) { (visitor) async throws in
            let answer = try await visitor.get()
            #expect(answer.setCookie != nil)
            #expect(answer.attribute("Expires") == nil)
            #expect(answer.attribute("Max-Age") == nil)
        }
    }

    @Test("express 117, 131–133: such a cookie is sent once, whatever changes", arguments: [true, false])
    func sentOnce(isChanged: Bool) async throws {
        let service = try Service(maxAge: nil)
        try await service.serve(get: isChanged ? Self.count : Self.once) { (visitor) async throws in
            let first = try await visitor.get()
            #expect(first.setCookie != nil)
            #expect(first.attribute("Expires") == nil)
            for _ in 0..<3 {
                service.clock.advance(by: .seconds(1))
                #expect(try await visitor.get().setCookie == nil)
            }
        }
    }

    @Test("express 119: a lifetime that is none is an error where it is set, and the session stays as it was")
    func nonsense() async throws {
        let service = try Service()
        try await service.serve(get: { session in
            session.set(.visits, to: 1)
            do {
                try session.setLifetime(SessionLifetime(idle: .zero, absolute: .seconds(-1)))
                return "accepted"
            } catch let error as SessionConfigurationError {
                return "\(error.code)"
            }
        }) { (visitor) async throws in
            let answer = try await visitor.get()
            #expect(answer.text == "lifetime")
            #expect(answer.setCookie != nil)
        }
    }

    @Test("express 122, 123: originalMaxAge is the maxAge, in the first request's record and in later ones")
    func originalMaxAge() async throws {
        let service = try Service(maxAge: .seconds(2))
        try await service.serve(get: Self.count) { (visitor) async throws in
            for _ in 0..<3 {
                try await visitor.get()
                #expect(service.json.hasPrefix(#"{"cookie":{"originalMaxAge":2000,"#))
                service.clock.advance(by: .milliseconds(700))
            }
        }
    }

    @Test("express 127: the cookie ends maxAge after the response")
    func expires() async throws {
        let service = try Service(maxAge: .seconds(2))
        try await service.serve(get: Self.count) { (visitor) async throws in
            let answer = try await visitor.get()
            #expect(answer.attribute("Expires") == "Thu, 01 Jan 2026 00:00:02 GMT")
            #expect(answer.attribute("Max-Age") == "2")
        }
    }

    @Test(
        "express 128, 129: a session's own maxAge, as far away as 3 000 000 000 milliseconds",
        arguments: [5000, 3_000_000_000]
    )
    func own(milliseconds: Int) async throws {
        let service = try Service()
        try await service.serve(get: { session in
            session.set(.visits, to: 1)
            let idle = Duration.milliseconds(milliseconds)
            try session.setLifetime(SessionLifetime(idle: idle, absolute: idle * 2))
            return ""
        }) { (visitor) async throws in
            #expect(try await visitor.get().attribute("Max-Age") == "\(milliseconds / 1000)")
        }
        #expect(service.json.hasPrefix(#"{"cookie":{"originalMaxAge":\#(milliseconds),"#))
        let record = try #require(service.record)
        #expect(record.idleDeadline == service.clock.now() + .milliseconds(milliseconds))
    }

    @Test("express 130: a session that is to be over is destroyed, and its cookie ends at the beginning of 1970")
    func epoch() async throws {
        let service = try Service()
        let routes = { (router: Router<AppContext>) in
            router.get { _, context in Self.count(try await context.session) }
            router.get("out") { _, context in
                try await context.session.destroy()
                return ""
            }
        }
        try await service.serve(routes) { (visitor) async throws in
            try await visitor.get()
            #expect(try await visitor.get("/out").attribute("Expires") == "Thu, 01 Jan 1970 00:00:00 GMT")
        }
    }

    @Test("express 134–136: Partitioned is sent if it is asked for", arguments: [nil, false, true])
    func partitioned(_ isPartitioned: Bool?) async throws {
        let service = try Service { if let isPartitioned { $0.cookie.partitioned = isPartitioned } }
        try await service.serve(get: Self.count) { (visitor) async throws in
            let answer = try await visitor.get()
            #expect((answer.attribute("Partitioned") != nil) == (isPartitioned ?? false))
        }
        #expect(service.json.contains(#""partitioned":true"#) == (isPartitioned ?? false))
    }

    @Test("express 118: the cookie's settings are those that are sent, HttpOnly with them")
    func settings() async throws {
        let service = try Service {
            $0.cookie.path = "/admin"
            $0.cookie.priority = .high
            $0.cookie.sameSite = .strict
        }
        let routes = { (router: Router<AppContext>) in
            _ = router.get("admin") { _, context in Self.count(try await context.session) }
        }
        try await service.serve(routes) { (visitor) async throws in
            let answer = try await visitor.get("/admin")
            #expect(answer.attribute("Path") == "/admin")
            #expect(answer.attribute("Priority") == "High")
            #expect(answer.attribute("SameSite") == "Strict")
            #expect(answer.attribute("Expires") == "Thu, 01 Jan 2026 00:01:00 GMT")
            #expect(answer.attribute("HttpOnly") == "")
        }
        #expect(service.json.contains(#""priority":"high""#))
        #expect(service.json.contains(#""path":"/admin","sameSite":"strict""#))
    }
}
#endif
