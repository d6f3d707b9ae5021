import HTTPTypes
import Testing

@testable import Sessions

@Suite("Trusted proxies")
struct TrustedProxiesTests {
    private func fields(_ pairs: [(String, String)]) throws -> HTTPFields {
        var fields = HTTPFields()
        for (name, value) in pairs { fields.append(HTTPField(name: try #require(HTTPField.Name(name)), value: value)) }
        return fields
    }

    private static let plain = RequestConnection(isEncrypted: false, peerAddress: "10.0.0.1")

    @Test("by default no field is believed, and TLS on the connection always counts (express 33, 35)")
    func none() throws {
        let lie = try fields([("X-Forwarded-Proto", "https"), ("Forwarded", "proto=https")])
        #expect(TrustedProxies.nobody.isSecure(lie, over: Self.plain) == false)
        #expect(TrustedProxies.nobody.isSecure([:], over: .encrypted) == true)
        #expect(TrustedProxies.nobody.isSecure(lie, over: nil) == nil, "it cannot be told")
        #expect(TrustedProxies.hops(0) == .nobody)
    }

    @Test(
        "the element of the outermost of so many proxies counts (express 30 to 32)",
        arguments: [
            ("https", 1, true), ("HTTPS", 1, true), (" https ", 1, true), ("http", 1, false), ("", 1, false),
            ("https,http", 2, true), ("https,http", 1, false), ("http,https", 1, true), ("http,https", 2, false),
            ("https, https, http", 2, true), ("https, http, http", 2, false), ("https", 3, true), ("httpss", 1, false),
            ("https;", 1, false), ("\"https\"", 1, false),
        ]
    )
    func hops(value: String, count: Int, isSecure: Bool) throws {
        let fields = try fields([("X-Forwarded-Proto", value)])
        #expect(TrustedProxies.hops(count).isSecure(fields, over: Self.plain) == isSecure)
    }

    @Test("the lines of a field are one list")
    func lines() throws {
        let fields = try fields([("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "http")])
        #expect(TrustedProxies.hops(1).isSecure(fields, over: Self.plain) == false)
        #expect(TrustedProxies.hops(2).isSecure(fields, over: Self.plain) == true)
    }

    @Test("proxies that say nothing leave it to the connection")
    func silent() {
        #expect(TrustedProxies.hops(1).isSecure([:], over: Self.plain) == false)
        #expect(TrustedProxies.hops(1).isSecure([:], over: .encrypted) == true)
        #expect(TrustedProxies.hops(1).isSecure([:], over: nil) == false)
    }

    @Test(
        "only named addresses are believed",
        arguments: [
            ("10.0.0.1", true), ("10.255.0.1", true), ("::ffff:10.0.0.1", true), ("11.0.0.1", false),
            ("fd00::5", true), ("fd01::5", true), ("fe00::5", false), ("2001:db8::1", true), ("2001:db8::2", false),
            ("192.0.2.1%eth0", true), ("", false), ("localhost", false), ("10.0.0.01", false),
        ]
    )
    func addresses(peer: String, isTrusted: Bool) throws {
        let proxies = try TrustedProxies.addresses(["10.0.0.0/8", "fd00::/8", "2001:db8::1", "192.0.2.1"])
        let connection = RequestConnection(isEncrypted: false, peerAddress: peer)
        let fields = try fields([("X-Forwarded-Proto", "https")])
        #expect(proxies.isSecure(fields, over: connection) == isTrusted)
        #expect(proxies.isSecure(fields, over: RequestConnection(isEncrypted: false)) == false)
        #expect(proxies.isSecure(fields, over: nil) == nil)
    }

    @Test("a chain of proxies is followed as far as they are ours: what a client wrote in front does not count")
    func chain() throws {
        let proxies = try TrustedProxies.addresses(["10.0.0.0/8"])
        // The client at 192.0.2.9 came by HTTP, and sent both fields itself.
        let forged = try fields([
            ("X-Forwarded-For", "10.0.0.9, 192.0.2.9, 10.0.0.2"), ("X-Forwarded-Proto", "https, http, https"),
        ])
        #expect(proxies.isSecure(forged, over: Self.plain) == false)
        let honest = try fields([
            ("X-Forwarded-For", "192.0.2.9:4711, [::ffff:10.0.0.2]:80"), ("X-Forwarded-Proto", "https, http"),
        ])
        #expect(proxies.isSecure(honest, over: Self.plain) == true)
        #expect(proxies.isSecure(honest, over: .encrypted) == true, "a stranger's TLS is the connection's own")
    }

    @Test(
        "Forwarded (RFC 7239), and then no other field",
        arguments: [
            ("for=192.0.2.9;proto=https", true), ("For=\"[2001:db8::9]:4711\"; Proto=\"https\";by=x", true),
            ("proto=http", false), ("for=192.0.2.9", false), ("proto=https;proto=http", false),
            ("proto=https, proto=http", false), ("for=\"a,b\";proto=https", true),
            ("for=\"a\\\"b;proto=http\";proto=https", true),
            ("proto=\"https", false),
        ]
    )
    func forwarded(value: String, isSecure: Bool) throws {
        let fields = try fields([("Forwarded", value)])
        #expect(TrustedProxies.hops(1, field: .forwarded).isSecure(fields, over: Self.plain) == isSecure)
        #expect(TrustedProxies.hops(1).isSecure(fields, over: Self.plain) == false)
    }

    @Test("a quotation mark of the client's swallows nothing that the proxies append: no comma of theirs is lost")
    func openQuote() throws {
        // The client came by HTTP and sent `https, "`; each of two proxies appended `http`.
        let forged = try fields([
            ("X-Forwarded-For", "10.0.0.9, 192.0.2.9, 10.0.0.2"), ("X-Forwarded-Proto", "https, \", http, http"),
        ])
        let addresses = ["10.0.0.0/8"]
        #expect(TrustedProxies.hops(2).isSecure(forged, over: Self.plain) == false)
        #expect(try TrustedProxies.addresses(addresses).isSecure(forged, over: Self.plain) == false)
        for value in [
            "proto=https, for=\", for=192.0.2.9;proto=http, for=10.0.0.2;proto=http",
            "proto=https, for=\"a\\\", for=192.0.2.9;proto=http, for=10.0.0.2;proto=http",
            "proto=https, \", for=192.0.2.9;proto=http, for=10.0.0.2;proto=https",
        ] {
            let forged = try fields([("Forwarded", value)])
            for connection in [Self.plain, RequestConnection(isEncrypted: true, peerAddress: "10.0.0.1")] {
                // TLS between the proxies and this server does not speak for the client's connection.
                let hops = TrustedProxies.hops(2, field: .forwarded)
                #expect(hops.isSecure(forged, over: connection) == false)
                let named = try TrustedProxies.addresses(addresses, field: .forwarded)
                #expect(named.isSecure(forged, over: connection) == false)
            }
        }
        // A line that cannot be read spoils the others too: which of them are a proxy's, nobody can tell.
        let lines = try fields([("Forwarded", "for=\""), ("Forwarded", "proto=https")])
        #expect(TrustedProxies.hops(1, field: .forwarded).isSecure(lines, over: Self.plain) == false)
    }

    @Test("Forwarded: addresses are followed too")
    func forwardedChain() throws {
        let proxies = try TrustedProxies.addresses(["10.0.0.0/8"], field: .forwarded)
        let honest = try fields([("Forwarded", "for=192.0.2.9;proto=https, for=10.0.0.2;proto=http")])
        #expect(proxies.isSecure(honest, over: Self.plain) == true)
        let hidden = try fields([("Forwarded", "for=192.0.2.9;proto=https, for=_hidden;proto=http")])
        #expect(proxies.isSecure(hidden, over: Self.plain) == false)
    }

    @Test(
        "what is no address and no range is refused",
        arguments: [
            "", "proxy", "10.0.0.0/33", "10.0.0/8", "fd00::/129", "10.0.0.0/", "10.0.0.0/+8", "1.2.3.4/8/8",
            "010.0.0.1",
        ]
    )
    func invalid(text: String) {
        #expect(throws: SessionConfigurationError(.proxy, "")) { try TrustedProxies.addresses([text]) }
    }

    @Test(
        "CF-13: all addresses are no proxies",
        arguments: ["0.0.0.0/0", "10.0.0.0/0", "::/0", "2001:db8::/0", "::/8"]
    )
    func everybody(text: String) throws {
        #expect(throws: SessionConfigurationError(.proxy, "")) { try TrustedProxies.addresses(["10.0.0.1", text]) }
        #expect(try TrustedProxies.addresses(["10.0.0.0/1", "8000::/1"]) != .nobody)
    }

    @Test("a range that ends inside a byte")
    func range() throws {
        let range = try #require(IPRange("192.168.16.0/20"))
        for (text, isInside) in [("192.168.31.255", true), ("192.168.32.0", false), ("192.168.15.255", false)] {
            #expect(try range.contains(#require(IPAddress(Array(text.utf8)))) == isInside)
        }
        let all = try #require(IPRange("::/0"))
        #expect(try all.contains(#require(IPAddress(Array("ffff::".utf8)))))
    }
}
