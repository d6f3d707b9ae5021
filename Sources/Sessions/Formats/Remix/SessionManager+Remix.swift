public import Logging

/// Remix's way to keep sessions: its signed cookie, and its record in a store or in that cookie.
struct RemixFormat: ForeignFormat {
    let secrets: [ForeignSecret]
    let makeID: ForeignIDMaker
    /// Whether the sessions live in their cookies, and no store keeps them.
    var isInCookie = false

    var name: String { isInCookie ? "Remix's cookie storage" : "Remix's format" }

    func missing(with store: any SessionStore) -> MissingGuarantees {
        if isInCookie { return .ofForeignCookies }
        // The names of its files are hashes of the ids.
        return store is RemixFileStore ? .ofSharing(store) : .ofSharing(store).union(.keysAreCredentials)
    }

    func wireFormat(
        _ cookie: SetCookieTemplate,
        _ configuration: SessionConfiguration,
        _ clock: any SessionClock
    ) -> any WireFormat {
        RemixWireFormat(
            signing: RemixCookie(secrets: secrets),
            cookie: cookie,
            records: records(configuration, clock),
            makeID: makeID
        )
    }

    func cookieCodec(_ configuration: SessionConfiguration, _ clock: any SessionClock) -> (any CookieCodec)? {
        guard isInCookie else { return nil }
        return RemixCookieCodec(signing: RemixCookie(secrets: secrets), records: records(configuration, clock))
    }

    private func records(_ configuration: SessionConfiguration, _ clock: any SessionClock) -> RemixRecordFormat {
        RemixRecordFormat(
            lifetime: configuration.lifetime,
            maximumBytes: configuration.maximumRecordBytes,
            isInCookie: isInCookie,
            clock: clock
        )
    }
}

extension SessionManager {
    /// A manager for the sessions of a Remix application: its signed cookie and its records, read and written.
    ///
    /// ```swift
    /// let sessions = try SessionManager.remix(
    ///     secrets: ["s3cr3t"],
    ///     store: RemixFileStore(directory: "/var/lib/shop/sessions"),
    ///     acknowledging: [.concurrentChangesAreLost, .endedSessionsComeBack]
    /// )
    /// ```
    ///
    /// Both services can serve the same users at the same time. What this one writes depends on the record still being
    /// what it read; Remix writes whatever is there.
    ///
    /// A login and a rotation give the session a new id and a new record, at once and without a grace.
    ///
    /// - Parameters:
    ///   - secrets: The cookie's `secrets`: the first signs, all verify. Their strength is not checked, as they are what they
    ///     are; replace them soon.
    ///   - store: where the records are kept: ``RemixFileStore``; `ConnectRedisStore` with the prefix `session:`; any other
    ///     for sessions of this service alone.
    ///   - missing: the guarantees that the application does without: all of them, each by its name.
    ///   - configuration: ``SessionConfiguration/remix(name:maxAge:)``, or your own; `rotationInterval`,
    ///     `supersededPolicy`, `sealsRecords` and the header transport need the native format.
    ///   - generateID: makes the id of a new session. It must not be guessable; by default a random UUID, as Remix makes
    ///     them.
    ///   - clock: what deadlines are compared with.
    ///   - logger: where the manager logs. Nothing that authenticates is ever logged.
    ///   - observer: is called with every ``SessionEvent``, on the request's path: it should return at once.
    /// - Throws: ``SessionConfigurationError`` if the configuration is unsafe or contradicts itself (checklist section L),
    ///   with code `store` if a missing guarantee is not named, `missingSecret` if there is no secret.
    public static func remix(
        secrets: [ForeignSecret],
        store: any SessionStore,
        acknowledging missing: MissingGuarantees,
        configuration: SessionConfiguration = .remix(),
        generateID: (@Sendable () -> String)? = nil,
        clock: any SessionClock = SystemSessionClock(),
        logger: Logger = Logger(label: "sessions"),
        observer: (@Sendable (SessionEvent) -> Void)? = nil
    ) throws(SessionConfigurationError) -> SessionManager {
        try SessionManager(
            RemixFormat(secrets: secrets, makeID: .always(generateID ?? RemixWireFormat.randomID)),
            store: store,
            acknowledging: missing,
            configuration: configuration,
            clock: clock,
            logger: logger,
            observer: observer
        )
    }

