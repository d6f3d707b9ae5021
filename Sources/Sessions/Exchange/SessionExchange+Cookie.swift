// The settings of one exchange's cookie.
extension SessionExchange {
    /// Whether the request lies below the cookie's path, so that the client brings the cookie back to it (RFC 6265 section
    /// 5.1.4). Where the path is not known, it is taken to.
    ///
    /// - Throws: ``SessionConfigurationError`` if ``SessionConfiguration/cookieForRequest`` has made settings that are
    ///   unsafe.
    public var isWithinCookiePath: Bool {
        get throws(SessionConfigurationError) { try cookie()?.isWithinPath ?? true }
    }

    /// Works the settings out, before anything is loaded.
    func settleCookie() throws {
        guard let rules = manager.rules, let cookie = try cookie(), rules.refuses(cookie), !isAnsweredInHeader else {
            return
        }
        throw SessionError(
            .outsidePath,
            "This request lies outside the path of the session cookie (\(cookie.template.attributes.path)), so it has no "
                + "session. Ask below the path only, or set configuration.outsidePath to .serve."
        )
    }

    /// Whether the client's credential travels in a header, for which the cookie's path means nothing.
    private var isAnsweredInHeader: Bool {
        guard manager.bearer != nil else { return false }
        return !manager.configuration.transport.contains(.cookie) || BearerHeader.isPresent(in: requestFields)
    }

    /// The settings, worked out once; `nil` where they are the manager's.
    private func cookie() throws(SessionConfigurationError) -> RequestCookie? {
        guard let rules = manager.rules else { return nil }
        if let known = withState({ $0.cookie }) { return known }
        let made = try rules.cookie(for: requestFields, details, manager.format)
        return withState { state in
            // Another task may have been faster.
            let cookie = state.cookie ?? made
            state.cookie = cookie
            return cookie
        }
    }

    /// The manager's format, with the cookie's attributes as they are for this request.
    var format: any WireFormat { withState { $0.cookie?.format } ?? manager.format }

    /// The `Set-Cookie` fields of this request, but for value and age.
    var template: SetCookieTemplate { withState { $0.cookie?.template } ?? manager.cookie }
}
