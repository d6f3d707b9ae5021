/// Lists and ends the sessions of owners, for an application or for a request.
struct OwnerIndex {
    let manager: SessionManager
    /// The exchange that asks; each call of the store is counted in its report.
    var exchange: SessionExchange?

    func list(_ owner: String) async throws -> [SessionSummary] {
        guard manager.sealed == nil else { throw SessionError.needsServer }
        let key = OwnerKey(realm: manager.realm, owner: owner)
        let entries = try await asked("session.list") { try await $0.entries(of: key) }
        let now = manager.clock.now()
        return entries.compactMap { entry -> SessionSummary? in
            guard entry.record.owner == key, now < entry.record.expiresAt,
                let handle = manager.format.handle(of: entry.key),
                let record = manager.format.decode(entry.record, at: entry.key)
            else { return nil }
            return SessionSummary(record, handle: handle, configuration: manager.configuration)
        }
        .sorted { $0.lastSeenAt > $1.lastSeenAt }
    }

    func revoke(_ handle: SessionHandle, of owner: String) async throws -> Bool {
        guard manager.sealed == nil else { throw SessionError.needsServer }
        let key = OwnerKey(realm: manager.realm, owner: owner)
        guard let place = try await self.key(of: handle, key) else { return false }
        let isDeleted = try await asked("session.revoke") { try await $0.delete(place, ifOwner: key) }
        if isDeleted { manager.emit(.revoked, handle) }
        return isDeleted
    }

    /// The key of an owner's session. A format that keeps a record under the credential has to look for it.
    private func key(of handle: SessionHandle, _ owner: OwnerKey) async throws -> StoreKey? {
        guard manager.format.movesOnRotation else { return StoreKey(handle) }
        let entries = try await asked("session.list") { try await $0.entries(of: owner) }
        return entries.first { manager.format.handle(of: $0.key) == handle }?.key
    }

    func revokeAll(of owner: String, keeping kept: SessionHandle?) async throws -> Int {
        // An epoch makes no exceptions; see revokeOthers for the one of a request's own.
        guard manager.sealed == nil || kept == nil else { throw SessionError.needsServer }
        let key = OwnerKey(realm: manager.realm, owner: owner)
        try await raiseEpoch(of: key, to: manager.clock.now())
        return try await revokeListed(key, keeping: kept.map { [$0] } ?? [])
    }

    /// Ends the sessions of `owner` but `kept`, for a request of that owner's; see ``Session/revokeOthers()``.
    ///
    /// The epoch it raises does not void a login of this exchange itself. One that was raised by somebody else since
    /// this exchange was opened does, and is not covered up.
    func revokeOthers(of owner: String, than kept: SessionHandle, in exchange: SessionExchange) async throws -> Int {
        let key = OwnerKey(realm: manager.realm, owner: owner)
        guard manager.sealed == nil || !exchange.withState({ $0.isSealed }) else {
            throw SessionError(.sealed, "The response's head is sent, and the cookie cannot be renewed any more.")
        }
        let present = try await asked("session.epoch") { try await $0.epoch(of: key) }
        let own = exchange.withState { $0.ownEpochs[key] }
        let epoch = max(manager.clock.now(), exchange.openedAt)
        try await raiseEpoch(of: key, to: epoch)
        exchange.withState { state in
            let isOutrun = present.map { $0 >= exchange.openedAt && $0 != own } ?? false
            state.ownEpochs[key] = isOutrun ? nil : epoch
        }
        // What lives in a cookie outlives the epoch under a new credential.
        if manager.sealed != nil { exchange.carryOut { $0.rotate(.strict) } }
        // So does what has not moved yet: it is held against the epoch until it has.
        exchange.carryOut { state in
            guard state.isUnmoved else { return }
            state.touch()
            // With a grace: what is kept where the handler throws, and the response carries the cookie.
            if !state.isSealed, !state.intent.rotates { state.rotate(.graceful(manager.configuration.rotationGrace)) }
        }
        // A record that is about to move is still at its old key.
        let moving = exchange.withState { state in
            manager.format.movesOnRotation && state.intent.ending != .restart ? state.held?.handle : nil
        }
        return try await revokeListed(key, keeping: [kept] + (moving.map { [$0] } ?? []))
    }

    /// Voids the logins of requests that were opened before `epoch`.
    private func raiseEpoch(of key: OwnerKey, to epoch: Timestamp) async throws {
        let configured = manager.sealed?.epochRetention ?? manager.configuration.epochRetention
        let keptUntil = epoch + max(configured, manager.moving?.epochRetention ?? .zero)
        try await asked("session.epoch") { try await $0.raiseEpoch(of: key, to: epoch, keptUntil: keptUntil) }
    }

    /// Ends the sessions of an owner that the index has, but `kept`.
    private func revokeListed(_ key: OwnerKey, keeping kept: [SessionHandle]) async throws -> Int {
        guard manager.sealed == nil else {
            manager.emit(.revokedAll(0))
            return 0
        }
        let entries = try await asked("session.list") { try await $0.entries(of: key) }
        var count = 0
        for entry in entries {
            if let handle = manager.format.handle(of: entry.key), kept.contains(handle) { continue }
            // Another request has moved the session meanwhile.
            if manager.moving != nil, let content = manager.format.decode(entry.record, at: entry.key)?.content,
                let origin = content.origin, kept.contains(origin.handle)
            {
                continue
            }
            if try await asked("session.revoke", { try await $0.delete(entry.key, ifOwner: key) }) { count += 1 }
        }
        manager.emit(.revokedAll(count))
        return count
    }

    /// Asks the store's owner index.
    private func asked<Result: Sendable>(
        _ name: String,
        _ body: (any OwnerIndexedSessionStore) async throws -> Result
    ) async throws -> Result {
        guard let owners = manager.owners else {
            guard manager.sealed == nil else { throw SessionError.needsServer }
            throw SessionError(
                .unsupported,
                "This store keeps no index of owners, so it can neither list nor revoke their sessions. Use one that does; on "
                    + "another system's table, deleteAll(where:) of the store ends sessions by what they hold."
            )
        }
        exchange?.withState { $0.report.roundTrips += 1 }
        do {
            return try await manager.access.measured(name, manager.metrics.writeLatency) { try await body(owners) }
        } catch {
            manager.emit(.storeFailed)
            throw SessionError(.storeUnavailable, "The session store failed.", underlying: error)
        }
    }
}
