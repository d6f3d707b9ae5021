/// What a `Set-Cookie` field says about a cookie beside its name and value (RFC 6265bis section 4.1.2).
///
/// A value of this type is valid: what a browser would drop or ignore is refused when the value is made. `SameSite`
/// is not optional, because a browser's own default is weaker than `Lax` for a cookie's first two minutes
/// (checklist CK-02).
///
/// `Domain` and `Path` say where a browser sends the cookie. They do not keep anybody out: other paths, ports and
/// subdomains of the same site can still read or replace it (RFC 6265bis section 8.5). The narrow and safe choice is
/// no domain and the path `/`.
public struct CookieAttributes: Sendable, Hashable {
    /// With which cross-site requests a browser sends the cookie.
    public enum SameSite: String, Sendable, Hashable, CaseIterable {
        /// With none, not even when a link on another site is followed.
        case strict = "Strict"
        /// With top-level navigations by a safe method.
        case lax = "Lax"
        /// With all of them. Needs `Secure`.
        case none = "None"
    }

    /// How reluctant a browser is to evict the cookie when there are too many.
    ///
    /// Only Chromium knows it.
    public enum Priority: String, Sendable, Hashable, CaseIterable {
        /// Evicted first.
        case low = "Low"
        /// What a browser assumes when nothing is said.
        case medium = "Medium"
        /// Evicted last.
        case high = "High"
    }

    /// The longest time that browsers keep a cookie: 400 days, in seconds (RFC 6265bis section 5.5).
    public static let maxAgeLimit = 34_560_000

    /// `Secure`, `HttpOnly`, `SameSite=Lax`, the path `/`, no domain, until the browser closes (checklist CK-01).
    public static let `default` = CookieAttributes()

    /// The host, in lower case, that receives the cookie together with all hosts under it; `nil` for the host alone
    /// that sets it.
    public let domain: String?

    /// The path below which a browser sends the cookie.
    public let path: String

    /// How long a browser keeps the cookie, 0 to ``maxAgeLimit`` seconds; 0 deletes it.
    ///
    /// It wins over ``expires``. With neither, the cookie lasts until the browser closes.
    public private(set) var maxAge: Int?

    /// When a browser drops the cookie: whole seconds, from 1970 to the end of the year 9999.
    public private(set) var expires: Timestamp?

    /// Whether a browser sends the cookie over encrypted connections only.
    public let secure: Bool

    /// Whether the cookie is hidden from scripts.
    public let httpOnly: Bool

    /// With which cross-site requests a browser sends the cookie.
    public let sameSite: SameSite

    /// Whether a browser keeps one cookie for each top-level site that embeds this one (CHIPS).
    public let partitioned: Bool

    /// How reluctant a browser is to evict the cookie; `nil` says nothing.
    public let priority: Priority?

    /// Creates attributes; what is left out is as in ``default``.
    ///
    /// - Parameters:
    ///   - domain: A host name of two labels or more, in ASCII (`xn--` for others), without a leading dot.
    ///   - path: An absolute path as it stands in a URL, without `;` and `,`; 1024 bytes at most, because browsers
    ///     ignore longer ones (checklist CK-06).
    ///   - maxAge: Seconds, clamped to 0 to ``maxAgeLimit`` (CK-07). Without `expires` it is sent alone;
    ///     ``withMaxAge(_:from:)`` makes both.
    ///   - expires: Cut to whole seconds and clamped to what `Expires` can say.
    ///   - secure: Needed by `SameSite=None` (CK-10) and by `Partitioned` (CK-11).
    ///   - httpOnly: Whether to hide the cookie from scripts.
    ///   - sameSite: With which cross-site requests to send the cookie.
    ///   - partitioned: Whether to keep one cookie for each top-level site.
    ///   - priority: How reluctant a browser should be to evict it.
    /// - Throws: ``SessionConfigurationError`` with the code `invalidCookieAttribute` for a domain or path that
    ///   cannot be sent (CF-08), and `insecureCookie` for `SameSite=None` or `Partitioned` without `Secure` (CF-04).
    public init(
        domain: String? = nil,
        path: String = "/",
        maxAge: Int? = nil,
        expires: Timestamp? = nil,
        secure: Bool = true,
        httpOnly: Bool = true,
        sameSite: SameSite = .lax,
        partitioned: Bool = false,
        priority: Priority? = nil
    ) throws(SessionConfigurationError) {
        if let domain {
            self.domain = try CookieDomain.validated(domain)
        } else {
            self.domain = nil
        }
        try Self.checkPath(path)
        if sameSite == .none, !secure {
            throw SessionConfigurationError(
                .insecureCookie,
                "Browsers drop a cookie with SameSite=None and without Secure: make it Secure, or use Lax or Strict."
            )
        }
        if partitioned, !secure {
            throw SessionConfigurationError(
                .insecureCookie,
                "Browsers drop a cookie with Partitioned and without Secure: make it Secure or not partitioned."
            )
        }
        self.path = path
        self.maxAge = maxAge.map(Self.clamped)
        self.expires = expires.map(IMFFixdate.representable)
        self.secure = secure
        self.httpOnly = httpOnly
        self.sameSite = sameSite
        self.partitioned = partitioned
        self.priority = priority
    }

    private init() {
        domain = nil
        path = "/"
        secure = true
        httpOnly = true
        sameSite = .lax
        partitioned = false
        priority = nil
    }

    /// These attributes for a cookie that a browser keeps `seconds` from `now`: both `Max-Age`, which does not depend
    /// on the browser's clock, and `Expires`, for clients that know nothing else.
    ///
    /// - Parameters:
    ///   - seconds: Clamped to 0 to ``maxAgeLimit``; `nil` for a cookie that ends with the browser.
    ///   - now: The time that `Expires` counts from.
    public func withMaxAge(_ seconds: Int?, from now: Timestamp) -> CookieAttributes {
        var copy = self
        copy.maxAge = seconds.map(Self.clamped)
        copy.expires = copy.maxAge.map { IMFFixdate.representable(now + .seconds($0)) }
        return copy
    }

    /// These attributes with another `Expires` and no `Max-Age`; `nil` for a cookie that ends with the browser.
    public func withExpires(_ expires: Timestamp?) -> CookieAttributes {
        var copy = self
        copy.maxAge = nil
        copy.expires = expires.map(IMFFixdate.representable)
        return copy
    }

    /// These attributes for the cookie that deletes one set with them: all the same, `Max-Age=0` and an `Expires`
    /// long past (checklist CK-08).
    public func expired() -> CookieAttributes {
        var copy = self
        copy.maxAge = 0
        copy.expires = Timestamp(microseconds: 0)
        return copy
    }

    static func clamped(_ seconds: Int) -> Int {
        min(max(seconds, 0), maxAgeLimit)
    }

    private static func checkPath(_ path: String) throws(SessionConfigurationError) {
        guard path.utf8.first == UInt8(ascii: "/"), path.utf8.count <= 1024 else {
            throw SessionConfigurationError(
                .invalidCookieAttribute,
                "Browsers ignore this cookie's path. Begin it with \"/\", and make it 1024 bytes at most."
            )
        }
        guard path.utf8.allSatisfy(CookieBytes.isPathOctet) else {
            throw SessionConfigurationError(
                .invalidCookieAttribute,
                "This cookie's path cannot be sent. Write it as in a URL, percent-encoded and without \";\" and \",\"."
            )
        }
    }
}
