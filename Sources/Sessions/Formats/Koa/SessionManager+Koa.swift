public import Logging

/// koa-session's way to keep sessions: its cookies, and its record in a store or in its cookie.
struct KoaFormat: ForeignFormat {
    let secrets: [ForeignSecret]
    let signature: KoaSignature
    let makeID: ForeignIDMaker
    /// Whether the sessions live in their cookies, and no store keeps them.
    var isInCookie = false

    var name: String { isInCookie ? "koa-session's cookies" : "koa-session" }

    func missing(with store: any SessionStore) -> MissingGuarantees {
        isInCookie ? .ofForeignCookies : .ofSharing(store).union(.keysAreCredentials)
    }

    func wireFormat(
        _ cookie: SetCookieTemplate,
        _ configuration: SessionConfiguration,
        _ clock: any SessionClock
    ) throws(SessionConfigurationError) -> any WireFormat {
        KoaWireFormat(
            signing: try KoaSigning(keys: secrets, algorithm: signature, name: cookie.name),
            cookie: cookie,
            signatureCookie: try cookie.ofSignature,
            records: records(configuration, clock),
            makeID: makeID
        )
    }

    func cookieCodec(
        _ configuration: SessionConfiguration,
        _ clock: any SessionClock
    ) throws(SessionConfigurationError) -> (any CookieCodec)? {
        guard isInCookie else { return nil }
        let name = try CookieName(configuration.cookie.name)
        return KoaCookieCodec(
            signing: try KoaSigning(keys: secrets, algorithm: signature, name: name),
            records: records(configuration, clock)
        )
    }

    private func records(_ configuration: SessionConfiguration, _ clock: any SessionClock) -> KoaRecordFormat {
        KoaRecordFormat(
            lifetime: configuration.lifetime,
            isBrowserSession: configuration.cookie.persistence == .browserSession,
            maximumBytes: configuration.maximumRecordBytes,
            isInCookie: isInCookie,
            clock: clock
        )
    }
}

extension SessionManager {
    /// A manager for the sessions of a Node service on koa-session with a store: its cookies and its records, read and
    /// written.
    ///
    /// ```swift
    /// let sessions = try SessionManager.koa(
    ///     keys: ["0123456789abcdef0123456789abcdef"],
    ///     store: try await CompasSessionStore("postgresql://shop@db/shop?sslmode=verify-full"),
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
    ///   - keys: Koa's `app.keys`: the first signs, all verify. Their strength is not checked, as they are what they are;
    ///     replace weak ones soon.
    ///   - signature: the hash that the Node service signs with. Default ``KoaSignature/sha256``; a service that sets
    ///     `app.keys` to an array, and not to a `Keygrip`, has ``KoaSignature/sha1``.
    ///   - store: where the records are kept. With one that shares no table with Node, name `.keysAreCredentials` alone.
    ///   - missing: the guarantees that the application does without: all of them, each by its name.
    ///   - configuration: ``SessionConfiguration/koa(name:maxAge:renewal:)``, or your own; `rotationInterval`,
    ///     `supersededPolicy`, `sealsRecords` and the header transport need the native format.
    ///   - generateID: koa-session's `genid`: makes the id of a new session, of characters that a cookie carries. It must
    ///     not be guessable; by default a random UUID, as koa-session makes it.
    ///   - clock: what deadlines are compared with.
    ///   - logger: where the manager logs. Nothing that authenticates is ever logged.
    ///   - observer: is called with every ``SessionEvent``, on the request's path: it should return at once.
    /// - Throws: ``SessionConfigurationError`` if the configuration is unsafe or contradicts itself (checklist section L),
    ///   with code `store` if a missing guarantee is not named.
    public static func koa(
        keys: [ForeignSecret],
        signature: KoaSignature = .sha256,
        store: any SessionStore,
        acknowledging missing: MissingGuarantees,
        configuration: SessionConfiguration = .koa(),
        generateID: (@Sendable () -> String)? = nil,
        clock: any SessionClock = SystemSessionClock(),
        logger: Logger = Logger(label: "sessions"),
        observer: (@Sendable (SessionEvent) -> Void)? = nil
    ) throws(SessionConfigurationError) -> SessionManager {
        try SessionManager(
            KoaFormat(secrets: keys, signature: signature, makeID: .always(generateID ?? KoaWireFormat.randomID)),
            store: store,
            acknowledging: missing,
            configuration: configuration,
            clock: clock,
            logger: logger,
            observer: observer
        )
    }

