/// The rules for a `Domain` attribute (checklist CF-08).
enum CookieDomain {
    /// `text` in lower case, if a browser would take it as a domain.
    static func validated(_ text: String) throws(SessionConfigurationError) -> String {
        let bytes = text.utf8.map(CookieBytes.lowercased)
        guard bytes.first != UInt8(ascii: ".") else {
            throw refusal("has a leading dot: leave the dot out, hosts under the domain are included anyway")
        }
        guard (1...253).contains(bytes.count) else {
            throw refusal("has \(bytes.count) bytes and may have 1 to 253: shorten it, or leave it out")
        }
        let labels = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard labels.allSatisfy(isLabel) else {
            throw refusal(
                "is not a host name. Write labels of 1 to 63 letters, digits and inner hyphens, separated by dots, "
                    + "with other scripts written as xn--"
            )
        }
        guard labels.count > 1, let last = labels.last else {
            throw refusal("is a single label, such as localhost or a top-level domain: leave the domain out")
        }
        guard !isNumeric(last) else { throw refusal("is an IP address: leave the domain out") }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isLabel(_ label: ArraySlice<UInt8>) -> Bool {
        let hyphen = UInt8(ascii: "-")
        return (1...63).contains(label.count) && label.first != hyphen && label.last != hyphen
            && label.allSatisfy { $0 == hyphen || CookieBytes.isAlphanumeric($0) }
    }

    /// Whether a URL parser takes a host that ends in this label for an IPv4 address: 127.1 and 0x7f.0x1 are some.
    private static func isNumeric(_ label: ArraySlice<UInt8>) -> Bool {
        let isDecimal = label.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return isDecimal
            || label.starts(with: "0x".utf8)
                && label.dropFirst(2).allSatisfy {
                    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                        || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
                }
    }

    // The text itself stays out of the message: it may hold line breaks for a log.
    private static func refusal(_ reason: String) -> SessionConfigurationError {
        SessionConfigurationError(.invalidCookieAttribute, "The cookie's domain \(reason).")
    }
}
