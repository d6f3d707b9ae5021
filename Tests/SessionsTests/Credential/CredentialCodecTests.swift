import Crypto
import Sessions
import Testing

@Suite("CredentialCodec")
struct CredentialCodecTests {
    private typealias Vectors = CredentialVectors

    private static func genuine(_ parse: CredentialParse) -> PresentedCredential? {
        if case .genuine(let credential) = parse { credential } else { nil }
    }

    // MARK: Minting and parsing

    @Test("CR-01: a credential is spelled as its format says", arguments: [Vectors.one, Vectors.two])
    func knownAnswer(key: CredentialVectors.Key) throws {
        let codec = try Vectors.codec(key)
        #expect(codec.mint(handle: Vectors.handle, secret: try Vectors.secret()) == key.credential)
        let parsed = try #require(Self.genuine(codec.parse(key.credential.utf8)))
        #expect(parsed.handle == Vectors.handle)
        #expect(parsed.secret == (try Vectors.secret()))
        #expect(parsed.secret.hash.base64URL == Vectors.secretHashText)
        #expect(parsed.isUnderFirstKey)
    }

    @Test("What is minted is genuine, from any collection of bytes")
    func roundTrip() throws {
        let codec = try Vectors.codec(Vectors.one)
        for _ in 0..<200 {
            let expected = PresentedCredential(handle: .random(), secret: .random(), isUnderFirstKey: true)
            let text = codec.mint(handle: expected.handle, secret: expected.secret)
            let surrounded = Array("sid=\(text);".utf8)
            #expect(codec.parse(text.utf8) == .genuine(expected))
            #expect(codec.parse(surrounded[4..<116]) == .genuine(expected))
            #expect(codec.parse(text.utf8.lazy.map { $0 }) == .genuine(expected))
        }
    }

    @Test("ID-04: every single flipped bit of a genuine credential is refused")
    func bitFlips() throws {
        let codec = try Vectors.codec(Vectors.one, Vectors.two)
        let bytes = try #require(Base64URL.decode(Vectors.one.credential.utf8))
        #expect(bytes.count == 84)
        for bit in 0..<bytes.count * 8 {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            let expected: CredentialParse = bit < 8 ? .malformed : .unverifiable
            #expect(codec.parse(Base64URL.encode(flipped).utf8) == expected, "bit \(bit)")
        }
    }

    @Test("PR-15: every other byte at every place of a genuine credential's text is refused")
    func otherBytes() throws {
        let codec = try Vectors.codec(Vectors.one)
        let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var text = Array(Vectors.one.credential.utf8)
        for place in text.indices {
            let genuine = text[place]
            for byte in UInt8.min...UInt8.max where byte != genuine {
                text[place] = byte
                switch codec.parse(text) {
                case .genuine: Issue.record("byte \(byte) at \(place) was taken")
                case .unverifiable: #expect(alphabet.contains(byte))
                case .malformed: #expect(!alphabet.contains(byte) || place < 2)
                }
            }
            text[place] = genuine
        }
    }

    @Test(
        "PR-12: a text of another length is malformed",
        arguments: [0, 1, 4, 43, 84, 108, 111, 113, 116, 224, 4096, 1_000_000]
    )
    func length(count: Int) throws {
        let codec = try Vectors.codec(Vectors.one)
        let genuine = Array(Vectors.one.credential.utf8)
        #expect(codec.parse([UInt8](repeating: UInt8(ascii: "A"), count: count)) == .malformed)
        #expect(codec.parse(Array((genuine + genuine).prefix(count))) == .malformed)
    }

    @Test(
        "PR-12, PR-15, ID-11: foreign symbols are malformed",
        arguments: [
            "/", ".", "%", ":", "*", "\0", "\r\n", " ", "é", "=", "+", "\u{212A}", "\"", "[object]", "\u{FEFF}",
        ]
    )
    func alphabet(symbol: String) throws {
        let codec = try Vectors.codec(Vectors.one)
        let genuine = Array(Vectors.one.credential.utf8)
        let bytes = Array(symbol.utf8)
        let atEnd = Array(genuine.dropLast(bytes.count)) + bytes
        let atStart = bytes + Array(genuine.dropFirst(bytes.count))
        for text in [atEnd, atStart, genuine + bytes, bytes + genuine] {
            #expect(codec.parse(text) == .malformed)
        }
    }

    @Test("ID-11: an invalid byte is refused as it is, and not read as another one")
    func invalidBytes() throws {
        let codec = try Vectors.codec(Vectors.one)
        for byte: UInt8 in [0x80, 0xC0, 0xFE, 0xFF] {
            var text = Array(Vectors.one.credential.utf8)
            text[60] = byte
            #expect(codec.parse(text) == .malformed)
        }
    }

