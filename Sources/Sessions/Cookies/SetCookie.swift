public import HTTPTypes

/// A cookie to be set: one `Set-Cookie` field (RFC 6265bis section 4.1).
///
/// A value of this type can be sent: its name keeps what its prefix promises, its value is made of cookie octets, and
/// together they are no larger than what a browser keeps. The value may be a credential, so it shows in no
/// description, no reflection and no `dump`.
public struct SetCookie: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// What browsers keep of a cookie's name and value together, in bytes (RFC 6265bis section 5.6).
    public static let sizeLimit = 4096

    /// The cookie's value.
    ///
    /// It may be a credential: do not log it.
    public let value: String

    private let template: SetCookieTemplate

    /// Creates a cookie.
    ///
    /// - Parameters:
    ///   - name: The cookie's name.
    ///   - value: Visible ASCII without `"`, `,`, `;` and `\` (RFC 6265bis `cookie-octet`). It may be empty.
    ///   - attributes: Where, how and how long a browser keeps the cookie.
    ///   - allowUnprefixed: Whether a cookie with a `Domain` may do without `__Secure-` or `__Http-` in its name
    ///     (checklist CK-12).
    /// - Throws: ``SessionConfigurationError`` with the code `cookiePrefix` if the attributes break what the name
    ///   promises (CK-04); ``CookieError`` with the code `invalidValue` (CK-05) or `cookieTooLarge` (CK-06).
    public init(
        name: CookieName,
        value: String,
        attributes: CookieAttributes = .default,
        allowUnprefixed: Bool = false
    ) throws {
        template = try SetCookieTemplate(name: name, attributes: attributes, allowUnprefixed: allowUnprefixed)
        try template.check(value)
        self.value = value
    }

    /// The cookie's name.
    public var name: CookieName { template.name }

    /// Where, how and how long a browser keeps the cookie.
    public var attributes: CookieAttributes { template.attributes }

    /// The field to append to a response.
    ///
    /// It is kept out of the compression tables of HTTP/2 and HTTP/3, where its value could be guessed.
    public var field: HTTPField {
        template.join(value, maxAge: attributes.maxAge, expires: attributes.expires)
    }

    /// The cookie's name, without its value.
    public var description: String { "SetCookie(\(name))" }

    /// The cookie's name, without its value.
    public var debugDescription: String { description }

    /// The cookie's name and attributes, without its value.
    public var customMirror: Mirror {
        Mirror(self, children: ["name": name, "attributes": attributes], displayStyle: .struct)
    }
}
