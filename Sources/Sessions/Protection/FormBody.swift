/// A form as browsers send it (WHATWG URL, "application/x-www-form-urlencoded parsing"), read for one field.
///
/// It works on bytes, in one pass, and decodes nothing but what it looks for.
enum FormBody {
    /// The values of the fields called `name`, in their order; at most `limit`.
    static func values(of name: [UInt8], in body: some Collection<UInt8>, limit: Int) -> [[UInt8]] {
        var values: [[UInt8]] = []
        var rest = body[...]
        while !rest.isEmpty, values.count < limit {
            let end = rest.firstIndex(of: UInt8(ascii: "&")) ?? rest.endIndex
            let pair = rest[..<end]
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            if isName(pair[..<equals], name) { values.append(decoded(pair[equals...].dropFirst())) }
            rest = rest[end...].dropFirst()
        }
        return values
    }

    /// Whether `text` spells `name`: at most three bytes for each.
    private static func isName(_ text: some Collection<UInt8>, _ name: [UInt8]) -> Bool {
        guard (name.count...(3 * name.count)).contains(text.count) else { return false }
        return decoded(text) == name
    }

    private static func decoded(_ text: some Collection<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(0x20)
            case UInt8(ascii: "%"):
                let digits = rest.prefix(2).compactMap(hexValue)
                if digits.count == 2 {
                    bytes.append(digits[0] << 4 | digits[1])
                    rest = rest.dropFirst(2)
                } else {
                    bytes.append(byte)
                }
            default: bytes.append(byte)
            }
        }
        return bytes
    }

    private static func hexValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x41 + 10
        case 0x61...0x66: digit - 0x61 + 10
        default: nil
        }
    }
}
