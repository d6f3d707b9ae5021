/// Base64url without padding (RFC 4648 section 5), in its canonical spelling only.
///
/// Foundation's decoder takes several spellings for one value: non-zero trailing bits and optional padding. A
/// credential with several spellings defeats every limit or cache that goes by its text (checklist PR-15), so this
/// decoder takes one.
package enum Base64URL {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 0xFF, count: 256)
        for (value, symbol) in alphabet.enumerated() { table[Int(symbol)] = UInt8(value) }
        return table
    }()

    /// The bytes as base64url text.
    package static func encode(_ bytes: some Collection<UInt8>) -> String {
        String(unsafeUninitializedCapacity: (bytes.count * 4 + 2) / 3) { output in
            var length = 0
            var buffer: UInt32 = 0
            var bits = 0
            for byte in bytes {
                buffer = buffer << 8 | UInt32(byte)
                bits += 8
                while bits >= 6 {
                    bits -= 6
                    output[length] = alphabet[Int(buffer >> UInt32(bits) & 63)]
                    length += 1
                }
            }
            if bits > 0 {
                output[length] = alphabet[Int(buffer << UInt32(6 - bits) & 63)]
                length += 1
            }
            return length
        }
    }

    /// The bytes that `text` spells; `nil` if it is not their canonical spelling.
    package static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count * 3 / 4)
        var buffer: UInt32 = 0
        var bits = 0
        for symbol in text {
            let value = values[Int(symbol)]
            guard value != 0xFF else { return nil }
            buffer = buffer << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: buffer >> UInt32(bits)))
            }
        }
        guard buffer & (1 << UInt32(bits) - 1) == 0 else { return nil }
        return bytes
    }

    /// Decodes `text` into `output`, whose size says how long the text must be; `false` if `text` is not the canonical
    /// spelling of that many bytes.
    package static func decode(_ text: [UInt8], into output: UnsafeMutableRawBufferPointer) -> Bool {
        guard text.count == (output.count * 4 + 2) / 3 else { return false }
        return values.withUnsafeBufferPointer { values in
            var buffer: UInt32 = 0
            var bits = 0
            var length = 0
            for symbol in text {
                let value = values[Int(symbol)]
                guard value != 0xFF else { return false }
                buffer = buffer << 6 | UInt32(value)
                bits += 6
                if bits >= 8 {
                    bits -= 8
                    output[length] = UInt8(truncatingIfNeeded: buffer >> UInt32(bits))
                    length += 1
                }
            }
            return buffer & (1 << UInt32(bits) - 1) == 0
        }
    }
}
