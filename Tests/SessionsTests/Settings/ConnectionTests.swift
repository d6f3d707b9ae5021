import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

@Suite("express-session: secure and sameSite by the client's connection")
struct ConnectionTests {
    @Test("secure auto: Secure over TLS and behind a trusted proxy, and not otherwise (express 43 to 46)")
    func secureAuto() async throws {
        for (proxies, connection, proto, isSecure) in [
            (TrustedProxies.hops(1), RequestConnection.plain, "https", true), (.nobody, .plain, "https", false),
            (.nobody, .encrypted, "", true), (.nobody, .plain, "", false),
        ] {
            let site = try SettingsSite { configuration in
                configuration.cookie = .automatic()
                configuration.proxies = proxies
            }
            let cookies = try await site.begin("/", proto.isEmpty ? [:] : .forwarded(proto), over: connection)
            #expect(cookies.have("Secure") == isSecure)
            #expect(cookies.have("HttpOnly") && cookies.have("SameSite=Lax"))
            #expect(site.store.count() == 1)
        }
    }

    @Test("sameSite auto: None over TLS, Lax otherwise, and never None without Secure (express 49 to 58)")
    func sameSiteAuto() async throws {
        for (connection, sameSite) in [(RequestConnection.encrypted, "None"), (.plain, "Lax")] {
            let site = try SettingsSite { configuration in
                configuration.cookie = .automatic()
                configuration.cookie.isCrossSiteWhereSecure = true
                configuration.proxies = .nobody
            }
            let cookies = try await site.begin(over: connection)
            #expect(cookies.have("SameSite=\(sameSite)"))
            #expect(cookies.have("Secure") == (sameSite == "None"))
            let plain = try SettingsSite { configuration in
                configuration.cookie = .plainHTTPForDevelopment()
                configuration.cookie.isCrossSiteWhereSecure = true
                configuration.proxies = .nobody
            }
            #expect(try await plain.begin(over: connection).have("SameSite=Lax"), "express 56: Secure is off")
        }
    }

    @Test(
        "a Secure cookie over plain HTTP is withheld, its session is not stored, and an event says so (express 32, 59, 126)"
    )
    func withheld() async throws {
        let site = try SettingsSite { $0.proxies = .nobody }
        #expect(try await site.begin(over: .plain).isEmpty)
        #expect(site.store.count() == 0, "no orphan")
        #expect(site.events.kinds == [.cookieWithheld])
        #expect(try await site.begin(over: .encrypted).count == 1, "express 125")
        #expect(site.store.count() == 1)
    }

    @Test("nothing that begins a session begins one over plain HTTP", arguments: 0..<4)
    func verbs(index: Int) async throws {
        let verbs: [(Session) -> Void] = [
            { $0.logIn("ada") }, { $0.flash(.notice, "hello") }, { $0.restart() }, { _ = $0[.visits] },
        ]
        let site = try SettingsSite { configuration in
            configuration.proxies = .nobody
            configuration.saveUninitialized = true
        }
        #expect(try await site.visit(over: .plain, verbs[index]).isEmpty)
        #expect(site.store.count() == 0)
        #expect(site.events.kinds.contains(.cookieWithheld))
        #expect(!site.events.kinds.contains(.began) && !site.events.kinds.contains(.loggedIn))
    }

    @Test("over plain HTTP a session that is there can be changed and ended, and gets no new credential")
    func existing() async throws {
        let site = try SettingsSite { $0.proxies = .nobody }
        try await site.begin()
        #expect(try await site.visit(over: .plain) { $0.update(.visits) { $0 += 1 } }.isEmpty)
        #expect(try await site.visit(over: .plain) { $0.rotate(grace: .zero) }.isEmpty)
        #expect(try await site.visit(over: .plain) { $0.logIn("ada", keeping: .all) }.isEmpty)
        try await site.visit { session in
            #expect(session[.visits] == 2)
            #expect(session.owner == nil, "the login did not count")
        }
        #expect(try await site.visit(over: .plain) { $0.destroy() }.isEmpty)
        #expect(site.store.count() == 0, "I2")
        #expect(site.events.kinds.filter { $0 == .cookieWithheld }.count == 2)
    }

