package import HTTPTypes

/// The `Set-Cookie` fields of one name and one set of attributes, checked once and spelled out as far as possible:
/// what is left for each field is to join four pieces of bytes.
package struct SetCookieTemplate: Sendable {
    package let name: CookieName
    package let attributes: CookieAttributes

    /// The name and `=`.
    private let prefix: [UInt8]

    /// The attributes that are the same in every field.
    private let suffix: [UInt8]

    /// Creates a template; the `maxAge` and `expires` of `attributes` have no part in it.
    ///
    /// - Parameter allowUnprefixed: Whether a cookie with a `Domain` may do without a prefix in its name.
    /// - Throws: ``SessionConfigurationError`` with the code `cookiePrefix` if the attributes break what the name
    ///   promises (checklist CK-04, CK-12).
    package init(
        name: CookieName,
        attributes: CookieAttributes,
        allowUnprefixed: Bool = false
    ) throws(SessionConfigurationError) {
        try name.check(attributes, allowUnprefixed: allowUnprefixed)
        self.name = name
        self.attributes = attributes
        prefix = name.bytes + [CookieBytes.equals]
        suffix = Self.spell(attributes)
    }

    /// The field that sets the cookie to `value`.
    ///
    /// - Parameters:
    ///   - value: Cookie octets.
    ///   - maxAge: Seconds from `now`, clamped to 0 to 400 days; `nil` for a cookie that ends with the browser.
    ///   - now: The current time, for `Expires`.
    /// - Throws: ``CookieError``; then nothing has been made that could be sent.
    package func field(value: String, maxAge: Int?, now: Timestamp) throws(CookieError) -> HTTPField {
        try check(value)
        guard let maxAge = maxAge.map(CookieAttributes.clamped) else { return join(value, maxAge: nil, expires: nil) }
        return join(value, maxAge: maxAge, expires: now + .seconds(maxAge))
    }

    /// The field that deletes the cookie.
    ///
    /// Everything but value and age is as it was when the cookie was set: a browser finds the cookie by name, domain
    /// and path, and takes no field that breaks a prefix (CK-08).
    package func expired() -> HTTPField {
        join("", maxAge: 0, expires: Timestamp(microseconds: 0))
    }

    /// Checks that `value` can be sent under this name.
    func check(_ value: String) throws(CookieError) {
        guard name.bytes.count + value.utf8.count <= SetCookie.sizeLimit else {
            throw CookieError(
                .cookieTooLarge,
                "The cookie \"\(name)\" has \(name.bytes.count + value.utf8.count) bytes in name and value, and "
                    + "browsers drop cookies above \(SetCookie.sizeLimit)."
            )
        }
        guard CookieBytes.areCookieOctets(value) else {
            throw CookieError(
                .invalidValue,
                "The value of the cookie \"\(name)\" has a byte that a cookie cannot carry: encode it, as base64url "
                    + "for example."
            )
        }
    }

    /// The field for a value that has been checked.
    func join(_ value: String, maxAge: Int?, expires: Timestamp?) -> HTTPField {
        var bytes: [UInt8] = []
        // 64 is more than "; Max-Age=34560000; Expires=" and a date of 29 bytes.
        bytes.reserveCapacity(prefix.count + value.utf8.count + suffix.count + 64)
        bytes.append(contentsOf: prefix)
        bytes.append(contentsOf: value.utf8)
        if let maxAge {
            bytes.append(contentsOf: "; Max-Age=".utf8)
            bytes.append(contentsOf: String(maxAge).utf8)
        }
        if let expires {
            bytes.append(contentsOf: "; Expires=".utf8)
            IMFFixdate.append(expires, to: &bytes)
        }
        bytes.append(contentsOf: suffix)
        var field = HTTPField(name: .setCookie, value: String(decoding: bytes, as: UTF8.self))
        field.indexingStrategy = .disallow
        return field
    }

    private static func spell(_ attributes: CookieAttributes) -> [UInt8] {
        var text = "; Path=\(attributes.path)"
        if let domain = attributes.domain { text += "; Domain=\(domain)" }
        if attributes.secure { text += "; Secure" }
        if attributes.httpOnly { text += "; HttpOnly" }
        text += "; SameSite=\(attributes.sameSite.rawValue)"
        if attributes.partitioned { text += "; Partitioned" }
        if let priority = attributes.priority { text += "; Priority=\(priority.rawValue)" }
        return Array(text.utf8)
    }
}
