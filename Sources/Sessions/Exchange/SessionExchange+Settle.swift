import CoreMetrics
import HTTPTypes

extension SessionExchange {
    /// Writes what is recorded, and starts over from what was written.
    func settle(_ outcome: HandlerOutcome, isFinal: Bool) async throws {
        if outcome == .returned, let failure = withState({ $0.failure }) { throw failure.error }
        guard !manager.storeIsLocal else { return try await settleUncancelled(outcome, isFinal: isFinal) }
        // The commit has a task of its own, so that a client that hangs up does not cut it short.
        try await Task { try await self.settleUncancelled(outcome, isFinal: isFinal) }.value
    }

    private func settleUncancelled(_ outcome: HandlerOutcome, isFinal: Bool) async throws {
        let configuration = manager.configuration
        let (writes, rotates) = withState { state in
            defer { state.settling += 1 }
            // A destroy wins whenever it comes, so it waits for nobody but this exchange's own commits.
            if state.intent.ending == .destroy, state.settling == 0 { return (false, false) }
            // A request that only read may move a deadline, and loses no race that matters.
            let writesUnchanged = configuration.resave && !state.hasWritten || configuration.saveUninitialized
            let writes = state.hasWork || isFinal && writesUnchanged
            let isDue = state.isRotationDue(configuration, at: manager.clock) || state.isMoveDue(manager)
            let rotates = isFinal && outcome == .returned && isDue
            return (writes, rotates)
        }
        defer { withState { $0.settling -= 1 } }
        // Where no store refuses what was made of an older record, the commits of an exchange take turns, all of them.
        let takesTurn = writes || rotates || manager.sealed != nil
        guard takesTurn else { return try await settle(outcome, isFinal: isFinal, after: CommitQueue.Handover()) }
        do {
            try await settleInLane(outcome, isFinal: isFinal)
        } catch {
            // A request that only read is not refused because its credential has become old: the next one tries again.
            // If only the answer was lost, that one still comes inside the grace, and gets the new cookie.
            guard !writes, manager.sealed == nil else { throw error }
            manager.emit(.storeFailed, withState { $0.held?.handle })
        }
    }

    private func settleInLane(_ outcome: HandlerOutcome, isFinal: Bool) async throws {
        let lane = try await enterLane()
        let held = withState { $0.held }
        do {
            try await settle(outcome, isFinal: isFinal, after: lane.handover)
            let newest = withState { $0.base.flatMap { $0.goesOn(from: lane.key, of: held) ? $0 : nil } }
            manager.queue.leave(lane.key, lane.handover.followed(by: newest))
        } catch {
            manager.queue.leave(
                lane.key,
                CommitQueue.Handover(isStoreFailing: (error as? SessionError)?.isOfStore == true)
            )
            throw error
        }
    }

    /// Waits for this session's turn in the process.
    ///
    /// - Returns: the session's key, and what the commit before hands on.
    func enterLane() async throws -> (key: StoreKey, handover: CommitQueue.Handover) {
        let entered = manager.clock.now()
        while true {
            let key = withState { $0.key(manager.format) }
            let handover = try await manager.queue.enter(key)
            let isLate = manager.clock.now().duration(since: entered) > manager.configuration.contentionDeadline
            if handover.isStoreFailing, isLate {
                // One failure after the other would make the last in the row wait for all of them.
                manager.queue.leave(key, handover)
                throw SessionError(.storeUnavailable, "The session store keeps failing; the change was not tried.")
            }
            // Another commit of this exchange may have moved it to another handle meanwhile.
            if withState({ $0.key(manager.format) }) == key { return (key, handover) }
            manager.queue.leave(key, handover)
        }
    }

    /// Carries out one commit, and takes in its result before anybody else's commit to the session begins.
    private func settle(
        _ outcome: HandlerOutcome,
        isFinal: Bool,
        after handover: CommitQueue.Handover
    ) async throws {
        let (request, base, moment) = withState { state in
            if state.needsMaterial || isFinal && state.isRotationDue(manager.configuration, at: manager.clock) {
                _ = state.material(manager.format)
            }
            return (state.request(outcome, manager, isFinal: isFinal), state.base, state.moment)
        }
        if let sealed = manager.sealed {
            return try await settle(request, base, sealed, isFinal: isFinal, through: moment)
        }
        var committer = Committer(exchange: self, request: request, current: handover.start(from: base))
        defer { tally(committer.conflicts, committer.roundTrips) }
        do {
            take(try await committer.run(), request, through: moment)
        } catch {
            // It may have been kept: made again, it would be kept twice.
            if (error as? SessionError)?.code == .outcomeUnknown { withState { $0.forget(through: moment) } }
            throw error
        }
    }

