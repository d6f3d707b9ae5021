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

    /// Whether the cookie travels over plain HTTP too. Only ``plainHTTPForDevelopment(name:)`` sets it.
    public private(set) var allowsPlainHTTP = false

    /// Creates the default cookie.
    public init() {}

    /// A cookie without `Secure`, for development on plain HTTP with hosts other than `localhost`.
    ///
    /// Browsers and curl send `Secure` cookies to `http://localhost` as they are, so development there does not need
    /// this. The manager logs a warning when it starts.
    public static func plainHTTPForDevelopment(name: String = "sid") -> SessionCookie {
        var cookie = SessionCookie()
        cookie.name = name
        cookie.allowsPlainHTTP = true
        return cookie
    }

    /// How long the browser keeps the cookie.
    public enum Persistence: Sendable, Hashable {
        /// Until the browser closes: no `Max-Age`, no `Expires`.
        case browserSession
        /// Until the session's absolute deadline; with ``SessionConfiguration/rolling``, until its idle deadline, sent
        /// again as that moves.
        case persistent
    }
}
