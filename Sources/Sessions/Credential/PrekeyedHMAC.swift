import Crypto

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// HMAC-SHA-256 (RFC 2104) that has absorbed its key, ready to be copied for each use.
///
/// It is put together here from two of the library's hashers because the library's own `HMAC` takes its input as
/// `DataProtocol` only, and that costs half as much again as the hashing, on the path of every request. Tests hold it
/// against the library's and against RFC 4231.
struct PrekeyedHMAC: Sendable, Redacted {
    private var inner: SHA256
    private var outer: SHA256

    /// Creates the code of nothing under `key`, of at most 64 bytes; every derived key has 32.
    init(key: SymmetricKey) {
        precondition(key.bitCount <= SHA256.blockByteCount * 8)
        func keyed(_ mask: UInt8) -> SHA256 {
            var block = [UInt8](repeating: mask, count: SHA256.blockByteCount)
            key.withUnsafeBytes { for (index, byte) in $0.enumerated() { block[index] ^= byte } }
            var hasher = SHA256()
            block.withUnsafeBytes { hasher.update(bufferPointer: $0) }
            return hasher
        }
        inner = keyed(0x36)
        outer = keyed(0x5C)
    }

    /// Absorbs bytes.
    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        inner.update(bufferPointer: bytes)
    }

    /// The code of what has been absorbed, followed by what `absorb` adds.
    ///
    /// This value stays as it is.
    func code(_ absorb: (inout PrekeyedHMAC) -> Void) -> Bytes32 {
        var copy = self
        absorb(&copy)
        copy.inner.finalize().withUnsafeBytes { copy.outer.update(bufferPointer: $0) }
        return Bytes32(copy.outer.finalize())
    }

    /// The first two blocks of the expansion of HKDF-SHA-256 (RFC 5869 section 2.3) under this key, which must be
    /// uniform.
    func expanded(_ info: [UInt8]) -> (Bytes32, Bytes32) {
        info.withUnsafeBytes { info in
            let first = code { keyed in
                keyed.update(info)
                withUnsafeBytes(of: 1 as UInt8) { keyed.update($0) }
            }
            let second = code { keyed in
                first.withUnsafeBytes { keyed.update($0) }
                keyed.update(info)
                withUnsafeBytes(of: 2 as UInt8) { keyed.update($0) }
            }
            return (first, second)
        }
    }
}
