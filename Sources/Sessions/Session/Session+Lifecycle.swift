extension Session {
    /// Logs the session in as `owner`.
    ///
    /// The credential is new and fresh random, every earlier one is worth nothing at once, the deadlines begin anew, and
    /// the CSRF secret is renewed (checklist LC-01). Of what the anonymous session held, only `kept` survives. Over
    /// another owner it is a restart: that owner's session ends and an empty one begins; over the same owner everything
    /// is kept.
    ///
    /// A login does not depend on the old credential: where that has ended meanwhile, a new session begins with what was
    /// recorded after this call. If the owner's sessions are all revoked while this request runs, the commit throws
    /// ``SessionError/Code/revoked``.
    ///
    /// - Parameters:
    ///   - owner: the application's user id; its description is at most 256 bytes of text, and not empty.
    ///   - kept: the values of the anonymous session that survive. Default: none.
    public func logIn(_ owner: some CustomStringConvertible, keeping kept: KeptValues = .none) {
        let owner = owner.description
        exchange.carryOut { state in
            guard (1...256).contains(owner.utf8.count) else {
                return state.fail(SessionError(.invalidOwner, "An owner is 1 to 256 bytes of text."))
            }
            state.logIn(owner, keeping: kept)
        }
    }

    /// Logs out: the session is destroyed. The same as ``destroy()``.
    public func logOut() {
        destroy()
    }

    /// Ends the session: its record is deleted and the cookie expires. Nothing brings it back.
    ///
    /// Later changes in this request are absorbed. If the store does not confirm the deletion, the commit throws
    /// (503) and the cookie stays, so that the client can ask again. After the commit it deletes at once, on a task of
    /// its own; ``save()`` waits for it.
    ///
    /// ``ending`` says for whom it ends: for everybody, but for ``SealedCookies`` that nobody remembers.
    public func destroy() {
        let isLate = exchange.withState { state in
            guard !state.isEnded else { return false }
            state.end(.destroy)
            return state.isSealed
        }
        guard isLate else { return }
        let exchange = exchange
        Task { try? await exchange.settle(.returned, isFinal: false) }
    }

    /// For whom the session ends that is destroyed (checklist CR-09).
    ///
    /// It is ``SessionEnding/final`` wherever a store keeps the sessions, or which of them have ended.
    public var ending: SessionEnding { exchange.manager.sealed?.ending ?? .final }

    /// Gives the session a new credential and keeps everything else.
    ///
    /// Where rights change, give it a grace of zero: inside a grace the old credential has full rights, and who brings
    /// it is answered with the new one.
    ///
    /// - Parameter grace: how long the old credential counts on, so that requests under way and other tabs are not
    ///   logged out: every request that brings it is answered with the same new cookie. At most 60 seconds; zero makes
    ///   the old one worthless at once. `nil` takes the configuration's. A rotation inside the grace of another is
    ///   satisfied by that one; a grace is never extended. In another system's format there is none.
    public func rotate(grace: Duration? = nil) {
        let grace = min(grace ?? exchange.manager.configuration.rotationGrace, .seconds(60))
        let isStrict = grace <= .zero || exchange.manager.format.movesOnRotation
        exchange.carryOut { state in
            guard state.base != nil else { return }
            if case .strict = state.intent.rotation { return }
            state.rotate(isStrict ? .strict : .graceful(grace))
        }
    }

    /// Ends the session and begins an empty one, with another handle and another credential.
    public func restart() {
        exchange.carryOut { $0.end(.restart) }
    }

    /// Moves the idle deadline when this request commits, even inside the renewal interval.
    public func touch() {
        exchange.carryOut { $0.touch() }
    }

    /// Gives this session a lifetime of its own ("remember me"); `nil` returns to the manager's.
    ///
    /// The absolute time counts from the login, or from the session's beginning. One that is set in the request of a
    /// login, before or after ``logIn(_:keeping:)``, is the logged-in session's.
    ///
    /// - Throws: ``SessionConfigurationError`` if the lifetime makes no sense (checklist CF-09), or if the session lives in
    ///   its cookie (``SealedCookies``) and would live longer there than the manager's lifetimes.
    public func setLifetime(_ lifetime: SessionLifetime?) throws(SessionConfigurationError) {
        try lifetime?.validate("lifetime")
        if let lifetime, let sealed = exchange.manager.sealed { try sealed.check(lifetime) }
        record(named: nil) { $0.lifetime = lifetime }
    }
}
