import Crypto

/// What nodes call a record when they tell each other that it has changed: a one-way digest of its key.
///
/// Whoever listens on the way learns no key from it. On PostgreSQL that is every role of the database, and in other
/// formats than the native one a key may be what the client's cookie carries (checklist LG-01).
public struct KeyDigest: Sendable, Hashable, LosslessStringConvertible {
    private static let label = Array("swift-sessions 1 invalidation".utf8)

    private let bytes: Bytes16

    /// The digest of `key`: the first sixteen bytes of SHA-256 over a label and the key's text.
    public init(_ key: StoreKey) {
        var hasher = SHA256()
        Self.label.withUnsafeBytes { hasher.update(bufferPointer: $0) }
        var text = key.text
        text.withUTF8 { hasher.update(bufferPointer: UnsafeRawBufferPointer($0)) }
        bytes = hasher.finalize().withUnsafeBytes { Bytes16(copying: UnsafeRawBufferPointer(rebasing: $0[..<16])) }
    }

    /// The digest written as `text`: 22 characters of base64url, the canonical spelling; `nil` for anything else.
    public init?(_ text: String) {
        self.init(text.utf8)
    }

    package init?(_ text: some Collection<UInt8>) {
        guard let bytes = Bytes16(base64URL: text) else { return nil }
        self.bytes = bytes
    }

    /// The digest as 22 characters of base64url.
    public var description: String { bytes.base64URL }
}
