import Crypto

/// Seals bytes so that nobody without the key ring can read or change them, nor use them elsewhere.
///
/// AES-256-GCM under a key derived for each message from 32 random bytes (HKDF-SHA-256), so that random nonces are safe
/// for as long as a secret lives (NIST SP 800-38D section 8.3, checklist CR-04). The version, the key id, the realm and
/// the caller's context are authenticated with the content (CR-06): a record that is copied to another handle does not
/// open there.
///
/// | bytes | |
/// |---|---|
/// | 1 | version, always 1 |
/// | 3 | key id |
/// | 32 | salt |
/// | 12 | nonce |
/// | n | ciphertext |
/// | 16 | tag |
struct Sealer: Sendable {
    private let ring: KeyRing
    private let realm: [UInt8]

    private static let headerCount = 4
    private static let saltCount = 32
    private static let nonceCount = 12
    private static let tagCount = 16
    /// What a seal adds to the content.
    static let overhead = headerCount + saltCount + nonceCount + tagCount

    init(keys ring: KeyRing, realm: Realm) {
        self.ring = ring
        self.realm = realm.bytes
    }

    /// Seals `content` for `context`, under the first key.
    func seal(_ content: [UInt8], context: [UInt8]) throws -> [UInt8] {
        let key = ring.keys[0]
        let header = [1] + key.idBytes
        let salt = Bytes32.random().array
        let box = try AES.GCM.seal(
            content,
            using: messageKey(key, salt),
            authenticating: authenticated(header, context)
        )
        return header + salt + Array(box.nonce) + box.ciphertext + box.tag
    }

    /// The content of `sealed`; `nil` if it was not sealed for `context` by a key of the ring. Every failure looks alike,
    /// and at most one message is decrypted, whatever the number of keys.
    func open(_ sealed: [UInt8], context: [UInt8]) -> [UInt8]? {
        guard sealed.count >= Self.overhead, sealed[0] == 1 else { return nil }
        let header = Array(sealed[..<Self.headerCount])
        guard let key = ring.keys.first(where: { $0.idBytes.elementsEqual(header[1...]) }) else { return nil }
        let salt = Array(sealed[Self.headerCount..<Self.headerCount + Self.saltCount])
        let nonceStart = Self.headerCount + Self.saltCount
        let contentStart = nonceStart + Self.nonceCount
        let tagStart = sealed.count - Self.tagCount
        guard let nonce = try? AES.GCM.Nonce(data: sealed[nonceStart..<contentStart]),
            let box = try? AES.GCM.SealedBox(
                nonce: nonce,
                ciphertext: sealed[contentStart..<tagStart],
                tag: sealed[tagStart...]
            ),
            let content = try? AES.GCM.open(
                box,
                using: messageKey(key, salt),
                authenticating: authenticated(header, context)
            )
        else { return nil }
        return Array(content)
    }

    private func messageKey(_ key: RingKey, _ salt: [UInt8]) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: key.key(for: .seal),
            salt: salt,
            info: Array("swift-sessions/1 message".utf8),
            outputByteCount: 32
        )
    }

    private func authenticated(_ header: [UInt8], _ context: [UInt8]) -> [UInt8] {
        LengthPrefixed.join([header, Array("record".utf8), realm, context])
    }
}
