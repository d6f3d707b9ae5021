import Crypto

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Thirty-two bytes that must not be seen, inline: a secret, the hash of one, an authentication code.
package struct Bytes32: Sendable, Redacted {
    /// The bytes as they lie in memory, on machines of either byte order.
    private let words: (UInt64, UInt64, UInt64, UInt64)

    private init(words: (UInt64, UInt64, UInt64, UInt64)) {
        self.words = words
    }

    /// The thirty-two bytes that `source` holds.
    package init(copying source: UnsafeRawBufferPointer) {
        precondition(source.count == 32)
        words = (
            source.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
            source.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
            source.loadUnaligned(fromByteOffset: 16, as: UInt64.self),
            source.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
        )
    }

    init(_ digest: SHA256.Digest) {
        self = digest.withUnsafeBytes { Bytes32(copying: $0) }
    }

    /// The bytes that `text` spells: 43 characters of base64url, the canonical spelling; `nil` for anything else.
    package init?(base64URL text: some Collection<UInt8>) {
        let decode = { (text: UnsafeRawBufferPointer) -> Bytes32? in
            withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { bytes in
                guard Base64URL.decode(text, into: bytes) else { return nil }
                return Bytes32(copying: UnsafeRawBufferPointer(bytes))
            }
        }
        let decoded =
            text.withContiguousStorageIfAvailable { decode(UnsafeRawBufferPointer($0)) }
            ?? Array(text).withUnsafeBytes { decode($0) }
        guard let decoded else { return nil }
        self = decoded
    }

    /// 256 bits from the system's random number generator.
    package static func random() -> Bytes32 {
        var generator = SystemRandomNumberGenerator()
        return Bytes32(words: (generator.next(), generator.next(), generator.next(), generator.next()))
    }

    /// Calls `body` with the bytes in their order.
    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try Swift.withUnsafeBytes(of: words, body)
    }

    /// The bytes as 43 characters of base64url.
    package var base64URL: String { withUnsafeBytes { Base64URL.encode($0) } }
}

extension Bytes32: Equatable {
    /// Takes the same time wherever the two differ (checklist ID-06): all differences first, one decision after.
    package static func == (lhs: Bytes32, rhs: Bytes32) -> Bool {
        let first = (lhs.words.0 ^ rhs.words.0) | (lhs.words.1 ^ rhs.words.1)
        let second = (lhs.words.2 ^ rhs.words.2) | (lhs.words.3 ^ rhs.words.3)
        return first | second == 0
    }
}
