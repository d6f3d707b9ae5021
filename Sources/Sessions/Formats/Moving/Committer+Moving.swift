extension Committer {
    /// What is at `key`, or what has become of it where a manager that moves sessions has moved it.
    mutating func follow(_ stored: StoredRecord?, at key: StoreKey) async throws -> (StoredRecord?, StoreKey) {
        guard let next = manager.forwarded(stored, at: key) else { return (stored, key) }
        return (try await load(next), next)
    }

    /// Leaves, in the place of another system's record, where its session has gone: the second half of a move.
    ///
    /// That write is conditional, and decides which of several requests has moved the session. Until it is done, nobody has
    /// the new credential. Once it is, everybody with the old one is led to the new record, so that a lost reply costs
    /// nothing.
    mutating func forward(_ old: LoadedRecord, to moved: LoadedRecord) async throws -> Attempt {
        try await checkEpoch(before: moved, old)
        guard let mark = try manager.moving?.mark(old, movedTo: moved) else { throw SessionError.ended }
        while true {
            let present: StoredRecord?
            do {
                roundTrips += 1
                switch try await manager.access.replace(mark.stored, at: old.key, ifStill: old.stored) {
                case .replaced: return .done(moved)
                case .gone: present = nil
                case .conflict(let stored?): present = stored
                case .conflict(nil): present = try await load(old.key)
                }
            } catch {
                manager.emit(.storeFailed, old.key)
                isUnanswered = true
                resends += 1
                // It is safe to send again: it depends on the old record's being there still. If nobody can tell, both
                // records stay: the mark may be there, and lead to the new one.
                guard resends < Self.resendLimit, manager.clock.now() < deadline else { throw Self.unknown(error) }
                continue
            }
            if manager.forwarded(present, at: old.key) == moved.key { return .done(moved) }
            _ = try await delete(moved.key)
            return try await lost(present, at: old.key)
        }
    }

    /// Refuses to move the session of an owner whose sessions were revoked since this request was opened.
    ///
    /// The new record is written and indexed, and nobody is led to it yet: either the revocation has found it, or it is seen
    /// here.
    mutating func checkEpoch(before moved: LoadedRecord, _ old: LoadedRecord) async throws {
        guard let owner = old.stored.owner, owner == moved.stored.owner, let owners = manager.owners else { return }
        let isOutrun: Bool
        do {
            roundTrips += 1
            isOutrun = try await exchange.isOutrun(by: owner, in: owners)
        } catch {
            _ = try await delete(moved.key)
            throw SessionError(
                .storeUnavailable,
                "The session store failed to tell whether the owner's sessions were revoked; the session was not moved.",
                underlying: error
            )
        }
        guard isOutrun else { return }
        // The old record stays: the epoch is held against it. Another request that is exempt, as it has raised the epoch
        // itself, may have moved it.
        _ = try await delete(moved.key)
        throw SessionError.ended
    }

    /// Deletes the record of another system, or that of the session which it has become meanwhile.
    mutating func deleteOld(_ key: StoreKey) async throws -> Deletion {
        var known = current.flatMap { $0.key == key ? $0.stored : nil }
        var unclear: (any Error)?
        for _ in 0..<Self.conflictLimit {
            do {
                if known == nil { known = try await load(key) }
                guard let stored = known else { return unclear.map(Deletion.unclear) ?? .nothingThere }
                if let next = manager.forwarded(stored, at: key) { return try await delete(next) }
                roundTrips += 1
                if try await manager.access.delete(key, ifStill: stored) { return .deleted }
                known = nil
            } catch let error as SessionError {
                throw error
            } catch {
                manager.emit(.storeFailed, key)
                if unclear != nil { throw Self.undeleted(error) }
                unclear = error
                known = nil
            }
            guard manager.clock.now() < deadline else { break }
        }
        throw SessionError(.contended, "Other requests changed this session all the time. Try again.")
    }

    /// Whether a record that is not at `key` any more may be at another.
    func movesOnRotation(_ key: StoreKey) -> Bool {
        key.isOld ? manager.moving?.wire.movesOnRotation ?? false : manager.format.movesOnRotation
    }
}
