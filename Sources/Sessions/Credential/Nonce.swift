/// 128 random bits kept in a record, that a secret is derived from together with a key.
///
/// A new nonce makes everything derived from the old one void: a session's CSRF secret at login, a successor at the
/// next rotation. It is worth nothing without the key.
package struct Nonce: Sendable, Hashable {
    private let storage: Bytes16

    package init(_ bytes: Bytes16) {
        storage = bytes
    }

    /// The nonce written as `text`: 22 characters of base64url, the canonical spelling; `nil` for anything else.
    package init?(base64URL text: some Collection<UInt8>) {
        guard let bytes = Bytes16(base64URL: text) else { return nil }
        storage = bytes
    }

    /// A nonce from the system's random number generator.
    package static func random() -> Nonce { Nonce(.random()) }

    /// Calls `body` with the sixteen bytes.
    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try storage.withUnsafeBytes(body)
    }

    /// The nonce as 22 characters of base64url: what a record keeps.
    package var base64URL: String { storage.base64URL }
}
