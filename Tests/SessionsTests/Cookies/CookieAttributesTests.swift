import Sessions
import Testing

@Suite("Cookie attributes")
struct CookieAttributesTests {
    static let invalid = SessionConfigurationError(.invalidCookieAttribute, "")
    static let insecure = SessionConfigurationError(.insecureCookie, "")

    @Test("CK-01: the defaults are the safe ones, however they are made")
    func defaults() throws {
        let attributes = CookieAttributes.default
        #expect(try CookieAttributes() == attributes)
        #expect(attributes.secure && attributes.httpOnly && attributes.sameSite == .lax)
        #expect(attributes.path == "/" && attributes.domain == nil)
        #expect(attributes.maxAge == nil && attributes.expires == nil)
        #expect(!attributes.partitioned && attributes.priority == nil)
    }

    @Test("CK-05: a path has no byte that ends an attribute or a header", arguments: CookieNameTests.hostile)
    func refusesHostilePath(_ text: String) {
        #expect(throws: Self.invalid) { try CookieAttributes(path: "/a" + text + "b") }
        #expect(throws: Self.invalid) { try CookieAttributes(path: "/" + text) }
    }

    @Test("CK-05: a path is absolute", arguments: ["", "a", "a/", ".", "?", " /", "https://example.com/"])
    func refusesRelativePath(_ path: String) {
        #expect(throws: Self.invalid) { try CookieAttributes(path: path) }
    }

    @Test("CK-05: a path is kept as it is", arguments: ["/", "/app", "/app/", "/a%20b/~c.d-e_f", "/a=b&c:d@e!$'()*+"])
    func keepsPath(_ path: String) throws {
        #expect(try CookieAttributes(path: path).path == path)
    }

    @Test("CK-06: an attribute has 1024 bytes at most")
    func pathLimit() throws {
        let path = "/" + String(repeating: "a", count: 1023)
        #expect(try CookieAttributes(path: path).path == path)
        #expect(throws: Self.invalid) { try CookieAttributes(path: path + "a") }
    }

    @Test("CK-05: a domain has no byte that ends an attribute or a header", arguments: CookieNameTests.hostile + ["="])
    func refusesHostileDomain(_ text: String) {
        #expect(throws: Self.invalid) { try CookieAttributes(domain: "exa" + text + "mple.com") }
        #expect(throws: Self.invalid) { try CookieAttributes(domain: "example.com" + text) }
    }

    @Test(
        "CF-08: a domain is a host name",
        arguments: [
            "", ".", "..", ".example.com", "example.com.", "example..com", "-a.example.com", "a-.example.com",
            "a_b.example.com", "example.com:8080", "https://example.com", "*.example.com", "example.com/",
            "localhost", "LOCALHOST", "com",
            "127.0.0.1", "127.1", "0x7f.0x1", "1.2.3.4", "example.1", "example.0x", "::1", "[::1]", "2001:db8::1",
            String(repeating: "a", count: 64) + ".com",
            String(repeating: "a.", count: 126) + "com",
        ]
    )
    func refusesDomain(_ domain: String) {
        #expect(throws: Self.invalid) { try CookieAttributes(domain: domain) }
    }

    @Test(
        "CF-08: a host name is kept, in lower case",
        arguments: [
            ("example.com", "example.com"), ("Example.COM", "example.com"), ("a-b.example.co.uk", "a-b.example.co.uk"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"), ("1.example", "1.example"), ("a.0xg", "a.0xg"),
            (String(repeating: "a", count: 63) + ".com", String(repeating: "a", count: 63) + ".com"),
            (String(repeating: "a.", count: 125) + "com", String(repeating: "a.", count: 125) + "com"),
        ]
    )
    func keepsDomain(_ domain: String, _ expected: String) throws {
        #expect(try CookieAttributes(domain: domain).domain == expected)
    }

    @Test("CK-10, CF-04: SameSite=None needs Secure")
    func sameSiteNoneNeedsSecure() throws {
        #expect(throws: Self.insecure) { try CookieAttributes(secure: false, sameSite: .none) }
        #expect(try CookieAttributes(secure: false, sameSite: .lax).sameSite == .lax)
        #expect(try CookieAttributes(secure: false, sameSite: .strict).sameSite == .strict)
        #expect(try CookieAttributes(sameSite: .none).sameSite == .none)
    }

    @Test("CK-11, CF-04: Partitioned needs Secure")
    func partitionedNeedsSecure() throws {
        #expect(throws: Self.insecure) { try CookieAttributes(secure: false, partitioned: true) }
        #expect(try CookieAttributes(partitioned: true).partitioned)
    }

    @Test(
        "CK-07: Max-Age is clamped to 0 to 400 days and never traps",
        arguments: [
            (Int.min, 0), (-1, 0), (0, 0), (1, 1), (34_560_000, 34_560_000), (34_560_001, 34_560_000),
            (Int.max, 34_560_000),
        ]
    )
    func clampsMaxAge(_ seconds: Int, _ expected: Int) throws {
        #expect(try CookieAttributes(maxAge: seconds).maxAge == expected)
        let now = Timestamp(microseconds: 1_000_000_999_999)
        let attributes = CookieAttributes.default.withMaxAge(seconds, from: now)
        #expect(attributes.maxAge == expected)
        #expect(attributes.expires == Timestamp(microseconds: (1_000_000 + Int64(expected)) * 1_000_000))
    }

    @Test("CK-07: Expires is clamped to what a date of four digits can say, in whole seconds")
    func clampsExpires() throws {
        let last = Timestamp(microseconds: 253_402_300_799_000_000)
        #expect(try CookieAttributes(expires: .distantFuture).expires == last)
        #expect(CookieAttributes.default.withMaxAge(.max, from: .distantFuture).expires == last)
        let first = Timestamp(microseconds: 0)
        #expect(try CookieAttributes(expires: Timestamp(microseconds: .min)).expires == first)
        #expect(CookieAttributes.default.withExpires(Timestamp(microseconds: -1)).expires == first)
        #expect(
            CookieAttributes.default.withExpires(Timestamp(microseconds: 1_999_999)).expires
                == Timestamp(microseconds: 1_000_000)
        )
    }

    @Test("CK-08: copies differ in their age only")
    func copiesKeepTheRest() throws {
        let original = try CookieAttributes(
            domain: "example.com",
            path: "/app",
            secure: true,
            httpOnly: false,
            sameSite: .none,
            partitioned: true,
            priority: .high
        )
        let now = Timestamp(microseconds: 1_700_000_000_000_000)
        let copies = [original.withMaxAge(60, from: now), original.withExpires(now), original.expired()]
        for copy in copies {
            #expect(copy != original)
            #expect(copy.withExpires(nil) == original)
            #expect(copy.withMaxAge(nil, from: now) == original)
        }
        #expect(original.withMaxAge(60, from: now).withExpires(now).maxAge == nil)
        #expect(original.expired().maxAge == 0)
        #expect(original.expired().expires == Timestamp(microseconds: 0))
    }
}
