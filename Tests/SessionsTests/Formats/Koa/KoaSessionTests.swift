import HTTPTypes
import Logging
import SessionsTesting
import Testing

@testable import Sessions

@Suite("koa-session: sessions")
struct KoaSessionTests {
    // MARK: Records

    @Test("koa-session: what Node wrote is read, and what was not changed is written back byte for byte")
    func nodeToSwift() async throws {
        let service = try KoaService()
        let nodes = service.nodes()
        try service.nodeWrites(nodes)
        #expect(try await service.browser.visit(service.sessions) { $0[.visits] } == 3)
        #expect(service.json == nodes, "I8: reading writes nothing")
        try await service.browser.visit(service.sessions) { session in session.update(.visits) { $0 += 1 } }
        #expect(
            service.json.hasPrefix(#"{"visits":4,"passport":{"user":"bob"},"z":{"b":1,"a":2},"swiftSession":{"v":1,"#)
        )
        #expect(service.json.hasSuffix(#"},"_expire":\#(service.milliseconds(in: 86_400)),"_maxAge":86400000}"#))
    }

    @Test("Compas, old: a new session has a UUID, two cookies, the value first, and a record like Node's")
    func swiftToNode() async throws {
        let service = try KoaService()
        let fields = try await service.setCookies { $0.set(.visits, to: 1) }
        #expect(fields.count == 2)
        #expect(fields[0].hasPrefix("compas.sess="))
        #expect(fields[1].hasPrefix("compas.sess.sig="))
        for field in fields {
            #expect(field.contains("; Max-Age=86400; "))
            #expect(field.hasSuffix("; Path=/; Secure; HttpOnly; SameSite=Lax"))
        }
        let id = try #require(service.browser.cookies["compas.sess"])
        #expect(service.store.entries(after: nil, limit: 2).map(\.key.text) == [id])
        let signing = try KoaSigning(keys: [KoaService.key], algorithm: .sha256, name: CookieName("compas.sess"))
        #expect(service.browser.cookies["compas.sess.sig"] == signing.signature(of: id.utf8))
        #expect(service.json.hasPrefix(#"{"visits":1,"swiftSession":{"#))
        #expect(service.json.hasSuffix(#"},"_expire":\#(service.milliseconds(in: 86_400)),"_maxAge":86400000}"#))
    }

    @Test("Compas, old: data is back with the second request, and a new and empty session is not kept")
    func secondRequest() async throws {
        let service = try KoaService()
        #expect(try await service.look(0).isEmpty)
        #expect(service.store.count() == 0)
        try await service.browser.visit(service.sessions) { $0.set(.visits, to: 1) }
        try await service.browser.visit(service.sessions) { session in
            #expect(!session.isNew)
            #expect(session[.visits] == 1)
        }
    }

    @Test("Compas, old: a session that is destroyed is gone, and both cookies with it")
    func destroy() async throws {
        let service = try KoaService()
        try await service.browser.visit(service.sessions) { $0.set(.visits, to: 1) }
        let fields = try await service.setCookies { $0.destroy() }
        #expect(fields.count == 2)
        #expect(fields.allSatisfy { $0.contains("=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; ") })
        #expect(service.store.count() == 0)
        #expect(service.browser.cookies.isEmpty)
    }

    @Test("_session: a cookie that ends with the browser, and a session of half an hour")
    func browserSession() async throws {
        let service = try KoaService(maxAge: nil)
        let fields = try await service.setCookies { $0.set(.visits, to: 1) }
        #expect(fields.allSatisfy { !$0.contains("Max-Age") })
        #expect(service.json.hasSuffix(#"},"_session":true}"#))
        #expect(!service.json.contains("_expire"))
        service.clock.advance(by: .seconds(1799))
        #expect(try await service.browser.visit(service.sessions) { $0[.visits] } == 1)
        service.clock.advance(by: .seconds(1801))
        #expect(try await service.browser.visit(service.sessions) { $0[.visits] } == 0)
    }

