/// A session's handle: 128 random bits, stable for the session's life.
///
/// List and revoke sessions by it. It authenticates nothing (checklist ID-12), so it may be shown to its owner.
public struct SessionHandle: Sendable, Hashable, LosslessStringConvertible {
    private let storage: Bytes16

    package var high: UInt64 { storage.high }
    package var low: UInt64 { storage.low }

    package init(high: UInt64, low: UInt64) {
        storage = Bytes16(high: high, low: low)
    }

    package init(_ bytes: Bytes16) {
        storage = bytes
    }

    /// The handle written as `text`: 22 characters of base64url, the canonical spelling; `nil` for anything else.
    public init?(_ text: String) {
        guard let bytes = Bytes16(base64URL: text.utf8) else { return nil }
        storage = bytes
    }

    /// The handle with these sixteen bytes.
    package init(bytes: some Sequence<UInt8>) {
        var high: UInt64 = 0
        var low: UInt64 = 0
        for (index, byte) in bytes.enumerated() {
            if index < 8 { high = high << 8 | UInt64(byte) } else { low = low << 8 | UInt64(byte) }
        }
        self.init(high: high, low: low)
    }

    /// A handle that no other session has, from the system's random number generator.
    package static func random() -> SessionHandle {
        SessionHandle(.random())
    }

    /// Calls `body` with the sixteen bytes, most significant first.
    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try storage.withUnsafeBytes(body)
    }

    /// The sixteen bytes, most significant first.
    package var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

    /// The handle as 22 characters of base64url.
    public var description: String { storage.base64URL }
}
