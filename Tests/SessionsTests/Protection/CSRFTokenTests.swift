import SessionsTesting
import Testing

@testable import Sessions

/// What stands behind a token.
@Suite("CSRF tokens")
struct CSRFTokenTests {
    /// Every run of `count` elements in these texts.
    private static func runs<Text: Collection>(of count: Int, in texts: [Text]) -> [[Text.Element]] {
        texts.flatMap { text -> [[Text.Element]] in
            let elements = Array(text)
            return (0...(elements.count - count)).map { Array(elements[$0..<($0 + count)]) }
        }
    }

    private static func secret(behind token: String) throws -> [UInt8] {
        let bytes = try #require(Base64URL.decode(token.utf8))
        return zip(bytes[..<32], bytes[32...]).map { $0 ^ $1 }
    }

    /// A token of this secret, as anybody who knows it can make one.
    private static func token(of secret: Bytes32) -> String {
        Base64URL.encode([UInt8](repeating: 0, count: 32) + secret.withUnsafeBytes { Array($0) })
    }

    /// A compressor makes a page smaller by what it repeats. Where nothing of a token stands anywhere else, a guess beside it
    /// makes the page no smaller for being right (BREACH). By chance two runs are the same once in ten million times.
    @Test("CS-06: no two tokens of a session have a run in common, no two places of one, and none with the secret")
    func compression() async throws {
        let fixture = try SessionFixture()
        var tokens: [String] = []
        for _ in 0..<4 {
            tokens += try await fixture.browser.visit(fixture.sessions) { session in
                (0..<25).map { _ in session.csrfToken }
            }
        }
        let texts = Self.runs(of: 8, in: tokens.map(\.utf8))
        #expect(texts.count == 100 * 79)
        #expect(Set(texts).count == texts.count)

        let secret = try Self.secret(behind: tokens[0])
        #expect(try tokens.allSatisfy { try Self.secret(behind: $0) == secret })
        let bytes = Self.runs(of: 6, in: try tokens.map { try #require(Base64URL.decode($0.utf8)) })
        #expect(Set(bytes).isDisjoint(with: Self.runs(of: 6, in: [secret])))

        // What this finds if the secret itself stood in the pages.
        let bare = Self.token(of: secret.withUnsafeBytes { Bytes32(copying: $0) })
        #expect(try Self.secret(behind: bare) == secret)
        let repeated = Self.runs(of: 8, in: [bare.utf8, bare.utf8])
        #expect(Set(repeated).count < repeated.count)
    }

    @Test("CS-09: plain HTTP has a cookie name of its own, and so secrets of its own for the same session")
    func realms() async throws {
        let keys = try KeyRing([SessionSecret.generate()])
        let secure = try SessionFixture(keys: keys)
        let plain = try SessionFixture(keys: keys) { $0.cookie = .plainHTTPForDevelopment() }
        for (own, other) in [(secure, plain), (plain, secure)] {
            let foreign = try await other.browser.visit(other.sessions) { $0.csrfToken }
            let token = try await own.browser.visit(own.sessions) { $0.csrfToken }
            try await own.browser.visit(own.sessions) { session in
                #expect(session.acceptsCSRFToken(token))
                #expect(!session.acceptsCSRFToken(foreign))
                // What the other realm would derive, had it a session of the same handle and nonce.
                let (handle, nonce) = session.exchange.withState { state in
                    (state.presentHandle(own.sessions.format), state.base?.content.csrfNonce)
                }
                for (fixture, isAccepted) in [(own, true), (other, false)] {
                    let secret = fixture.sessions.codec.csrfSecret(
                        handle: try #require(handle),
                        nonce: try #require(nonce)
                    )
                    #expect(session.acceptsCSRFToken(Self.token(of: secret)) == isAccepted)
                }
            }
        }
    }

    @Test(
        "CS-09: an automatic cookie has one name over both, so a page of plain HTTP holds a token that counts over HTTPS"
    )
    func automatic() async throws {
        let site = try SettingsSite { configuration in
            configuration.cookie = .automatic()
            configuration.proxies = .nobody
        }
        var token: String?
        try await site.visit(over: .plain) { token = $0.csrfToken }
        try await site.visit(over: .encrypted) { session in #expect(session.acceptsCSRFToken(token)) }
        #expect(site.store.count() == 1)
    }
}
