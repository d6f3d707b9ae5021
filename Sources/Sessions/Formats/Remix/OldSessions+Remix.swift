extension OldSessions {
    /// The sessions of a Remix application, to be moved to our own format: <doc:Moving>.
    ///
    /// The arguments are those of ``SessionManager/remix(secrets:store:acknowledging:configuration:generateID:clock:logger:observer:)``,
    /// with which the service ran until now. A flash value goes along, and lives on as the new manager's
    /// ``SessionConfiguration/flashLifetime`` has it.
    ///
    /// A Remix storage without a `ttl` does not tell when a session was used last. Such a session moves with the first request
    /// that asks for it, whatever the ``Occasion``, and a revocation of all sessions of an owner ends also those that Remix has
    /// begun after it.
    ///
    /// Of sessions in Remix's cookie storage there is no such thing. No server has a record of them: nothing can decide which
    /// of two requests with one cookie moves the session, so that each would begin one of its own (I1), and after a logout a
    /// copy of the cookie would begin it again (I2).
    ///
    /// - Parameters:
    ///   - secrets: The cookie's `secrets`: all verify.
    ///   - store: where Remix's records are: ``RemixFileStore``, or `ConnectRedisStore` with the prefix `session:`.
    ///   - missing: the guarantees that the old sessions do without, all of them: they are missing until a session has moved.
    ///   - configuration: ``SessionConfiguration/remix(name:maxAge:)``, or your own: the old cookie's name, domain and path,
    ///     and the lifetime of the old sessions.
    ///   - owner: whose session it is, by what Remix has put into it; `nil` for nobody's. A session that our own `logIn` has
    ///     logged in has its owner already. It is called with each load of a session that has not moved, and should return at
    ///     once.
    public static func remix(
        secrets: [ForeignSecret],
        store: any SessionStore,
        acknowledging missing: MissingGuarantees,
        configuration: SessionConfiguration = .remix(),
        owner: (@Sendable (OldValues) -> String?)? = nil
    ) -> OldSessions {
        OldSessions(
            RemixFormat(secrets: secrets, makeID: .always(RemixWireFormat.randomID)),
            store: store,
            acknowledging: missing,
            configuration: configuration,
            owner: owner
        )
    }
}