    @Test("a restart over plain HTTP ends the session, and begins none")
    func restart() async throws {
        let site = try SettingsSite { $0.proxies = .nobody }
        try await site.begin()
        try await site.visit(over: .plain) { session in
            session.restart()
            session.set(.visits, to: 9)
        }
        #expect(site.store.count() == 0)
    }

    @Test("sealed cookies: what cannot travel is not kept, and nothing is sent")
    func sealed() async throws {
        let shop = try SealedFixture { configuration, _ in configuration.proxies = TrustedProxies.nobody }
        let exchange = shop.sessions.open(shop.browser.request(), over: .plain)
        try await exchange.session.set(.visits, to: 1)
        #expect(try await !exchange.commit().changesCookie)
    }

    @Test("nobody asks for the connection unless it is configured, and then a request without one is refused")
    func unknownConnection() async throws {
        let usual = try SettingsSite()
        #expect(!usual.sessions.readsConnection)
        #expect(usual.sessions.rules == nil, "nothing to work out on the hot path")
        #expect(try await usual.begin(over: .plain).have("Secure"), "the browser decides")
        let site = try SettingsSite { $0.proxies = .nobody }
        #expect(site.sessions.readsConnection)
        await #expect(throws: SessionConfigurationError(.proxy, "")) { try await site.begin(over: nil) }
        #expect(site.store.count() == 0)
    }

    @Test("settings that need the connection need to know how it is told")
    func refusals() {
        #expect(throws: SessionConfigurationError(.proxy, "")) {
            try SettingsSite { $0.cookie = .automatic() }
        }
        #expect(throws: SessionConfigurationError(.proxy, "")) {
            try SettingsSite { $0.cookie.isCrossSiteWhereSecure = true }
        }
        #expect(throws: SessionConfigurationError(.cookiePrefix, "")) {
            try SettingsSite { configuration in
                configuration.cookie = .automatic(name: "__Host-sid")
                configuration.proxies = .nobody
            }
        }
        #expect(throws: SessionConfigurationError(.insecureCookie, "")) {
            try SettingsSite { configuration in
                configuration.cookie = .automatic()
                configuration.cookie.sameSite = .none
                configuration.proxies = .nobody
            }
        }
    }

    @Test("secure and sameSite auto, by the connection, in every format", arguments: AnyFormat.allCases)
    func formats(_ format: AnyFormat) async throws {
        for connection in [RequestConnection.encrypted, .plain] {
            let site = try SettingsSite(format) { configuration in
                configuration.cookie = .automatic(name: configuration.cookie.name)
                configuration.cookie.isCrossSiteWhereSecure = true
                configuration.proxies = .nobody
            }
            let begun = try await site.begin(over: connection)
            #expect(begun.count == format.cookieCount)
            #expect(begun.allHave("Secure") == connection.isEncrypted)
            #expect(begun.anyHas("Secure") == connection.isEncrypted)
            #expect(begun.allHave(connection.isEncrypted ? "SameSite=None" : "SameSite=Lax"))
            try await site.visit(over: connection) { #expect($0[.visits] == 1) }
        }
    }

    @Test("express-session: secure auto is resolved when the session begins, and kept in its record")
    func expressRecord() async throws {
        for (connection, isSecure) in [(RequestConnection.encrypted, true), (.plain, false)] {
            var configuration = SessionConfiguration.express()
            configuration.cookie = .automatic(name: "connect.sid")
            configuration.proxies = .nobody
            let site = try SettingsSite(express: configuration)
            try await site.begin(over: connection)
            #expect(site.payload.contains(#""secure":true"#) == isSecure)
        }
    }
}
