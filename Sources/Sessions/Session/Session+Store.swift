extension Session {
    /// Writes what has changed so far, at once: a checkpoint inside the request.
    ///
    /// What it has written is never made again, and the session goes on from what the store then holds: after it, a read
    /// shows the value that won. A cookie it earns travels on the response, or on the error if the handler throws.
    ///
    /// Streams and sockets call it after the response's head is sent. A change that needs a cookie (a session that
    /// begins, a login, a rotation) is then too late.
    ///
    /// - Throws: ``SessionError``; ``SessionError/Code/sealed`` for a change that needs a cookie after the commit.
    public func save() async throws {
        let isTooLate = exchange.withState { state in
            guard state.isSealed, !state.isEnded else { return false }
            if exchange.manager.sealed != nil { return state.forgetAll() }
            let needsCookie = state.base == nil && !state.operations.isEmpty || state.intent.needsCookie
            // They can never be committed; without them, what can be is.
            if needsCookie { state.forgetWhatNeedsCookie() }
            return needsCookie
        }
        if isTooLate {
            throw SessionError(
                .sealed,
                "The response's head is sent, and this change needs a cookie. Begin, log in or rotate the session before."
            )
        }
        do {
            try await exchange.settle(.returned, isFinal: false)
        } catch {
            throw exchange.failed(error)
        }
    }

    /// Reads the session anew from the store, and drops what this request has changed since its last checkpoint.
    ///
    /// - Throws: ``SessionError/Code/ended`` if the session is over; ``SessionError/Code/storeUnavailable``.
    public func reload() async throws {
        try await exchange.reload()
    }

    /// Drops what this request has changed since its last checkpoint, an end of the session included, without asking the
    /// store: the session stays as it is there. Express-session's `req.session = null` with `unset: 'keep'`.
    ///
    /// A destroy that ``save()`` has carried out stays.
    public func discard() {
        exchange.withState { $0.discard() }
    }

    /// Takes the value of `key` out of the session, at once: of all concurrent requests, exactly one gets it.
    ///
    /// For OAuth states, nonces, one-time links. Only the removal is written; other changes of this request wait for the
    /// commit. A later throw does not give the value back, and neither does a store whose answer was lost.
    ///
    /// - Returns: the value; `nil` if there is none, if it does not decode, or if another request was faster.
    /// - Throws: ``SessionError/Code/pendingOperation`` if this request has changed the value itself, or logged in or
    ///   restarted without saving;
    ///   ``SessionError/Code/outcomeUnknown`` if the store's answer was lost; ``SessionError/Code/ended``;
    ///   ``SessionError/Code/storeUnavailable`` if the store failed to tell whether the session lives.
    public func consume<Value>(_ key: SessionKey<Value>) async throws -> Value? {
        try await exchange.consume(key.valueName, as: Value.self)
    }

    /// Takes the value of an optional key out of the session, at once, as ``consume(_:)-(SessionKey<Value>)`` does.
    public func consume<Value>(_ key: SessionKey<Value?>) async throws -> Value? {
        try await exchange.consume(key.valueName, as: Value.self)
    }
}
