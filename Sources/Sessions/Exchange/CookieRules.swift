import HTTPTypes

/// How the settings of a cookie, and the id of a new session, follow from the request. A manager to which all requests are
/// the same has no rules.
struct CookieRules: Sendable {
    private let cookie: SessionCookie
    private let proxies: TrustedProxies?
    private let change: (@Sendable (CookieRequest, inout SessionCookie) -> Void)?
    private let refusesOutsidePath: Bool
    /// The fields of the configured cookie, over an encrypted connection and over another.
    private let secure: SetCookieTemplate
    private let plain: SetCookieTemplate
    private let secureFormat: any WireFormat
    private let plainFormat: any WireFormat
    private let allowUnprefixed: Bool
    /// Whether the ids of new sessions depend on the request.
    private let makesIDs: Bool

    /// - Parameters:
    ///   - template: the configured cookie's over an encrypted connection.
    ///   - format: the manager's, with that template.
    ///   - allowUnprefixed: whether the cookie is another system's, and called what it is called.
    /// - Returns: `nil` if nothing depends on the request.
    init?(
        _ configuration: SessionConfiguration,
        template: SetCookieTemplate,
        format: any WireFormat,
        allowUnprefixed: Bool
    ) throws(SessionConfigurationError) {
        cookie = configuration.cookie
        self.allowUnprefixed = allowUnprefixed
        makesIDs = format.readsRequest
        proxies = configuration.proxies
        change = configuration.cookieForRequest
        refusesOutsidePath = configuration.outsidePath == .refuse
        secure = template
        secureFormat = format
        plain = try cookie.template(isSecure: false, allowUnprefixed: allowUnprefixed)
        plainFormat = try plain.attributes == template.attributes ? format : format.with(plain)
        let isFixed = proxies == nil && change == nil && (cookie.path == "/" || !refusesOutsidePath)
        if isFixed, !makesIDs { return nil }
    }

    /// Whether the request's connection makes a difference.
    var readsConnection: Bool { proxies != nil || change != nil || makesIDs }

    /// The settings for one request.
    ///
    /// - Parameters:
    ///   - details: `nil` for an exchange that was opened with header fields alone.
    /// - Throws: ``SessionConfigurationError`` if the settings are unsafe, or the request's scheme cannot be told.
    func cookie(
        for fields: HTTPFields,
        _ details: RequestDetails?,
        _ format: any WireFormat
    ) throws(SessionConfigurationError) -> RequestCookie {
        let isSecure = try isSecure(fields, details?.connection)
        var (template, format) = isSecure ?? true ? (secure, secureFormat) : (plain, plainFormat)
        var persistence = cookie.persistence
        if let change {
            var changed = cookie
            change(Self.request(fields, details, isSecure), &changed)
            if changed != cookie {
                try check(changed)
                persistence = changed.persistence
                template = try changed.template(isSecure: isSecure ?? true, allowUnprefixed: allowUnprefixed)
                format = try format.with(template)
            }
        }
        if makesIDs { format = format.following(Self.request(fields, details, isSecure)) }
        let path = details?.head.path
        return RequestCookie(
            template: template,
            format: format,
            persistence: persistence,
            // A browser keeps no Secure cookie that comes in the clear (RFC 6265bis section 5.7).
            travels: !template.attributes.secure || isSecure ?? true,
            isWithinPath: path.flatMap(Self.path(of:)).map { CookieScope.reaches(template.attributes.path, $0) } ?? true
        )
    }

    private static func request(_ fields: HTTPFields, _ details: RequestDetails?, _ isSecure: Bool?) -> CookieRequest {
        let head =
            details?.head
            ?? HTTPRequest(method: .get, scheme: nil, authority: nil, path: nil, headerFields: fields)
        return CookieRequest(
            head: head,
            isSecure: isSecure ?? details?.connection?.isEncrypted ?? false,
            connection: details?.connection
        )
    }

    /// Whether a request outside the cookie's path has no session.
    func refuses(_ cookie: RequestCookie) -> Bool { refusesOutsidePath && !cookie.isWithinPath }

    /// Whether the client's connection is encrypted; `nil` where nobody has to know.
    private func isSecure(
        _ fields: HTTPFields,
        _ connection: RequestConnection?
    ) throws(SessionConfigurationError) -> Bool? {
        guard let proxies else { return nil }
        guard let isSecure = proxies.isSecure(fields, over: connection) else {
            throw SessionConfigurationError(
                .proxy,
                "configuration.proxies is set, and this request was opened without its connection, so nobody can tell "
                    + "whether it is encrypted. Open it with open(_:over:), or have the adapter do so."
            )
        }
        return isSecure
    }

    /// Refuses what a request's cookie must not differ in.
    private func check(_ changed: SessionCookie) throws(SessionConfigurationError) {
        guard changed.name == cookie.name else {
            throw SessionConfigurationError(
                .invalidCookieName,
                "cookieForRequest has changed the cookie's name, by which its credentials are signed and found. Leave the "
                    + "name as configured, or make a second SessionManager."
            )
        }
        guard changed.security == cookie.security || changed.security == .always else {
            throw SessionConfigurationError(
                .insecureCookie,
                "cookieForRequest has taken Secure from the cookie, and configuration.cookie has it. Leave it, or "
                    + "configure SessionCookie.automatic(name:)."
            )
        }
    }

    /// The path of a request's target (RFC 9112 section 3.2); a client that sends none means `/`.
    ///
    /// - Returns: `nil` for a target that has none: `*`, or an authority.
    private static func path(of target: String) -> String? {
        var path = target.utf8.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
        guard let first = path.first else { return "/" }
        guard first != UInt8(ascii: "/") else { return String(Substring(path)) }
        // A proxy may send the absolute form, and every server has to take it.
        guard let colon = path.firstIndex(of: UInt8(ascii: ":")), path[colon...].starts(with: "://".utf8) else {
            return nil
        }
        path = path[colon...].dropFirst(3).drop { $0 != UInt8(ascii: "/") }
        return path.isEmpty ? "/" : String(Substring(path))
    }
}

extension SessionCookie {
    /// The cookie's fields but for value and age, over an encrypted connection or another.
    ///
    /// - Parameter allowUnprefixed: whether a cookie that has a domain may do without a name that a prefix keeps safe.
    /// - Throws: ``SessionConfigurationError`` if browsers would not take them, or the credential must not travel so.
    func template(
        isSecure: Bool,
        allowUnprefixed: Bool = false
    ) throws(SessionConfigurationError) -> SetCookieTemplate {
        let carriesSecure = security == .always || security == .automatic && isSecure
        return try SetCookieTemplate(
            name: CookieName(name),
            attributes: CookieAttributes(
                domain: domain,
                path: path,
                secure: carriesSecure,
                httpOnly: true,
                sameSite: isCrossSiteWhereSecure && carriesSecure && isSecure ? .none : sameSite,
                partitioned: partitioned,
                priority: priority
            ),
            allowUnprefixed: allowUnprefixed
        )
    }
}
