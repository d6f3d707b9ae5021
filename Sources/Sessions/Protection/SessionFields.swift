public import HTTPTypes

/// What an exchange adds to its response: the cookie, or the credential's own header, and the cache headers that go with
/// it.
///
/// Apply it before the response's head is sent. The application's own cookies and fields survive. Printing it shows no
/// field: the cookie is a credential (checklist CR-14).
public struct SessionFields: Sendable, CustomStringConvertible, CustomReflectable {
    /// The Set-Cookie fields, if the client's cookie changes: one in the native format, and one more that takes another
    /// system's cookie away where sessions are moved from there. They hold a credential.
    var cookies: [NamedCookie] = []

    /// What the client of the header transport is told, if its credential changes. It holds one.
    var credential: HTTPField?

    /// Over which transport the client is answered.
    var transport: SessionTransport = .cookie

    /// What the manager looks at in a request: the response depends on all of it.
    var transports: SessionTransport = .cookie

    /// Whether a handler asked for the session: the response then depends on the credential.
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
    public var isEmpty: Bool { cookies.isEmpty && credential == nil && !isAccessed }

    /// Whether the client's cookie is set or expired, or its credential in the header given or taken away.
    public var changesCookie: Bool { !cookies.isEmpty || credential != nil }

    /// The value of the client's cookie from now on, for a service without header fields: `nil` if the client keeps the one
    /// it has, empty if the cookie is to be taken away. It is a credential: do not log it.
    ///
    /// In a wire format of several cookies it is that of the first one; ``apply(to:)-(HTTPFields)`` has them all.
    public var cookieValue: String? {
        cookies.first.map { cookie in
            let pair = cookie.field.value.utf8.prefix { $0 != CookieBytes.semicolon }
            return String(decoding: pair.dropFirst(cookie.name.bytes.count + 1), as: UTF8.self)
        }
    }

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
        CacheProtection.vary(&fields, by: transports)
        if changesCookie {
            for cookie in cookies { fields.appendSetCookie(cookie.field, for: cookie.name) }
            // RFC 6750 section 5.3: a response with a credential is not stored either.
            if let credential {
                fields[.sessionCredential] = nil
                fields.append(credential)
            }
            CacheProtection.forbidStoring(&fields)
        } else if isOwned {
            CacheProtection.forbidSharing(&fields)
        }
    }
}
