/// One session of an owner, as a list of devices shows it.
public struct SessionSummary: Sendable {
    /// The session's handle: revoke by it.
    public let handle: SessionHandle
    /// When the session began.
    public let createdAt: Timestamp
    /// When the owner logged in.
    public let authenticatedAt: Timestamp?
    /// When a request last moved the idle deadline, to within the renewal interval.
    public let lastSeenAt: Timestamp
    /// When the session ends unless a request uses it before.
    public let expiresAt: Timestamp
    private let values: SessionValues

    init(_ record: LoadedRecord, handle: SessionHandle, configuration: SessionConfiguration) {
        self.handle = handle
        createdAt = record.content.createdAt
        authenticatedAt = record.content.authenticatedAt
        lastSeenAt = record.lastSeen(configuration)
        expiresAt = record.stored.expiresAt
        values = record.content.values
    }

    /// A value of that session, such as the device's name; the key's default if it has none.
    public subscript<Value>(key: SessionKey<Value>) -> Value {
        values.value(key.valueName, as: Value.self) ?? key.defaultValue
    }
}

extension SessionManager {
    /// The live sessions of `owner`, the one seen last first.
    ///
    /// - Throws: ``SessionError/Code/unsupported`` if the store has no index of owners;
    ///   ``SessionError/Code/storeUnavailable``.
    public func list(_ owner: some CustomStringConvertible) async throws -> [SessionSummary] {
        let key = OwnerKey(realm: realm, owner: owner.description)
        let entries = try await asked("session.list") { try await $0.entries(of: key) }
        let now = clock.now()
        return entries.compactMap { entry -> SessionSummary? in
            guard entry.record.owner == key, now < entry.record.expiresAt, let handle = entry.key.handle,
                let record = records.decode(entry.record, at: entry.key)
            else { return nil }
            return SessionSummary(record, handle: handle, configuration: configuration)
        }
        .sorted { $0.lastSeenAt > $1.lastSeenAt }
    }

    /// Ends one session of `owner`: "sign out there".
    ///
    /// The store checks the owner in the same operation, so nobody ends somebody else's session by its handle
    /// (checklist ID-12).
    ///
    /// - Returns: whether there was such a session.
    /// - Throws: ``SessionError/Code/unsupported``, ``SessionError/Code/storeUnavailable``.
    @discardableResult
    public func revoke(_ handle: SessionHandle, of owner: some CustomStringConvertible) async throws -> Bool {
        let key = OwnerKey(realm: realm, owner: owner.description)
        let isDeleted = try await asked("session.revoke") { try await $0.delete(StoreKey(handle), ifOwner: key) }
        if isDeleted { emit(.revoked, handle) }
        return isDeleted
    }

    /// Ends all sessions of `owner`, but `kept` if one is given: "sign out everywhere".
    ///
    /// The owner's epoch is raised first: a login whose request was opened before it does not count, even if it is
    /// written after the others were listed here.
    ///
    /// - Returns: how many ended.
    /// - Throws: ``SessionError/Code/unsupported``, ``SessionError/Code/storeUnavailable``. Some sessions may have ended
    ///   already; call it again.
    @discardableResult
    public func revokeAll(
        of owner: some CustomStringConvertible,
        keeping kept: SessionHandle? = nil
    ) async throws -> Int {
        let key = OwnerKey(realm: realm, owner: owner.description)
        try await raiseEpoch(of: key, to: clock.now())
        return try await revokeListed(key, keeping: kept)
    }

    /// Voids the logins of requests that were opened before `epoch`.
    func raiseEpoch(of key: OwnerKey, to epoch: Timestamp) async throws {
        let keptUntil = epoch + configuration.epochRetention
        try await asked("session.epoch") { try await $0.raiseEpoch(of: key, to: epoch, keptUntil: keptUntil) }
    }

    /// The epoch of an owner.
    func epoch(of key: OwnerKey) async throws -> Timestamp? {
        try await asked("session.epoch") { try await $0.epoch(of: key) }
    }

    /// Ends the sessions of an owner that the index has, but `kept`.
    func revokeListed(_ key: OwnerKey, keeping kept: SessionHandle?) async throws -> Int {
        let entries = try await asked("session.list") { try await $0.entries(of: key) }
        var count = 0
        for entry in entries where kept.map(StoreKey.init) != entry.key {
            if try await asked("session.revoke", { try await $0.delete(entry.key, ifOwner: key) }) { count += 1 }
        }
        emit(.revokedAll(count))
        return count
    }

    /// Asks the store's owner index.
    private func asked<Result: Sendable>(
        _ name: String,
        _ body: (any OwnerIndexedSessionStore) async throws -> Result
    ) async throws -> Result {
        guard let owners = store as? any OwnerIndexedSessionStore else {
            throw SessionError(
                .unsupported,
                "This store keeps no index of owners, so it can neither list nor revoke their sessions."
            )
        }
        do {
            return try await access.measured(name, metrics.writeLatency) { try await body(owners) }
        } catch {
            emit(.storeFailed)
            throw SessionError(.storeUnavailable, "The session store failed.", underlying: error)
        }
    }
}

extension SessionExchange {
    /// Ends the sessions of `owner` but `kept`; see ``Session/revokeOthers()``.
    ///
    /// The epoch it raises does not void a login of this exchange itself. One that was raised by somebody else since this
    /// exchange was opened does, and is not covered up.
    func revokeOthers(of owner: String, than kept: SessionHandle) async throws -> Int {
        let key = OwnerKey(realm: manager.realm, owner: owner)
        let present = try await manager.epoch(of: key)
        let own = withState { $0.ownEpochs[key] }
        let epoch = max(manager.clock.now(), openedAt)
        try await manager.raiseEpoch(of: key, to: epoch)
        withState { state in
            state.report.roundTrips += 2
            let isOutrun = present.map { $0 >= openedAt && $0 != own } ?? false
            state.ownEpochs[key] = isOutrun ? nil : epoch
        }
        return try await manager.revokeListed(key, keeping: kept)
    }
}
