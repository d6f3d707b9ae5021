#if Hummingbird
import Hummingbird
import Sessions
import SessionsHummingbird
import SessionsTesting
import Testing

/// express-session's cases about what a handler can do with its session.
@Suite("express-session: unset, destroy, regenerate, reload, save, touch")
struct ExpressVerbTests {
    /// `GET /` counts, everything else is the test's.
    private static func routes(
        _ handler: @escaping @Sendable (Session) async throws -> String
    ) -> (Router<AppContext>) -> Void {
        { router in
            router.get { _, context in
                let session = try await context.session
                session.update(.visits) { $0 += 1 }
                return "\(session[.visits])"
            }
            router.get("verb") { _, context in try await handler(context.session) }
        }
    }

    @Test("express 93: what a request lets go of stays in the store as it was", arguments: Format.allCases)
    func keep(format: Format) async throws {
        let service = try Service(format)
        try await service.serve(
            Self.routes { session in
                session.set(.visits, to: 9)
                try await session.reload()
                return "\(session[.visits])"
            }
        ) { (visitor) async throws in
            try await visitor.get()
            #expect(try await visitor.get("/verb").text == "1")
            #expect(service.writes == 1)
            #expect(try await visitor.get().text == "2")
        }
        #expect(service.count == 1)
    }

    @Test("express 94, 105: a session that is destroyed is gone, and so is its cookie", arguments: Format.allCases)
    func destroy(format: Format) async throws {
        let service = try Service(format)
        try await service.serve(
            Self.routes { session in
                session.destroy()
                session.set(.visits, to: 9)
                return "\(session.isEnded) \(session[.visits])"
            }
        ) { (visitor) async throws in
            try await visitor.get()
            #expect(service.count == 1)
            let answer = try await visitor.get("/verb")
            #expect(answer.text == "true 0")
            #expect(answer.attribute("Max-Age") == "0")
            #expect(service.count == 0)
            #expect(visitor.cookie == nil)
        }
    }

    @Test("express 95: a new session that is destroyed leaves nothing, and no cookie", arguments: Format.allCases)
    func destroyNew(format: Format) async throws {
        let service = try Service(format) { $0.saveUninitialized = true }
        try await service.serve(
            Self.routes { session in
                session.set(.visits, to: 1)
                session.destroy()
                return ""
            }
        ) { (visitor) async throws in
            #expect(try await visitor.get("/verb").setCookies.isEmpty)
        }
        #expect(service.count == 0)
    }

    @Test("express 106: restart is a session with another id, nothing in it, and a cookie", arguments: Format.allCases)
    func regenerate(format: Format) async throws {
        let service = try Service(format)
        try await service.serve(
            Self.routes { session in
                let before = session.id
                session.restart()
                return "\(session.id != before) \(session[.visits])"
            }
        ) { (visitor) async throws in
            try await visitor.get()
            let (cookie, old) = (visitor.cookie, visitor.copy())
            let answer = try await visitor.get("/verb")
            #expect(answer.text == "true 0")
            #expect(answer.setCookie != nil)
            #expect(visitor.cookie != cookie)
            #expect(try await old.get().text == "1")
            #expect(try await visitor.get().text == "1")
        }
    }

    @Test("express 107: reload shows what another request has written", arguments: Format.allCases)
    func reload(format: Format) async throws {
        let service = try Service(format)
        try await service.serve(
            Self.routes { session in
                let before = session[.visits]
                try await session.reload()
                return "\(before) \(session[.visits])"
            }
        ) { (visitor) async throws in
            try await visitor.get()
            let gate = service.faults.hold(.load, next: 1, .after)
            async let slow = visitor.copy().get("/verb")
            try await gate.waitForArrival()
            #expect(try await visitor.get().text == "2")
            gate.open()
            #expect(try await slow.text == "1 2")
        }
    }

    @Test(
        "express 108, 109: reload of a session that is gone is an error, twenty times over",
        arguments: Format.allCases
    )
    func reloadGone(format: Format) async throws {
        let service = try Service(format)
        try await service.serve(
            Self.routes { session in
                service.store.base.removeAll()
                var errors = 0
                for _ in 0..<20 {
                    do {
                        try await session.reload()
                    } catch let error as SessionError where error.code == .ended {
                        errors += 1
                    }
                }
                return "\(errors)"
            }
        ) { (visitor) async throws in
            try await visitor.get()
            #expect(try await visitor.get("/verb").text == "20")
        }
        #expect(service.count == 0)
    }

    @Test(
        "express 110, 111, 113: save writes at once, and the end of the request does not write again",
        arguments: Format.allCases,
        [false, true]
    )
    func save(format: Format, resave: Bool) async throws {
        let service = try Service(format) { $0.resave = resave }
        try await service.serve(
            Self.routes { session in
                session.set(.other, to: 5)
                try await session.save()
                return "\(service.writes)"
            }
        ) { (visitor) async throws in
            let answer = try await visitor.get("/verb")
            #expect(answer.text == "1")
            #expect(answer.setCookie != nil)
            #expect(service.writes == 1)
            #expect(try await visitor.browser.visit(service.sessions) { $0[.other] } == 5)
        }
    }

    @Test("express 112: nor after a reload", arguments: Format.allCases)
    func reloadThenSave(format: Format) async throws {
        let service = try Service(format)
        try await service.serve(
            Self.routes { session in
                try await session.reload()
                session.set(.other, to: 5)
                try await session.save()
                return "\(service.writes)"
            }
        ) { (visitor) async throws in
            try await visitor.get()
            #expect(try await visitor.get("/verb").text == "2")
            #expect(service.writes == 2)
        }
    }

    @Test("express 114: touch moves the end in the store, inside the renewal interval too", arguments: Format.allCases)
    func touch(format: Format) async throws {
        let service = try Service(format) { $0.renewalInterval = .seconds(30) }
        try await service.serve(
            Self.routes { session in
                session.touch()
                return ""
            }
        ) { (visitor) async throws in
            try await visitor.get()
            let before = try #require(service.record)
            service.clock.advance(by: .seconds(1))
            try await visitor.get("/verb")
            let after = try #require(service.record)
            #expect(after.idleDeadline == before.idleDeadline + .seconds(1))
            #expect(after.payload == before.payload)
        }
    }
}
#endif
