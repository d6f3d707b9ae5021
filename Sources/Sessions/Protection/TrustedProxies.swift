import HTTPTypes

/// Which proxies are believed when they say how the client reached them.
///
/// Anybody can send a header field that says `https`. It is believed only where a proxy of the application's own has
/// written it: one of named addresses, or one of a named number of hops that every request takes. By default nobody is.
///
/// ```swift
/// configuration.proxies = .nobody                                     // clients reach this server themselves
/// configuration.proxies = try .addresses(["10.0.0.0/8", "::1"])       // a balancer in the private network
/// configuration.proxies = .hops(1)                                    // exactly one proxy, which no request gets around
/// ```
///
/// Of several elements in the field, that of the outermost believed proxy counts: it alone has seen the client's
/// connection. Where proxies overwrite the field instead of adding to it, there is one element, and that counts.
///
/// Whatever is configured, make the outermost proxy overwrite or remove the field that clients send.
public struct TrustedProxies: Sendable, Hashable {
    /// The field that the proxies write.
    public enum Field: Sendable, Hashable {
        /// `X-Forwarded-Proto`, and `X-Forwarded-For` for the proxies' addresses: what most proxies write.
        case xForwarded
        /// `Forwarded` (RFC 7239).
        case forwarded
    }

    private enum Trust: Hashable {
        case none
        case hops(Int)
        case addresses([IPRange])
    }

    private let trust: Trust
    private let field: Field

    private init(_ trust: Trust, _ field: Field = .xForwarded) {
        self.trust = trust
        self.field = field
    }

    /// Nobody is believed: the server's own connection alone counts.
    public static let nobody = TrustedProxies(.none)

    /// A number of proxies that every request passes, and each of which writes the field. One that passes it on as it is
    /// does not count: the element in its place would be the client's own.
    ///
    /// A client that can reach the server past them can say what it likes: prefer ``addresses(_:field:)`` unless the
    /// network makes that impossible.
    ///
    /// - Parameters:
    ///   - count: how many proxies there are; 0 is ``nobody``.
    ///   - field: the field that they write. The other is never read.
    public static func hops(_ count: Int, field: Field = .xForwarded) -> TrustedProxies {
        TrustedProxies(count > 0 ? .hops(count) : .none, field)
    }

    /// Proxies with these addresses.
    ///
    /// - Parameters:
    ///   - ranges: addresses, and ranges of them in CIDR notation, of either version of IP.
    ///   - field: the field that they write. The other is never read.
    /// - Throws: ``SessionConfigurationError`` with the code `proxy` for a text that is neither, and for a range of all
    ///   addresses: then anybody would be believed (checklist CF-13).
    public static func addresses(
        _ ranges: [String],
        field: Field = .xForwarded
    ) throws(SessionConfigurationError) -> TrustedProxies {
        var parsed: [IPRange] = []
        for text in ranges {
            guard let range = IPRange(text) else {
                throw SessionConfigurationError(
                    .proxy,
                    "A trusted proxy is an IP address or a range like 10.0.0.0/8 or fd00::/8, and \"\(text)\" is neither. "
                        + "Write the address, not a name."
                )
            }
            guard !range.isEverything else {
                throw SessionConfigurationError(
                    .proxy,
                    "\"\(text)\" is every address, so that any client could say that its connection is encrypted. Name the "
                        + "proxies' own addresses or networks, or use .hops(1) if no request gets around them."
                )
            }
            parsed.append(range)
        }
        return TrustedProxies(.addresses(parsed), field)
    }

    /// Whether the client's own connection was encrypted; `nil` if that cannot be told without knowing the server's
    /// connection.
    func isSecure(_ fields: HTTPFields, over connection: RequestConnection?) -> Bool? {
        switch trust {
        case .none: return connection?.isEncrypted
        case .hops(let count):
            let schemes = field.schemes(in: fields)
            return Self.isSecure(schemes, behind: count) ?? (connection?.isEncrypted ?? false)
        case .addresses(let ranges):
            guard let connection else { return nil }
            let isTrusted = { (address: IPAddress?) in
                address.map { address in ranges.contains { $0.contains(address) } } ?? false
            }
            guard let peer = connection.peerAddress, isTrusted(IPAddress(Array(peer.utf8))) else {
                return connection.isEncrypted
            }
            // Each proxy names the one before it; the first that is not one of ours is the client, or its own doing.
            let before = field.addresses(in: fields).reversed().prefix(while: isTrusted).count
            return Self.isSecure(field.schemes(in: fields), behind: before + 1) ?? connection.isEncrypted
        }
    }

    /// What the outermost of `count` proxies says; `nil` if it says nothing.
    private static func isSecure(_ schemes: [ArraySlice<UInt8>], behind count: Int) -> Bool? {
        guard !schemes.isEmpty else { return nil }
        let scheme = schemes[max(schemes.count - count, 0)]
        return scheme.count == 5 && scheme.map(CookieBytes.lowercased).elementsEqual("https".utf8)
    }
}
