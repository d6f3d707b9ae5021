import CoreMetrics

extension SessionExchange {
    /// Hands out a value once; see ``Session/consume(_:)``.
    func consume<Value: Codable & Sendable>(_ name: ValueName, as type: Value.Type) async throws -> Value? {
        guard manager.sealed == nil else { throw failed(SessionError.needsServer) }
        guard !manager.storeIsLocal else { return try await consumeInTurn(name, as: type) }
        return try await Task { try await self.consumeInTurn(name, as: type) }.value
    }

    private func consumeInTurn<Value: Codable & Sendable>(_ name: ValueName, as type: Value.Type) async throws -> Value?
    {
        let (hasRecord, isPending) = withState { state in
            let isElsewhere = state.intent.login != nil || state.intent.ending != .none
            return (state.base != nil, isElsewhere || state.operations.contains { $0.name == name })
        }
        guard !isPending else {
            throw SessionError(
                .pendingOperation,
                "This request has changed the value, or the session, itself. Save or reload before consuming it."
            )
        }
        guard hasRecord else { return nil }
        withState { $0.settling += 1 }
        defer { withState { $0.settling -= 1 } }
        let lane = try await enterLane()
        let (request, base) = withState { ($0.request(.returned, manager, isFinal: false), $0.base) }
        var consumption = Consumption(exchange: self, request: request, name: name)
        do {
            let value = try await consumption.run(on: lane.handover.start(from: base), as: type)
            settle(consumption, found: value != nil)
            manager.queue.leave(lane.key, lane.handover.followed(by: consumption.current))
            return value
        } catch {
            settle(consumption, found: false, isOver: (error as? SessionError)?.code == .ended)
            manager.queue.leave(
                lane.key,
                CommitQueue.Handover(isStoreFailing: (error as? SessionError)?.isOfStore == true)
            )
            throw failed(error)
        }
    }

    private func settle(_ consumption: Consumption, found: Bool, isOver: Bool = false) {
        withState { state in
            state.report.conflicts += consumption.conflicts
            state.report.roundTrips += consumption.roundTrips
            if found { state.report.consumed += 1 }
            // Nothing of this exchange is committed: what it has recorded is made again on what is there now. What came
            // after its credential's time is not its to see (I5).
            if !isOver, let current = consumption.current, state.base != nil {
                state.rebase(on: current, held: state.held, through: 0)
            }
        }
    }

    /// Reads the session anew; see ``Session/reload()``.
    func reload() async throws {
        if let sealed = manager.sealed { return try await reload(sealed) }
        let (held, isEnded) = withState { ($0.held, $0.isEnded) }
        guard !isEnded else { throw SessionError.ended }
        guard let held else {
            return withState { $0.rebase(on: nil, held: nil, through: $0.moment) }
        }
        let key = held.key
        withState { $0.report.roundTrips += 1 }
        var (stored, place): (StoredRecord?, StoreKey) = (nil, key)
        do {
            stored = try await manager.access.load(key)
            if let next = manager.forwarded(stored, at: key) {
                withState { $0.report.roundTrips += 1 }
                (stored, place) = (try await manager.access.load(next), next)
            }
            if place.isOld, let found = stored, let record = manager.format.decode(found, at: place),
                try await isRevoked(record)
            {
                stored = nil
            }
        } catch {
            manager.emit(.storeFailed, held.handle)
            throw failed(
                SessionError(.storeUnavailable, "The session store failed to load.", underlying: error)
            )
        }
        let now = manager.clock.now()
        guard let stored, now < stored.expiresAt, let record = manager.format.decode(stored, at: place),
            !record.isExpired(at: now), record.standing(of: held.hash, at: now) != .superseded
        else { throw SessionError.ended }
        withState { state in
            state.readFlash = []
            state.rebase(on: record, held: held, through: state.moment)
        }
    }
}

/// Takes one value out of a stored record: only the removal is written, and the credential is checked each time.
struct Consumption {
    let exchange: SessionExchange
    let request: CommitRequest
    let name: ValueName
    /// The record as it stands now, once it is known to.
    private(set) var current: LoadedRecord?
    private(set) var conflicts = 0
    private(set) var roundTrips = 0
    private var resends = 0
    /// The failure that kept a reply from this request.
    private var lostReply: (any Error)?

    init(exchange: SessionExchange, request: CommitRequest, name: ValueName) {
        self.exchange = exchange
        self.request = request
        self.name = name
    }

    private var manager: SessionManager { exchange.manager }