    @Test("CR-02: any version but 1 is malformed, also one that is signed")
    func version() throws {
        let codec = try Vectors.codec(Vectors.one)
        var bytes = try #require(Base64URL.decode(Vectors.one.credential.utf8))
        for version in UInt8.min...UInt8.max where version != 1 {
            bytes[0] = version
            #expect(codec.parse(Base64URL.encode(bytes).utf8) == .malformed)
        }
    }

    @Test("CR-02: an empty or repeated code is no code")
    func emptyCode() throws {
        let codec = try Vectors.codec(Vectors.one)
        let bytes = try #require(Base64URL.decode(Vectors.one.credential.utf8))
        for filler: UInt8 in [0, 0xFF] {
            let text = Base64URL.encode(bytes.prefix(52) + [UInt8](repeating: filler, count: 32))
            #expect(codec.parse(text.utf8) == .unverifiable)
        }
    }

    // MARK: Keys

    @Test("CR-07: the first key signs, all verify, and a credential under an older one says so")
    func rotationOfKeys() throws {
        let secret = try Vectors.secret()
        let rotated = try Vectors.codec(Vectors.two, Vectors.one)
        #expect(rotated.mint(handle: Vectors.handle, secret: secret) == Vectors.two.credential)
        #expect(Self.genuine(rotated.parse(Vectors.two.credential.utf8))?.isUnderFirstKey == true)
        let old = try #require(Self.genuine(rotated.parse(Vectors.one.credential.utf8)))
        #expect(!old.isUnderFirstKey)
        #expect(old.handle == Vectors.handle)
        #expect(old.secret == secret)
        let dropped = try Vectors.codec(Vectors.two)
        #expect(dropped.parse(Vectors.one.credential.utf8) == .unverifiable)
    }

    @Test("CR-07: the key id decides which key verifies, and is authenticated itself")
    func keyID() throws {
        let codec = try Vectors.codec(Vectors.one, Vectors.two)
        var bytes = try #require(Base64URL.decode(Vectors.one.credential.utf8))
        bytes.replaceSubrange(1..<4, with: Vectors.two.id)
        #expect(codec.parse(Base64URL.encode(bytes).utf8) == .unverifiable)
        bytes.replaceSubrange(1..<4, with: [0, 0, 0])
        #expect(codec.parse(Base64URL.encode(bytes).utf8) == .unverifiable)
    }

    @Test("CR-07: with ten keys, a credential under any of them is genuine")
    func tenKeys() throws {
        // Always the same: of ten random ones two have one key id, of three bytes, in three of a million runs.
        let secrets = try (0..<10).map { try SessionSecret(bytes: Array(SHA256.hash(data: [UInt8($0)]))) }
        let codec = CredentialCodec(keys: try KeyRing(secrets), realm: Vectors.realm)
        for (index, secret) in secrets.enumerated() {
            let single = CredentialCodec(keys: try KeyRing([secret]), realm: Vectors.realm)
            let text = single.mint(handle: Vectors.handle, secret: try Vectors.secret())
            #expect(Self.genuine(codec.parse(text.utf8))?.isUnderFirstKey == (index == 0))
        }
    }

    @Test("A credential under another application's secret is unverifiable")
    func strangeKey() throws {
        let stranger = CredentialCodec(keys: .ephemeral(), realm: Vectors.realm)
        let text = stranger.mint(handle: .random(), secret: .random())
        #expect(try Vectors.codec(Vectors.one).parse(text.utf8) == .unverifiable)
    }

    // MARK: Realms

    @Test(
        "ID-09, CR-06: a credential of another realm under the same key is unverifiable",
        arguments: [
            Realm(application: "storefront", cookieName: "__Host-Http-admin"),
            Realm(application: "backoffice", cookieName: "__Host-Http-sid"),
            Realm(application: "storefront_", cookieName: "_Host-Http-sid"),
            Realm(application: "storefron", cookieName: "t__Host-Http-sid"),
            Realm(application: "__Host-Http-sid", cookieName: "storefront"),
            Realm(application: "", cookieName: ""),
        ]
    )
    func otherRealm(realm: Realm) throws {
        let codec = try Vectors.codec(Vectors.one)
        let other = try Vectors.codec(Vectors.one, realm: realm)
        let text = other.mint(handle: Vectors.handle, secret: try Vectors.secret())
        #expect(Self.genuine(other.parse(text.utf8)) != nil)
        #expect(codec.parse(text.utf8) == .unverifiable)
        #expect(other.parse(Vectors.one.credential.utf8) == .unverifiable)
    }
}
