public import Logging

/// express-session's way to keep sessions: its cookie, and its record in the store.
struct ExpressFormat: ForeignFormat {
    var name: String { "express-session" }
    let secrets: [ForeignSecret]
    let makeID: ForeignIDMaker

    func missing(with store: any SessionStore) -> MissingGuarantees {
        .ofSharing(store).union(.keysAreCredentials)
    }

    func wireFormat(
        _ cookie: SetCookieTemplate,
        _ configuration: SessionConfiguration,
        _ clock: any SessionClock
    ) -> any WireFormat {
        let lifetime = configuration.lifetime
        return ExpressWireFormat(
            signing: ExpressCookie(secrets: secrets),
            cookie: cookie,
            records: ExpressRecordFormat(
                lifetime: lifetime,
                cookie: ExpressCookieSettings(
                    maxAge: configuration.cookie.persistence == .browserSession ? nil : lifetime.idle,
                    attributes: cookie.attributes
                ),
                maximumBytes: configuration.maximumRecordBytes,
                clock: clock
            ),
            makeID: makeID
        )
    }
}

extension SessionManager {
    /// A manager for the sessions of a Node service on express-session: its cookies and its records, read and written.
    ///
    /// ```swift
    /// let sessions = try SessionManager.express(
    ///     secrets: ["keyboard cat"],
    ///     store: ConnectRedisStore(url: "redis://localhost:6379"),
    ///     acknowledging: [.concurrentChangesAreLost, .endedSessionsComeBack, .keysAreCredentials]
    /// )
    /// ```
    ///
    /// Both services can serve the same users at the same time. What this one writes depends on the record still being
    /// what it read; Node writes whatever is there, so what it overwrites is lost, and a request of Node's that is under
    /// way when a session ends writes it back. Without Node, on the same store, neither happens.
    ///
    /// A login and a rotation give the session a new id and a new record, at once and without a grace.
    ///
    /// - Parameters:
    ///   - secrets: express-session's `secret`: the first signs, all verify. Their strength is not checked, as they are
    ///     what they are; replace them soon.
    ///   - store: where the records are kept. With one that shares no table with Node, name `.keysAreCredentials` alone.
    ///   - missing: the guarantees that the application does without: all of them, each by its name.
    ///   - configuration: ``SessionConfiguration/express(name:maxAge:)``, or your own; `rotationInterval`,
    ///     `supersededPolicy`, `sealsRecords` and the header transport need the native format.
    ///   - generateID: makes the id of a new session. It must not be guessable; by default 192 random bits, as
    ///     express-session makes them.
    ///   - clock: what deadlines are compared with.
    ///   - logger: where the manager logs. Nothing that authenticates is ever logged.
    ///   - observer: is called with every ``SessionEvent``, on the request's path: it should return at once.
    /// - Throws: ``SessionConfigurationError`` if the configuration is unsafe or contradicts itself (checklist section L),
    ///   with code `store` if a missing guarantee is not named.
    public static func express(
        secrets: [ForeignSecret],
        store: any SessionStore,
        acknowledging missing: MissingGuarantees,
        configuration: SessionConfiguration = .express(),
        generateID: (@Sendable () -> String)? = nil,
        clock: any SessionClock = SystemSessionClock(),
        logger: Logger = Logger(label: "sessions"),
        observer: (@Sendable (SessionEvent) -> Void)? = nil
    ) throws(SessionConfigurationError) -> SessionManager {
        try SessionManager(
            ExpressFormat(secrets: secrets, makeID: .always(generateID ?? ExpressWireFormat.randomID)),
            store: store,
            acknowledging: missing,
            configuration: configuration,
            clock: clock,
            logger: logger,
            observer: observer
        )
    }

    /// The same, with ids that depend on the request: express-session's `genid(req)`.
    ///
    /// ```swift
    /// let sessions = try SessionManager.express(
    ///     secrets: ["keyboard cat"],
    ///     store: ConnectRedisStore(url: "redis://localhost:6379"),
    ///     acknowledging: [.concurrentChangesAreLost, .endedSessionsComeBack, .keysAreCredentials],
    ///     generateIDForRequest: { request in
    ///         "\(tenant(of: request.head))-\(UInt64.random(in: 0 ... .max))-\(UInt64.random(in: 0 ... .max))"
    ///     }
    /// )
    /// ```
    ///
    /// Everything else is as ``express(secrets:store:acknowledging:configuration:generateID:clock:logger:observer:)`` has it.
    ///
    /// The closure makes the id of a new session, for the request that begins it. It must not be guessable: who sends the
    /// request knows what is in it, and others may. So an id is more than what follows from the request; at least 128 bits of
    /// it are random (checklist ID-01). It is called once for a credential, and should return at once; it must not use the
    /// session, which is not there yet.
    ///
    /// - Throws: ``SessionConfigurationError``, as the other does.
    public static func express(
        secrets: [ForeignSecret],
        store: any SessionStore,
        acknowledging missing: MissingGuarantees,
        configuration: SessionConfiguration = .express(),
        generateIDForRequest: @escaping @Sendable (CookieRequest) -> String,
        clock: any SessionClock = SystemSessionClock(),
        logger: Logger = Logger(label: "sessions"),
        observer: (@Sendable (SessionEvent) -> Void)? = nil
    ) throws(SessionConfigurationError) -> SessionManager {
        try SessionManager(
            ExpressFormat(secrets: secrets, makeID: .ofRequest(generateIDForRequest)),
            store: store,
            acknowledging: missing,
            configuration: configuration,
            clock: clock,
            logger: logger,
            observer: observer
        )
    }
}

extension SessionConfiguration {
    /// The configuration of a service that shares its sessions with express-session.
    ///
    /// - Parameters:
    ///   - name: The name of the cookie. Default `connect.sid`, as express-session's.
    ///   - maxAge: express-session's `cookie.maxAge`, for which a session lives on after each use; `nil` for a cookie that
    ///     ends with the browser, whose session lives a day, as connect-redis and connect-pg-simple keep it.
    public static func express(name: String = "connect.sid", maxAge: Duration? = nil) -> SessionConfiguration {
        var configuration = SessionConfiguration()
        configuration.cookie.name = name
        configuration.cookie.persistence = maxAge == nil ? .browserSession : .untilIdle
        let idle = maxAge ?? .seconds(86_400)
        // Node knows no absolute time. A session must end all the same.
        configuration.lifetime = SessionLifetime(
            idle: idle,
            absolute: min(max(idle, .seconds(30 * 86_400)), .seconds(400 * 86_400))
        )
        configuration.anonymousLifetime = configuration.lifetime
        configuration.renewalInterval = min(configuration.renewalInterval, idle / 2)
        return configuration
    }
}
