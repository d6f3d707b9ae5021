import CoreMetrics

/// Carries out one commit against the store: plans, writes, and plans again when another writer was faster.
struct Committer {
    /// What was committed in the end.
    struct Committed {
        var plan: CommitPlan
        /// The record as it stands now; `nil` if there is none.
        var record: LoadedRecord?
        /// Whether the store has confirmed the write; of a plan to write nothing it has not.
        var isConfirmed: Bool
    }

    let exchange: SessionExchange
    private(set) var request: CommitRequest
    private(set) var current: LoadedRecord?
    private(set) var conflicts = 0
    var roundTrips = 0
    let deadline: Timestamp
    /// How often a write was sent again, or another handle tried.
    var resends = 0
    /// Whether a write was sent whose reply never came.
    var isUnanswered = false

    var manager: SessionManager { exchange.manager }

    init(exchange: SessionExchange, request: CommitRequest, current: LoadedRecord?) {
        self.exchange = exchange
        self.request = request
        self.current = current
        deadline = exchange.manager.clock.now() + exchange.manager.configuration.contentionDeadline
    }

    /// How one attempt at a plan went.
    enum Attempt {
        case done(LoadedRecord?, isConfirmed: Bool = true)
        /// The record has changed, or it is unknown whether it has: plan again.
        case again
    }

    mutating func run() async throws -> Committed {
        try await refresh()
        while true {
            let plan = try plan()
            guard case .done(let record, let isConfirmed) = try await attempt(plan.write) else { continue }
            if let owner = plan.checksEpoch, let record {
                try await checkEpoch(of: owner, record)
                try await holdToLimit(owner, record)
            }
            return Committed(plan: plan, record: record, isConfirmed: isConfirmed)
        }
    }

    /// A change that was sent and never answered may have been kept and seen before the session ended.
    private func plan() throws -> CommitPlan {
        do {
            return try exchange.plan(request, on: current)
        } catch let error as SessionError where error.code == .ended && isUnanswered {
            throw Self.unknown(error)
        }
    }

    /// Asks the store where the copy at hand has passed its idle deadline.
    private mutating func refresh() async throws {
        guard let record = current, record.isPastIdleDeadlineOnly(at: manager.clock.now()) else { return }
        do {
            let (stored, key) = try await follow(try await load(record.key), at: record.key)
            try take(stored, at: key)
        } catch let error as SessionError {
            throw error
        } catch {
            manager.emit(.storeFailed, record.key)
            throw SessionError(.storeUnavailable, "The session store failed to load.", underlying: error)
        }
    }

    private mutating func attempt(_ write: CommitPlan.Write) async throws -> Attempt {
        switch write {
        case .nothing: return .done(current, isConfirmed: false)
        case .touch(let record, let deadline): return await touch(record, until: deadline)
        case .insert(let record): return try await insert(record)
        case .replace(let record, let read): return try await replace(record, over: read)
        case .delete(let key):
            try await end(key)
            return .done(nil)
        case .deleteEmptied(let key, let read): return try await deleteEmptied(key, read)
        case .deleteThenInsert(let key, let record):
            // A login does not depend on the session that it takes the place of.
            if record.stored.owner == nil { try await end(key) } else { _ = try await delete(key) }
            current = nil
            return try await insert(record)
        case .move(let record, let old): return try await move(record, from: old)
        }
    }

    // MARK: Replacing

    private mutating func replace(_ record: LoadedRecord, over read: StoredRecord) async throws -> Attempt {
        let record = try request.format.encode(record)
        roundTrips += 1
        do {
            switch try await manager.access.replace(record.stored, at: record.key, ifStill: read) {
            case .replaced: return .done(record)
            case .gone:
                current = nil
                return try await lost(nil, at: record.key)
            case .conflict(let stored):
                if let stored { return try await lost(stored, at: record.key) }
                return try await lost(try await load(record.key), at: record.key)
            }
        } catch let error as SessionError {
            throw error
        } catch {
            return try await resolve(record, read.version, error)
        }
    }

