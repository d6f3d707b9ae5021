import Testing

@testable import Sessions

@Suite("Start-up refusals")
struct ConfigurationTests {
    private func code(_ configure: (inout SessionConfiguration) -> Void) -> SessionConfigurationError.Code? {
        var configuration = SessionConfiguration()
        configure(&configuration)
        do {
            _ = try SessionManager(store: MemorySessionStore(), keys: .ephemeral(), configuration: configuration)
            return nil
        } catch {
            return (error as? SessionConfigurationError)?.code
        }
    }

    @Test("the default configuration is accepted")
    func defaults() {
        #expect(code { _ in } == nil)
    }

    @Test("CF-02: ephemeral keys with a store that outlives the process")
    func ephemeralKeys() throws {
        struct LastingStore: SessionStore {
            func load(_ key: StoreKey) -> StoredRecord? { nil }
            func insert(_ record: StoredRecord, at key: StoreKey) -> Bool { true }
            func replace(
                _ record: StoredRecord,
                at key: StoreKey,
                ifVersion version: RecordVersion
            ) -> ReplaceOutcome { .gone }
            func touch(_ key: StoreKey, until deadline: Timestamp, ifVersion version: RecordVersion) -> Bool { false }
            func delete(_ key: StoreKey, ifVersion version: RecordVersion?) -> Bool { false }
        }
        #expect(throws: SessionConfigurationError(.missingSecret, "")) {
            try SessionManager(store: LastingStore(), keys: .ephemeral())
        }
    }

    @Test("CF-04: SameSite=None and Partitioned need Secure")
    func insecureCombinations() {
        #expect(
            code { configuration in
                configuration.cookie = .plainHTTPForDevelopment()
                configuration.cookie.sameSite = .none
            } == .insecureCookie
        )
        #expect(
            code { configuration in
                configuration.cookie = .plainHTTPForDevelopment()
                configuration.cookie.partitioned = true
            } == .insecureCookie
        )
    }

    @Test(
        "CF-05: a prefix that the attributes do not keep",
        arguments: ["__Host-sid", "__Host-Http-sid", "__HOST-sid"]
    )
    func prefixes(name: String) {
        #expect(
            code { configuration in
                configuration.cookie.name = name
                configuration.cookie.path = "/shop"
            } == .cookiePrefix
        )
        #expect(
            code { configuration in
                configuration.cookie.name = name
                configuration.cookie.domain = "shop.example"
            } == .cookiePrefix
        )
        #expect(code { $0.cookie = .plainHTTPForDevelopment(name: name) } == .cookiePrefix)
    }

    @Test(
        "CF-05: a prefix without Secure, in the wrong case, or that only looks like one",
        arguments: ["__Secure-sid", "__Http-sid", "__secure-sid", "Host__sid", "__HostHttp-sid"]
    )
    func prefixesInDevelopment(name: String) {
        #expect(code { $0.cookie = .plainHTTPForDevelopment(name: name) } == .cookiePrefix)
    }

    @Test("CF-05: a Domain needs a name that says Secure (CK-12)")
    func unprefixedDomain() {
        #expect(
            code { configuration in
                configuration.cookie.name = "sid"
                configuration.cookie.domain = "shop.example"
            } == .cookiePrefix
        )
    }

    @Test("CF-06: only the development cookie travels without Secure, and no cookie can be read by scripts")
    func insecureCookie() throws {
        var cookie = SessionCookie()
        cookie.name = "sid"
        for allowsPlainHTTP in [false, true] {
            var configuration = SessionConfiguration()
            configuration.cookie = allowsPlainHTTP ? .plainHTTPForDevelopment() : cookie
            let attributes = try SessionManager(
                store: MemorySessionStore(),
                keys: KeyRing([SessionSecret.generate()]),
                configuration: configuration,
                logger: .silent
            ).cookie.attributes
            #expect(attributes.secure == !allowsPlainHTTP)
            #expect(attributes.httpOnly)
        }
    }

    @Test(
        "ID-09: an application's name that could run into another's realm, or into a log line",
        arguments: ["", "a:b", "a\nb", "caf\u{E9}", String(repeating: "a", count: 129)]
    )
    func applications(name: String) {
        #expect(code { $0.application = name } == .invalidApplication)
        #expect(code { $0.application = "a b/c" } == nil)
    }

    @Test("CF-07: a name that is no token", arguments: ["", "a b", "a;b", "a=b", "caf\u{E9}", "a\r\nb", "\u{212A}id"])
    func names(name: String) {
        #expect(code { $0.cookie.name = name } == .invalidCookieName)
    }

    @Test(
        "CF-08: a domain that is no host",
        arguments: ["localhost", "127.0.0.1", ".shop.example", "a b", "x;y", "[::1]"]
    )
    func domains(domain: String) {
        #expect(
            code { configuration in
                configuration.cookie.name = "__Secure-sid"
                configuration.cookie.domain = domain
            } == .invalidCookieAttribute
        )
    }

    @Test("CF-09: lifetimes that make no sense")
    func lifetimes() {
        let second = Duration.seconds(1)
        for (idle, absolute) in [
            (Duration.zero, second), (second, .zero), (.seconds(-1), second), (second * 2, second),
            (second, .seconds(401 * 86400)), (second, .seconds(Int64.max)),
        ] {
            #expect(code { $0.lifetime = SessionLifetime(idle: idle, absolute: absolute) } == .lifetime)
            #expect(code { $0.anonymousLifetime = SessionLifetime(idle: idle, absolute: absolute) } == .lifetime)
        }
        #expect(code { $0.renewalInterval = .seconds(1800) } == .lifetime)
        #expect(code { $0.renewalInterval = .seconds(-1) } == .lifetime)
        #expect(code { $0.rotationInterval = .zero } == .lifetime)
        #expect(code { $0.rotationInterval = .seconds(30) } == .lifetime)
        #expect(code { $0.rotationInterval = .seconds(31) } == nil)
        #expect(
            code { configuration in
                configuration.rotationInterval = .seconds(3600)
                configuration.rotationGrace = .zero
            } == .lifetime
        )
    }

    @Test(
        "CF-10: a trusted origin that is none",
        arguments: [
            "example.com", "https://", "https://a/", "https://a/p", "null", "", "*", "https://*.a.example",
            "http://a.example",
            "https://a:b", "https://a:443:1", "https://us er@a", "ftp://a",
        ]
    )
    func origins(origin: String) {
        #expect(throws: SessionConfigurationError(.trustedOrigin, "")) { try OriginPolicy(origins: [origin]) }
    }

    @Test("CF-12: a grace of more than 60 seconds, limits of nothing")
    func limits() {
        #expect(code { $0.rotationGrace = .seconds(61) } == .lifetime)
        #expect(code { $0.maximumRecordBytes = 0 } == .limit)
        #expect(code { $0.contentionDeadline = .zero } == .limit)
        #expect(throws: SessionConfigurationError.self) { try MemorySessionStore(limit: 0) }
    }
}
