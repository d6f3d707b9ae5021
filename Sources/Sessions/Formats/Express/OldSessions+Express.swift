extension OldSessions {
    /// The sessions of a Node service on express-session, to be moved to our own format: <doc:Moving>.
    ///
    /// The arguments are those of ``SessionManager/express(secrets:store:acknowledging:configuration:generateID:clock:logger:observer:)``,
    /// with which the service ran until now.
    ///
    /// - Parameters:
    ///   - secrets: express-session's `secret`: all verify.
    ///   - store: where Node's records are.
    ///   - missing: the guarantees that the old sessions do without, all of them: they are missing until a session has moved.
    ///   - configuration: ``SessionConfiguration/express(name:maxAge:)``, or your own: the old cookie's name, domain and path,
    ///     and the lifetime of the old sessions: `maxAge`, or the store's `ttl`. Where Node keeps sessions for longer than that
    ///     says, it cannot be told when they were used last: they move with the first request that reads them.
    ///   - owner: whose session it is, by what Node has put into it; `nil` for nobody's. A revocation of all of an owner's
    ///     sessions ends those that Node has logged in and that have not moved, whenever that was. A session that our own
    ///     `logIn` has logged in has its owner already. It is called with each load of a session that has not moved, and
    ///     should return at once.
    public static func express(
        secrets: [ForeignSecret],
        store: any SessionStore,
        acknowledging missing: MissingGuarantees,
        configuration: SessionConfiguration = .express(),
        owner: (@Sendable (OldValues) -> String?)? = nil
    ) -> OldSessions {
        OldSessions(
            ExpressFormat(secrets: secrets, makeID: .always(ExpressWireFormat.randomID)),
            store: store,
            acknowledging: missing,
            configuration: configuration,
            owner: owner
        )
    }
}