    @Test("_session stays where Node says so, in a service whose cookies last")
    func nodesBrowserSession() async throws {
        let service = try KoaService()
        try service.nodeWrites(#"{"visits":3,"_session":true}"#)
        try await service.browser.visit(service.sessions) { session in session.update(.visits) { $0 += 1 } }
        #expect(service.json.hasPrefix(#"{"visits":4,"#))
        #expect(service.json.hasSuffix(#"},"_session":true}"#))
    }

    @Test("_session: a renewal makes no lasting cookie of one that ends with the browser")
    func browserSessionIsRenewed() async throws {
        let service = try KoaService()
        try service.nodeWrites(#"{"visits":3,"_session":true}"#)
        service.clock.advance(by: .seconds(40))
        let fields = try await service.look(3)
        #expect(fields.count == 2 && fields.allSatisfy { !$0.contains("Max-Age") && !$0.contains("Expires") })
        #expect(service.json.hasSuffix(#"},"_session":true}"#))
        service.clock.advance(by: .seconds(30))
        let again = try await service.look(3)
        #expect(again.count == 2 && again.allSatisfy { !$0.contains("Max-Age") })
    }

    @Test("what a handler says of the cookie is what Node reads: _session, or _expire and _maxAge")
    func ownPersistence() async throws {
        let lasting = try KoaService()
        try await lasting.browser.visit(lasting.sessions) { session in
            session.set(.visits, to: 1)
            try session.cookie.setMaxAge(nil)
        }
        #expect(lasting.json.hasSuffix(#"},"_session":true}"#))
        #expect(try await lasting.browser.visit(lasting.sessions) { $0.cookie.persistence } == .browserSession)
        try await lasting.browser.visit(lasting.sessions) { $0.cookie.setPersistence(nil) }
        #expect(lasting.json.hasSuffix(#"},"_expire":\#(lasting.milliseconds(in: 86_400)),"_maxAge":86400000}"#))
        let brief = try KoaService(maxAge: nil)
        try brief.nodeWrites(#"{"visits":3,"_expire":\#(brief.milliseconds(in: 60)),"_maxAge":60000}"#, seconds: 60)
        brief.clock.advance(by: .seconds(40))
        let fields = try await brief.setCookies { session in session.update(.visits) { $0 += 1 } }
        #expect(fields.count == 2 && fields.allSatisfy { $0.contains("; Max-Age=60; ") })
        #expect(brief.json.hasSuffix(#"},"_expire":\#(brief.milliseconds(in: 60)),"_maxAge":60000}"#))
    }

    @Test("_expire ends a session, though the store keeps it for ten seconds more")
    func expire() async throws {
        let service = try KoaService()
        let nodes = service.nodes(seconds: 100)
        try service.nodeWrites(nodes, seconds: 100)
        service.clock.advance(by: .seconds(101))
        #expect(try await service.browser.visit(service.sessions) { $0.isNew })
        #expect(service.store.count() == 1, "what has expired is left to the sweeper")
    }

    @Test("_maxAge is a session's own, both ways")
    func ownMaxAge() async throws {
        let service = try KoaService()
        let end = service.milliseconds(in: 3_000_000)
        try service.nodeWrites(#"{"visits":1,"_expire":\#(end),"_maxAge":3000000000}"#, seconds: 3_000_000)
        #expect(
            try await service.browser.visit(service.sessions) { $0.lifetime.idle } == .milliseconds(3_000_000_000)
        )
        try await service.browser.visit(service.sessions) {
            try $0.setLifetime(SessionLifetime(idle: .seconds(60), absolute: .seconds(600)))
        }
        #expect(service.json.hasSuffix(#","_expire":\#(service.milliseconds(in: 60)),"_maxAge":60000}"#))
    }

    @Test(
        "Compas, old: names that koa-session never serializes, and those that break its sessions, are no keys",
        arguments: ["_x", "_expire", "isNew", "maxAge", "length", "save", "swiftSession", "__proto__", "constructor"]
    )
    func reserved(name: String) async throws {
        let service = try KoaService()
        await #expect(throws: SessionError(.unencodable, "")) {
            try await service.browser.visit(service.sessions) { $0.set(SessionKey<Int>(name, default: 0), to: 1) }
        }
    }

    @Test("members that koa-session would drop are no values, and stay where they are")
    func foreignMembers() async throws {
        let service = try KoaService()
        try service.nodeWrites(
            #"{"_a":[1, 2],"visits":3,"isNew":false,"b":1,"_expire":\#(service.milliseconds(in: 60)),"_c":null,"_maxAge":60000}"#
        )
        #expect(try await service.browser.visit(service.sessions) { $0[SessionKey<[Int]>("_a", default: [])] } == [])
        try await service.browser.visit(service.sessions) { session in session.update(.visits) { $0 += 1 } }
        #expect(service.json.hasPrefix(#"{"_a":[1, 2],"visits":4,"isNew":false,"b":1,"_c":null,"swiftSession":{"#))
        #expect(service.json.hasSuffix(#"},"_expire":\#(service.milliseconds(in: 60)),"_maxAge":60000}"#))
    }

    @Test("the vector of cookies without a store is what a record's members say")
    func vector() throws {
        let payload = Array(#"{"views":1,"_expire":1700000000000,"_maxAge":86400000}"#.utf8)
        let format = KoaRecordFormat(
            lifetime: SessionLifetime(idle: .seconds(86_400), absolute: .seconds(864_000)),
            isBrowserSession: false,
            maximumBytes: 1000,
            clock: SystemSessionClock()
        )
        let key = try #require(StoreKey(foreignID: KoaService.id))
        let stored = StoredRecord(foreign: payload, until: Timestamp(microseconds: 1_700_000_010_000_000))
        let record = try #require(format.decode(stored, at: key))
        #expect(record.stored.idleDeadline == Timestamp(microseconds: 1_700_000_000_000_000))
        #expect(record.content.values.entries.map(\.name.text) == ["views"])
        #expect(record.content.lifetime == nil)
        #expect(record.content.createdAt == Timestamp(microseconds: 1_699_913_600_000_000))
    }

    @Test(
        "what is no session's JSON is left as it is, and nobody is signed in by it",
        arguments: ["", "null", "[]", "{", "{}x", #"{"_expire":1"#, #"{"a":1,"a":2}"#, "\u{0}"]
    )
    func damaged(json: String) async throws {
        let service = try KoaService()
        try service.nodeWrites(json)
        #expect(try await service.browser.visit(service.sessions) { $0.isNew })
        #expect(service.json == json)
    }

    @Test(
        "an _expire that is no time is none",
        arguments: ["null", #""soon""#, "1e300", "0", "true", "{}", "8.64e15", "-8.7e15", "1e"]
    )
    func oddExpire(text: String) async throws {
        let service = try KoaService()
        try service.nodeWrites(#"{"visits":3,"_expire":\#(text),"_maxAge":\#(text)}"#)
        #expect(try await service.browser.visit(service.sessions) { $0[.visits] } == 3)
        try await service.browser.visit(service.sessions) { session in session.update(.visits) { $0 += 1 } }
        #expect(try await service.browser.visit(service.sessions) { $0[.visits] } == 4)
    }

    // MARK: Renewal

    @Test("renew: a request that only reads moves _expire and both cookies, after as long as the setting says")
    func renewal() async throws {
        for (renewal, seconds) in [(KoaRenewal.each(.seconds(30)), 30), (.halfway, 43_200)] {
            let service = try KoaService(renewal: renewal)
            try service.nodeWrites(service.nodes())
            service.clock.advance(by: .seconds(seconds - 1))
            #expect(try await service.look(3).isEmpty)
            service.clock.advance(by: .seconds(1))
            let fields = try await service.look(3)
            #expect(fields.count == 2 && fields.allSatisfy { $0.contains("; Max-Age=86400; ") })
            #expect(service.json.hasPrefix(#"{"visits":3,"passport":{"user":"bob"},"z":{"b":1,"a":2},"#))
            #expect(service.json.hasSuffix(#"},"_expire":\#(service.milliseconds(in: 86_400)),"_maxAge":86400000}"#))
            service.clock.advance(by: .seconds(86_399))
            #expect(try await service.browser.visit(service.sessions) { $0[.visits] } == 3)
        }
    }

    @Test("renew: false: a session ends maxAge after its last change")
    func noRenewal() async throws {
        let service = try KoaService(renewal: .never)
        try service.nodeWrites(service.nodes())
        service.clock.advance(by: .seconds(86_399))
        #expect(try await service.look(3).isEmpty)
        service.clock.advance(by: .seconds(2))
        #expect(try await service.browser.visit(service.sessions) { $0.isNew })
    }

    @Test("renew: false holds for a session with a maxAge of its own, too")
    func noRenewalOfOwn() async throws {
        let service = try KoaService(renewal: .never)
        let end = service.milliseconds(in: 7200)
        let nodes = #"{"visits":3,"_expire":\#(end),"_maxAge":7200000}"#
        try service.nodeWrites(nodes, seconds: 7200)
        service.clock.advance(by: .seconds(7199))
        #expect(try await service.look(3).isEmpty)
        #expect(service.json == nodes)
        service.clock.advance(by: .seconds(2))
        #expect(try await service.browser.visit(service.sessions) { $0.isNew })
    }

    @Test("I8: where the absolute time is the nearer one, a request that only reads writes no more often")
    func nearAbsolute() async throws {
        let service = try KoaService()
        let own = SessionLifetime(idle: .seconds(100), absolute: .seconds(150))
        try await service.browser.visit(service.sessions) { session in
            session.set(.visits, to: 1)
            try session.setLifetime(own)
        }
        service.clock.advance(by: .seconds(90))
        #expect(try await !service.look(1).isEmpty)
        #expect(service.json.contains(#""_expire":\#(service.milliseconds(in: 60)),"_maxAge":100000}"#))
        let json = service.json
        service.clock.advance(by: .seconds(10))
        #expect(try await service.look(1).isEmpty)
        #expect(service.json == json)
        service.clock.advance(by: .seconds(50))
        #expect(try await service.browser.visit(service.sessions) { $0.isNew }, "I7: no use moves the absolute end")
    }

    @Test("I1: a renewal and a change at the same time: the change is kept, and a change that raced one is too")
    func renewalRace() async throws {
        let service = try KoaService()
        try service.nodeWrites(service.nodes())
        service.clock.advance(by: .seconds(60))
        let renewing = service.sessions.open(service.browser.request())
        #expect(try await renewing.session[.visits] == 3)
        let changing = service.sessions.open(service.browser.request())
        try await changing.session.update(.visits) { $0 += 1 }
        let slow = service.sessions.open(service.browser.request())
        try await slow.session.update(.visits) { $0 += 1 }
        _ = try await changing.commit()
        #expect(try await !renewing.commit().changesCookie, "what is sent again has to be the current one")
        service.clock.advance(by: .seconds(60))
        try await service.browser.visit(service.sessions) { #expect($0[.visits] == 4) }
        _ = try await slow.commit()
        #expect(try await service.browser.visit(service.sessions) { $0[.visits] } == 5)
    }

    // MARK: Credentials

    @Test("a cookie under an older key is read, and both cookies are sent anew, under the first")
    func olderKey() async throws {
        let service = try KoaService(keys: ["a new key that is long enough", KoaService.key])
        try service.nodeWrites(service.nodes())
        service.clock.advance(by: .seconds(30))
        let fields = try await service.look(3)
        let signing = try KoaSigning(
            keys: ["a new key that is long enough"],
            algorithm: .sha256,
            name: CookieName("compas.sess")
        )
        #expect(fields.count == 2)
        #expect(fields[0].hasPrefix("compas.sess=\(KoaService.id);"))
        #expect(fields[1].hasPrefix("compas.sess.sig=\(signing.signature(of: KoaService.id.utf8));"))
    }

    @Test("SHA-1: what another Koa service signs is read, and SHA-256 does not pass for it")
    func sha1() async throws {
        let service = try KoaService(signature: .sha1)
        try service.nodeWrites(service.nodes())
        #expect(try await service.browser.visit(service.sessions) { $0.isNew })
        try service.nodeWrites(service.nodes())
        let signing = try KoaSigning(keys: [KoaService.key], algorithm: .sha1, name: CookieName("compas.sess"))
        service.browser.plant("compas.sess.sig", signing.signature(of: KoaService.id.utf8))
        #expect(try await service.browser.visit(service.sessions) { $0[.visits] } == 3)
    }

    @Test("an id without a signature, or with another's, opens nothing, and both cookies go (I3)")
    func unsigned() async throws {
        for signature in [nil, "", "CEM9-MFoHgrmDJj4VjZ47v2xX1Dy8sv-cSV9iZlklQp", "x"] as [String?] {
            let service = try KoaService()
            try service.nodeWrites(service.nodes())
            let browser = SessionBrowser(clock: service.clock)
            browser.plant("compas.sess", KoaService.id)
            if let signature { browser.plant("compas.sess.sig", signature) }
            #expect(try await browser.visit(service.sessions) { $0.isNew })
            #expect(browser.cookies.isEmpty)
            #expect(service.json == service.nodes())
        }
    }

    @Test("an id that a client made up is not adopted (I3), signed or not")
    func adoption() async throws {
        let service = try KoaService()
        try service.plant("11111111-1111-4111-8111-111111111111")
        try await service.browser.visit(service.sessions) { $0.set(.visits, to: 1) }
        #expect(service.store.count() == 1)
        #expect(service.store.entries(after: nil, limit: 1).first?.key.text.hasPrefix("1111") == false)
    }

    @Test("PR-09: of several values under one name, only one that is signed and alive counts")
    func planted() async throws {
        let service = try KoaService()
        try service.nodeWrites(service.nodes())
        var fields = service.browser.request().headerFields
        fields.append(HTTPField(name: .cookie, value: "compas.sess=planted; compas.sess.sig=planted"))
        #expect(try await service.sessions.open(fields).session[.visits] == 3)
    }

    @Test("I5: a login has a new id, the data goes along, and the old id opens nothing")
    func login() async throws {
        let service = try KoaService()
        try service.nodeWrites(service.nodes())
        let before = service.browser.copy()
        try await service.browser.visit(service.sessions) { $0.logIn("ada", keeping: .all) }
        #expect(service.store.count() == 1)
        #expect(service.browser.cookies["compas.sess"] != KoaService.id)
        #expect(try await service.browser.visit(service.sessions) { "\($0.owner ?? "") \($0[.visits])" } == "ada 3")
        #expect(try await before.visit(service.sessions) { $0[.visits] } == 0)
    }

    @Test("I5: what Node copies into another session says nothing about that one")
    func copiedMember() async throws {
        let service = try KoaService()
        try await service.browser.visit(service.sessions) { session in
            session.logIn("ada")
            session.set(.visits, to: 5)
        }
        try service.nodeWrites(service.json)
        #expect(
            try await service.browser.visit(service.sessions) { "\($0.owner ?? "nobody") \($0[.visits])" } == "nobody 5"
        )
    }

    @Test("genid: an id that no cookie could carry, or no key could be made of, is not used")
    func generatedIDs() async throws {
        for id in ["a;b", "", "a b", String(repeating: "a", count: 300)] {
            let service = try KoaService(generateID: { id })
            try await service.browser.visit(service.sessions) { $0.set(.visits, to: 1) }
            #expect(service.browser.cookies["compas.sess"]?.utf8.count == 36)
        }
        let service = try KoaService(generateID: { "my-id" })
        try await service.browser.visit(service.sessions) { $0.set(.visits, to: 1) }
        #expect(service.browser.cookies["compas.sess"] == "my-id")
    }

    @Test("a manager is refused that does not say what its sessions cannot promise, or has no key")
    func refused() throws {
        func code(_ keys: [ForeignSecret], _ named: MissingGuarantees) -> SessionConfigurationError.Code? {
            do {
                _ = try SessionManager.koa(
                    keys: keys,
                    store: MemorySessionStore(),
                    acknowledging: named,
                    logger: .silent
                )
                return nil
            } catch {
                return (error as? SessionConfigurationError)?.code
            }
        }
        #expect(code(["a"], []) == .store)
        #expect(code(["a"], [.keysAreCredentials, .concurrentChangesAreLost]) == .store)
        #expect(code([], .keysAreCredentials) == .missingSecret)
        #expect(code(["a", ""], .keysAreCredentials) == .missingSecret)
        #expect(code(["a", "b"], .keysAreCredentials) == nil)
    }

    @Test("the cookies may have a domain, as Compas's COOKIE_URL is one")
    func domain() async throws {
        var configuration = SessionConfiguration.koa(name: "compas.sess")
        configuration.cookie.domain = "example.com"
        let sessions = try SessionManager.koa(
            keys: ["a"],
            store: MemorySessionStore(),
            acknowledging: .keysAreCredentials,
            configuration: configuration,
            logger: .silent
        )
        let exchange = sessions.open(HTTPFields())
        try await exchange.session.set(.visits, to: 1)
        var response = HTTPResponse(status: .ok)
        try await exchange.commit().apply(to: &response)
        let fields = response.headerFields[fields: .setCookie].map(\.value)
        #expect(fields.count == 2 && fields.allSatisfy { $0.contains("; Domain=example.com") })
    }
}
