import Crypto
import Sessions
import Testing

@Suite("Sealer")
struct SealerTests {
    private typealias Vectors = CredentialVectors

    private static let context = Vectors.handle.bytes

    private static func sealer(
        _ keys: CredentialVectors.Key...,
        realm: Realm = CredentialVectors.realm,
        purpose: Sealer.Purpose = .record
    ) throws -> Sealer {
        Sealer(keys: try KeyRing(keys.map { try SessionSecret(encoded: $0.secret) }), realm: realm, purpose: purpose)
    }

    @Test("CR-01: what other code sealed by the format opens", arguments: [Vectors.one, Vectors.two])
    func knownAnswer(key: CredentialVectors.Key) throws {
        let record = try #require(Base64URL.decode(key.sealedRecord.utf8))
        let cookie = try #require(Base64URL.decode(key.sealedCookie.utf8))
        #expect(try Self.sealer(key).open(record, context: Self.context)?.bytes == Vectors.sealedPlaintext)
        #expect(
            try Self.sealer(key, purpose: .cookie).open(cookie, context: Self.context)?.bytes == Vectors.sealedPlaintext
        )
    }

    @Test("Bytes of any length come back, none included", arguments: [0, 1, 15, 16, 17, 300, 4096, 100_000])
    func roundTrip(count: Int) throws {
        let sealer = try Self.sealer(Vectors.one)
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let sealed = try sealer.seal(bytes, context: Self.context)
        #expect(sealed.count == count + Sealer.overhead)
        let opened = try #require(sealer.open(sealed, context: Self.context))
        #expect(opened.bytes == bytes)
        #expect(opened.isUnderFirstKey)
    }

    @Test("CR-02, CR-10: every single flipped bit is refused")
    func bitFlips() throws {
        let sealer = try Self.sealer(Vectors.one, Vectors.two)
        let sealed = try sealer.seal(Vectors.sealedPlaintext, context: Self.context)
        for bit in 0..<sealed.count * 8 {
            var flipped = sealed
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(sealer.open(flipped, context: Self.context) == nil, "bit \(bit)")
        }
    }

    @Test("CR-03: a shortened or lengthened tag or message is refused, at every length")
    func lengths() throws {
        let sealer = try Self.sealer(Vectors.one)
        let sealed = try sealer.seal(Vectors.sealedPlaintext, context: Self.context)
        for count in 0..<sealed.count {
            #expect(sealer.open(Array(sealed.prefix(count)), context: Self.context) == nil)
            #expect(sealer.open(Array(sealed.suffix(count)), context: Self.context) == nil)
        }
        #expect(sealer.open(sealed + [0], context: Self.context) == nil)
        #expect(sealer.open(sealed + sealed, context: Self.context) == nil)
        let tagOnly = Array(sealed.prefix(36)) + Array(sealed.suffix(16))
        #expect(sealer.open(tagOnly, context: Self.context) == nil)
    }

    @Test(
        "CR-02: what is not sealed is not decoded",
        arguments: [
            #"{"user":1}"#, "bplist00", "eyJhbGciOiJub25lIn0.eyJ1c2VyIjoxfQ.", "\u{1}",
            String(repeating: "\u{1}", count: 80),
        ]
    )
    func foreignFormats(text: String) throws {
        #expect(try Self.sealer(Vectors.one).open(Array(text.utf8), context: Self.context) == nil)
    }

    @Test("CR-04: two seals of the same bytes share neither salt nor ciphertext nor tag")
    func freshSalts() throws {
        let sealer = try Self.sealer(Vectors.one)
        // Of each part sixteen bytes: the nonce follows from the salt, so a salt that is new makes a nonce that is.
        let count = Counts.of(20_000, full: 1_000_000)
        var salts: Set<SessionHandle> = []
        var rests: Set<SessionHandle> = []
        for _ in 0..<count {
            let sealed = try sealer.seal(Vectors.sealedPlaintext, context: Self.context)
            for (start, isSalt) in [(4, true), (36, false), (sealed.count - 16, false)] {
                let part = SessionHandle(bytes: Array(sealed[start..<start + 16]))
                if isSalt { salts.insert(part) } else { rests.insert(part) }
            }
        }
        #expect(salts.count == count)
        #expect(rests.count == 2 * count)
    }

    @Test("CR-06: bytes do not open with another context, purpose or realm")
    func binding() throws {
        let sealer = try Self.sealer(Vectors.one)
        let sealed = try sealer.seal(Vectors.sealedPlaintext, context: Self.context)
        #expect(sealer.open(sealed, context: SessionHandle.random().bytes) == nil)
        #expect(sealer.open(sealed, context: []) == nil)
        #expect(sealer.open(sealed, context: Self.context + [0]) == nil)
        #expect(try Self.sealer(Vectors.one, purpose: .cookie).open(sealed, context: Self.context) == nil)
        for realm in [
            Realm(application: "storefront", cookieName: "__Host-Http-admin"),
            Realm(application: "backoffice", cookieName: "__Host-Http-sid"),
            Realm(application: "storefront_", cookieName: "_Host-Http-sid"),
        ] {
            #expect(try Self.sealer(Vectors.one, realm: realm).open(sealed, context: Self.context) == nil)
        }
    }

    @Test("CR-06: realm (ab, c) is not (a, bc), and the end of a realm is not the start of a context")
    func ambiguity() throws {
        let sealed = try Self.sealer(Vectors.one, realm: Realm(application: "ab", cookieName: "c")).seal(
            [1],
            context: [2]
        )
        for (realm, context) in [
            (Realm(application: "a", cookieName: "bc"), [2]),
            (Realm(application: "ab", cookieName: ""), Array("c".utf8) + [2]),
            (Realm(application: "ab", cookieName: "c\u{2}"), []),
        ] as [(Realm, [UInt8])] {
            #expect(try Self.sealer(Vectors.one, realm: realm).open(sealed, context: context) == nil)
        }
    }

    @Test("CR-07: the first key seals, all open, and what an older one sealed says so")
    func rotationOfKeys() throws {
        let old = try Self.sealer(Vectors.one).seal([1, 2, 3], context: Self.context)
        let rotated = try Self.sealer(Vectors.two, Vectors.one)
        #expect(rotated.open(old, context: Self.context)?.bytes == [1, 2, 3])
        #expect(rotated.open(old, context: Self.context)?.isUnderFirstKey == false)
        let new = try rotated.seal([1, 2, 3], context: Self.context)
        #expect(Array(new[1..<4]) == Vectors.two.id)
        #expect(rotated.open(new, context: Self.context)?.isUnderFirstKey == true)
        #expect(try Self.sealer(Vectors.two).open(old, context: Self.context) == nil)
        var swapped = old
        swapped.replaceSubrange(1..<4, with: Vectors.two.id)
        #expect(rotated.open(swapped, context: Self.context) == nil)
    }

    @Test("CR-07: with ten keys, what any of them has sealed opens, and no key is tried but the one it names")
    func tenKeys() throws {
        // Always the same: of ten random ones two have one key id, of three bytes, in three of a million runs.
        let secrets = try (0..<10).map { try SessionSecret(bytes: Array(SHA256.hash(data: [UInt8($0)]))) }
        func sealer(_ secrets: [SessionSecret]) throws -> Sealer {
            Sealer(keys: try KeyRing(secrets), realm: Vectors.realm, purpose: .record)
        }
        let ring = try sealer(secrets)
        let sealed = try secrets.map { try sealer([$0]).seal([1, 2, 3], context: Self.context) }
        for (index, bytes) in sealed.enumerated() {
            let opened = try #require(ring.open(bytes, context: Self.context))
            #expect(opened.bytes == [1, 2, 3])
            #expect(opened.isUnderFirstKey == (index == 0))
            // Its own key would open it under any name, if it were tried: a key authenticates its own id.
            for other in sealed.indices where other != index {
                let renamed = bytes.prefix(1) + sealed[other][1..<4] + bytes.dropFirst(4)
                #expect(ring.open(Array(renamed), context: Self.context) == nil)
            }
        }
    }

    @Test("CR-11: sealed bytes show nothing of what they hold")
    func opaque() throws {
        let sealed = try Self.sealer(Vectors.one).seal(Vectors.sealedPlaintext, context: Self.context)
        // Of eight bytes: one of four is there by chance in one of some million runs.
        for start in 0...(Vectors.sealedPlaintext.count - 8) {
            let piece = Vectors.sealedPlaintext[start..<start + 8]
            #expect(!sealed.indices.contains { sealed[$0...].starts(with: piece) })
        }
    }
}
