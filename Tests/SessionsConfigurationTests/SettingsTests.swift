#if Configuration
import Configuration
import Sessions
import SessionsConfiguration
import Testing

@Suite("settings by swift-configuration")
struct SettingsTests {
    private func environment(_ variables: [String: String]) -> ConfigReader {
        ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: variables))
    }

    @Test("Compas's variables are read under Compas's names")
    func compas() throws {
        let settings = try CompasSettings(
            environment([
                "NODE_ENV": "production", "APP_NAME": "Compas", "APP_KEYS": "0123456789abcdef0123,other",
                "COOKIE_URL": "compasjs.com",
            ])
        )
        #expect(settings.isProduction && settings.application == "Compas" && settings.cookieDomain == "compasjs.com")
        let sessions = try SessionManager.compas(
            settings,
            store: MemorySessionStore(),
            acknowledging: .keysAreCredentials
        )
        #expect(sessions.configuration.cookie.name == "compas.sess")
    }

    @Test("Compas's variables: what is missing or too short is refused")
    func compasRefused() {
        #expect(throws: SessionConfigurationError(.missingSecret, "")) { try CompasSettings(environment([:])) }
        #expect(throws: SessionConfigurationError(.weakSecret, "")) {
            try CompasSettings(
                environment(["NODE_ENV": "production", "APP_NAME": "compas", "APP_KEYS": "0123456789"])
            )
        }
    }

    @Test("our own settings, scoped to `session`")
    func own() throws {
        let configuration = try SessionConfiguration(
            environment([
                "SESSION_APPLICATION": "shop", "SESSION_COOKIE_NAME": "__Secure-sid",
                "SESSION_COOKIE_DOMAIN": "example.com",
                "SESSION_COOKIE_PATH": "/app", "SESSION_COOKIE_COMPANION": "sid.public",
                "SESSION_COOKIE_SAME_SITE": "strict",
                "SESSION_COOKIE_PERSISTENT": "true", "SESSION_COOKIE_PARTITIONED": "true",
                "SESSION_LIFETIME_IDLE": "60",
                "SESSION_LIFETIME_ABSOLUTE": "600", "SESSION_ANONYMOUS_LIFETIME_IDLE": "30",
                "SESSION_ANONYMOUS_LIFETIME_ABSOLUTE": "300", "SESSION_RENEWAL_INTERVAL": "5",
                "SESSION_ROTATION_INTERVAL": "14400", "SESSION_ROLLING": "true",
            ]).scoped(to: "session")
        )
        var expected = SessionCookie()
        expected.name = "__Secure-sid"
        expected.domain = "example.com"
        expected.path = "/app"
        expected.companion = "sid.public"
        expected.sameSite = .strict
        expected.persistence = .persistent
        expected.partitioned = true
        #expect(configuration.cookie == expected)
        #expect(configuration.application == "shop")
        #expect(configuration.lifetime == SessionLifetime(idle: .seconds(60), absolute: .seconds(600)))
        #expect(configuration.anonymousLifetime == SessionLifetime(idle: .seconds(30), absolute: .seconds(300)))
        #expect(configuration.renewalInterval == .seconds(5))
        #expect(configuration.rotationInterval == .seconds(14_400))
        #expect(configuration.rolling)
    }

    @Test("nothing set: the defaults")
    func defaults() throws {
        let configuration = try SessionConfiguration(environment([:]))
        #expect(configuration.cookie == SessionCookie())
        #expect(configuration.lifetime == .standard && configuration.anonymousLifetime == .anonymous)
        #expect(configuration.rotationInterval == nil && !configuration.rolling)
    }

    @Test(
        "a value that cannot be read is an error, and no default",
        arguments: [
            ("LIFETIME_IDLE", "1h"), ("LIFETIME_IDLE", "-1"), ("LIFETIME_IDLE", "9223372036854775807"),
            ("LIFETIME_IDLE", ""),
            ("LIFETIME_ABSOLUTE", "1.5"), ("ROLLING", "perhaps"), ("COOKIE_SAME_SITE", "some"), ("COOKIE_NAME", ""),
            ("COOKIE_DOMAIN", ""),
        ]
    )
    func unreadable(name: String, value: String) {
        #expect(throws: SessionConfigurationError(.setting, "")) {
            try SessionConfiguration(environment([name: value]))
        }
    }

    @Test("keys are read from SESSION_KEYS, the first signs, and none is an error")
    func keys() throws {
        let secrets = [SessionSecret.generate().encoded(), SessionSecret.generate().encoded()]
        _ = try KeyRing(environment(["SESSION_KEYS": secrets.joined(separator: ", ")]))
        #expect(throws: SessionConfigurationError(.missingSecret, "")) { try KeyRing(environment([:])) }
        #expect(throws: SessionConfigurationError(.missingSecret, "")) {
            try KeyRing(environment(["SESSION_KEYS": " , "]))
        }
        #expect(throws: SessionConfigurationError(.weakSecret, "")) {
            try KeyRing(environment(["SESSION_KEYS": "short"]))
        }
        #expect(throws: SessionConfigurationError(.duplicateKey, "")) {
            try KeyRing(environment(["SESSION_KEYS": "\(secrets[0]),\(secrets[0])"]))
        }
    }
}
#endif
