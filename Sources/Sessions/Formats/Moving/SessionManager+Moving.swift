public import Logging

extension SessionManager {
    /// Creates a manager that moves the sessions of another system to its own format: <doc:Moving>.
    ///
    /// A request that brings an old cookie, and none of ours, goes on with its session: its values, its flash, its owner, its
    /// deadlines. The first one that writes moves it to `store`, under a new credential that is answered with the manager's
    /// own cookie, and the old cookie expires. Of any number of requests that bring one old cookie at the same time, one
    /// moves the session and the others go on with it.
    ///
    /// No service that knows only the old format may use the sessions any more: see phase 2 of the article.
    ///
    /// - Parameters:
    ///   - store: where the records are kept from now on.
    ///   - keys: the key ring; the first key signs and seals, all verify and open. It has nothing to do with the old secrets.
    ///   - configuration: the defaults are safe. Its cookie has another name than the old one.
    ///   - old: the sessions that are moved from.
    ///   - clock: what deadlines are compared with.
    ///   - logger: where the manager logs. Nothing that authenticates is ever logged.
    ///   - observer: is called with every ``SessionEvent``, on the request's path: it should return at once.
    /// - Throws: ``SessionConfigurationError`` if a configuration, the old one included, is unsafe or contradicts itself
    ///   (checklist section L); with code `duplicateManager` if both cookies have one name; with code `store` if a missing
    ///   guarantee of the old sessions is not named.
    public convenience init(
        store: any SessionStore,
        keys: KeyRing,
        configuration: SessionConfiguration = SessionConfiguration(),
        movingFrom old: OldSessions,
        clock: any SessionClock = SystemSessionClock(),
        logger: Logger = Logger(label: "sessions"),
        observer: (@Sendable (SessionEvent) -> Void)? = nil
    ) throws(SessionConfigurationError) {
        try self.init(
            store: store,
            keys: keys,
            configuration: configuration,
            clock: clock,
            logger: logger,
            observer: observer,
            metrics: SessionMetrics(),
            movingFrom: old
        )
    }

    /// When the last old cookie is accepted, by this manager's clock; `nil` if it moves from no other system, or until no
    /// date.
    public var oldCookiesEnd: Timestamp? {
        moving.flatMap { $0.end == .distantFuture ? nil : $0.end }
    }
}

extension SessionManager {
    /// The handle under which the session goes on whose record, at `key`, is `stored`; `nil` if it is there still.
    func forwarded(_ stored: StoredRecord?, at key: StoreKey) -> StoreKey? {
        guard key.isOld, let moving, let stored else { return nil }
        return moving.forwarded(stored, at: key).map { StoreKey($0) }
    }
}
