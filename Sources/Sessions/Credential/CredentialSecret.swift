import Crypto

/// The secret part of a credential: 256 bits that only the client keeps.
package struct CredentialSecret: Sendable, Equatable, Redacted {
    private let bytes: Bytes32

    package init(_ bytes: Bytes32) {
        self.bytes = bytes
    }

    /// A secret from the system's random number generator.
    ///
    /// There is no way to bring another generator (ID-01).
    package static func random() -> CredentialSecret {
        CredentialSecret(.random())
    }

    /// What the record keeps of the secret.
    ///
    /// A plain hash is enough: nobody can guess 256 random bits.
    package var hash: SecretHash {
        withUnsafeBytes { bytes in
            var hasher = SHA256()
            hasher.update(bufferPointer: bytes)
            return SecretHash(Bytes32(hasher.finalize()))
        }
    }

    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try bytes.withUnsafeBytes(body)
    }
}
