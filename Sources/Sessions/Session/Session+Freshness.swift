extension Session {
    /// The owner, for an action that needs one.
    ///
    /// - Throws: ``SessionError/Code/loginRequired`` (401) if the session has none.
    @discardableResult
    public func requireOwner() throws(SessionError) -> String {
        guard let owner else {
            throw SessionError(
                .loginRequired,
                "This needs a login. Log in and try again.",
                challenge: exchange.challenge()
            )
        }
        return owner
    }

    /// Whether the owner has logged in within the last `age`, a pending ``logIn(_:keeping:)`` included.
    ///
    /// Going on using a session does not keep it fresh; only a login does. A login that lies more than a minute in the
    /// future, as after a clock was set back, is not fresh.
    public func isFresh(within age: Duration = .seconds(300)) -> Bool {
        guard owner != nil else { return false }
        if exchange.withState({ $0.intent.login != nil }) { return true }
        guard let authenticatedAt else { return false }
        let passed = exchange.manager.clock.now().duration(since: authenticatedAt)
        return passed <= age && passed >= .seconds(-60)
    }

    /// Lets an action go on only if the owner has logged in a short while ago: a change of password or address, a
    /// payment, a deletion (checklist LC-14; OWASP ASVS 7.5.1 and 7.5.3; NIST SP 800-63B-4 section 2.2.3).
    ///
    /// Have the user prove again who they are, and call ``logIn(_:keeping:)`` with the same owner: that keeps the
    /// session's values, gives it a new credential and begins its deadlines anew.
    ///
    /// - Parameter age: how old the login may be. Default 5 minutes.
    /// - Throws: ``SessionError/Code/loginRequired`` (401) if the session has no owner;
    ///   ``SessionError/Code/freshLoginRequired`` (401) if the login is older.
    public func requireFresh(within age: Duration = .seconds(300)) throws(SessionError) {
        try requireOwner()
        guard isFresh(within: age) else {
            throw SessionError(
                .freshLoginRequired,
                "This needs a login that is no older than \(age). Log in again and try again.",
                challenge: exchange.challenge(maximumAge: age)
            )
        }
    }
}

extension SessionExchange {
    /// The challenge of a 401 to this request: for a login, or for one that is more recent.
    fileprivate func challenge(maximumAge age: Duration? = nil) -> String {
        let (transport, arrival) = withState { ($0.fields.transport, $0.arrival) }
        if let age { return manager.challenge(over: transport, maximumAge: age) }
        return manager.challenge(over: transport, arrival)
    }
}