    mutating func run<Value: Codable>(on record: LoadedRecord?, as type: Value.Type) async throws -> Value? {
        let deadline = manager.clock.now() + manager.configuration.contentionDeadline
        current = record
        try await refresh()
        /// The value that a removal whose reply was lost may have taken.
        var taken: Value?
        while let record = current, manager.clock.now() < deadline, conflicts < Committer.conflictLimit {
            // Also one that was sent again: its first copy may have come after the second was refused.
            if let taken, record.lineage.contains(request.version) { return taken }
            let now = manager.clock.now()
            guard let held = request.held, !record.isExpired(at: now),
                record.standing(of: held.hash, at: now) != .superseded
            else { throw SessionError.ended }
            if record.key.isOld { try await checkRevocation(of: record) }
            guard let value = record.content.values.value(name, as: type) else {
                if let lostReply { throw Self.unknown(lostReply) }
                return nil
            }
            taken = value
            if try await remove(from: record) { return value }
            if conflicts > 1 { await Committer.pause(after: conflicts) }
        }
        if let lostReply { throw Self.unknown(lostReply) }
        if current == nil { throw SessionError.ended }
        throw SessionError(.contended, "Other requests changed this session for too long. Try again.")
    }

    /// Asks the store where the copy at hand has passed its idle deadline.
    private mutating func refresh() async throws {
        guard let record = current, record.isPastIdleDeadlineOnly(at: manager.clock.now()) else { return }
        do {
            try await take(try await load(record.key), at: record.key)
        } catch let error as SessionError {
            throw error
        } catch {
            manager.emit(.storeFailed, record.key)
            throw SessionError(
                .storeUnavailable,
                "The session store failed to load; nothing was consumed.",
                underlying: error
            )
        }
    }

    /// Refuses a value of a session that has not moved and whose owner was signed out everywhere.
    private func checkRevocation(of record: LoadedRecord) async throws {
        let isRevoked: Bool
        do {
            isRevoked = try await exchange.isRevoked(record)
        } catch {
            manager.emit(.storeFailed, record.key)
            throw SessionError(
                .storeUnavailable,
                "The session store failed to tell whether the owner's sessions were revoked; nothing was consumed.",
                underlying: error
            )
        }
        guard !isRevoked else { throw SessionError.ended }
    }

    /// Whether this request has removed the value; otherwise `current` is what another one made of the record.
    private mutating func remove(from record: LoadedRecord) async throws -> Bool {
        var next = record
        next.content.values.remove(name)
        // Other requests may have moved the idle deadline, which leaves the version as it is. Until the response the commit
        // sees to that; from then on nobody does, and it would go back (I7).
        if exchange.withState({ $0.isSealed }), !record.key.isOld {
            let idle = manager.clock.now() + next.lifetime(manager.configuration).idle
            next.stored.idleDeadline = max(next.stored.idleDeadline, idle)
        }
        next.succeed(record, as: request.version)
        next = try request.format.encode(next)
        do {
            roundTrips += 1
            switch try await manager.access.replace(next.stored, at: next.key, ifStill: record.stored) {
            case .replaced:
                current = next
                return true
            case .gone: current = nil
            case .conflict(let stored?): try await take(stored, at: next.key)
            case .conflict(nil): try await take(try await load(next.key), at: next.key)
            }
            conflicts += 1
            manager.metrics.conflicts.increment()
            return false
        } catch let error as SessionError {
            throw error
        } catch {
            return try await resolve(of: record, error)
        }
    }

    /// The reply was lost. The value is handed out only if the record proves that this request removed it.
    private mutating func resolve(of record: LoadedRecord, _ error: any Error) async throws -> Bool {
        manager.emit(.storeFailed, record.key)
        lostReply = error
        resends += 1
        do {
            try await take(try await load(record.key), at: record.key)
        } catch {
            throw Self.unknown(error)
        }
        guard let current else { return false }
        if current.lineage.contains(request.version) { return true }
        guard current.lineage.contains(record.stored.version), resends < 3 else { throw Self.unknown(error) }
        return false
    }

    private static func unknown(_ error: any Error) -> SessionError {
        SessionError(
            .outcomeUnknown,
            "The session store failed while a value was consumed, and whether it was cannot be told.",
            underlying: error
        )
    }

    private mutating func load(_ key: StoreKey) async throws -> StoredRecord? {
        roundTrips += 1
        return try await manager.access.load(key)
    }

    private mutating func take(_ found: StoredRecord?, at place: StoreKey) async throws {
        var (stored, key) = (found, place)
        // The session may have moved out of another system meanwhile.
        if let next = manager.forwarded(found, at: place) { (stored, key) = (try await load(next), next) }
        current = try stored.map {
            guard let record = manager.format.decode($0, at: key) else { throw SessionError.ended }
            return record
        }
    }
}
