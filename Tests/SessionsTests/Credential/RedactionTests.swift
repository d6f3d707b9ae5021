import Testing

@testable import Sessions

/// I9 and CR-14, for every type here that holds a secret or something made from one.
@Suite("Redaction")
struct RedactionTests {
    private struct Holder {
        let value: Any
        let list: [Any]
    }

    private static func dumped(_ value: some Any) -> String {
        var text = ""
        dump(value, to: &text)
        return text
    }

    private static func everything() throws -> [(value: Any, text: String)] {
        let vector = CredentialVectors.one
        let secret = try SessionSecret(encoded: vector.secret)
        let ring = try KeyRing([secret])
        let codec = CredentialCodec(keys: ring, realm: CredentialVectors.realm)
        let credentialSecret = try CredentialVectors.secret()
        let presented = PresentedCredential(handle: .random(), secret: credentialSecret, isUnderFirstKey: true)
        let csrf = codec.csrfSecret(handle: CredentialVectors.handle, nonce: try CredentialVectors.nonce())
        let sealer = Sealer(keys: ring, realm: CredentialVectors.realm, purpose: .record)
        let opened = try #require(sealer.open(try sealer.seal([1, 2], context: []), context: []))
        let key = try #require(ring.keys.first)
        return [
            (secret, "SessionSecret(redacted)"),
            (ring, "KeyRing(1 key)"),
            (key, "RingKey(redacted)"),
            (PrekeyedHMAC(key: key.credential), "PrekeyedHMAC(redacted)"),
            (codec, "CredentialCodec(redacted)"),
            (credentialSecret, "CredentialSecret(redacted)"),
            (credentialSecret.hash, "SecretHash(redacted)"),
            (presented, "PresentedCredential(redacted)"),
            (csrf, "Bytes32(redacted)"),
            (sealer, "Sealer(redacted)"),
            (opened, "Opened(redacted)"),
        ]
    }

    @Test("I9, CR-14: what holds a secret prints, reflects and dumps as its name alone, by itself and inside others")
    func unspeakable() throws {
        for (value, text) in try Self.everything() {
            #expect("\(value)" == text)
            #expect(String(describing: value) == text)
            #expect(String(reflecting: value) == text)
            #expect(Mirror(reflecting: value).children.isEmpty)
            #expect(Self.dumped(value) == "- \(text)\n")
            let held = Self.dumped(Holder(value: value, list: [Optional(value) as Any]))
            #expect(held.split(separator: "\n").count == 5)
            #expect(held.contains("- value: \(text)"))
        }
    }

    @Test("I9: a parsed credential prints as genuine, and nothing more")
    func parsed() throws {
        let parse = try CredentialVectors.codec(CredentialVectors.one).parse(CredentialVectors.one.credential.utf8)
        for text in ["\(parse)", String(reflecting: parse), Self.dumped(parse)] {
            #expect(text.contains("genuine"))
            #expect(text.contains("PresentedCredential(redacted)"))
            #expect(!text.contains("\(CredentialVectors.handle)"))
        }
    }

    @Test("CR-14: no secret can be encoded by accident, nor be a key of a dictionary")
    func notCodable() throws {
        for (value, text) in try Self.everything() {
            #expect(!(value is any Encodable), "\(text)")
            #expect(!(value is any Hashable), "\(text)")
        }
    }
}
