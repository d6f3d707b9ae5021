import Foundation
import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

/// The vectors were made with Node's `cookies` and `keygrip`.
@Suite("koa-session: sessions in their cookies")
struct KoaCookieTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        let signature: KoaSignature
        let value: String
        let signed: String
        var testDescription: String { signed }
    }

    /// `{"views":1,"_expire":1700000000000,"_maxAge":86400000}`
    static let lasting = "eyJ2aWV3cyI6MSwiX2V4cGlyZSI6MTcwMDAwMDAwMDAwMCwiX21heEFnZSI6ODY0MDAwMDB9"
    /// `{"views":1,"name":"日本","_session":true}`
    static let passing = "eyJ2aWV3cyI6MSwibmFtZSI6IuaXpeacrCIsIl9zZXNzaW9uIjp0cnVlfQ=="

    static let vectors = [
        Vector(signature: .sha256, value: lasting, signed: "twqEKlFFHX5gbANeoQiRPQBplxPxaUuoF58mauUZBWo"),
        Vector(signature: .sha1, value: lasting, signed: "9Ml1RqG7cANNS1HAK2GZC3l56OU"),
        Vector(signature: .sha256, value: passing, signed: "ifqyDpVaaTMn8MdTcr5SMz_XHnbc5VijrDv6rp9pFqs"),
        Vector(signature: .sha1, value: passing, signed: "V6A5UJyvmsYcdUEFdfdCfGw-Ggo"),
    ]

    @Test("what koa-session writes without a store is read, and left alone by who only reads", arguments: vectors)
    func read(vector: Vector) async throws {
        let service = try KoaCookieService(signature: vector.signature)
        service.browser.plant("koa.sess", vector.value)
        service.browser.plant("koa.sess.sig", vector.signed)
        let found = try await service.visit { "\($0[.views]) \($0.isNew)" }
        #expect(found.result == "1 false" && found.set.isEmpty)
    }

    @Test("what we write in koa-session's cookie is spelled like its own, and is signed")
    func write() async throws {
        let service = try KoaCookieService()
        try service.nodeWrites(#"{"views":1,"z":{"b":1,"a":2},"_expire":1700000000000,"_maxAge":86400000}"#)
        let next = try await service.visit { session in session.update(.views) { $0 += 1 } }
        #expect(next.set == ["koa.sess", "koa.sess.sig"])
        let json = try service.json()
        #expect(json.hasPrefix(#"{"views":2,"z":{"b":1,"a":2},"swiftSession":{"v":1,"hash":""#))
        #expect(json.hasSuffix(#"},"_expire":1700000010000,"_maxAge":86400000}"#))
        #expect(try await service.visit { $0[.views] }.result == 2)
    }

    @Test("_session in a cookie: what Node wrote has no end, and what we wrote ends after half an hour without use")
    func browserSession() async throws {
        let service = try KoaCookieService(maxAge: nil)
        try service.nodeWrites(#"{"views":1,"_session":true}"#)
        service.clock.advance(by: .seconds(400 * 86_400))
        #expect(try await service.visit { $0[.views] }.result == 1)
        try await service.visit { session in session.update(.views) { $0 += 1 } }
        #expect(try service.json().hasSuffix(#","_session":true}"#))
        service.clock.advance(by: .seconds(1790))
        #expect(try await service.visit { $0[.views] }.set.count == 2, "a request that reads moves the end")
        service.clock.advance(by: .seconds(1790))
        #expect(try await service.visit(service.browser.copy()) { $0[.views] }.result == 2)
        service.clock.advance(by: .seconds(11))
        #expect(try await service.visit { $0.isNew }.result)
    }

    @Test("I7: _expire is the end of every copy, and a renewal moves it in both cookies")
    func deadlines() async throws {
        let service = try KoaCookieService(maxAge: .seconds(3600))
        #expect(try await service.visit { $0.set(.views, to: 1) }.set.count == 2)
        let stolen = service.browser.request()
        service.clock.advance(by: .seconds(3000))
        #expect(try await service.visit { $0[.views] }.set == ["koa.sess", "koa.sess.sig"])
        service.clock.advance(by: .seconds(601))
        #expect(try await service.visit { $0[.views] }.result == 1)
        #expect(try await service.sessions.open(stolen).session.isNew)
        try service.nodeWrites(#"{"views":7,"_expire":\#(service.clock.now().microseconds / 1000),"_maxAge":3600000}"#)
        #expect(try await service.visit { $0.isNew }.result, "what has ended by now is over")
    }

    @Test("a login in the cookie: another id, and the owner beside the values")
    func login() async throws {
        let service = try KoaCookieService()
        try service.nodeWrites(#"{"views":1,"_expire":1700000000000,"_maxAge":86400000}"#)
        let (before, after) = try await service.visit { session in
            let before = session.id
            session.logIn("ada", keeping: .all)
            return (before, session.id)
        }.result
        #expect(before != after)
        let found = try await service.visit { ($0.id, $0.owner, $0[.views]) }.result
        #expect(found.0 == after && found.1 == "ada" && found.2 == 1)
        try await service.visit { $0.rotate() }
        let rotated = try await service.visit { ($0.id, $0.owner) }.result
        #expect(rotated.0 != after && rotated.1 == "ada")
    }

    @Test("a session in koa-session's cookie keeps its handle once we have written it, whatever Node changes")
    func identity() async throws {
        let service = try KoaCookieService()
        try service.nodeWrites(#"{"views":1,"_expire":1700000000000,"_maxAge":86400000}"#)
        let (handle, token) = try await service.visit { session in
            session.update(.views) { $0 += 1 }
            return (session.handle, session.csrfToken)
        }.result
        let json = try service.json().replacing(#""views":2"#, with: #""views":3"#)
        try service.nodeWrites(json)
        let found = try await service.visit { ($0.handle, $0[.views], $0.acceptsCSRFToken(token)) }.result
        #expect(found.0 == handle && found.1 == 3 && found.2)
    }

    @Test("an earlier cookie of koa-session's counts on, nothing is handed out once, and a logout says whom it reaches")
    func earlier() async throws {
        let service = try KoaCookieService(companion: "koa.sess.public")
        try await service.visit { $0.set(.views, to: 1) }
        #expect(Set(service.browser.cookies.keys) == ["koa.sess", "koa.sess.sig", "koa.sess.public"])
        let copy = service.browser.copy()
        let ending = try await service.visit { session in
            session.destroy()
            return session.ending
        }.result
        #expect(ending == .forThisClient)
        #expect(service.browser.cookies.isEmpty)
        #expect(try await service.visit(copy) { $0[.views] }.result == 1)
        await #expect(throws: SessionError.self) {
            _ = try await service.visit(copy) { try await $0.consume(.views) }
        }
    }

    @Test("an older key's cookies are read, and are sent under the first with the next change")
    func olderKey() async throws {
        let service = try KoaCookieService(keys: [KoaCookieService.key, "the one before"])
        let json = #"{"views":1,"_expire":1700000000000,"_maxAge":86400000}"#
        try service.nodeWrites(json, signedBy: "the one before")
        try await service.visit { session in session.update(.views) { $0 += 1 } }
        #expect(try service.json().hasPrefix(#"{"views":2,"#))
        try service.nodeWrites(json, signedBy: "another's")
        #expect(try await service.visit { $0.isNew }.result)
        #expect(service.browser.cookies.isEmpty)
    }

    @Test(
        "what is no session, or is not signed, opens nothing",
        arguments: [
            "", "1", "null", "[]", #"{"views":1"#, #"{"views":1} {}"#, "views", #"{"views":1,"_expire":1e300}"#,
        ]
    )
    func damaged(text: String) async throws {
        let service = try KoaCookieService()
        try service.nodeWrites(text)
        #expect(try await service.visit { $0.isNew }.result)
        #expect(try await service.visit { $0.set(.views, to: 5) }.set.count == 2)
        #expect(try await service.visit { $0[.views] }.result == 5)
    }

    @Test("a value without its signature, with another's, or that is no base64 opens nothing")
    func unsigned() async throws {
        let vector = Self.vectors[0]
        for (value, signature) in [
            (vector.value, nil), (vector.value, ""), (vector.value, Self.vectors[2].signed),
            (Self.passing, vector.signed), (vector.value + "=", vector.signed),
        ] {
            let service = try KoaCookieService()
            service.browser.plant("koa.sess", value)
            if let signature { service.browser.plant("koa.sess.sig", signature) }
            #expect(try await service.visit { $0.isNew }.result)
            #expect(service.browser.cookies["koa.sess"] == nil)
        }
        let service = try KoaCookieService()
        let signing = try KoaSigning(keys: [KoaCookieService.key], algorithm: .sha256, name: CookieName("koa.sess"))
        service.browser.plant("koa.sess", "%%%")
        service.browser.plant("koa.sess.sig", signing.signature(of: "%%%".utf8))
        #expect(try await service.visit { $0.isNew }.result)
    }

    @Test("a session that fits into no koa-session cookie is an error before a field is sent, and the client's stay")
    func size() async throws {
        let service = try KoaCookieService()
        try await service.visit { $0.set(.views, to: 1) }
        let text = SessionKey<String>("text", default: "")
        let exchange = service.sessions.open(service.browser.request())
        try await exchange.session.set(text, to: String(repeating: "x", count: 2900))
        do {
            _ = try await exchange.commit()
            Issue.record("it was committed")
        } catch let error as SessionError {
            #expect(error.code == .tooLarge && !error.fields.changesCookie)
        }
        #expect(try await service.visit { $0.set(text, to: String(repeating: "x", count: 2300)) }.set.count == 2)
    }

    @Test("what koa-session's cookies cannot promise is named, all of it, or the manager is refused")
    func missing() throws {
        func make(_ missing: MissingGuarantees) throws {
            _ = try SessionManager.koaCookies(keys: ["k"], acknowledging: missing, logger: .silent)
        }
        try make(KoaCookieService.missing)
        for bit in 0..<20 where KoaCookieService.missing.contains(MissingGuarantees(rawValue: 1 << bit)) {
            let without = KoaCookieService.missing.subtracting(MissingGuarantees(rawValue: 1 << bit))
            #expect(throws: SessionConfigurationError(.store, "")) { try make(without) }
        }
        #expect(throws: SessionConfigurationError(.store, "")) {
            try make(KoaCookieService.missing.union(.keysAreCredentials))
        }
        #expect(throws: SessionConfigurationError(.missingSecret, "")) {
            _ = try SessionManager.koaCookies(keys: [], acknowledging: KoaCookieService.missing, logger: .silent)
        }
    }
}
