import HTTPTypes

// What proxies say, element by element, the client's end first.
extension TrustedProxies.Field {
    /// The schemes by which the proxies were reached. One that says none is empty, and one that is no HTTP counts as none.
    func schemes(in fields: HTTPFields) -> [ArraySlice<UInt8>] {
        switch self {
        case .xForwarded: Self.members(of: .xForwardedProto, in: fields)
        case .forwarded: Self.forwarded(in: fields).map { Self.parameter("proto", of: $0) }
        }
    }

    /// The addresses from which the proxies were reached; `nil` where one is hidden or is none.
    func addresses(in fields: HTTPFields) -> [IPAddress?] {
        let texts =
            switch self {
            case .xForwarded: Self.members(of: .xForwardedFor, in: fields)
            case .forwarded: Self.forwarded(in: fields).map { Self.parameter("for", of: $0) }
            }
        return texts.map { IPAddress(Self.withoutPort($0)) }
    }

    /// The members of a list without quoted strings, over all lines of the field: every comma separates two, so that
    /// nothing in front of what a proxy has appended can take that in.
    private static func members(of name: HTTPField.Name, in fields: HTTPFields) -> [ArraySlice<UInt8>] {
        fields[fields: name]
            .flatMap { Array($0.value.utf8).split(separator: UInt8(ascii: ",")).map(trimmed) }
            .filter { !$0.isEmpty }
    }

    /// The elements of `Forwarded`, each with its pairs (RFC 7239 section 4), over all lines of the field.
    ///
    /// A quoted string that does not end takes in what proxies have appended to it, and the elements are not those that
    /// they wrote: nothing in the field is believed then.
    private static func forwarded(in fields: HTTPFields) -> [[ArraySlice<UInt8>]] {
        var elements: [[ArraySlice<UInt8>]] = []
        for field in fields[fields: .forwarded] {
            guard let members = split(Array(field.value.utf8)[...], at: UInt8(ascii: ",")) else { return [[]] }
            for member in members where !member.isEmpty {
                // Its strings have ends, as the line's have.
                elements.append(split(member, at: UInt8(ascii: ";")) ?? [])
            }
        }
        return elements
    }

    /// The value of the pair with this name, in lower case here; empty if there is none, or more than one (RFC 7239
    /// section 4: a parameter must not occur twice).
    private static func parameter(_ name: String, of pairs: [ArraySlice<UInt8>]) -> ArraySlice<UInt8> {
        var found: [ArraySlice<UInt8>] = []
        for pair in pairs {
            guard let equals = pair.firstIndex(of: CookieBytes.equals),
                pair[..<equals].map(CookieBytes.lowercased).elementsEqual(name.utf8)
            else { continue }
            found.append(unquoted(pair[(equals + 1)...]))
        }
        return found.count == 1 ? found[0] : []
    }

    /// The parts between separators that stand in no quoted string, without the white space around them; `nil` if a quoted
    /// string does not end.
    private static func split(_ bytes: ArraySlice<UInt8>, at separator: UInt8) -> [ArraySlice<UInt8>]? {
        var parts: [ArraySlice<UInt8>] = []
        var start = bytes.startIndex
        var isQuoted = false
        var isEscaped = false
        for index in bytes.indices {
            let byte = bytes[index]
            if isEscaped {
                isEscaped = false
            } else if isQuoted, byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isQuoted.toggle()
            } else if byte == separator, !isQuoted {
                parts.append(trimmed(bytes[start..<index]))
                start = index + 1
            }
        }
        parts.append(trimmed(bytes[start...]))
        return isQuoted ? nil : parts
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let isSpace = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        let rest = bytes.drop(while: isSpace)
        guard let last = rest.lastIndex(where: { !isSpace($0) }) else { return [] }
        return rest[...last]
    }

    private static func unquoted(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard value.count >= 2, value.first == UInt8(ascii: "\""), value.last == UInt8(ascii: "\"") else {
            return value
        }
        var text: [UInt8] = []
        var isEscaped = false
        for byte in value.dropFirst().dropLast() {
            if byte == UInt8(ascii: "\\"), !isEscaped {
                isEscaped = true
            } else {
                isEscaped = false
                text.append(byte)
            }
        }
        return text[...]
    }

    /// An address without its brackets and its port: `192.0.2.1:80`, `[2001:db8::1]:80`, `2001:db8::1`.
    private static func withoutPort(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        if text.first == UInt8(ascii: "[") {
            return text.dropFirst().prefix { $0 != UInt8(ascii: "]") }
        }
        let colons = text.filter { $0 == UInt8(ascii: ":") }.count
        return colons == 1 ? text.prefix { $0 != UInt8(ascii: ":") } : text
    }
}

// The names are tokens.
// swift-format-ignore: NeverForceUnwrap
extension HTTPField.Name {
    fileprivate static let forwarded = HTTPField.Name("Forwarded")!
    fileprivate static let xForwardedFor = HTTPField.Name("X-Forwarded-For")!
    fileprivate static let xForwardedProto = HTTPField.Name("X-Forwarded-Proto")!
}