    /// Carries out one commit of a session that lives in its cookie.
    private func settle(
        _ request: CommitRequest,
        _ base: LoadedRecord?,
        _ sealed: SealedBackend,
        isFinal: Bool,
        through moment: Int
    ) async throws {
        let isLate = !isFinal && withState { $0.isSealed }
        var committer = SealedCommitter(exchange: self, sealed: sealed, request: request, base: base, isLate: isLate)
        defer { tally(0, committer.roundTrips) }
        let (committed, cookies) = try await committer.run()
        take(committed, request, through: moment, cookies)
    }

    func plan(_ request: CommitRequest, on record: LoadedRecord?) throws -> CommitPlan {
        do {
            return try CommitPlan.make(
                for: request,
                on: record,
                configuration: manager.configuration,
                successors: { [codec = manager.codec] held, grace in
                    codec.successors(of: held.secret, nonce: grace.nonce, handle: held.handle)
                },
                make: make,
                now: manager.clock.now()
            )
        } catch let failure as any CallerFailure {
            throw failure.caught
        }
    }

    /// Takes in what a commit has written. What was recorded meanwhile stays.
    ///
    /// - Parameter cookies: Those that carry the session itself to the client, where it lives there.
    private func take(
        _ committed: Committer.Committed,
        _ request: CommitRequest,
        through moment: Int,
        _ cookies: [NamedCookie] = []
    ) {
        let plan = committed.plan
        let held: HeldCredential? =
            switch plan.cookie {
            case .send(let held, _): held
            case .resend(let held, _): committed.isConfirmed ? held : request.held
            case .expire: nil
            case .keep: request.held
            }
        let before = withState { state in
            let before = state.base
            if committed.isConfirmed { state.report.commit = plan.write.kind }
            // What the store holds after changes were discarded is no longer this exchange's to see (I5).
            let record = plan.discardsChanges ? nil : committed.record
            if record == nil, request.hadRecord, !plan.write.isOfEmptied { state.isEnded = true }
            if plan.makesCredential { state.fresh = nil }
            state.rebase(on: record, held: held, through: moment)
            state.shownFlash.subtract(request.shownFlash)
            if let record { state.fields.isOwned = record.stored.owner != nil }
            return before
        }
        emitEvents(of: plan, request)
        finish(plan.cookie, isConfirmed: committed.isConfirmed, cookies, over: before)
    }

    private func emitEvents(of plan: CommitPlan, _ request: CommitRequest) {
        let handle = request.held?.handle ?? request.presented?.handle
        if plan.withholdsCookie { manager.emit(.cookieWithheld, handle) }
        switch plan.write {
        case .nothing:
            if plan.discardsChanges { manager.emit(.changesDiscarded, handle) }
        case .touch: break
        case .delete, .deleteEmptied: manager.emit(.destroyed, handle)
        case .deleteThenInsert(_, let record):
            manager.emit(.restarted, handle)
            if plan.checksEpoch != nil { manager.emit(.loggedIn, record.key) }
        case .insert(let record):
            manager.emit(plan.checksEpoch == nil ? .began : .loggedIn, record.key)
        case .replace, .move:
            if case .move(let record, let old) = plan.write, old.key.isOld {
                manager.moving?.metrics.moves.increment()
                manager.emit(.moved, record.key)
            }
            if plan.checksEpoch != nil {
                manager.emit(.loggedIn, handle)
            } else if case .send(_, .rotated) = plan.cookie {
                manager.emit(.rotated, handle)
            }
        }
    }

    private func tally(_ conflicts: Int, _ roundTrips: Int) {
        withState { state in
            state.report.conflicts += conflicts
            state.report.roundTrips += roundTrips
        }
    }

    /// Earns the cookie. A later one in the same exchange takes the place of an earlier one.
    ///
    /// - Parameter before: the session's record as it was, whose cookie the client has.
    private func finish(
        _ cookie: CommitPlan.Cookie,
        isConfirmed: Bool,
        _ cookies: [NamedCookie],
        over before: LoadedRecord?
    ) {
        switch cookie {
        case .keep: break
        case .resend(let held, let reason):
            if isConfirmed { earn(held, reason, over: before) }
        case .send(let held, let reason): earn(held, reason, cookies, over: before)
        case .expire(let reason): earn(nil, reason, over: before)
        }
    }

