/// Lists and ends the sessions of owners, for an application or for a request.
struct OwnerIndex {
    let manager: SessionManager
    /// The exchange that asks; each call of the store is counted in its report.
    var exchange: SessionExchange?

    func list(_ owner: String) async throws -> [SessionSummary] {
        let key = OwnerKey(realm: manager.realm, owner: owner)
        let entries = try await asked("session.list") { try await $0.entries(of: key) }
        let now = manager.clock.now()
        return entries.compactMap { entry -> SessionSummary? in
            guard entry.record.owner == key, now < entry.record.expiresAt, let handle = entry.key.handle,
                let record = manager.records.decode(entry.record, at: entry.key)
            else { return nil }
            return SessionSummary(record, handle: handle, configuration: manager.configuration)
        }
        .sorted { $0.lastSeenAt > $1.lastSeenAt }
    }

    func revoke(_ handle: SessionHandle, of owner: String) async throws -> Bool {
        let key = OwnerKey(realm: manager.realm, owner: owner)
        let isDeleted = try await asked("session.revoke") { try await $0.delete(StoreKey(handle), ifOwner: key) }
        if isDeleted { manager.emit(.revoked, handle) }
        return isDeleted
    }

    func revokeAll(of owner: String, keeping kept: SessionHandle?) async throws -> Int {
        let key = OwnerKey(realm: manager.realm, owner: owner)
        let epoch = manager.clock.now()
        let keptUntil = epoch + manager.configuration.epochRetention
        try await asked("session.epoch") { try await $0.raiseEpoch(of: key, to: epoch, keptUntil: keptUntil) }
        let entries = try await asked("session.list") { try await $0.entries(of: key) }
        var count = 0
        for entry in entries where kept.map(StoreKey.init) != entry.key {
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
        guard let owners = manager.store as? any OwnerIndexedSessionStore else {
            throw SessionError(
                .unsupported,
                "This store keeps no index of owners, so it can neither list nor revoke their sessions."
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