    /// Another writer was faster, or the session is over: plan again on what is there now.
    mutating func lost(_ stored: StoredRecord?, at key: StoreKey) async throws -> Attempt {
        conflicts += 1
        manager.metrics.conflicts.increment()
        let (stored, key) = try await follow(stored, at: key)
        try take(stored, at: key)
        if let current, current.lineage.contains(request.version) { return .done(current) }
        guard manager.clock.now() < deadline, conflicts < Self.conflictLimit else {
            if isUnanswered { throw Self.unknown(nil) }
            throw SessionError(
                .contended,
                "Other requests changed this session for as long as the commit was allowed to try. Try again."
            )
        }
        manager.metrics.replays.increment()
        // The first retry is at once.
        if conflicts > 1 { await Self.pause(after: conflicts) }
        return .again
    }

    /// Waits a random while, longer after more lost races, so that the writers of several processes come apart.
    static func pause(after conflicts: Int) async {
        let limit = min(1 << min(conflicts, 6), 50)
        try? await Task.sleep(for: .milliseconds(Int.random(in: 0...limit)))
    }

    /// Makes what the store holds the record to plan on.
    private mutating func take(_ stored: StoredRecord?, at key: StoreKey) throws {
        guard let stored else {
            current = nil
            return
        }
        guard let record = manager.format.decode(stored, at: key) else { throw SessionError.ended }
        current = record
    }

    /// The reply to a replace was lost. The record tells whether it was carried out.
    private mutating func resolve(
        _ record: LoadedRecord,
        _ version: RecordVersion,
        _ error: any Error
    ) async throws -> Attempt {
        manager.emit(.storeFailed, record.key)
        isUnanswered = true
        let stored: StoredRecord?
        do {
            stored = try await load(record.key)
        } catch {
            throw Self.unknown(error)
        }
        try take(stored, at: record.key)
        guard let current else { return try await lost(nil, at: record.key) }
        if current.lineage.contains(request.version) { return .done(current) }
        if current.stored.version == version {
            // Not carried out, or not yet: either way it is safe to send again, under the same version.
            guard manager.clock.now() < deadline, resends < Self.resendLimit else { throw Self.unknown(error) }
            resends += 1
            return .again
        }
        // The record's lineage goes past the version we read, so ours was never there: a lost race like any other.
        if current.lineage.contains(version) { return try await lost(stored, at: record.key) }
        throw Self.unknown(error)
    }

    static func unknown(_ error: (any Error)?) -> SessionError {
        SessionError(
            .outcomeUnknown,
            "The session store failed after the change was sent, and whether it was kept cannot be told.",
            underlying: error
        )
    }

    static let resendLimit = 3
    /// How many lost races end a commit even if the clock stands still.
    static let conflictLimit = 1000
    /// How many lost races end a touch.
    static let touchConflictLimit = 5

    mutating func load(_ key: StoreKey) async throws -> StoredRecord? {
        roundTrips += 1
        return try await manager.access.load(key)
    }

    // MARK: Inserting

    private mutating func insert(_ record: LoadedRecord) async throws -> Attempt {
        let record = try request.format.encode(record)
        roundTrips += 1
        do {
            if try await manager.access.insert(record.stored, at: record.key) { return .done(record) }
        } catch {
            // Never sent twice: the record is there, or the client hears that it is not (503). One that turns up later
            // is at a handle that nobody was told.
            manager.emit(.storeFailed, record.key)
            if let stored = try? await load(record.key), stored.version == record.stored.version {
                return .done(record)
            }
            throw SessionError(.storeUnavailable, "The session store failed to keep a new session.", underlying: error)
        }
        // 128 random bits met twice: either a miracle or a broken random number generator. Never overwrite (ID-08).
        resends += 1
        guard resends < Self.resendLimit else {
            throw SessionError(.storeUnavailable, "Every new session's handle is taken already.")
        }
        request.fresh = FreshMaterial(request.format.freshCredential())
        return .again
    }

    // MARK: Moving