    /// The same, with ids that depend on the request: koa-session's `genid(ctx)`.
    ///
    /// Everything else is as
    /// ``koa(keys:signature:store:acknowledging:configuration:generateID:clock:logger:observer:)`` has it.
    ///
    /// The closure makes the id of a new session, for the request that begins it, of characters that a cookie carries. It
    /// must not be guessable: who sends the request knows what is in it, and others may. So an id is more than what follows
    /// from the request; at least 128 bits of it are random (checklist ID-01). It is called once for a credential, and should
    /// return at once; it must not use the session, which is not there yet.
    ///
    /// - Throws: ``SessionConfigurationError``, as the other does.
    public static func koa(
        keys: [ForeignSecret],
        signature: KoaSignature = .sha256,
        store: any SessionStore,
        acknowledging missing: MissingGuarantees,
        configuration: SessionConfiguration = .koa(),
        generateIDForRequest: @escaping @Sendable (CookieRequest) -> String,
        clock: any SessionClock = SystemSessionClock(),
        logger: Logger = Logger(label: "sessions"),
        observer: (@Sendable (SessionEvent) -> Void)? = nil
    ) throws(SessionConfigurationError) -> SessionManager {
        try SessionManager(
            KoaFormat(secrets: keys, signature: signature, makeID: .ofRequest(generateIDForRequest)),
            store: store,
            acknowledging: missing,
            configuration: configuration,
            clock: clock,
            logger: logger,
            observer: observer
        )
    }

    /// A manager for the sessions of a Compas service, as its environment says them to be; see ``CompasSettings``.
    ///
    /// - Parameters:
    ///   - settings: name, keys and domain.
    ///   - store: where the records are kept; `CompasSessionStore` is on Compas's table.
    ///   - missing: the guarantees that the application does without: all of them, each by its name.
    ///   - maxAge: Compas's `maxAge`, by default 6 days; `nil` for its `'session'`.
    ///   - renewal: Compas's `renew`, by default each 30 seconds.
    ///   - keepPublicCookie: Compas's `keepPublicCookie`: whether ``SessionCookie/companion`` is set. Default `false`.
    ///   - clock: what deadlines are compared with.
    ///   - logger: where the manager logs. Nothing that authenticates is ever logged.
    ///   - observer: is called with every ``SessionEvent``, on the request's path: it should return at once.
    /// - Throws: as ``koa(keys:signature:store:acknowledging:configuration:generateID:clock:logger:observer:)``.
    public static func compas(
        _ settings: CompasSettings,
        store: any SessionStore,
        acknowledging missing: MissingGuarantees,
        maxAge: Duration? = .seconds(6 * 86_400),
        renewal: KoaRenewal = .each(.seconds(30)),
        keepPublicCookie: Bool = false,
        clock: any SessionClock = SystemSessionClock(),
        logger: Logger = Logger(label: "sessions"),
        observer: (@Sendable (SessionEvent) -> Void)? = nil
    ) throws(SessionConfigurationError) -> SessionManager {
        try koa(
            keys: settings.keys.map { ForeignSecret($0) },
            signature: settings.signature,
            store: store,
            acknowledging: missing,
            configuration: settings.configuration(maxAge: maxAge, renewal: renewal, keepPublicCookie: keepPublicCookie),
            clock: clock,
            logger: logger,
            observer: observer
        )
    }
}
