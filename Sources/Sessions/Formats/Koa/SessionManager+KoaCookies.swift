public import Logging

extension SessionManager {
    /// A manager for the sessions of a Node service on koa-session without a store: they live in its two cookies, which are
    /// read and written.
    ///
    /// ```swift
    /// let sessions = try SessionManager.koaCookies(
    ///     keys: ["0123456789abcdef0123456789abcdef"],
    ///     acknowledging: [
    ///         .concurrentChangesAreLost, .earlierStatesComeBack, .nothingIsConsumedOnce, .logoutReachesOneClient,
    ///         .valuesAreReadable, .deadlinesAreUnknown,
    ///     ]
    /// )
    /// ```
    ///
    /// The session is JSON in base64, signed and not encrypted: its user reads it, and so does whoever sees the cookie. No
    /// server keeps it, so none can end it: a copy of the cookies counts on until the `_expire` in it, and one that says
    /// `_session` and that Node has written, for as long as the keys are good. ``SealedCookies`` promises more to a service
    /// without Node. A session that does not fit into a cookie makes the commit throw ``SessionError/Code/tooLarge``, before
    /// a field is sent: 4096 bytes with name and attributes, which leaves some 2.5 KB for values.
    ///
    /// - Parameters:
    ///   - keys: Koa's `app.keys`: the first signs, all verify. Their strength is not checked, as they are what they are;
    ///     replace weak ones soon.
    ///   - signature: the hash that the Node service signs with. Default ``KoaSignature/sha256``; a service that sets
    ///     `app.keys` to an array, and not to a `Keygrip`, has ``KoaSignature/sha1``.
    ///   - missing: the guarantees that the application does without: all of them, each by its name.
    ///   - configuration: ``SessionConfiguration/koa(name:maxAge:renewal:)``, or your own; `rotationInterval`,
    ///     `supersededPolicy`, `sealsRecords` and the header transport need the native format.
    ///   - clock: what deadlines are compared with.
    ///   - logger: where the manager logs. Nothing that authenticates is ever logged.
    ///   - observer: is called with every ``SessionEvent``, on the request's path: it should return at once.
    /// - Throws: ``SessionConfigurationError`` if the configuration is unsafe or contradicts itself (checklist section L),
    ///   with code `store` if a missing guarantee is not named, `missingSecret` if there is no key.
    public static func koaCookies(
        keys: [ForeignSecret],
        signature: KoaSignature = .sha256,
        acknowledging missing: MissingGuarantees,
        configuration: SessionConfiguration = .koa(),
        clock: any SessionClock = SystemSessionClock(),
        logger: Logger = Logger(label: "sessions"),
        observer: (@Sendable (SessionEvent) -> Void)? = nil
    ) throws(SessionConfigurationError) -> SessionManager {
        try SessionManager(
            KoaFormat(
                secrets: keys,
                signature: signature,
                makeID: .always(KoaCookieCodec.randomID),
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
