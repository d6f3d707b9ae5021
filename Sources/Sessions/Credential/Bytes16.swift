/// Sixteen bytes, inline: what a ``SessionHandle`` and a ``Nonce`` are made of.
package struct Bytes16: Sendable, Hashable {
    /// The first eight bytes, the first of them most significant.
    package let high: UInt64
    /// The last eight bytes.
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The sixteen bytes that `source` holds.
    package init(copying source: UnsafeRawBufferPointer) {
        precondition(source.count == 16)
        high = UInt64(bigEndian: source.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
        low = UInt64(bigEndian: source.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    /// The bytes that `text` spells: 22 characters of base64url, the canonical spelling; `nil` for anything else.
    package init?(base64URL text: some Collection<UInt8>) {
        let decode = { (text: UnsafeRawBufferPointer) -> Bytes16? in
            withUnsafeTemporaryAllocation(byteCount: 16, alignment: 8) { bytes in
                guard Base64URL.decode(text, into: bytes) else { return nil }
                return Bytes16(copying: UnsafeRawBufferPointer(bytes))
            }
        }
        let decoded =
            text.withContiguousStorageIfAvailable { decode(UnsafeRawBufferPointer($0)) }
            ?? Array(text).withUnsafeBytes { decode($0) }
        guard let decoded else { return nil }
        self = decoded
    }

    /// 128 bits from the system's random number generator.
    package static func random() -> Bytes16 {
        var generator = SystemRandomNumberGenerator()
        return Bytes16(high: generator.next(), low: generator.next())
    }

    /// Calls `body` with the bytes in their order.
    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try Swift.withUnsafeBytes(of: (high.bigEndian, low.bigEndian), body)
    }

    /// The bytes as 22 characters of base64url.
    package var base64URL: String { withUnsafeBytes { Base64URL.encode($0) } }
}
