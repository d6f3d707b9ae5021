import HTTPTypes
import Sessions
import Testing

@Suite("Writing cookies")
struct SetCookieTests {
    static let now = Timestamp(microseconds: 784_111_777_654_321)
    static let broken = SessionConfigurationError(.cookiePrefix, "")

    private static func setCookie(_ name: String, _ attributes: CookieAttributes) throws -> String {
        try SetCookie(name: CookieName(name), value: "v", attributes: attributes).field.value
    }

    @Test("CK-01: the default field, to the byte")
    func defaultField() throws {
        let field = try SetCookie(name: .default, value: "abc").field
        #expect(field.name == .setCookie)
        #expect(field.value == "__Host-Http-sid=abc; Path=/; Secure; HttpOnly; SameSite=Lax")
    }

    @Test("CK-07, CK-11: every attribute, to the byte")
    func everyAttribute() throws {
        let attributes = try CookieAttributes(
            domain: "example.com",
            path: "/app",
            maxAge: 3600,
            expires: Self.now,
            sameSite: .none,
            partitioned: true,
            priority: .high
        )
        #expect(
            try Self.setCookie("__Secure-a", attributes)
                == "__Secure-a=v; Max-Age=3600; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Path=/app; Domain=example.com; "
                + "Secure; HttpOnly; SameSite=None; Partitioned; Priority=High"
        )
    }

    @Test("CK-02: SameSite is in every field")
    func sameSiteIsExplicit() throws {
        for sameSite in CookieAttributes.SameSite.allCases {
            #expect(
                try Self.setCookie("a", CookieAttributes(sameSite: sameSite)).hasSuffix("SameSite=\(sameSite.rawValue)")
            )
        }
        #expect(
            try Self.setCookie("a", CookieAttributes(secure: false, httpOnly: false)) == "a=v; Path=/; SameSite=Lax"
        )
    }

    @Test("Priority is spelled as browsers spell it")
    func priority() throws {
        for priority in CookieAttributes.Priority.allCases {
            #expect(
                try Self.setCookie("a", CookieAttributes(priority: priority)).hasSuffix("Priority=\(priority.rawValue)")
            )
        }
    }

    @Test("CK-04: what a prefix promises is checked when the cookie is made")
    func prefixRules() throws {
        let all = ["__Secure-a", "__Host-a", "__Http-a", "__Host-Http-a"]
        let violations: [(CookieAttributes, [String])] = [
            (try CookieAttributes(secure: false), all),
            (try CookieAttributes(httpOnly: false), ["__Http-a", "__Host-Http-a"]),
            (try CookieAttributes(path: "/app"), ["__Host-a", "__Host-Http-a"]),
            (try CookieAttributes(domain: "example.com"), ["__Host-a", "__Host-Http-a"]),
            (.default, []),
        ]
        for (attributes, refused) in violations {
            for text in all {
                let name = try CookieName(text)
                if refused.contains(text) {
                    #expect(throws: Self.broken) { try SetCookie(name: name, value: "", attributes: attributes) }
                    #expect(throws: Self.broken) { try SetCookieTemplate(name: name, attributes: attributes) }
                    #expect(throws: Self.broken) {
                        try SetCookieTemplate(name: name, attributes: attributes, allowUnprefixed: true)
                    }
                } else {
                    #expect(try SetCookie(name: name, value: "", attributes: attributes).name == name)
                    #expect(try SetCookieTemplate(name: name, attributes: attributes).name == name)
                }
            }
        }
    }

    @Test("CK-12: a domain needs a prefix, or the explicit word that it may do without")
    func domainNeedsPrefix() throws {
        let attributes = try CookieAttributes(domain: "example.com")
        let name = try CookieName("sid")
        #expect(throws: Self.broken) { try SetCookie(name: name, value: "", attributes: attributes) }
        #expect(throws: Self.broken) { try SetCookieTemplate(name: name, attributes: attributes) }
        let allowed = try SetCookie(name: name, value: "", attributes: attributes, allowUnprefixed: true)
        #expect(allowed.field.value.contains("Domain=example.com"))
    }

    @Test("CK-05: a value is made of cookie octets", arguments: CookieNameTests.hostile)
    func refusesHostileValue(_ text: String) throws {
        let template = try SetCookieTemplate(name: .default, attributes: .default)
        for value in [text, "a" + text, text + "b", "a" + text + "b"] {
            #expect(throws: CookieError(.invalidValue, "")) { try SetCookie(name: .default, value: value) }
            #expect(throws: CookieError(.invalidValue, "")) {
                try template.field(value: value, maxAge: nil, now: Self.now)
            }
        }
    }

    @Test("CK-05: exactly the cookie octets are allowed")
    func cookieOctets() throws {
        for byte in UInt8(0)...127 {
            let value = String(decoding: [byte], as: UTF8.self)
            let isOctet = byte > 0x20 && byte < 0x7F && !#"",;\"#.utf8.contains(byte)
            let isAccepted = (try? SetCookie(name: .default, value: value)) != nil
            #expect(isAccepted == isOctet, "byte \(byte)")
        }
    }

    @Test("CK-06: name and value have 4096 bytes at most, and one more is an error and not a lost cookie")
    func sizeLimit() throws {
        let name = try CookieName("a")
        let fits = String(repeating: "v", count: 4095)
        #expect(try SetCookie(name: name, value: fits).field.value.utf8.count > 4096)
        #expect(throws: CookieError(.cookieTooLarge, "")) { try SetCookie(name: name, value: fits + "v") }
        let template = try SetCookieTemplate(name: name, attributes: .default)
        #expect(try template.field(value: fits, maxAge: nil, now: Self.now).value.utf8.count > 4096)
        #expect(throws: CookieError(.cookieTooLarge, "")) {
            try template.field(value: fits + "v", maxAge: nil, now: Self.now)
        }
    }

    @Test("The field stays out of the compression tables of HTTP/2")
    func indexing() throws {
        let template = try SetCookieTemplate(name: .default, attributes: .default)
        #expect(try SetCookie(name: .default, value: "v").field.indexingStrategy == .disallow)
        #expect(try template.field(value: "v", maxAge: 1, now: Self.now).indexingStrategy == .disallow)
        #expect(template.expired().indexingStrategy == .disallow)
    }

    @Test("A template writes what the cookie writes")
    func templateAgrees() throws {
        let attributes = try CookieAttributes(domain: "example.com", path: "/a", partitioned: true, priority: .low)
        let name = try CookieName("__Secure-sid")
        let template = try SetCookieTemplate(name: name, attributes: attributes)
        for maxAge in [nil, Int.min, 0, 1, 3600, Int.max] {
            let cookie = try SetCookie(
                name: name,
                value: "abc",
                attributes: attributes.withMaxAge(maxAge, from: Self.now)
            )
            #expect(try template.field(value: "abc", maxAge: maxAge, now: Self.now) == cookie.field)
        }
        let deleted = try SetCookie(name: name, value: "", attributes: attributes.expired())
        #expect(template.expired() == deleted.field)
        let dated = try SetCookieTemplate(name: name, attributes: attributes.withMaxAge(5, from: Self.now))
        #expect(dated.expired() == template.expired())
        #expect(
            try dated.field(value: "a", maxAge: nil, now: Self.now)
                == template.field(value: "a", maxAge: nil, now: Self.now)
        )
    }

    @Test("CK-08: a deletion has every attribute of the cookie but its value and age")
    func deletion() throws {
        var combinations = 0
        for domain in [nil, "example.com"] {
            for path in ["/", "/app"] {
                for (secure, httpOnly, partitioned) in [(true, true, true), (true, false, false), (false, true, false)]
                {
                    for sameSite in [CookieAttributes.SameSite.strict, .lax] {
                        let attributes = try CookieAttributes(
                            domain: domain,
                            path: path,
                            secure: secure,
                            httpOnly: httpOnly,
                            sameSite: sameSite,
                            partitioned: partitioned
                        )
                        let template = try SetCookieTemplate(
                            name: CookieName("sid"),
                            attributes: attributes,
                            allowUnprefixed: true
                        )
                        let set = Self.pieces(try template.field(value: "abc", maxAge: nil, now: Self.now))
                        let deleted = Self.pieces(template.expired())
                        #expect(set.first == "sid=abc")
                        #expect(deleted.first == "sid=")
                        #expect(deleted[1] == "Max-Age=0")
                        #expect(deleted[2] == "Expires=Thu, 01 Jan 1970 00:00:00 GMT")
                        #expect(deleted[3...] == set[1...])
                        combinations += 1
                    }
                }
            }
        }
        #expect(combinations == 24)
    }

    @Test("CK-08: the deletion of a __Host- cookie keeps its prefix's promise")
    func hostDeletion() throws {
        let template = try SetCookieTemplate(name: .default, attributes: .default)
        #expect(
            template.expired().value
                == "__Host-Http-sid=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; Secure; HttpOnly; "
                + "SameSite=Lax"
        )
    }

    private static func pieces(_ field: HTTPField) -> [String] {
        field.value.utf8.split(separator: UInt8(ascii: ";")).map { piece in
            String(Substring(piece.drop { $0 == UInt8(ascii: " ") }))
        }
    }

    @Test("CK-09, I10: one field for our name, all others untouched and not folded")
    func oneFieldPerName() throws {
        let name = try CookieName("sid")
        let template = try SetCookieTemplate(name: name, attributes: .default)
        let others: [HTTPField] = [
            HTTPField(name: .setCookie, value: "theme=dark; Expires=Sun, 06 Nov 1994 08:49:37 GMT"),
            HTTPField(name: .setCookie, value: "sid2=a"),
            HTTPField(name: .setCookie, value: "Sid=a"),
            HTTPField(name: .setCookie, value: "sid; a=sid=b"),
            HTTPField(name: .setCookie, value: "a=b; sid=c"),
            HTTPField(name: .cookie, value: "sid=a"),
            HTTPField(name: .vary, value: "sid=a"),
            HTTPField(name: .setCookie, value: "\u{E9}=e\u{301}"),
        ]
        var fields = HTTPFields(others)
        fields.appendSetCookie(try template.field(value: "one", maxAge: nil, now: Self.now), for: name)
        fields.append(HTTPField(name: .setCookie, value: "sid \t=forged; Path=/app"))
        fields.appendSetCookie(try template.field(value: "two", maxAge: 60, now: Self.now), for: name)
        fields.appendSetCookie(template.expired(), for: name)
        #expect(fields.map { Array($0.value.utf8) } == (others + [template.expired()]).map { Array($0.value.utf8) })
    }

    @Test("I9: no description, reflection, dump or error shows the value")
    func valueIsUnspeakable() throws {
        let secret = "c2VjcmV0LWNyZWRlbnRpYWw"
        let cookie = try SetCookie(name: .default, value: secret)
        var spoken = ["\(cookie)", String(reflecting: cookie), "\([cookie])", "\(Optional(cookie) as Any)"]
        var dumped = ""
        dump(cookie, to: &dumped)
        dump(["key": cookie], to: &dumped)
        spoken.append(dumped)
        spoken += Mirror(reflecting: cookie).children.map { "\($0.value)" }
        for value in [secret + ";", secret + String(repeating: "a", count: 4096)] {
            let error = #expect(throws: CookieError.self) { try SetCookie(name: .default, value: value) }
            spoken.append("\(error as Any)")
            spoken.append(error?.message ?? "")
        }
        for text in spoken { #expect(!text.contains(secret)) }
        #expect(dumped.contains("__Host-Http-sid"))
        #expect(cookie.value == secret)
    }
}
