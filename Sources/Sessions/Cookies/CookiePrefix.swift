/// A beginning of a cookie's name that browsers enforce (RFC 6265bis section 4.1.3 and its successor).
package enum CookiePrefix: String, Sendable, CaseIterable {
    // Longest first: `__Host-Http-` also begins with `__Host-`.
    case hostHTTP = "__Host-Http-"
    case secure = "__Secure-"
    case host = "__Host-"
    case http = "__Http-"

    var bytes: [UInt8] { Array(rawValue.utf8) }

    /// Whether it asks for `Path=/` and no `Domain`.
    package var isHostOnly: Bool { self == .host || self == .hostHTTP }

    /// Whether it asks for `HttpOnly`, and refuses cookies made by a script.
    package var isHTTPOnly: Bool { self == .http || self == .hostHTTP }

    /// The prefix that `name` begins with.
    ///
    /// Browsers find prefixes whatever their case and older ones do not, so a name in the wrong case is not a name to
    /// rely on.
    static func find(in name: [UInt8]) throws(SessionConfigurationError) -> CookiePrefix? {
        let lowercased = name.map(CookieBytes.lowercased)
        for prefix in allCases where lowercased.starts(with: prefix.bytes.map(CookieBytes.lowercased)) {
            guard name.starts(with: prefix.bytes) else {
                throw SessionConfigurationError(
                    .cookiePrefix,
                    "\"\(String(decoding: name, as: UTF8.self))\" has a prefix in the wrong case: "
                        + "write \(prefix.rawValue)."
                )
            }
            return prefix
        }
        if isLookAlike(lowercased) {
            throw SessionConfigurationError(
                .cookiePrefix,
                "\"\(String(decoding: name, as: UTF8.self))\" looks like a name with a prefix, but browsers do not "
                    + "see one: begin it with __Host-Http-, __Host-, __Http- or __Secure-, or rename it."
            )
        }
        return nil
    }

    /// Whether a name without a prefix was probably meant to have one.
    ///
    /// `Host__sid` was the default of a library for years and protected nobody (WS-2022-0330); `__HostHttp-` was the
    /// spelling of one beta. Names that merely contain the words, such as `_secure_session_id` or `http_sid`, are
    /// left alone.
    private static func isLookAlike(_ name: [UInt8]) -> Bool {
        let marks = name.prefix { $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }.count
        for word in ["hosthttp", "host", "http", "secure"] where name.dropFirst(marks).starts(with: word.utf8) {
            let rest = name.dropFirst(marks + word.utf8.count)
            guard let separator = rest.first, !CookieBytes.isAlphanumeric(separator) else { continue }
            switch marks {
            case 0:
                let isMark = separator == UInt8(ascii: "_") || separator == UInt8(ascii: "-")
                return isMark && rest.dropFirst().first == separator
            case 1: return separator == UInt8(ascii: "-")
            default: return true
            }
        }
        return false
    }
}

extension CookieName {
    /// Holds `attributes` to what this name promises (checklist CK-04, CK-12).
    ///
    /// - Parameter allowUnprefixed: Whether a cookie with a `Domain` may do without a prefix, as one shared with an
    ///   application that exists already must.
    /// - Throws: ``SessionConfigurationError`` with the code `cookiePrefix`.
    package func check(
        _ attributes: CookieAttributes,
        allowUnprefixed: Bool
    ) throws(SessionConfigurationError) {
        guard let prefix else {
            if attributes.domain != nil, !allowUnprefixed {
                throw SessionConfigurationError(
                    .cookiePrefix,
                    "The cookie \"\(self)\" has a Domain, so every host under it can replace it: leave the domain "
                        + "out, or begin the name with __Secure- or __Http-."
                )
            }
            return
        }
        guard attributes.secure else { throw violation(of: prefix, "needs Secure") }
        if prefix.isHTTPOnly, !attributes.httpOnly { throw violation(of: prefix, "needs HttpOnly") }
        if prefix.isHostOnly, attributes.path != "/" { throw violation(of: prefix, "needs the path \"/\"") }
        if prefix.isHostOnly, attributes.domain != nil { throw violation(of: prefix, "must have no domain") }
    }

    private func violation(of prefix: CookiePrefix, _ rule: String) -> SessionConfigurationError {
        SessionConfigurationError(
            .cookiePrefix,
            "Browsers would drop the cookie \"\(self)\": a name that begins with \(prefix.rawValue) \(rule). "
                + "Change that, or choose another name."
        )
    }
}
