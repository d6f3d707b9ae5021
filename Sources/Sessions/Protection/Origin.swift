/// An origin as a browser writes it: scheme, host and port, in lower case and without the scheme's own port (RFC 6454
/// section 6.2; WHATWG HTML, "serialization of an origin").
struct Origin: Sendable, Hashable {
    /// Compared byte by byte with what a request says.
    let bytes: [UInt8]

    /// The origin that an application has written, in whatever case, with or without the scheme's own port.
    ///
    /// - Throws: ``SessionConfigurationError`` with the code `trustedOrigin` for anything else (checklist CF-10), and
    ///   for plain HTTP to any host but this machine.
    init(_ text: String) throws(SessionConfigurationError) {
        let refusal = SessionConfigurationError(
            .trustedOrigin,
            "\(text.debugDescription) is no origin. Write scheme, host and port and nothing else, such as "
                + "https://shop.example or https://[2001:db8::1]:8443."
        )
        let lowercased = text.utf8.map(CookieBytes.lowercased)
        let isSecure = lowercased.starts(with: "https://".utf8)
        guard isSecure || lowercased.starts(with: "http://".utf8) else { throw refusal }
        let authority = lowercased.dropFirst(isSecure ? 8 : 7)
        guard let (rawHost, rawPort) = Self.split(authority), let host = Host(rawHost) else { throw refusal }
        var spelled = (isSecure ? "https://" : "http://") + host.text
        if let rawPort {
            guard let port = Self.port(rawPort) else { throw refusal }
            if port != (isSecure ? 443 : 80) { spelled += ":\(port)" }
        }
        guard isSecure || host.isThisMachine else {
            throw SessionConfigurationError(
                .trustedOrigin,
                "\(text.debugDescription) is reached over plain HTTP, where anybody on the way can speak for it. Write "
                    + "https; http is for localhost, 127.0.0.1 and [::1]."
            )
        }
        bytes = Array(spelled.utf8)
    }

    /// The host, and the port if one is written. A host in brackets has colons of its own (RFC 3986 section 3.2.2).
    private static func split(_ authority: ArraySlice<UInt8>) -> (host: ArraySlice<UInt8>, port: ArraySlice<UInt8>?)? {
        let isBracketed = authority.first == UInt8(ascii: "[")
        let end = isBracketed ? authority.firstIndex(of: UInt8(ascii: "]")).map { $0 + 1 } : nil
        let rest = authority[(end ?? authority.startIndex)...]
        guard let colon = rest.firstIndex(of: UInt8(ascii: ":")) else {
            return isBracketed && !rest.isEmpty ? nil : (authority, nil)
        }
        guard !isBracketed || colon == rest.startIndex else { return nil }
        return (authority[..<colon], authority[(colon + 1)...])
    }

    private static func port(_ digits: ArraySlice<UInt8>) -> Int? {
        guard (1...5).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        let port = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        return (1...65535).contains(port) ? port : nil
    }
}

/// The host of an origin.
private struct Host {
    /// As a browser writes it.
    let text: String
    let isThisMachine: Bool

    /// The host that `bytes` spell, in lower case; `nil` if they are no host.
    init?(_ bytes: ArraySlice<UInt8>) {
        if bytes.first == UInt8(ascii: "[") {
            guard bytes.last == UInt8(ascii: "]"), let address = IPv6Address(bytes.dropFirst().dropLast()) else {
                return nil
            }
            text = "[\(address.text)]"
            isThisMachine = address == .loopback
            return
        }
        guard !bytes.isEmpty, bytes.allSatisfy(Self.isNameByte) else { return nil }
        text = String(decoding: bytes, as: UTF8.self)
        isThisMachine = text == "localhost" || text == "127.0.0.1"
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        CookieBytes.isAlphanumeric(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
    }
}
