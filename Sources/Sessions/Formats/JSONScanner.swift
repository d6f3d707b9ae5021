/// Finds where the values of a JSON text begin and end, without decoding them (RFC 8259).
///
/// A request pays for the values it reads and no others: the payload is split into byte ranges, and a value is decoded
/// when a handler asks for it. What a handler never asks for is written back byte for byte.
///
/// The scanner checks structure (brackets, strings, commas), in one pass and without recursion. Whether a number or an
/// escape is well formed is left to the decoder of the value.
struct JSONScanner {
    /// Deeper nesting than this is refused; Foundation's decoder refuses it too (checklist ST-03).
    static let maximumDepth = 512

    let bytes: UnsafeBufferPointer<UInt8>
    private(set) var position: Int
    private let end: Int

    init(_ bytes: UnsafeBufferPointer<UInt8>, in range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    /// The next byte that is not white space, which it stays at; `nil` at the end.
    private mutating func peek() -> UInt8? {
        while position < end {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return bytes[position]
            }
        }
        return nil
    }

    /// Steps over `byte` if it comes next.
    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        position += 1
        return true
    }

    /// Whether nothing but white space is left.
    mutating func isAtEnd() -> Bool { peek() == nil }

    /// The range between the quotes of the string that comes next, escapes untouched.
    mutating func string() -> Range<Int>? {
        guard take(UInt8(ascii: "\"")) else { return nil }
        let start = position
        while position < end {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position += 1
                return start..<position - 1
            case UInt8(ascii: "\\"): position += 2
            case 0..<0x20: return nil
            default: position += 1
            }
        }
        return nil
    }

    /// The range of the value that comes next.
    mutating func value() -> Range<Int>? {
        guard let first = peek() else { return nil }
        let start = position
        switch first {
        case UInt8(ascii: "\""): return string() == nil ? nil : start..<position
        case UInt8(ascii: "{"), UInt8(ascii: "["): return nested() ? start..<position : nil
        default:
            while position < end, Self.isScalar(bytes[position]) { position += 1 }
            return position > start ? start..<position : nil
        }
    }

    /// Steps over an object or an array.
    private mutating func nested() -> Bool {
        var open = Brackets()
        while position < end {
            switch bytes[position] {
            case UInt8(ascii: "{"): guard open.push(isObject: true) else { return false }
            case UInt8(ascii: "["): guard open.push(isObject: false) else { return false }
            case UInt8(ascii: "}"): guard open.pop(isObject: true) else { return false }
            case UInt8(ascii: "]"): guard open.pop(isObject: false) else { return false }
            case UInt8(ascii: "\""):
                guard string() != nil else { return false }
                continue
            default: break
            }
            position += 1
            if open.depth == 0 { return true }
        }
        return false
    }

    /// The brackets that are open: a bit each, so that skipping a value allocates nothing.
    private struct Brackets {
        private var kinds = SIMD8<UInt64>()
        private(set) var depth = 0

        mutating func push(isObject: Bool) -> Bool {
            guard depth < JSONScanner.maximumDepth else { return false }
            let bit: UInt64 = 1 << UInt64(depth & 63)
            if isObject { kinds[depth >> 6] |= bit } else { kinds[depth >> 6] &= ~bit }
            depth += 1
            return true
        }

        /// Closes the last one; `false` if that is of the other kind, or if none is open.
        mutating func pop(isObject: Bool) -> Bool {
            guard depth > 0 else { return false }
            depth -= 1
            return (kinds[depth >> 6] >> UInt64(depth & 63) & 1 == 1) == isObject
        }
    }

    private static func isScalar(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "E"):
            true
        default: false
        }
    }

    /// The integer that comes next; `nil` for anything else, fractions and exponents included.
    mutating func integer() -> Int64? {
        guard let range = value(), !range.isEmpty else { return nil }
        return Self.integer(bytes, range)
    }

    /// The integer written at `range`.
    static func integer(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Int64? {
        var digits = range
        let negative = bytes[range.lowerBound] == UInt8(ascii: "-")
        if negative { digits = range.lowerBound + 1..<range.upperBound }
        guard !digits.isEmpty else { return nil }
        var magnitude: Int64 = 0
        for index in digits {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            let (shifted, overflow) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, overflowOfSum) = shifted.subtractingReportingOverflow(Int64(digit))
            guard !overflow, !overflowOfSum else { return nil }
            magnitude = sum
        }
        if negative { return magnitude }
        return magnitude == .min ? nil : -magnitude
    }

    /// Calls `body` with the name of each member of the object that comes next, in order, at its value.
    ///
    /// `body` steps over the value.
    ///
    /// - Returns: `false` if it is no well-formed object, or if `body` returned `false`.
    @inline(__always)
    mutating func members(_ body: (_ name: Range<Int>, _ scanner: inout JSONScanner) -> Bool) -> Bool {
        guard take(UInt8(ascii: "{")) else { return false }
        if take(UInt8(ascii: "}")) { return true }
        repeat {
            guard let name = string(), take(UInt8(ascii: ":")), body(name, &self) else { return false }
        } while take(UInt8(ascii: ","))
        return take(UInt8(ascii: "}"))
    }

    /// Calls `body` with the name of each member of the object that comes next, in order, and with its value's range.
    ///
    /// - Returns: `false` if it is no well-formed object.
    mutating func forEachMember(_ body: (_ name: String, _ value: Range<Int>) -> Void) -> Bool {
        members { name, scanner in
            guard let text = JSONString.text(bytes: UnsafeBufferPointer(rebasing: scanner.bytes[name])),
                let value = scanner.value()
            else { return false }
            body(text, value)
            return true
        }
    }

    /// Calls `body` with the name of each member of the object that `text` is, in order, and with its value's range.
    ///
    /// - Returns: `false` if it is no well-formed object, or if something comes after it.
    static func forEachMember(of text: [UInt8], _ body: (_ name: String, _ value: Range<Int>) -> Void) -> Bool {
        text.withUnsafeBufferPointer { bytes in
            var scanner = JSONScanner(bytes, in: 0..<bytes.count)
            return scanner.forEachMember(body) && scanner.isAtEnd()
        }
    }

    /// Calls `body` at each element of the array that comes next, in order.
    ///
    /// `body` steps over the element.
    ///
    /// - Returns: `false` if it is no well-formed array, or if `body` returned `false`.
    @inline(__always)
    mutating func elements(_ body: (_ scanner: inout JSONScanner) -> Bool) -> Bool {
        guard take(UInt8(ascii: "[")) else { return false }
        if take(UInt8(ascii: "]")) { return true }
        repeat {
            guard body(&self) else { return false }
        } while take(UInt8(ascii: ","))
        return take(UInt8(ascii: "]"))
    }
}