    private func earn(
        _ held: HeldCredential?,
        _ reason: CookieReason,
        _ cookies: [NamedCookie] = [],
        over before: LoadedRecord?
    ) {
        let now = manager.clock.now()
        // Whatever becomes of our own cookie, the other system's has had its time.
        let old =
            manager.moving?.expiredCookies(in: requestFields, of: before, keeping: manager.companion?.name) ?? []
        withState { state in
            state.report.cookie = reason
            if state.fields.transport == .header {
                state.fields.credential = held.flatMap { manager.bearer?.field(for: $0) } ?? BearerHeader.none
                return
            }
            var format = state.cookie?.format ?? manager.format
            let record = held == nil ? before : state.base
            let own = record.flatMap { format.cookie(of: $0) }
            if let own, let same = try? format.with(own) { format = same }
            let companion = companion(like: own ?? state.cookie?.template, beside: format)
            // An earlier checkpoint may have known better which attributes the old cookie has.
            let earlier = state.fields.cookies.filter { cookie in old.contains { $0.name == cookie.name } }
            let old = earlier.isEmpty ? old : earlier
            guard let held else {
                state.fields.cookies = format.expiredCookies() + old
                if let companion {
                    state.fields.cookies.append(NamedCookie(name: companion.name, field: companion.expired()))
                }
                return
            }
            let persistence = state.cookie?.persistence ?? manager.configuration.cookie.persistence
            let maxAge = state.base.flatMap { manager.maxAge(of: $0, persistence, at: now) }
            // The manager has made sure that a credential fits; see its initializer.
            state.fields.cookies =
                cookies.isEmpty ? (try? format.cookies(for: held, maxAge: maxAge, now: now)) ?? [] : cookies
            if let companion, !state.fields.cookies.isEmpty,
                let field = try? companion.field(value: SessionCookie.companionValue, maxAge: maxAge, now: now)
            {
                state.fields.cookies.append(NamedCookie(name: companion.name, field: field))
            }
            state.fields.cookies += old
        }
    }

    /// The companion of a cookie whose settings are its own, with the same attributes.
    private func companion(like cookie: SetCookieTemplate?, beside format: any WireFormat) -> SetCookieTemplate? {
        guard let companion = manager.companion, let cookie else { return manager.companion }
        let own = try? manager.configuration.cookie.companionTemplate(cookie.attributes, beside: format)
        return (own ?? nil) ?? companion
    }
}

extension SessionManager {
    /// The cookie's `Max-Age` in seconds; `nil` for one that ends with the browser.
    ///
    /// - Parameter persistence: of a session that does not say so itself.
    func maxAge(of record: LoadedRecord, _ persistence: SessionCookie.Persistence, at now: Timestamp) -> Int? {
        let persistence = record.content.persistence ?? persistence
        guard let end = persistence.end(of: record.stored, rolling: configuration.rolling) else { return nil }
        // Rounded up: a cookie that goes a moment after its session is harmless, the reverse costs the last second.
        return Int((end.duration(since: now) + .microseconds(999_999)).wholeMicroseconds / 1_000_000)
    }
}

extension SessionCookie.Persistence {
    /// When the cookie of a session with this record ends; `nil` for one that ends with the browser.
    func end(of record: StoredRecord, rolling: Bool) -> Timestamp? {
        switch self {
        case .browserSession: nil
        case .persistent: rolling ? record.expiresAt : record.absoluteDeadline
        case .untilIdle: record.expiresAt
        }
    }

    /// The name in a record.
    var name: StaticString {
        switch self {
        case .browserSession: "browser"
        case .persistent: "end"
        case .untilIdle: "idle"
        }
    }

    init?(name: String) {
        switch name {
        case "browser": self = .browserSession
        case "end": self = .persistent
        case "idle": self = .untilIdle
        default: return nil
        }
    }
}

extension CommitPlan {
    /// Whether the random values of the exchange are used up.
    fileprivate var makesCredential: Bool {
        if case .send = cookie { true } else { false }
    }
}

extension LoadedRecord {
    /// Whether this is what has become of the record at `key`, for those who hold what `held` is.
    fileprivate func goesOn(from key: StoreKey, of held: HeldCredential?) -> Bool {
        if key == self.key { return true }
        // A session that this commit has moved from another system: who comes with the old cookie finds it here.
        return key.isOld && held.map { content.origin?.grace.secretHash == $0.hash } ?? false
    }
}

extension CommitPlan.Write {
    /// Whether it removes a session that was emptied: the visitor goes on without one, and may begin another.
    fileprivate var isOfEmptied: Bool {
        if case .deleteEmptied = self { true } else { false }
    }

    /// The write as the report names it.
    var kind: ExchangeReport.Commit {
        switch self {
        case .nothing: .nothing
        case .touch: .touched
        case .insert: .inserted
        case .replace, .move: .replaced
        case .delete, .deleteEmptied: .deleted
        case .deleteThenInsert: .restarted
        }
    }
}
