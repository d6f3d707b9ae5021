public import HTTPTypes

/// What an exchange adds to its response: the cookie and the cache headers that go with it.
///
/// Apply it before the response's head is sent. The application's own cookies and fields survive. Printing it shows no
/// field: the cookie is a credential (checklist CR-14).
public struct SessionFields: Sendable, CustomStringConvertible, CustomReflectable {
    /// The Set-Cookie field, if the client's cookie changes. It holds a credential.
    var setCookie: HTTPField?

    /// The name of the session cookie, to recognise an earlier Set-Cookie of ours.
    var cookieName: CookieName = .default

    /// Whether a handler asked for the session: the response then depends on the cookie.
    var isAccessed = false

    /// Whether the session that was read has an owner.
    var isOwned = false

    init() {}

    /// What kinds of fields there are.
    public var description: String {
        "SessionFields(\(isEmpty ? "empty" : changesCookie ? "cookie, redacted" : "cache headers"))"
    }

    /// Empty.
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// Whether there is nothing to add.
    public var isEmpty: Bool { setCookie == nil && !isAccessed }

    /// Whether the client's cookie is set or expired.
    public var changesCookie: Bool { setCookie != nil }

    /// Puts the fields into `response`.
    ///
    /// An interim response gets no cookie, as clients may ignore it there (checklist CA-06); the response that switches
    /// protocols does, as it is the last one and RFC 6455 section 4.2.2 has cookies on it.
    public func apply(to response: inout HTTPResponse) {
        let isInterim = response.status.kind == .informational && response.status != .switchingProtocols
        guard !isInterim else { return }
        apply(to: &response.headerFields)
    }

    /// Puts the fields into the header fields of a final response.
    public func apply(to fields: inout HTTPFields) {
        guard !isEmpty else { return }
        CacheProtection.vary(&fields)
        if let setCookie {
            fields.appendSetCookie(setCookie, for: cookieName)
            CacheProtection.forbidStoring(&fields)
        } else if isOwned {
            CacheProtection.forbidSharing(&fields)
        }
    }
}
