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
    private var current: LoadedRecord?
    private(set) var conflicts = 0
    private(set) var roundTrips = 0
    private let deadline: Timestamp
    /// How often a write was sent again, or another handle tried.
    private var resends = 0
    /// Whether a write was sent whose reply never came.
    private var isUnanswered = false

    private var manager: SessionManager { exchange.manager }

    init(exchange: SessionExchange, request: CommitRequest, current: LoadedRecord?) {
        self.exchange = exchange
        self.request = request
        self.current = current
        deadline = exchange.manager.clock.now() + exchange.manager.configuration.contentionDeadline
    }

    /// How one attempt at a plan went.
    private enum Attempt {
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

    /// Asks the store where the copy at hand has passed its idle deadline: other requests may have moved that, which
    /// leaves the version as it is.
    private mutating func refresh() async throws {
        let now = manager.clock.now()
        guard let record = current, record.isExpired(at: now), now < record.stored.absoluteDeadline else { return }
        do {
            try take(try await load(record.key), at: record.key)
        } catch let error as SessionError {
            throw error
        } catch {
            manager.emit(.storeFailed, record.key.handle)
            throw SessionError(.storeUnavailable, "The session store failed to load.", underlying: error)
        }
    }

    private mutating func attempt(_ write: CommitPlan.Write) async throws -> Attempt {
        switch write {
        case .nothing: return .done(current, isConfirmed: false)
        case .touch(let record, let deadline): return await touch(record, until: deadline)
        case .insert(let record): return try await insert(record)
        case .replace(let record, let version): return try await replace(record, version)
        case .delete(let key):
            try await delete(key)
            return .done(nil)
        case .deleteEmptied(let key, let version): return try await deleteEmptied(key, version)
        case .deleteThenInsert(let key, let record):
            try await delete(key)
            current = nil
            return try await insert(record)
        }
    }

    // MARK: Replacing

    private mutating func replace(_ record: LoadedRecord, _ version: RecordVersion) async throws -> Attempt {
        let record = try manager.records.encode(record)
        roundTrips += 1
        do {
            switch try await manager.access.replace(record.stored, at: record.key, ifVersion: version) {
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
            return try await resolve(record, version, error)
        }
    }

    /// Another writer was faster, or the session is over: plan again on what is there now.
    private mutating func lost(_ stored: StoredRecord?, at key: StoreKey) async throws -> Attempt {
        conflicts += 1
        manager.metrics.conflicts.increment()
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
        guard let record = manager.records.decode(stored, at: key) else { throw SessionError.ended }
        current = record
    }

    /// The reply to a replace was lost. The record tells whether it was carried out.
    private mutating func resolve(
        _ record: LoadedRecord,
        _ version: RecordVersion,
        _ error: any Error
    ) async throws -> Attempt {
        manager.emit(.storeFailed, record.key.handle)
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

    private static func unknown(_ error: (any Error)?) -> SessionError {
        SessionError(
            .outcomeUnknown,
            "The session store failed after the change was sent, and whether it was kept cannot be told.",
            underlying: error
        )
    }

    private static let resendLimit = 3
    /// How many lost races end a commit even if the clock stands still.
    static let conflictLimit = 1000

    private mutating func load(_ key: StoreKey) async throws -> StoredRecord? {
        roundTrips += 1
        return try await manager.access.load(key)
    }

    // MARK: Inserting

    private mutating func insert(_ record: LoadedRecord) async throws -> Attempt {
        let record = try manager.records.encode(record)
        roundTrips += 1
        do {
            if try await manager.access.insert(record.stored, at: record.key) { return .done(record) }
        } catch {
            // Never sent twice: the record is there, or the client hears that it is not (DESIGN: 503). One that turns up
            // later is at a handle that nobody was told.
            manager.emit(.storeFailed, record.key.handle)
            if let stored = try? await load(record.key), stored.version == request.version { return .done(record) }
            throw SessionError(.storeUnavailable, "The session store failed to keep a new session.", underlying: error)
        }
        // 128 random bits met twice: either a miracle or a broken random number generator. Never overwrite (ID-08).
        resends += 1
        guard resends < Self.resendLimit else {
            throw SessionError(.storeUnavailable, "Every new session's handle is taken already.")
        }
        request.fresh = FreshMaterial()
        return .again
    }

    // MARK: Touching and deleting

    /// Moves the idle deadline. A touch that fails costs the client some idle time and nothing else, so the response goes
    /// out all the same.
    private mutating func touch(_ record: LoadedRecord, until deadline: Timestamp) async -> Attempt {
        roundTrips += 1
        do {
            guard
                try await manager.access.touch(record.key, until: deadline, ifVersion: record.stored.version)
            else { return .done(record, isConfirmed: false) }
            var record = record
            record.stored.idleDeadline = deadline
            return .done(record)
        } catch {
            manager.emit(.storeFailed, record.key.handle)
            return .done(record, isConfirmed: false)
        }
    }

    /// Deletes, whatever version is there. It is safe to send twice.
    private mutating func delete(_ key: StoreKey) async throws {
        do {
            roundTrips += 1
            _ = try await manager.access.delete(key, ifVersion: nil)
        } catch {
            manager.emit(.storeFailed, key.handle)
            do {
                roundTrips += 1
                _ = try await manager.access.delete(key, ifVersion: nil)
            } catch {
                // Unconfirmed: the cookie stays with the client, so that it can ask again.
                throw SessionError(
                    .storeUnavailable,
                    "The session store failed to delete; the session may be alive. Try again.",
                    underlying: error
                )
            }
        }
    }

    private mutating func deleteEmptied(_ key: StoreKey, _ version: RecordVersion) async throws -> Attempt {
        do {
            roundTrips += 1
            if try await manager.access.delete(key, ifVersion: version) { return .done(nil) }
            return try await lost(try await load(key), at: key)
        } catch let error as SessionError {
            throw error
        } catch {
            manager.emit(.storeFailed, key.handle)
            throw SessionError(.storeUnavailable, "The session store failed to delete.", underlying: error)
        }
    }

    // MARK: The owner's epoch

    /// A login that raced a revoke-all: the record is written and indexed, so either the revoke-all has found it, or it
    /// raised the epoch before we read it here.
    private mutating func checkEpoch(of owner: OwnerKey, _ record: LoadedRecord) async throws {
        guard let owners = manager.store as? any OwnerIndexedSessionStore else { return }
        var failure: (any Error)?
        do {
            roundTrips += 1
            let epoch = try await manager.access.measured("session.epoch", manager.metrics.loadLatency) {
                try await owners.epoch(of: owner)
            }
            let own = exchange.withState { $0.ownEpochs[owner] }
            guard let epoch, epoch >= exchange.openedAt, epoch != own else { return }
        } catch {
            failure = error
        }
        try await undoLogin(
            record,
            failure.map { ($0, "The session store failed to tell whether the owner's sessions were revoked") },
            "The owner's sessions were revoked after this request was opened. Log in again. (A request that revokes and "
                + "logs in says logIn first, then revokeOthers.)"
        )
    }

    /// Undoes a login that must not stand, or of which that cannot be told.
    private mutating func undoLogin(
        _ record: LoadedRecord,
        _ failure: (error: any Error, text: String)?,
        _ refusal: String
    ) async throws {
        try await delete(record.key)
        if let failure {
            throw SessionError(
                .storeUnavailable,
                "\(failure.text); the login was undone.",
                underlying: failure.error
            )
        }
        manager.emit(.loginRefused, record.key.handle)
        throw SessionError(.revoked, refusal)
    }

    // MARK: The owner's limit

    /// A login beyond the owner's limit ends the oldest sessions. A limit that cannot be held undoes the login.
    private mutating func holdToLimit(_ owner: OwnerKey, _ record: LoadedRecord) async throws {
        guard let limit = manager.configuration.maximumSessionsPerOwner,
            let owners = manager.store as? any OwnerIndexedSessionStore
        else { return }
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
            "More logins of this owner than maximumSessionsPerOwner allows took place at the same moment. Log in again."
        )
    }
}
