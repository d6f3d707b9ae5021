extension OldSessions {
    /// The sessions of a Node service on koa-session with a store, to be moved to our own format: <doc:Moving>.
    ///
    /// The arguments are those of ``SessionManager/koa(keys:signature:store:acknowledging:configuration:generateID:clock:logger:observer:)``,
    /// with which the service ran until now. Both of Koa's cookies, that of the id and that of its signature, expire when
    /// the session moves.
    ///
    /// Of sessions that koa-session keeps in its cookies alone there is no such thing. No server has a record of them: nothing
    /// can decide which of two requests with one cookie moves the session, so that each would begin one of its own (I1), and
    /// after a logout a copy of the cookie would begin it again (I2).
    ///
    /// - Parameters:
    ///   - keys: Koa's `app.keys`: all verify.
    ///   - signature: the hash that the Node service signs with. Default ``KoaSignature/sha256``.
    ///   - store: where Node's records are.
    ///   - missing: the guarantees that the old sessions do without, all of them: they are missing until a session has moved.
    ///   - configuration: ``SessionConfiguration/koa(name:maxAge:renewal:)``, or your own: the old cookie's name, domain and
    ///     path, and the lifetime of the old sessions.
    ///   - owner: whose session it is, by what Node has put into it; `nil` for nobody's. A session that our own `logIn` has
    ///     logged in has its owner already. It is called with each load of a session that has not moved, and should return at
    ///     once.
    public static func koa(
        keys: [ForeignSecret],
        signature: KoaSignature = .sha256,
        store: any SessionStore,
        acknowledging missing: MissingGuarantees,
        configuration: SessionConfiguration = .koa(),
        owner: (@Sendable (OldValues) -> String?)? = nil
    ) -> OldSessions {
        OldSessions(
            KoaFormat(secrets: keys, signature: signature, makeID: .always(KoaWireFormat.randomID)),
            store: store,
            acknowledging: missing,
            configuration: configuration,
            owner: owner
        )
    }

    /// The sessions of a Compas service with a store, as its environment says them to be, to be moved to our own format:
    /// <doc:Moving>.
    ///
    /// What has moved leaves a mark in Compas's table, under the id that the session had there, so that this one stays a
    /// UUID; new sessions are none of that table any more.
    ///
    /// - Parameters:
    ///   - settings: name, keys and domain.
    ///   - store: where Node's records are; `CompasSessionStore` is on Compas's table.
    ///   - missing: the guarantees that the old sessions do without, all of them: they are missing until a session has moved.
    ///   - maxAge: Compas's `maxAge`, by default 6 days; `nil` for its `'session'`. Its `renew` is of no use here: a session
    ///     that moves is renewed as the manager has it.
    ///   - keepPublicCookie: Compas's `keepPublicCookie`: whether `<app name>.sess.public` expires, too, unless the manager's
    ///     own ``SessionCookie/companion`` has that name. Default `false`.
    ///   - owner: as ``koa(keys:signature:store:acknowledging:configuration:owner:)`` has it.
    public static func compas(
        _ settings: CompasSettings,
        store: any SessionStore,
        acknowledging missing: MissingGuarantees,
        maxAge: Duration? = .seconds(6 * 86_400),
        keepPublicCookie: Bool = false,
        owner: (@Sendable (OldValues) -> String?)? = nil
    ) -> OldSessions {
        koa(
            keys: settings.keys.map { ForeignSecret($0) },
            signature: settings.signature,
            store: store,
            acknowledging: missing,
            configuration: settings.configuration(maxAge: maxAge, keepPublicCookie: keepPublicCookie),
            owner: owner
        )
    }
}
