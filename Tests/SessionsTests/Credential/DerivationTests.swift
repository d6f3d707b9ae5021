import Crypto
import Sessions
import Testing

/// What is derived from a credential, a handle or a nonce.
@Suite("Derivation")
struct DerivationTests {
    private typealias Vectors = CredentialVectors

    @Test("Successors are derived under every key, in the order of the ring, as the format says")
    func successors() throws {
        let derived = try Vectors.codec(Vectors.two, Vectors.one)
            .successors(of: try Vectors.secret(), nonce: try Vectors.nonce(), handle: Vectors.handle)
        let expected = try [Vectors.two, Vectors.one]
            .map { CredentialSecret(try #require(Bytes32(base64URL: $0.successor.utf8))) }
        #expect(derived == expected)
    }

    @Test("I4: racing requests derive the same successor, and another secret, nonce or handle another one")
    func successorsDiffer() throws {
        let codec = try Vectors.codec(Vectors.one)
        let secret = try Vectors.secret()
        let nonce = try Vectors.nonce()
        let base = codec.successors(of: secret, nonce: nonce, handle: Vectors.handle)
        #expect(base == codec.successors(of: secret, nonce: nonce, handle: Vectors.handle))
        #expect(base != codec.successors(of: .random(), nonce: nonce, handle: Vectors.handle))
        #expect(base != codec.successors(of: secret, nonce: .random(), handle: Vectors.handle))
        #expect(base != codec.successors(of: secret, nonce: nonce, handle: .random()))
        #expect(base != [secret])
    }

    @Test("The CSRF secret is derived under every key, and the first one is what tokens are made with")
    func csrf() throws {
        let codec = try Vectors.codec(Vectors.two, Vectors.one)
        let secrets = codec.csrfSecrets(handle: Vectors.handle, nonce: try Vectors.nonce())
        #expect(secrets.map(\.base64URL) == [Vectors.two.csrf, Vectors.one.csrf])
        #expect(codec.csrfSecret(handle: Vectors.handle, nonce: try Vectors.nonce()) == secrets[0])
        #expect(codec.csrfSecret(handle: Vectors.handle, nonce: .random()) != secrets[0])
        #expect(codec.csrfSecret(handle: .random(), nonce: try Vectors.nonce()) != secrets[0])
    }

    @Test("A log tag is 16 hexadecimal digits under the first key")
    func logTag() throws {
        #expect(try Vectors.codec(Vectors.one, Vectors.two).logTag(Vectors.handle) == Vectors.one.logTag)
        #expect(try Vectors.codec(Vectors.two, Vectors.one).logTag(Vectors.handle) == Vectors.two.logTag)
        #expect(try Vectors.codec(Vectors.one).logTag(.random()) != Vectors.one.logTag)
    }

    @Test("CR-06: everything derived differs between realms")
    func realms() throws {
        let one = try Vectors.codec(Vectors.one)
        let other = try Vectors.codec(Vectors.one, realm: Realm(application: "storefront", cookieName: "__Host-admin"))
        let secret = try Vectors.secret()
        let nonce = try Vectors.nonce()
        let handle = Vectors.handle
        #expect(
            one.successors(of: secret, nonce: nonce, handle: handle)
                != other.successors(of: secret, nonce: nonce, handle: handle)
        )
        #expect(one.csrfSecret(handle: handle, nonce: nonce) != other.csrfSecret(handle: handle, nonce: nonce))
        #expect(one.logTag(handle) != other.logTag(handle))
    }

    @Test("The public identifier follows from the hash one way, and is 22 characters")
    func publicID() throws {
        let hash = try Vectors.secret().hash
        #expect(hash.base64URL == Vectors.secretHashText)
        #expect(hash.publicID == Vectors.publicID)
        #expect(CredentialSecret.random().hash.publicID != Vectors.publicID)
        #expect(!Vectors.one.credential.contains(hash.publicID))
        #expect(!hash.base64URL.contains(hash.publicID))
    }

    @Test("A secret's hash is SHA-256")
    func hash() {
        for _ in 0..<20 {
            let secret = CredentialSecret.random()
            let expected = secret.withUnsafeBytes { Array(SHA256.hash(data: Array($0))) }
            #expect(secret.hash.withUnsafeBytes { Array($0) } == expected)
        }
    }

    @Test("ID-06: secrets and hashes are equal if and only if all 256 bits are")
    func equality() throws {
        let bytes = (0..<32).map { _ in UInt8.random(in: 0...255) }
        let value = bytes.withUnsafeBytes { Bytes32(copying: $0) }
        #expect(value == bytes.withUnsafeBytes { Bytes32(copying: $0) })
        for bit in 0..<256 {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            let other = flipped.withUnsafeBytes { Bytes32(copying: $0) }
            #expect(value != other)
            #expect(SecretHash(value) != SecretHash(other))
            #expect(CredentialSecret(value) != CredentialSecret(other))
        }
    }
}
