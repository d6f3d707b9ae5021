#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// An IPv6 address, however it is spelled.
struct IPv6Address: Sendable, Hashable {
    private let pieces: [UInt16]

    /// The loopback address, `::1`.
    static let loopback = IPv6Address(pieces: [0, 0, 0, 0, 0, 0, 0, 1])

    private init(pieces: [UInt16]) {
        self.pieces = pieces
    }

    /// The address that `text` spells, without brackets; `nil` if it spells none, or one with a zone.
    init?(_ text: some Collection<UInt8>) {
        // Nothing else may reach a function that reads up to a zero byte.
        let isAddressByte = { (byte: UInt8) in
            switch byte {
            case 0x30...0x39, 0x41...0x46, 0x61...0x66, UInt8(ascii: ":"), UInt8(ascii: "."): true
            default: false
            }
        }
        var address = in6_addr()
        guard text.allSatisfy(isAddressByte), inet_pton(AF_INET6, String(decoding: text, as: UTF8.self), &address) == 1
        else { return nil }
        pieces = withUnsafeBytes(of: address) { bytes in
            (0..<8).map { UInt16(bytes[2 * $0]) << 8 | UInt16(bytes[2 * $0 + 1]) }
        }
    }

    /// The address as two numbers, the more significant first.
    var words: (high: UInt64, low: UInt64) {
        let number = { (part: ArraySlice<UInt16>) in part.reduce(UInt64(0)) { $0 << 16 | UInt64($1) } }
        return (number(pieces[..<4]), number(pieces[4...]))
    }

    /// The address as a browser writes it: lower case, no leading zeros, the first of the longest runs of zeros as `::`
    /// (WHATWG URL, "IPv6 serializer"; RFC 5952 section 4).
    var text: String {
        let run = longestRunOfZeros
        let spelled = pieces.map { String($0, radix: 16) }
        guard let run else { return spelled.joined(separator: ":") }
        return spelled[..<run.lowerBound].joined(separator: ":") + "::"
            + spelled[run.upperBound...].joined(separator: ":")
    }

    private var longestRunOfZeros: Range<Int>? {
        var longest: Range<Int>?
        var start = 0
        for index in 0...8 where index == 8 || pieces[index] != 0 {
            // A single zero is written out.
            if index - start > max(1, longest?.count ?? 0) { longest = start..<index }
            start = index + 1
        }
        return longest
    }
}
