/// Bytes and numbers as hexadecimal digits, lower-case ones where it writes them.
package enum Hexadecimal {
    /// The digit of a value below 16.
    package static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    /// The value of a digit of either case; `nil` for another byte.
    package static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    // MARK: Bytes

    /// Two digits for each byte.
    package static func encode(_ bytes: some Collection<UInt8>) -> String {
        String(unsafeUninitializedCapacity: bytes.count * 2) { buffer in
            var index = 0
            for byte in bytes {
                buffer[index] = digit(byte >> 4)
                buffer[index + 1] = digit(byte & 15)
                index += 2
            }
            return index
        }
    }

    /// The bytes that `digits` are, two for each; `nil` if they are none.
    ///
    /// - Parameter isCanonical: Whether only what ``encode(_:)`` writes is taken, so that bytes have one spelling.
    package static func bytes(_ digits: some Collection<UInt8>, isCanonical: Bool = false) -> [UInt8]? {
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        var rest = digits.makeIterator()
        while let first = rest.next(), let second = rest.next() {
            guard let high = value(first), let low = value(second) else { return nil }
            if isCanonical, digit(high) != first || digit(low) != second { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    // MARK: Numbers

    /// Sixteen digits, in whose order the numbers are.
    static func encode(_ number: UInt64) -> String {
        encode((0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * UInt64($0))) })
    }

    /// Appends sixteen digits: JSON's numbers are exact to 53 bits only.
    static func append(_ number: UInt64, to output: inout [UInt8]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16) { digits in
            var rest = number
            for index in digits.indices.reversed() {
                digits[index] = digit(UInt8(truncatingIfNeeded: rest & 15))
                rest >>= 4
            }
            output.append(contentsOf: digits)
        }
    }

    /// The number that sixteen lower-case digits are.
    static func number(_ digits: some Collection<UInt8>) -> UInt64? {
        guard digits.count == 16 else { return nil }
        var number: UInt64 = 0
        for digit in digits {
            guard let value = value(digit), !(UInt8(ascii: "A")...UInt8(ascii: "F")).contains(digit) else { return nil }
            number = number << 4 | UInt64(value)
        }
        return number
    }
}
