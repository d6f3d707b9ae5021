import HTTPTypes
import Sessions
import SessionsTesting
import Testing

/// The cases of cookie-signature's suite, on the cookie that carries the signed value.
@Suite("cookie-signature")
struct CookieSignatureTests {
    private static let cookie = "s%3Ahello.DGDUkGlIkCzPz%2BC0B064FNgHdEjox7ch8tOBGslZ5QI"

    /// A service with one session, whose id is `hello`.
    private static func service(_ secret: ForeignSecret = "tobiiscool") async throws -> (
        service: Service, cookie: String?
    ) {
        let service = try Service(shared: [secret], id: "hello")
        let browser = SessionBrowser(clock: service.clock)
        try await browser.visit(service.sessions) { $0.set(.visits, to: 1) }
        return (service, browser.cookies["connect.sid"])
    }

    /// Whether a cookie's value opens the session.
    private static func opens(_ value: String, _ service: Service) async throws -> Bool {
        let browser = SessionBrowser(clock: service.clock)
        browser.plant("connect.sid", value)
        return try await browser.visit(service.sessions) { $0[.visits] } == 1
    }

    @Test("cookie-signature 1, 5: what is signed is what Node signs, and is verified")
    func sign() async throws {
        let (service, cookie) = try await Self.service()
        #expect(cookie == Self.cookie)
        #expect(try await Self.opens(Self.cookie, service))
    }

    @Test("cookie-signature 3: a secret of bytes signs what Node signs with them, and is verified")
    func bytes() async throws {
        let secret = ForeignSecret(bytes: [0xA0, 0xAB, 0xBC, 0x0C])
        let (service, cookie) = try await Self.service(secret)
        #expect(cookie == "s%3Ahello.hIvljrKw5oOZtHHSq5u%2BMlL27cgnPKX77y7F%2Bx5r1to")
        #expect(try await Self.opens(#require(cookie), service))
        #expect(try await !Self.opens(Self.cookie, service))
        for text in ["\(secret)", String(reflecting: secret)] { #expect(text == "ForeignSecret(redacted)") }
    }

    @Test("cookie-signature 2, 6: another secret signs otherwise, and does not verify it")
    func otherSecret() async throws {
        let (service, cookie) = try await Self.service("luna")
        #expect(cookie != Self.cookie)
        #expect(try await !Self.opens(Self.cookie, service))
    }

    @Test(
        "cookie-signature 7–11: no signature, and anything before, behind or in place of one, is refused",
        arguments: [
            "s%3Ahello", "s%3Ahello.", "s%3AgarbageDGDUkGlIkCzPz%2BC0B064FNgHdEjox7ch8tOBGslZ5QI",
            "s%3Agarbagehello.DGDUkGlIkCzPz%2BC0B064FNgHdEjox7ch8tOBGslZ5QI",
            "s%3Agarbage.hello.DGDUkGlIkCzPz%2BC0B064FNgHdEjox7ch8tOBGslZ5QI",
            "s%3Ahello.DGDUkGlIkCzPz%2BC0B064FNgHdEjox7ch8tOBGslZ5QI.garbage",
            "s%3Ahello.DGDUkGlIkCzPz%2BC0B064FNgHdEjox7ch8tOBGslZ5QIgarbage",
        ]
    )
    func malformed(value: String) async throws {
        let (service, _) = try await Self.service()
        #expect(try await !Self.opens(value, service))
    }
}
