public import Logging

extension SessionManager {
    /// Creates a manager whose sessions live in their cookies; see ``SealedCookies``.
    ///
    /// - Parameters:
    ///   - sealedCookies: how they are sealed, and where it is kept which have ended.
    ///   - missing: the guarantees that the application does without: all of them, each by its name.
    ///   - keys: the key ring; the first key seals, all open.
    ///   - configuration: the defaults are safe. What needs a store has to be left as it is: `rotationInterval`,
    ///     `supersededPolicy`, `maximumSessionsPerOwner`, `sealsRecords`, `transport`.
    ///   - clock: what deadlines are compared with.
    ///   - logger: where the manager logs. Nothing that authenticates is ever logged.
    ///   - observer: is called with every ``SessionEvent``, on the request's path: it should return at once.
    /// - Throws: ``SessionConfigurationError`` if the configuration is unsafe or contradicts itself (checklist section L),
    ///   with code `store` if a missing guarantee is not named.
    public convenience init(
        sealedCookies: SealedCookies,
        acknowledging missing: MissingGuarantees,
        keys: KeyRing,
        configuration: SessionConfiguration = SessionConfiguration(),
        clock: any SessionClock = SystemSessionClock(),
        logger: Logger = Logger(label: "sessions"),
        observer: (@Sendable (SessionEvent) -> Void)? = nil
    ) throws(SessionConfigurationError) {
        try sealedCookies.validate(missing, keys, configuration)
        try self.init(
            store: SealedCookieStore(),
            sealedCookies: sealedCookies,
            keys: keys,
            configuration: configuration,
            clock: clock,
            logger: logger,
            observer: observer,
            metrics: SessionMetrics()
        )
    }

    /// The stores of owners' epochs: the one of the revocations, where there is no other.
    var owners: (any OwnerIndexedSessionStore)? {
        if let sealed { sealed.owners } else { store as? any OwnerIndexedSessionStore }
    }
}

extension SealedCookies {
    /// Refuses what contradicts itself, and what nobody has said to do without.
    fileprivate func validate(
        _ named: MissingGuarantees,
        _ keys: KeyRing,
        _ configuration: SessionConfiguration
    ) throws(SessionConfigurationError) {
        try missing.check(named, of: "sealed cookies")
        guard (1...256).contains(padding) else {
            throw SessionConfigurationError(.limit, "padding (\(padding)) must be from 1 to 256. 32 is the default.")
        }
        guard !keys.isEphemeral || configuration.sessionsMayEndWithProcess else {
            throw SessionConfigurationError(
                .missingSecret,
                "Ephemeral keys would log everybody out at each start. Make a secret with `openssl rand -base64 32` and "
                    + "pass KeyRing(environment:) or KeyRing(file:), or set sessionsMayEndWithProcess if this is meant."
            )
        }
        guard keys.isEphemeral || !(revocations is any ProcessLocalSessionStore) else {
            throw SessionConfigurationError(
                .store,
                "Revocations in this process's memory are forgotten when it ends, and sessions that were ended would be "
                    + "back. Use a store that lasts."
            )
        }
        guard configuration.rotationInterval == nil, configuration.maximumSessionsPerOwner == nil,
            !configuration.sealsRecords
        else {
            throw SessionConfigurationError(
                .store,
                "rotationInterval, maximumSessionsPerOwner and sealsRecords mean nothing to sealed cookies, as no server "
                    + "keeps a record. Leave them as they are, or use a store."
            )
        }
        let maximum = configuration.maximumRecordBytes
        guard maximum == SessionConfiguration().maximumRecordBytes || maximum <= SetCookie.sizeLimit else {
            throw SessionConfigurationError(
                .limit,
                "maximumRecordBytes (\(maximum)) exceeds what fits into a cookie "
                    + "(\(SetCookie.sizeLimit) bytes with all that is around it). Leave it as it is."
            )
        }
    }
}
