/// Base64url without padding (RFC 4648 section 5), in its canonical spelling only.
///
/// Foundation's decoder takes several spellings for one value: non-zero trailing bits and optional padding. A
/// credential with several spellings defeats every limit or cache that goes by its text (checklist PR-15), so this
/// decoder takes one.
package enum Base64URL {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// The value of each byte as a symbol; `0xFF` for a byte that is none.
    ///
    /// A value has its two high bits clear, so one
    /// look at the union of all values tells whether any symbol was foreign.
    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 0xFF, count: 256)
        for (value, symbol) in alphabet.enumerated() { table[Int(symbol)] = UInt8(value) }
        return table
    }()

    /// The number of symbols that spell `byteCount` bytes.
    package static func encodedCount(_ byteCount: Int) -> Int { (byteCount * 4 + 2) / 3 }

    /// The bytes as base64url text.
    package static func encode(_ bytes: some Collection<UInt8>) -> String {
        bytes.withContiguousStorageIfAvailable { encode(UnsafeRawBufferPointer($0)) }
            ?? Array(bytes).withUnsafeBytes { encode($0) }
    }

    /// The bytes as base64url text.
    package static func encode(_ bytes: UnsafeRawBufferPointer) -> String {
        String(unsafeUninitializedCapacity: encodedCount(bytes.count)) { encode(bytes, into: $0) }
    }

    /// Appends the bytes as base64url text.
    package static func append(_ bytes: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: encodedCount(bytes.count)) { text in
            _ = encode(bytes, into: text)
            output.append(contentsOf: text)
        }
    }

    private static func encode(_ bytes: UnsafeRawBufferPointer, into output: UnsafeMutableBufferPointer<UInt8>) -> Int {
        alphabet.withUnsafeBufferPointer { alphabet in
            var length = 0
            func put(_ value: UInt32) {
                output[length] = alphabet[Int(value & 63)]
                length += 1
            }
            var index = 0
            while index + 3 <= bytes.count {
                let group = UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2])
                put(group >> 18)
                put(group >> 12)
                put(group >> 6)
                put(group)
                index += 3
            }
            switch bytes.count - index {
            case 1:
                let group = UInt32(bytes[index])
                put(group >> 2)
                put(group << 4)
            case 2:
                let group = UInt32(bytes[index]) << 8 | UInt32(bytes[index + 1])
                put(group >> 10)
                put(group >> 4)
                put(group << 2)
            default: break
            }
            return length
        }
    }

    /// The bytes that `text` spells; `nil` if it is not their canonical spelling.
    package static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        let decode = { (text: UnsafeRawBufferPointer) -> [UInt8]? in
            var isCanonical = false
            let bytes = [UInt8](unsafeUninitializedCapacity: text.count * 3 / 4) { output, count in
                count = text.count * 3 / 4
                let target = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(output)[..<count])
                target.initializeMemory(as: UInt8.self, repeating: 0)
                isCanonical = self.decode(text, into: target)
            }
            return isCanonical ? bytes : nil
        }
        return text.withContiguousStorageIfAvailable { decode(UnsafeRawBufferPointer($0)) }
            ?? Array(text).withUnsafeBytes { decode($0) }
    }

    /// Writes the bytes that `text` spells.
    ///
    /// - Returns: `false` if `text` is not the canonical spelling of exactly as many bytes as `output` has room for.
    ///   `output` then holds nothing of use.
    package static func decode(_ text: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Bool {
        guard text.count % 4 != 1, text.count * 3 / 4 == output.count else { return false }
        return values.withUnsafeBufferPointer { values in
            var seen: UInt8 = 0
            func value(_ index: Int) -> UInt32 {
                let value = values[Int(text[index])]
                seen |= value
                return UInt32(value)
            }
            var source = 0
            var target = 0
            while source + 4 <= text.count {
                let high = value(source) << 18 | value(source + 1) << 12
                let group = high | value(source + 2) << 6 | value(source + 3)
                output[target] = UInt8(truncatingIfNeeded: group >> 16)
                output[target + 1] = UInt8(truncatingIfNeeded: group >> 8)
                output[target + 2] = UInt8(truncatingIfNeeded: group)
                source += 4
                target += 3
            }
            var trailing: UInt32 = 0
            switch text.count - source {
            case 2:
                let group = value(source) << 6 | value(source + 1)
                output[target] = UInt8(truncatingIfNeeded: group >> 4)
                trailing = group & 0xF
            case 3:
                let group = value(source) << 12 | value(source + 1) << 6 | value(source + 2)
                output[target] = UInt8(truncatingIfNeeded: group >> 10)
                output[target + 1] = UInt8(truncatingIfNeeded: group >> 2)
                trailing = group & 0x3
            default: break
            }
            return seen & 0xC0 == 0 && trailing == 0
        }
    }
}
