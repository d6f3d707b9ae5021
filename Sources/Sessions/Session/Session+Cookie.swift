extension Session {
    /// The settings of this session's cookie: how long the browser keeps it.
    public var cookie: SessionCookieSettings { SessionCookieSettings(session: self) }
}

/// The settings of one session's cookie. They are kept with the session and hold in every request.
///
/// ```swift
/// if form.remember { try session.cookie.setMaxAge(.seconds(30 * 86_400)) }
/// ```
///
/// Setting one sends the cookie again with the response.
public struct SessionCookieSettings: Sendable {
    fileprivate let session: Session

    // MARK: Reading

    /// How long the browser keeps the cookie: this session's own setting, or the manager's for this request.
    public var persistence: SessionCookie.Persistence {
        let exchange = session.exchange
        if let own = exchange.look().content.persistence { return own }
        return exchange.withState { $0.cookie?.persistence } ?? exchange.manager.configuration.cookie.persistence
    }

    /// When the browser drops the cookie; `nil` for one that ends with the browser.
    public var expires: Timestamp? {
        switch persistence {
        case .browserSession: nil
        case .persistent: session.exchange.manager.configuration.rolling ? idleEnd : absoluteEnd
        case .untilIdle: idleEnd
        }
    }

    /// How long the browser goes on keeping the cookie; `nil` for one that ends with the browser.
    public var maxAge: Duration? {
        expires.map { max($0.duration(since: session.exchange.manager.clock.now()), .zero) }
    }

    /// How long the browser keeps a cookie that is sent now; `nil` for one that ends with the browser.
    public var originalMaxAge: Duration? {
        let lifetime = session.lifetime
        return switch persistence {
        case .browserSession: nil
        case .persistent: session.exchange.manager.configuration.rolling ? lifetime.idle : lifetime.absolute
        case .untilIdle: lifetime.idle
        }
    }

    /// The fields of the cookie but for its name, value and age, as the next response sets it.
    public var attributes: CookieAttributes {
        let exchange = session.exchange
        return exchange.withState { state in
            let format = state.cookie?.format ?? exchange.manager.format
            let own = state.base.flatMap { format.cookie(of: $0) }
            return (own ?? state.cookie?.template ?? exchange.manager.cookie).attributes
        }
    }

    // MARK: Changing

    /// Says how long the browser keeps this session's cookie; `nil` returns to the manager's setting.
    public func setPersistence(_ persistence: SessionCookie.Persistence?) {
        session.record(named: nil) { $0.persistence = persistence }
    }

    /// Has the session live on for `maxAge` after each use, and the cookie with it: express-session's `cookie.maxAge`.
    ///
    /// The session's own lifetime has that as its idle time, and as its absolute time if the manager's is shorter.
    ///
    /// - Parameter maxAge: `nil` for a cookie that ends with the browser, and a session with the manager's lifetime.
    /// - Throws: ``SessionConfigurationError`` if it is not positive, or longer than 400 days (checklist CF-09).
    public func setMaxAge(_ maxAge: Duration?) throws(SessionConfigurationError) {
        guard let maxAge else {
            session.record(named: nil) { content in
                content.lifetime = nil
                content.persistence = .browserSession
            }
            return
        }
        try set(SessionLifetime(idle: maxAge, absolute: max(maxAge, managers.absolute)), .untilIdle)
    }

    /// Has the session and its cookie end at a time, used or not: a date for "remember me".
    ///
    /// - Parameter expires: `nil` for a cookie that ends with the browser, and a session with the manager's lifetime.
    /// - Throws: ``SessionConfigurationError`` if it is not ahead, or more than 400 days after the session's beginning
    ///   (checklist CF-09).
    public func setExpires(_ expires: Timestamp?) throws(SessionConfigurationError) {
        guard let expires else { return try setMaxAge(nil) }
        guard expires > session.exchange.manager.clock.now() else {
            throw SessionConfigurationError(.lifetime, "expires must lie ahead. To end a session, destroy it.")
        }
        // A lifetime counts from here; see `Session.setLifetime(_:)`.
        let beginning = session.authenticatedAt ?? session.createdAt
        let length = expires.duration(since: beginning)
        try set(SessionLifetime(idle: length, absolute: length), .persistent)
    }

    private func set(
        _ lifetime: SessionLifetime,
        _ persistence: SessionCookie.Persistence
    ) throws(SessionConfigurationError) {
        try lifetime.validate("lifetime")
        if let sealed = session.exchange.manager.sealed { try sealed.check(lifetime) }
        session.record(named: nil) { content in
            content.lifetime = lifetime
            content.persistence = persistence
        }
    }

    /// The manager's lifetime for this session.
    private var managers: SessionLifetime {
        let configuration = session.exchange.manager.configuration
        return session.owner == nil ? configuration.anonymousLifetime : configuration.lifetime
    }

    // MARK: Deadlines, with what this request has changed

    private var hasOwnTimes: Bool {
        let exchange = session.exchange
        let content = exchange.look().content
        return exchange.withState { $0.base?.content.lifetime != content.lifetime || $0.base == nil }
    }

    private var idleEnd: Timestamp {
        guard hasOwnTimes else { return session.idleDeadline }
        return min(session.exchange.manager.clock.now() + session.lifetime.idle, absoluteEnd)
    }

    private var absoluteEnd: Timestamp {
        guard hasOwnTimes else { return session.absoluteDeadline }
        return (session.authenticatedAt ?? session.createdAt) + session.lifetime.absolute
    }
}