    /// A manager for the sessions of a Remix application that live in their cookies (its cookie storage), read and written.
    ///
    /// ```swift
    /// let sessions = try SessionManager.remixCookies(
    ///     secrets: ["s3cr3t"],
    ///     acknowledging: [
    ///         .concurrentChangesAreLost, .earlierStatesComeBack, .nothingIsConsumedOnce, .logoutReachesOneClient,
    ///         .valuesAreReadable, .deadlinesAreUnknown,
    ///     ]
    /// )
    /// ```
    ///
    /// The cookie is signed and not encrypted. What this library writes says its deadlines; what Remix writes has none.
    /// ``SealedCookies`` promises more to a service without Remix. A session that does not fit into a cookie makes the commit
    /// throw ``SessionError/Code/tooLarge``, before a field is sent: 4096 bytes with name and attributes, which leaves some
    /// 2.5 KB for values.
    ///
    /// - Parameters:
    ///   - secrets: The cookie's `secrets`: the first signs, all verify.
    ///   - missing: the guarantees that the application does without: all of them, each by its name.
    ///   - configuration: ``SessionConfiguration/remix(name:maxAge:)``, or your own.
    ///   - generateID: makes the id of a new session; by default a random UUID, as Remix makes them.
    ///   - clock: what deadlines are compared with.
    ///   - logger: where the manager logs. Nothing that authenticates is ever logged.
    ///   - observer: is called with every ``SessionEvent``, on the request's path: it should return at once.
    /// - Throws: ``SessionConfigurationError``, as ``remix(secrets:store:acknowledging:configuration:generateID:clock:logger:observer:)``
    ///   does.
    public static func remixCookies(
        secrets: [ForeignSecret],
        acknowledging missing: MissingGuarantees,
        configuration: SessionConfiguration = .remix(),
        generateID: (@Sendable () -> String)? = nil,
        clock: any SessionClock = SystemSessionClock(),
        logger: Logger = Logger(label: "sessions"),
        observer: (@Sendable (SessionEvent) -> Void)? = nil
    ) throws(SessionConfigurationError) -> SessionManager {
        try SessionManager(
            RemixFormat(
                secrets: secrets,
                makeID: .always(generateID ?? RemixWireFormat.randomID),
                isInCookie: true
            ),
            store: SealedCookieStore(),
            acknowledging: missing,
            configuration: configuration,
            clock: clock,
            logger: logger,
            observer: observer
        )
    }
}

extension SessionConfiguration {
    /// The configuration of a service that shares its sessions with a Remix application.
    ///
    /// Flash values are for the next request only, as with Remix.
    ///
    /// - Parameters:
    ///   - name: The name of the cookie, which Remix leaves to the application. Default `__session`.
    ///   - maxAge: The cookie's `maxAge`, for which a session lives on after each use, and its cookie with it
    ///     (``SessionConfiguration/rolling``); `nil` for a cookie that ends with the browser, whose session lives 30 days
    ///     unless it is used.
    public static func remix(name: String = "__session", maxAge: Duration? = nil) -> SessionConfiguration {
        var configuration = SessionConfiguration()
        configuration.cookie.name = name
        configuration.cookie.persistence = maxAge == nil ? .browserSession : .persistent
        // The cookie's age is counted from when it was sent, as Remix has it.
        configuration.rolling = maxAge != nil
        // Remix's sessions have no end. One must come all the same.
        let idle = maxAge ?? .seconds(30 * 86_400)
        configuration.lifetime = SessionLifetime(
            idle: idle,
            absolute: min(max(idle, .seconds(90 * 86_400)), SessionLifetime.longest)
        )
        configuration.anonymousLifetime = configuration.lifetime
        configuration.flashLifetime = .nextRequest
        return configuration
    }
}
