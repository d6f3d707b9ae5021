/// What a login has to hold to, once its record is written.
extension Committer {
    // MARK: The owner's epoch

    /// A login that raced a revoke-all: the record is written and indexed, so either the revoke-all has found it, or it
    /// raised the epoch before we read it here.
    mutating func checkEpoch(of owner: OwnerKey, _ record: LoadedRecord) async throws {
        guard let owners = manager.owners else { return }
        var failure: (any Error)?
        do {
            roundTrips += 1
            guard try await exchange.isOutrun(by: owner, in: owners) else { return }
        } catch {
            failure = error
        }
        try await undoLogin(
            record,
            failure.map { ($0, "The session store failed to tell whether the owner's sessions were revoked") },
            .outrun
        )
    }

    /// Undoes a login that must not stand, or of which that cannot be told.
    private mutating func undoLogin(
        _ record: LoadedRecord,
        _ failure: (error: any Error, text: String)?,
        _ refusal: SessionError
    ) async throws {
        _ = try await delete(record.key)
        if let failure {
            throw SessionError(
                .storeUnavailable,
                "\(failure.text); the login was undone.",
                underlying: failure.error
            )
        }
        manager.emit(.loginRefused, record.key)
        throw refusal
    }

    // MARK: The owner's limit

    /// A login beyond the owner's limit ends the oldest sessions. A limit that cannot be held undoes the login.
    mutating func holdToLimit(_ owner: OwnerKey, _ record: LoadedRecord) async throws {
        guard let limit = manager.configuration.maximumSessionsPerOwner, let owners = manager.owners else { return }
        var enforcement = OwnerLimit(limit, of: owner, manager: manager)
        var failure: (any Error)?
        do {
            defer { roundTrips += enforcement.roundTrips }
            if try await enforcement.enforce(for: record, owners) { return }
        } catch {
            failure = error
        }
        try await undoLogin(
            record,
            failure.map { ($0, "The session store failed to end the owner's oldest sessions") },
            SessionError(
                .revoked,
                "More logins of this owner than maximumSessionsPerOwner allows took place at the same moment. Log in "
                    + "again."
            )
        )
    }
}

extension SessionExchange {
    /// Whether somebody else has revoked all sessions of the owner since this exchange was opened. Asks the store once.
    func isOutrun(by owner: OwnerKey, in owners: any OwnerIndexedSessionStore) async throws -> Bool {
        let epoch = try await manager.access.measured("session.epoch", manager.metrics.loadLatency) {
            try await owners.epoch(of: owner)
        }
        let own = withState { $0.ownEpochs[owner] }
        guard let epoch else { return false }
        return epoch >= openedAt && epoch != own
    }
}

extension SessionError {
    /// A login after whose request was opened all of the owner's sessions were revoked.
    static let outrun = SessionError(
        .revoked,
        "The owner's sessions were revoked after this request was opened. Log in again. (A request that revokes and "
            + "logs in says logIn first, then revokeOthers.)"
    )
}
