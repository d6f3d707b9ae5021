/// Writes and reads JSON strings (RFC 8259 section 7).
package enum JSONString {
    /// Appends `text` in quotes, with the escapes that JSON demands and no others.
    package static func append(_ text: String, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                output.append(UInt8(ascii: "\\"))
                output.append(byte)
            case 0x0A: output.append(contentsOf: #"\n"#.utf8)
            case 0x0D: output.append(contentsOf: #"\r"#.utf8)
            case 0x09: output.append(contentsOf: #"\t"#.utf8)
            case 0..<0x20:
                output.append(contentsOf: #"\u00"#.utf8)
                output.append(Hexadecimal.digit(byte >> 4))
                output.append(Hexadecimal.digit(byte & 15))
            default: output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
    }

    /// The text of a string whose bytes between the quotes are `bytes`; `nil` if they are no well-formed text.
    static func text(bytes: UnsafeBufferPointer<UInt8>) -> String? {
        var isPlain = true
        for byte in bytes where byte >= 0x80 || byte == UInt8(ascii: "\\") { isPlain = false }
        // ASCII without escapes, which most strings are, needs no validation.
        if isPlain { return String(decoding: bytes, as: UTF8.self) }
        guard bytes.contains(UInt8(ascii: "\\")) else { return String(validating: bytes, as: UTF8.self) }
        var units: [UInt8] = []
        units.reserveCapacity(bytes.count)
        var rest = bytes.makeIterator()
        while let byte = rest.next() {
            guard byte == UInt8(ascii: "\\") else {
                units.append(byte)
                continue
            }
            guard let scalar = escaped(&rest) else { return nil }
            units.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
        return String(validating: units, as: UTF8.self)
    }

    /// The scalar that the escape after a backslash stands for.
    private static func escaped(_ rest: inout some IteratorProtocol<UInt8>) -> Unicode.Scalar? {
        switch rest.next() {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            guard let unit = hexUnit(&rest) else { return nil }
            guard UTF16.isLeadSurrogate(unit) else { return Unicode.Scalar(unit) }
            guard rest.next() == UInt8(ascii: "\\"), rest.next() == UInt8(ascii: "u"),
                let trail = hexUnit(&rest), UTF16.isTrailSurrogate(trail)
            else { return nil }
            return Unicode.Scalar(0x10000 + (UInt32(unit) - 0xD800) << 10 + (UInt32(trail) - 0xDC00))
        default: return nil
        }
    }

    private static func hexUnit(_ rest: inout some IteratorProtocol<UInt8>) -> UInt16? {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let value = rest.next().flatMap(Hexadecimal.value) else { return nil }
            unit = unit << 4 | UInt16(value)
        }
        return unit
    }
}
