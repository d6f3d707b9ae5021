import HTTPTypes
import Testing

@testable import Sessions

@Suite("Origins")
struct OriginTests {
    @Test(
        "CS-02: an origin is written as a browser writes it, whatever the configuration's spelling",
        arguments: [
            // Case and the scheme's own port.
            ("https://shop.example", "https://shop.example"), ("HTTPS://Shop.Example", "https://shop.example"),
            ("https://shop.example:443", "https://shop.example"), ("https://shop.example:0443", "https://shop.example"),
            ("https://shop.example:80", "https://shop.example:80"),
            ("https://SHOP.EXAMPLE:8443", "https://shop.example:8443"),
            ("http://localhost:80", "http://localhost"), ("http://LOCALHOST:8080", "http://localhost:8080"),
            ("http://localhost:443", "http://localhost:443"), ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("https://shop.example:65535", "https://shop.example:65535"),
            ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
            // IPv6.
            ("http://[::1]", "http://[::1]"), ("http://[::1]:80", "http://[::1]"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("http://[0:0:0:0:0:0:0:1]:8080", "http://[::1]:8080"),
            ("https://[2001:DB8::A]:443", "https://[2001:db8::a]"),
            ("https://[2001:0db8:0000:0000:0001:0000:0000:0001]", "https://[2001:db8::1:0:0:1]"),
            ("https://[1:0:2:0:0:0:3:0]", "https://[1:0:2::3:0]"),
            ("https://[1:0:2:3:4:5:6:7]", "https://[1:0:2:3:4:5:6:7]"),
            ("https://[::ffff:192.0.2.1]", "https://[::ffff:c000:201]"), ("https://[fe80::]", "https://[fe80::]"),
            ("https://[::]", "https://[::]"), ("https://[::]:443", "https://[::]"),
        ]
    )
    func spelling(written: String, expected: String) throws {
        #expect(String(decoding: try Origin(written).bytes, as: UTF8.self) == expected)
    }

    @Test(
        "CF-10: what is no origin is refused",
        arguments: [
            "https://[::1", "https://::1", "https://::1]", "https://[]", "https://[::1]x", "https://[::1]8080",
            "https://[::1]:", "https://[::1]:x", "https://[::1]:0", "https://[::1]/", "https://[fe80::1%25eth0]",
            "https://[fe80::1%eth0]", "https://[1:2:3]", "https://[::1::]", "https://[127.0.0.1]",
            "https://[shop.example]",
            "https://[::1]\u{0}", "https://[::g]", "https://u@[::1]", "https://a:0", "https://a:65536",
            "https://a:99999",
            "https://a:", "https://a:+1", "https://a:\u{0661}", "https://caf\u{E9}.example", "https://a b",
            "https://a/",
            "https://:443", "shop.example", "wss://shop.example", "https:shop.example",
            // Plain HTTP to another machine.
            "http://[2001:db8::1]", "http://[::2]:8080", "http://shop.example", "http://192.0.2.1",
            "http://[::ffff:127.0.0.1]",
        ]
    )
    func refused(origin: String) {
        #expect(throws: SessionConfigurationError(.trustedOrigin, "")) { try OriginPolicy(origins: [origin]) }
    }

    @Test(
        "CS-02: a request's Origin is compared with that, byte by byte",
        arguments: [
            ("http://[::1]:8080", true), ("http://[::1]:8081", false), ("http://[::1]", false),
            ("https://[::1]:8080", false),
            ("https://[2001:db8::1]", true), ("https://[2001:db8::1]:443", false), ("https://[2001:DB8::1]", false),
            ("https://[2001:db8::2]", false), ("https://shop.example", true), ("https://SHOP.example", false),
            ("https://shop.example:443", false),
        ]
    )
    func requests(origin: String, isAccepted: Bool) throws {
        let policy = try OriginPolicy(
            origins: ["http://[0:0::1]:8080", "https://[2001:DB8::1]:443", "HTTPS://Shop.Example:443"]
        )
        var request = HTTPRequest(method: .post, scheme: "https", authority: "shop.example", path: "/")
        request.headerFields[.origin] = origin
        #expect((policy.refusal(of: request, carriesSession: true) == nil) == isAccepted)
    }
}
