import Crypto

/// SHA-256 of a ``CredentialSecret``: what a record keeps of it.
///
/// It does not authenticate, but it is compared in constant time and not printed: it would tell a reader of logs which
/// record belongs to a stolen credential.
package struct SecretHash: Sendable, Equatable, Redacted {
    private static let publicIDLabel = Array("swift-sessions 1 session id".utf8)

    private let bytes: Bytes32

    package init(_ bytes: Bytes32) {
        self.bytes = bytes
    }

    /// The hash written as `text`: 43 characters of base64url, the canonical spelling; `nil` for anything else.
    package init?(base64URL text: some Collection<UInt8>) {
        guard let bytes = Bytes32(base64URL: text) else { return nil }
        self.bytes = bytes
    }

    /// The hash as 43 characters of base64url: what a record's payload holds.
    package var base64URL: String { bytes.base64URL }

    /// The public identifier of the credential, `session.id`: 22 characters of base64url.
    ///
    /// It follows from the hash one way, so showing it gives away neither the secret nor the hash.
    package var publicID: String {
        var hasher = SHA256()
        Self.publicIDLabel.withUnsafeBytes { hasher.update(bufferPointer: $0) }
        bytes.withUnsafeBytes { hasher.update(bufferPointer: $0) }
        return hasher.finalize().withUnsafeBytes { Base64URL.encode(UnsafeRawBufferPointer(rebasing: $0[..<16])) }
    }

    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try bytes.withUnsafeBytes(body)
    }
}
