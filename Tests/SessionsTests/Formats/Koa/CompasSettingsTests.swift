import Testing

@testable import Sessions

@Suite("Compas: the settings")
struct CompasSettingsTests {
    private static let production = [
        "NODE_ENV": "production", "APP_NAME": "Compas", "APP_KEYS": "0123456789abcdef0123,old",
        "COOKIE_URL": "compasjs.com",
    ]

    @Test("production: the name in lower case, Secure, the domain, SHA-256, and every key")
    func production() throws {
        let settings = try CompasSettings(environment: Self.production)
        #expect(settings.keys == ["0123456789abcdef0123", "old"])
        #expect(settings.signature == .sha256)
        let configuration = settings.configuration()
        #expect(configuration.cookie.name == "compas.sess")
        #expect(configuration.cookie.domain == "compasjs.com")
        #expect(!configuration.cookie.allowsPlainHTTP)
        #expect(configuration.cookie.sameSite == .lax)
        #expect(configuration.cookie.companion == nil)
        #expect(configuration.lifetime.idle == .seconds(518_400))
        #expect(configuration.renewalInterval == .seconds(30))
        #expect(configuration.rolling)
        #expect(settings.configuration(keepPublicCookie: true).cookie.companion == "compas.sess.public")
    }

    @Test(
        "development: plain HTTP, no domain, and the application's name as the key, with SHA-1",
        arguments: ["development", "test"]
    )
    func development(name: String) throws {
        var environment = Self.production
        environment["NODE_ENV"] = name
        let settings = try CompasSettings(environment: environment)
        #expect(settings.keys == ["Compas"])
        #expect(settings.signature == .sha1)
        let configuration = settings.configuration(maxAge: nil)
        #expect(configuration.cookie.name == "compas.sess")
        #expect(configuration.cookie.domain == nil)
        #expect(configuration.cookie.allowsPlainHTTP)
        #expect(configuration.cookie.persistence == .browserSession)
        #expect(settings.configuration().cookie.persistence == .persistent)
    }

    private static let refusals: [(String, String?, SessionConfigurationError.Code)] = [
        ("NODE_ENV", nil, .missingSecret), ("NODE_ENV", "staging", .missingSecret), ("NODE_ENV", "", .missingSecret),
        ("APP_NAME", nil, .invalidCookieName), ("APP_NAME", "", .invalidCookieName), ("APP_KEYS", nil, .missingSecret),
        ("APP_KEYS", "", .missingSecret), ("APP_KEYS", "0123456789abcdef012", .weakSecret),
        ("APP_KEYS", "short,0123456789abcdef0123", .weakSecret), ("APP_KEYS", "0123456789abcdef0123,", .weakSecret),
    ]

    @Test("what is missing or too short is refused", arguments: refusals)
    func refused(variable: String, value: String?, code: SessionConfigurationError.Code) {
        var environment = Self.production
        environment[variable] = value
        #expect(throws: SessionConfigurationError(code, "")) { try CompasSettings(environment: environment) }
    }

    @Test("no COOKIE_URL, or an empty one: the cookie is the host's alone", arguments: [nil, ""] as [String?])
    func noDomain(value: String?) throws {
        var environment = Self.production
        environment["COOKIE_URL"] = value
        #expect(try CompasSettings(environment: environment).configuration().cookie.domain == nil)
    }

    @Test("CR-14: a key is in no description")
    func unspeakable() throws {
        let settings = try CompasSettings(environment: Self.production)
        var dumped = ""
        dump(settings, to: &dumped)
        for text in ["\(settings)", String(reflecting: settings), dumped] { #expect(!text.contains("0123456789")) }
    }

    @Test("SessionManager.compas is one line")
    func manager() throws {
        let sessions = try SessionManager.compas(
            CompasSettings(environment: Self.production),
            store: MemorySessionStore(),
            acknowledging: .keysAreCredentials,
            keepPublicCookie: true,
            logger: .silent
        )
        #expect(sessions.configuration.cookie.companion == "compas.sess.public")
    }
}
