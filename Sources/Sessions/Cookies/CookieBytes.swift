/// The byte classes of the cookie grammar.
///
/// They are asked about bytes only. Asked about characters, CR LF is one `Character` that equals neither, and a
/// combining mark hides the separator before it (checklist CK-05, PR-08).
enum CookieBytes {
    static let semicolon = UInt8(ascii: ";")
    static let equals = UInt8(ascii: "=")

    /// Space and tab: the only white space of a header (PR-02).
    @inline(__always)
    static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09
    }

    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }

    /// `tchar` of RFC 9110 section 5.6.2.
    static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "!"), UInt8(ascii: "#")...UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "^")...UInt8(ascii: "`"), UInt8(ascii: "|"),
            UInt8(ascii: "~"):
            true
        default: isAlphanumeric(byte)
        }
    }

    /// `cookie-octet` of RFC 6265bis section 4.1.1: visible ASCII without `"`, `,`, `;` and `\`.
    @inline(__always)
    static func isCookieOctet(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x21, 0x23...0x2B, 0x2D...0x3A, 0x3C...0x5B, 0x5D...0x7E: true
        default: false
        }
    }

    /// Whether `text` is made of cookie octets only.
    static func areCookieOctets(_ text: String) -> Bool {
        // Without an early exit the compiler makes vector instructions of the loop. A value has 4096 bytes at most.
        text.utf8.withContiguousStorageIfAvailable { bytes in
            var octets = 0
            for byte in bytes { octets &+= isCookieOctet(byte) ? 1 : 0 }
            return octets == bytes.count
        } ?? text.utf8.allSatisfy(isCookieOctet)
    }

    /// What a path in a URL is made of (RFC 3986 section 3.3), less `;`, which would begin another attribute, and
    /// `,`, at which some intermediaries split.
    static func isPathOctet(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "/"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"),
            UInt8(ascii: "%"), UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: "&")...UInt8(ascii: "+"),
            UInt8(ascii: "="), UInt8(ascii: ":"), UInt8(ascii: "@"):
            true
        default: isAlphanumeric(byte)
        }
    }

    /// `A`–`Z` as `a`–`z`, every other byte as it is.
    static func lowercased(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
        default: byte
        }
    }
}