    /// Keeps a record under a new key, and ends the one it takes the place of.
    ///
    /// The new one comes first. Until the old one is deleted, nobody has the new key, and a commit that stops in between
    /// leaves the session as it was. The deletion is conditional, and decides.
    private mutating func move(_ record: LoadedRecord, from old: LoadedRecord) async throws -> Attempt {
        guard case .done(let moved?, _) = try await insert(record) else { return .again }
        if old.key.isOld { return try await forward(old, to: moved) }
        do {
            roundTrips += 1
            if try await manager.access.delete(old.key, ifStill: old.stored) { return .done(moved) }
        } catch {
            // If the old one is gone, it cannot be told whether by this deletion or by a destroy, which must win.
            manager.emit(.storeFailed, old.key)
            _ = try await delete(moved.key)
            throw Self.unknown(error)
        }
        _ = try await delete(moved.key)
        return try await lost(load(old.key), at: old.key)
    }

    // MARK: Touching and deleting

    /// Moves the idle deadline. A touch that fails costs the client some idle time and nothing else, so the response goes
    /// out all the same.
    private mutating func touch(_ record: LoadedRecord, until deadline: Timestamp) async -> Attempt {
        roundTrips += 1
        do {
            if let touched = try await touched(record, until: deadline) { return .done(touched) }
            // What has taken the place of the held credential goes out only if it is still the current one. Whoever changed
            // the session in between has most likely left it so: look again, though not for long.
            guard let held = request.held, conflicts < Self.touchConflictLimit,
                record.standing(of: held.hash, at: manager.clock.now()) == .inGrace
            else { return .done(record, isConfirmed: false) }
            return try await lost(load(record.key), at: record.key)
        } catch {
            manager.emit(.storeFailed, record.key)
            return .done(record, isConfirmed: false)
        }
    }

    /// The record with its deadline moved; `nil` if it is gone or changed.
    private func touched(_ record: LoadedRecord, until deadline: Timestamp) async throws -> LoadedRecord? {
        var next = record
        next.stored.idleDeadline = deadline
        guard manager.format.recordsSayDeadline else {
            return try await manager.access.touch(record.key, until: deadline, ifStill: record.stored) ? next : nil
        }
        next.succeed(record, as: request.version)
        next = try manager.format.encode(next)
        let outcome = try await manager.access.replace(next.stored, at: next.key, ifStill: record.stored)
        return outcome == .replaced ? next : nil
    }

    /// What came of a deletion.
    enum Deletion {
        case deleted
        case nothingThere
        /// Nothing is there now. Whether the first attempt deleted it was never answered.
        case unclear(any Error)
    }

    /// Deletes, whatever version is there. It is safe to send twice.
    mutating func delete(_ key: StoreKey) async throws -> Deletion {
        guard !key.isOld else { return try await deleteOld(key) }
        do {
            roundTrips += 1
            return try await manager.access.delete(key, ifStill: nil) ? .deleted : .nothingThere
        } catch let lost {
            manager.emit(.storeFailed, key)
            do {
                roundTrips += 1
                return try await manager.access.delete(key, ifStill: nil) ? .deleted : .unclear(lost)
            } catch {
                throw Self.undeleted(error)
            }
        }
    }

    /// Deletes, and makes sure that the session is over.
    ///
    /// Where a new credential is a new key, one that is not there any more may be at another: no logout must look done that
    /// is not.
    private mutating func end(_ key: StoreKey) async throws {
        switch try await delete(key) {
        case .deleted: break
        case .nothingThere: if movesOnRotation(key) { throw SessionError.ended }
        case .unclear(let error): if movesOnRotation(key) { throw Self.undeleted(error) }
        }
    }

    /// Unconfirmed: the cookie stays with the client, so that it can ask again.
    static func undeleted(_ error: any Error) -> SessionError {
        SessionError(
            .storeUnavailable,
            "The session store failed to delete; the session may be alive. Try again.",
            underlying: error
        )
    }

    private mutating func deleteEmptied(_ key: StoreKey, _ read: StoredRecord) async throws -> Attempt {
        do {
            roundTrips += 1
            if try await manager.access.delete(key, ifStill: read) { return .done(nil) }
            return try await lost(try await load(key), at: key)
        } catch let error as SessionError {
            throw error
        } catch {
            manager.emit(.storeFailed, key)
            throw SessionError(.storeUnavailable, "The session store failed to delete.", underlying: error)
        }
    }
}
