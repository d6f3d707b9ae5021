import Sessions
import Testing

@Suite("Cookie names")
struct CookieNameTests {
    /// Everything that must not reach a header, each in the middle of other text.
    static let hostile = [
        ";", ",", " ", "\"", "\\", "\t", "\u{0}", "\r", "\n", "\r\n", "\u{7F}", "\u{80}", "\u{E9}", "\u{301}",
        "\u{37E}", "\u{2000}", "\u{212A}",
    ]

    @Test(
        "CK-05: a name is a token",
        arguments: hostile + ["=", "(", ")", "<", ">", "@", ":", "/", "[", "]", "{", "}"]
    )
    func refusesBytesOutsideToken(_ text: String) {
        for name in [text, "a" + text, text + "b", "a" + text + "b"] {
            #expect(throws: SessionConfigurationError(.invalidCookieName, "")) { try CookieName(name) }
        }
    }

    @Test("CK-05: every byte of the token class is allowed")
    func allowsEveryTokenByte() throws {
        let text = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
        #expect(try CookieName(text).description == text)
    }

    @Test("CF-07: a name is not empty and not larger than a cookie")
    func refusesEmptyAndHuge() throws {
        #expect(throws: SessionConfigurationError(.invalidCookieName, "")) { try CookieName("") }
        #expect(throws: SessionConfigurationError(.invalidCookieName, "")) {
            try CookieName(String(repeating: "a", count: 4097))
        }
        #expect(try CookieName(String(repeating: "a", count: 4096)).description.utf8.count == 4096)
    }

    @Test("I9: the refusal of a name has no control characters in it")
    func messageIsPrintable() {
        let error = #expect(throws: SessionConfigurationError.self) { try CookieName("a\r\nb") }
        #expect(error?.message.utf8.allSatisfy { (0x20..<0x7F).contains($0) } == true)
        #expect(error?.message.contains("0xD at offset 1") == true)
    }

    @Test("ID-11: names are compared as bytes")
    func comparesBytes() throws {
        #expect(try CookieName("sid") == CookieName("sid"))
        #expect(try CookieName("sid") != CookieName("Sid"))
    }

    @Test("CK-03, CK-15: the default name has the strongest prefix and names no product")
    func defaultName() throws {
        #expect(CookieName.default.description == "__Host-Http-sid")
        #expect(try CookieName("__Host-Http-sid") == .default)
        #expect(try CookieName("__Host-Http-sid").prefix == .hostHTTP)
        #expect(CookieName.default.prefix == .hostHTTP)
    }

    @Test(
        "CK-04: prefixes are found, longest first",
        arguments: [
            ("__Secure-sid", CookiePrefix.secure, false), ("__Host-sid", .host, true), ("__Http-sid", .http, false),
            ("__Host-Http-sid", .hostHTTP, true), ("__Host-", .host, true), ("__Host-HttpSid", .host, true),
        ]
    )
    func findsPrefix(_ text: String, _ prefix: CookiePrefix, _ isHostOnly: Bool) throws {
        let name = try CookieName(text)
        #expect(name.prefix == prefix)
        #expect(name.isHostOnly == isHostOnly)
    }

    @Test(
        "CF-05: a prefix in the wrong case is refused",
        arguments: [
            "__HOST-sid", "__hOsT-sid", "__host-sid", "__SECURE-sid", "__secure-sid", "__http-sid", "__HTTP-sid",
            "__Host-HTTP-sid", "__host-Http-sid", "__Host-http-sid", "__host-http-",
        ]
    )
    func refusesMiscasedPrefix(_ text: String) {
        #expect(throws: SessionConfigurationError(.cookiePrefix, "")) { try CookieName(text) }
    }

    @Test(
        "CF-05: a name that is easily taken for one with a prefix is refused",
        arguments: [
            "Host__sid", "host__sid", "Host__psifi.x-csrf-token", "Host--sid", "Secure__sid", "Http__sid",
            "__Host_sid", "__Host.sid", "__HostHttp-sid", "__Secure_sid", "__Http_sid", "___Host-sid", "..Host-sid",
            "--Host-sid", "_Host-sid", "-Secure-sid", "__host_sid",
        ]
    )
    func refusesLookAlike(_ text: String) {
        #expect(throws: SessionConfigurationError(.cookiePrefix, "")) { try CookieName(text) }
    }

    @Test(
        "CF-05: names in use elsewhere are left alone",
        arguments: [
            "sid", "connect.sid", "SESSION_ID", "vapor-session", "JSESSIONID", "_secure_session_id", "http_sid",
            "host-id", "hostname", "__hostname", "__sid", "secure", "__host", "https__x", "$Version",
        ]
    )
    func allowsOrdinaryNames(_ text: String) throws {
        let name = try CookieName(text)
        #expect(name.prefix == nil)
        #expect(!name.isHostOnly)
        #expect(name.description == text)
    }
}
