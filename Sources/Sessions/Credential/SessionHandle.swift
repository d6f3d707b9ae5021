/// A session's handle: 128 random bits, stable for the session's life.
///
/// List and revoke sessions by it. It authenticates nothing (checklist ID-12), so it may be shown to its owner.
public struct SessionHandle: Sendable, Hashable, LosslessStringConvertible {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The handle written as `text`: 22 characters of base64url, the canonical spelling; `nil` for anything else.
    public init?(_ text: String) {
        guard text.utf8.count == 22, let bytes = Base64URL.decode(text.utf8), bytes.count == 16 else { return nil }
        self.init(bytes: bytes)
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
        var generator = SystemRandomNumberGenerator()
        return SessionHandle(high: generator.next(), low: generator.next())
    }

    /// The sixteen bytes, most significant first.
    package var bytes: [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: high >> (56 - 8 * $0)) }
            + (0..<8).map { UInt8(truncatingIfNeeded: low >> (56 - 8 * $0)) }
    }

    /// The handle as 22 characters of base64url.
    public var description: String { Base64URL.encode(bytes) }
}
