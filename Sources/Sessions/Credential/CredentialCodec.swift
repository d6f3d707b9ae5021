import Crypto

/// Writes and authenticates credentials of one realm under one key ring.
///
/// The cookie's value is 84 bytes, which base64url spells in exactly 112 characters:
///
/// | bytes | |
/// |---|---|
/// | 1 | version, always 1 |
/// | 3 | key id |
/// | 16 | handle |
/// | 32 | secret |
/// | 32 | HMAC-SHA-256 over the realm and the 52 bytes before |
///
/// So junk, another application's cookie and another cookie's value are refused before any store is asked.
struct CredentialCodec: Sendable {
    private let keys: [Key]
    private let ring: KeyRing

    private struct Key: Sendable {
        let id: UInt32
        /// Keyed, and with the realm absorbed: a credential costs one copy and one update.
        let authenticator: HMAC<SHA256>
    }

    static let byteCount = 84
    static let textCount = 112
    private static let signedCount = 52

    init(keys ring: KeyRing, realm: Realm) {
        self.ring = ring
        keys = ring.keys.map { key in
            var authenticator = HMAC<SHA256>(key: key.key(for: .credential))
            authenticator.update(data: realm.bytes)
            return Key(id: key.id, authenticator: authenticator)
        }
    }

    /// What a cookie's value turned out to be.
    enum Parsed: Sendable {
        /// Not of the form that this codec writes. Told without any cryptography (checklist PR-12).
        case malformed
        /// Of the form, but no key of the ring has signed it for this realm.
        case unverifiable
        case genuine(Presented)
    }

    /// A genuine credential as a client presents it.
    struct Presented: Sendable {
        let handle: SessionHandle
        let secret: CredentialSecret
        let isUnderFirstKey: Bool
    }

    /// The cookie's value for a session, under the first key.
    func mint(handle: SessionHandle, secret: CredentialSecret) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        bytes.append(1)
        bytes.append(contentsOf: ring.keys[0].idBytes)
        bytes.append(contentsOf: handle.bytes)
        secret.bytes.withBytes { bytes.append(contentsOf: $0) }
        var authenticator = keys[0].authenticator
        authenticator.update(data: bytes)
        bytes.append(contentsOf: authenticator.finalize())
        return Base64URL.encode(bytes)
    }

    /// Authenticates a cookie's value. At most one HMAC is computed, however many keys the ring has.
    func parse(_ text: [UInt8]) -> Parsed {
        guard text.count == Self.textCount else { return .malformed }
        return withUnsafeTemporaryAllocation(byteCount: Self.byteCount, alignment: 8) { buffer in
            guard Base64URL.decode(text, into: buffer), buffer[0] == 1 else { return .malformed }
            let bytes = UnsafeRawBufferPointer(buffer)
            let id = UInt32(bytes[1]) << 16 | UInt32(bytes[2]) << 8 | UInt32(bytes[3])
            guard let index = keys.firstIndex(where: { $0.id == id }) else { return .unverifiable }
            var authenticator = keys[index].authenticator
            authenticator.update(data: UnsafeRawBufferPointer(rebasing: bytes[..<Self.signedCount]))
            let expected = authenticator.finalize().withUnsafeBytes { Bytes32($0) }
            let presented = Bytes32(UnsafeRawBufferPointer(rebasing: bytes[Self.signedCount...]))
            let secret = Bytes32(UnsafeRawBufferPointer(rebasing: bytes[20..<Self.signedCount]))
            guard let expected, let presented, let secret, Bytes32.areEqual(expected, presented) else {
                return .unverifiable
            }
            return .genuine(
                Presented(
                    handle: SessionHandle(bytes: bytes[4..<20]),
                    secret: CredentialSecret(bytes: secret),
                    isUnderFirstKey: index == 0
                )
            )
        }
    }

    /// The secrets that a graceful rotation may have put in the place of `secret`, one for each key of the ring.
    ///
    /// They are derived, not drawn: every request that races with the old cookie arrives at the same successor.
    func successors(of secret: CredentialSecret, nonce: [UInt8], handle: SessionHandle) -> [CredentialSecret] {
        ring.keys.compactMap { key in
            var derivation = HMAC<SHA256>(key: key.key(for: .successor))
            secret.bytes.withBytes { derivation.update(data: $0) }
            derivation.update(data: LengthPrefixed.join([nonce, handle.bytes]))
            return derivation.finalize().withUnsafeBytes { Bytes32($0) }.map(CredentialSecret.init(bytes:))
        }
    }

    /// The public identifier of the credential whose secret has this hash: one-way, 22 characters of base64url.
    func publicID(_ hash: SecretHash) -> String {
        var hasher = SHA256()
        hasher.update(data: Array("swift-sessions/1 public id".utf8))
        hash.bytes.withBytes { hasher.update(data: $0) }
        return Base64URL.encode(Array(hasher.finalize().prefix(16)))
    }

    /// A keyed hash of a handle for logs: 16 hexadecimal digits.
    func logTag(_ handle: SessionHandle) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: handle.bytes, using: ring.keys[0].key(for: .log))
        var digits: [UInt8] = []
        Hexadecimal.append(code.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }, to: &digits)
        return String(decoding: digits, as: UTF8.self)
    }

    /// The secrets behind a session's CSRF tokens, one for each key of the ring; the first makes tokens, all accept them.
    func csrfSecrets(handle: SessionHandle, nonce: UInt64) -> [[UInt8]] {
        var nonceDigits: [UInt8] = []
        Hexadecimal.append(nonce, to: &nonceDigits)
        let message = LengthPrefixed.join([handle.bytes, nonceDigits])
        return ring.keys.map { Array(HMAC<SHA256>.authenticationCode(for: message, using: $0.key(for: .csrf))) }
    }
}
