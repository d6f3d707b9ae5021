import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

@Suite("Remix: cookie storage")
struct RemixCookieStorageTests {
    @Test("what Remix wrote is read, whatever its age; what we write is spelled like it")
    func vector() async throws {
        let service = try RemixService(.cookie)
        let cookie = RemixCookieTests.sessions[0].value
        let name = SessionKey<String>("name", default: "")
        let count = SessionKey<Int>("count", default: 0)
        service.clock.advance(by: .seconds(400 * 86_400))
        let read = try await service.request(cookie) { "\($0[name]) \($0[count])" }
        #expect(read.result == "日本 1" && read.cookie == nil)
        let next = try await service.request(cookie) { session in session.update(count) { $0 += 1 } }
        let text = try service.text(in: next.cookie)
        #expect(text.hasPrefix(#"{"i":"\#(RemixService.id)","d":[{"count":2,"name":"日本","swiftSession":{"v":1,"#))
        #expect(text.hasSuffix("}},{}]}"))
    }

    @Test("I7: what we wrote ends by the deadlines in it", arguments: [3601, 7200])
    func deadlines(seconds: Int) async throws {
        let service = try RemixService(.cookie) { configuration in
            configuration.lifetime = SessionLifetime(idle: .seconds(3600), absolute: .seconds(7200))
            configuration.anonymousLifetime = configuration.lifetime
        }
        var cookie = try await service.request(nil) { $0.set(.visits, to: 1) }.cookie
        let stolen = cookie
        for _ in 0..<(seconds / 3600) where seconds == 7200 {
            service.clock.advance(by: .seconds(3000))
            let next = try await service.request(cookie) { $0[.visits] }
            #expect(next.result == 1 && next.cookie != nil, "a request that reads moves the idle deadline")
            cookie = next.cookie
        }
        service.clock.advance(by: .seconds(seconds == 7200 ? 1200 : 3601))
        #expect(try await service.request(cookie) { $0[.visits] }.result == 0)
        #expect(try await service.request(stolen) { $0[.visits] }.result == 0)
    }

    @Test("a login and a rotation have a new id, and the owner is in the cookie")
    func login() async throws {
        let service = try RemixService(.cookie)
        let before = try await service.request(nil) { $0.set(.visits, to: 1) }.cookie
        let (ids, after) = try await service.request(before) { session in
            let old = (session.id, session.handle)
            session.logIn("ada", keeping: .all)
            return (old, (session.id, session.handle))
        }
        #expect(ids.0 != ids.1)
        let found = try await service.request(after) { ($0.id, $0.handle, $0.owner, $0[.visits]) }.result
        #expect((found.0, found.1) == ids.1 && found.2 == "ada" && found.3 == 1)
        let rotated = try await service.request(after) { $0.rotate() }.cookie
        #expect(try service.text(in: rotated).prefix(42) != service.text(in: after).prefix(42))
        #expect(try await service.request(rotated) { $0.owner }.result == "ada")
    }

    @Test("an earlier cookie counts on, as was acknowledged")
    func earlier() async throws {
        let service = try RemixService(.cookie)
        let before = try await service.request(nil) { $0.set(.visits, to: 1) }.cookie
        _ = try await service.request(before) { session in
            session.set(.visits, to: 2)
            session.rotate()
        }
        #expect(try await service.request(before) { $0[.visits] }.result == 1)
        #expect(try await service.request(before) { $0.ending }.result == .forThisClient)
        await #expect(throws: SessionError.self) {
            _ = try await service.request(before) { try await $0.consume(.visits) }
        }
    }

    @Test("what is missing is named, all of it, or the manager is refused")
    func missing() throws {
        func make(_ missing: MissingGuarantees) throws {
            _ = try SessionManager.remixCookies(secrets: ["s"], acknowledging: missing, logger: .silent)
        }
        try make(RemixService.inCookies)
        for bit in 0..<20 where RemixService.inCookies.contains(MissingGuarantees(rawValue: 1 << bit)) {
            let without = RemixService.inCookies.subtracting(MissingGuarantees(rawValue: 1 << bit))
            #expect(throws: SessionConfigurationError(.store, "")) { try make(without) }
        }
        #expect(throws: SessionConfigurationError(.store, "")) {
            try make(RemixService.inCookies.union(.endedSessionsComeBack))
        }
    }

    @Test("a session that fits into no cookie is an error before a field is sent, and the client's stays")
    func size() async throws {
        let service = try RemixService(.cookie)
        let cookie = try await service.request(nil) { $0.set(.visits, to: 1) }.cookie
        let exchange = service.sessions.open(cookieValue: cookie)
        try await exchange.session.set(SessionKey<String>("text", default: ""), to: String(repeating: "x", count: 2900))
        do {
            _ = try await exchange.commit()
            Issue.record("it was committed")
        } catch let error as SessionError {
            #expect(error.code == .tooLarge && error.fields.cookieValue == nil)
        }
        let fits = try await service.request(cookie) { session in
            session.set(SessionKey<String>("text", default: ""), to: String(repeating: "x", count: 2300))
        }
        #expect(fits.cookie != nil)
    }

    @Test(
        "what is signed and no session opens nothing",
        arguments: [
            "", "1", "null", "[]", "{}", #"{"i":"a"}"#, #"{"i":1,"d":[{},{}]}"#, #"{"i":"","d":[{},{}]}"#,
            #"{"i":"a","d":{}}"#, #"{"i":"a","d":[{}"#, #"{"i":"a","d":[{},{}]} "#, RemixService.id,
        ]
    )
    func damaged(text: String) async throws {
        let service = try RemixService(.cookie)
        let cookie = RemixSigner.value(of: text)
        let isWhole = text.hasSuffix(" ")
        #expect(try await service.request(cookie) { $0.isNew }.result == !isWhole)
    }
}
