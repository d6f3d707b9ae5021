/// The name of a cookie: a token of RFC 9110 section 5.6.2, with a prefix that is either spelled right or not there.
///
/// Browsers hold the server to what the prefixes `__Secure-`, `__Host-`, `__Http-` and `__Host-Http-` promise. A name
/// that only looks as if it had one is refused, because it protects nothing (checklist CF-05).
public struct CookieName: Sendable, Hashable, CustomStringConvertible {
    /// The name as it stands in the header.
    ///
    /// A token is ASCII, so equal bytes and equal text are the same thing.
    package let bytes: [UInt8]

    /// The prefix whose rules a browser applies to this name.
    package let prefix: CookiePrefix?

    /// The name of the session cookie unless the application chooses another: `__Host-Http-sid`.
    ///
    /// Browsers that know the prefix take such a cookie from HTTP only, never from a script; the others still apply
    /// the rules of `__Host-` to it (checklist CK-03). It names no product (CK-15).
    public static let `default` = CookieName(prefix: .hostHTTP, suffix: "sid")

    /// The name spelled by `text`, compared and kept byte for byte.
    ///
    /// - Throws: ``SessionConfigurationError`` with the code `invalidCookieName` if `text` is empty, longer than a
    ///   whole cookie may be or not a token (CF-07), and `cookiePrefix` if it has a prefix in the wrong case or
    ///   something that is easily taken for one, such as `Host__` (CF-05).
    public init(_ text: String) throws(SessionConfigurationError) {
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty, bytes.count <= SetCookie.sizeLimit else {
            throw SessionConfigurationError(
                .invalidCookieName,
                "A cookie's name has 1 to \(SetCookie.sizeLimit) bytes and this one has \(bytes.count). "
                    + "Choose another, such as __Host-Http-sid."
            )
        }
        if let index = bytes.firstIndex(where: { !CookieBytes.isToken($0) }) {
            throw SessionConfigurationError(
                .invalidCookieName,
                """
                A cookie's name is a token: ASCII letters, digits and !#$%&'*+-.^_`|~. Take out the byte \
                0x\(String(bytes[index], radix: 16, uppercase: true)) at offset \(index).
                """
            )
        }
        self.bytes = bytes
        prefix = try CookiePrefix.find(in: bytes)
    }

    private init(prefix: CookiePrefix, suffix: String) {
        bytes = prefix.bytes + Array(suffix.utf8)
        self.prefix = prefix
    }

    /// Whether browsers keep a cookie of this name to the one host that set it: true for `__Host-` and `__Host-Http-`.
    ///
    /// A request never has two of them, because neither a parent domain, nor a subdomain, nor another path can plant
    /// one (RFC 6265bis section 4.1.3.2).
    public var isHostOnly: Bool { prefix?.isHostOnly ?? false }

    /// The name as text.
    public var description: String { String(decoding: bytes, as: UTF8.self) }
}
