/// The cookie that carries the credential.
///
/// There is no way to make it readable by scripts, and none to send it without `Secure` but the one that says so
/// (checklist CF-06).
public struct SessionCookie: Sendable, Hashable {
    /// The cookie's name. Default `__Host-Http-sid`: browsers accept it only with `Secure`, `Path=/` and no `Domain`, and
    /// newer ones only from a server and with `HttpOnly` (checklist CK-03).
    public var name: String = "__Host-Http-sid"

    /// The hosts that receive the cookie beside the one that set it. Default `nil`: none. A domain needs a name without
    /// the `__Host-` prefix, and the manager logs a warning when it is made (checklist CK-12).
    public var domain: String?

    /// The paths below which the cookie is sent. Default `/`. A path is no security boundary (RFC 6265bis section 8.5),
    /// so the manager logs a warning for any other (checklist CK-12).
    public var path: String = "/"

    /// Which cross-site requests carry the cookie. Default ``CookieAttributes/SameSite/lax``.
    public var sameSite: CookieAttributes.SameSite = .lax

    /// Whether the cookie is kept apart for each top-level site (CHIPS). Default `false`.
    public var partitioned = false

    /// Which cookies a browser drops first when it has too many. Default `nil`: the attribute is not sent.
    public var priority: CookieAttributes.Priority?

    /// How long the browser keeps the cookie. Default ``Persistence/browserSession``. The server's deadlines hold
    /// whatever the browser does.
    public var persistence: Persistence = .browserSession

    /// The name of a second cookie, which scripts of the page can read, and which is there as long as the first is, with the
    /// same attributes but `HttpOnly`. Default `nil`: there is none.
    ///
    /// It says `truthy` and nothing else: a page that only the browser renders can tell by it whether to ask for the user at
    /// all. It authenticates nothing and is never read here; whether a session is alive only the server can say. (Compas's
    /// `keepPublicCookie`.)
    public var companion: String?

    /// Whether `SameSite` is `None` over encrypted connections and ``sameSite`` over others, for pages inside another
    /// site's frame; express-session's `sameSite: 'auto'`. Needs ``SessionConfiguration/proxies``. Default `false`.
    ///
    /// Other sites' requests then carry the session: protect what changes anything with an ``OriginPolicy``.
    public var isCrossSiteWhereSecure = false

    /// Where the cookie carries `Secure`. Default ``Security/always``; only ``plainHTTPForDevelopment(name:)`` and
    /// ``automatic(name:)`` make it anything else.
    public private(set) var security: Security = .always

    /// Whether the cookie may travel over plain HTTP.
    public var allowsPlainHTTP: Bool { security != .always }

    /// Creates the default cookie.
    public init() {}

    /// A cookie without `Secure`, for development on plain HTTP: with hosts other than `localhost`, and with Safari.
    ///
    /// Chrome, Firefox and curl send `Secure` cookies to `http://localhost` as they are, so development there does not
    /// need this. Safari drops them (WebKit bug 281149). The manager logs a warning when it starts.
    public static func plainHTTPForDevelopment(name: String = "sid") -> SessionCookie {
        var cookie = SessionCookie()
        cookie.name = name
        cookie.security = .plainHTTPForDevelopment
        return cookie
    }

    /// A cookie with `Secure` over encrypted connections and without it over others: express-session's `secure: 'auto'`.
    ///
    /// Needs ``SessionConfiguration/proxies``, which says how a request's scheme is told. Sessions over plain HTTP can be
    /// read and taken by anybody on the way: the manager logs a warning when it is made.
    ///
    /// - Parameter name: a name without a prefix, as all prefixes demand `Secure`. Default `sid`.
    public static func automatic(name: String = "sid") -> SessionCookie {
        var cookie = SessionCookie()
        cookie.name = name
        cookie.security = .automatic
        return cookie
    }

    /// Where a cookie carries `Secure`.
    public enum Security: Sendable, Hashable {
        /// Everywhere.
        case always
        /// Where the client's connection is encrypted.
        case automatic
        /// Nowhere.
        case plainHTTPForDevelopment
    }

    /// How long the browser keeps the cookie.
    public enum Persistence: Sendable, Hashable {
        /// Until the browser closes: no `Max-Age`, no `Expires`.
        case browserSession
        /// Until the session's absolute deadline; with ``SessionConfiguration/rolling``, until its idle deadline, sent
        /// again as that moves.
        case persistent
        /// Until the session's idle deadline: express-session's `maxAge`. The cookie is sent again with every change of
        /// the session, and with ``SessionConfiguration/rolling`` whenever the deadline moves.
        case untilIdle
    }
}

extension SessionCookie {
    /// What ``companion`` says.
    static let companionValue = "truthy"

    /// The companion's fields; `nil` if there is none.
    ///
    /// - Throws: ``SessionConfigurationError`` if it could not be sent, or would take the place of one of the format's.
    func companionTemplate(
        _ attributes: CookieAttributes,
        beside format: any WireFormat
    ) throws(SessionConfigurationError) -> SetCookieTemplate? {
        guard let companion else { return nil }
        let name = try CookieName(companion)
        guard !format.expiredCookies().contains(where: { $0.name == name }) else {
            throw SessionConfigurationError(
                .invalidCookieName,
                "cookie.companion (\(name)) is the name of a session's own cookie. Choose another, such as "
                    + "\(self.name).public."
            )
        }
        return try SetCookieTemplate(
            name: name,
            attributes: CookieAttributes(
                domain: attributes.domain,
                path: attributes.path,
                secure: attributes.secure,
                httpOnly: false,
                sameSite: attributes.sameSite,
                partitioned: attributes.partitioned,
                priority: attributes.priority
            ),
            // It holds nothing that replacing it would change.
            allowUnprefixed: true
        )
    }
}
