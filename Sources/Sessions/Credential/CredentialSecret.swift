import Crypto

/// The secret half of a credential: 256 random bits that only the client keeps.
///
/// It is never stored, logged or printed; a record holds its ``hash``.
struct CredentialSecret: Sendable, CustomStringConvertible, CustomReflectable {
    let bytes: Bytes32

    /// A fresh secret.
    static func random() -> CredentialSecret {
        CredentialSecret(bytes: .random())
    }

    /// SHA-256 of the secret. Good enough without a key or a salt, as the secret has 256 bits of its own (checklist ID-04).
    var hash: SecretHash {
        bytes.withBytes { SecretHash(SHA256.hash(data: $0)) }
    }

    var description: String { "credential secret" }
    var customMirror: Mirror { Mirror(self, children: []) }
}

/// The hash of a credential's secret, as a record keeps it. It authenticates nothing.
struct SecretHash: Sendable, Equatable {
    let bytes: Bytes32

    init(_ digest: SHA256.Digest) {
        // A SHA-256 digest is 32 bytes by its type; were it not, the hash would match nothing.
        bytes = digest.withUnsafeBytes { Bytes32($0) } ?? .random()
    }

    /// The hash written as `text`: 43 characters of base64url; `nil` for anything else.
    init?(text: some Collection<UInt8>) {
        guard text.count == 43, let decoded = Base64URL.decode(text), let bytes = Bytes32(decoded) else { return nil }
        self.bytes = bytes
    }

    /// The hash as 43 characters of base64url.
    var text: String { bytes.withBytes { Base64URL.encode($0) } }

    /// Compares in constant time (checklist ID-06).
    static func == (lhs: SecretHash, rhs: SecretHash) -> Bool { Bytes32.areEqual(lhs.bytes, rhs.bytes) }
}
