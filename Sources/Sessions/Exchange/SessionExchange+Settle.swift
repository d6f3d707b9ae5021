extension SessionExchange {
    /// Writes what is recorded, and starts over from what was written.
    func settle(_ outcome: HandlerOutcome, isFinal: Bool) async throws {
        let (hasWork, failure) = withState { state in
            let configuration = manager.configuration
            let writesAnyway = isFinal && (configuration.resave || configuration.saveUninitialized)
            return (state.hasWork || writesAnyway, state.failure)
        }
        if let failure, outcome == .returned { throw failure }
        if !hasWork { return try await settleReading(outcome) }
        guard !manager.storeIsLocal else { return try await settleInTurn(outcome, isFinal: isFinal) }
        // The commit has a task of its own, so that a client that hangs up does not cut it short.
        try await Task { try await self.settleInTurn(outcome, isFinal: isFinal) }.value
    }

    /// A request that only read: at most one touch, and no turn to wait for.
    private func settleReading(_ outcome: HandlerOutcome) async throws {
        let (request, base) = withState { ($0.request(outcome, manager), $0.base) }
        let plan = try plan(request, on: base)
        guard case .touch(let record, let deadline) = plan.write else {
            return finish(plan.cookie, wrote: true)
        }
        if manager.storeIsLocal {
            await touch(record, until: deadline, plan.cookie)
        } else {
            await Task { await self.touch(record, until: deadline, plan.cookie) }.value
        }
    }

    /// Moves the idle deadline. A touch that fails costs the client some idle time and nothing else, so the response
    /// goes out; the cookie is not sent again, as the server did not confirm its longer life.
    private func touch(_ record: LoadedRecord, until deadline: Timestamp, _ cookie: CommitPlan.Cookie) async {
        withState { $0.report.roundTrips += 1 }
        do {
            let isTouched = try await manager.access.touch(
                record.key,
                until: deadline,
                ifVersion: record.stored.version
            )
            if isTouched {
                withState { state in
                    state.report.commit = .touched
                    state.base?.stored.idleDeadline = deadline
                }
            }
            finish(cookie, wrote: isTouched)
        } catch {
            manager.emit(.storeFailed, record.key.handle)
            finish(cookie, wrote: false)
        }
    }

    /// Waits for this session's turn in the process, then commits.
    private func settleInTurn(_ outcome: HandlerOutcome, isFinal: Bool) async throws {
        let key = withState { state in StoreKey(state.held?.handle ?? state.material().handle) }
        let newest = await manager.queue.enter(key)
        let (request, base, count) = withState { state in
            if state.needsMaterial { _ = state.material() }
            return (state.request(outcome, manager), state.base, state.operations.count)
        }
        let start: LoadedRecord? = base == nil ? nil : newest ?? base
        var committer = Committer(exchange: self, request: request, current: start)
        do {
            let committed = try await committer.run()
            manager.queue.leave(key, newest: committed.record)
            take(committed, request, droppingFirst: count)
        } catch {
            manager.queue.leave(key, newest: nil)
            tally(committer.conflicts, committer.roundTrips)
            throw error
        }
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
                now: manager.clock.now()
            )
        } catch let failure as any CallerFailure {
            throw failure.caught
        }
    }

    /// Takes in what a commit has written.
    private func take(_ committed: Committer.Committed, _ request: CommitRequest, droppingFirst count: Int) {
        let plan = committed.plan
        let held: HeldCredential? =
            switch plan.cookie {
            case .send(let held, _), .resend(let held, _): held
            case .expire: nil
            case .keep: request.held
            }
        withState { state in
            state.report.commit = committed.isWritten ? plan.write.kind : .nothing
            // What the store holds after changes were discarded is no longer this exchange's to see (I5).
            let record = plan.discardsChanges ? nil : committed.record
            state.rebase(on: record, held: held, droppingFirst: count)
            state.intent = Intent()
            state.shownFlash = []
            state.failure = nil
            if record == nil, request.hadRecord { state.isEnded = true }
            if let record { state.fields.isOwned = record.stored.owner != nil }
        }
        tally(committed.conflicts, committed.roundTrips)
        emitEvents(of: plan, request)
        finish(plan.cookie, wrote: committed.isWritten)
    }

    private func emitEvents(of plan: CommitPlan, _ request: CommitRequest) {
        let handle = request.held?.handle
        switch plan.write {
        case .nothing:
            if plan.discardsChanges { manager.emit(.changesDiscarded, handle) }
        case .touch: break
        case .delete, .deleteEmptied: manager.emit(.destroyed, handle)
        case .deleteThenInsert(_, let record):
            manager.emit(.restarted, handle)
            if plan.checksEpoch != nil { manager.emit(.loggedIn, record.key.handle) }
        case .insert(let record):
            manager.emit(plan.checksEpoch == nil ? .began : .loggedIn, record.key.handle)
        case .replace:
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
    private func finish(_ cookie: CommitPlan.Cookie, wrote: Bool) {
        switch cookie {
        case .keep: break
        case .resend(let held, let reason):
            if wrote { earn(held, reason) }
        case .send(let held, let reason): earn(held, reason)
        case .expire(let reason): earn(nil, reason)
        }
    }

    private func earn(_ held: HeldCredential?, _ reason: CookieReason) {
        let now = manager.clock.now()
        withState { state in
            state.fields.cookieName = manager.cookieName
            state.report.cookie = reason
            guard let held else {
                state.fields.setCookie = manager.cookie.expired()
                return
            }
            // The manager has made sure that a credential fits; see its initializer.
            state.fields.setCookie = try? manager.cookie.field(
                value: manager.codec.mint(handle: held.handle, secret: held.secret),
                maxAge: state.base.flatMap { manager.maxAge(of: $0, at: now) },
                now: now
            )
        }
    }
}

extension SessionManager {
    /// The cookie's `Max-Age` in seconds; `nil` for one that ends with the browser.
    func maxAge(of record: LoadedRecord, at now: Timestamp) -> Int? {
        guard configuration.cookie.persistence == .persistent else { return nil }
        let deadline = configuration.rolling ? record.stored.expiresAt : record.stored.absoluteDeadline
        // Rounded up: a cookie that goes a moment after its session is harmless, the reverse costs the last second.
        return Int((deadline.duration(since: now) + .microseconds(999_999)).wholeMicroseconds / 1_000_000)
    }
}

extension CommitPlan.Write {
    /// The write as the report names it.
    var kind: ExchangeReport.Commit {
        switch self {
        case .nothing: .nothing
        case .touch: .touched
        case .insert: .inserted
        case .replace: .replaced
        case .delete, .deleteEmptied: .deleted
        case .deleteThenInsert: .restarted
        }
    }
}

extension ExchangeState {
    /// What a commit of this state decides on.
    func request(_ outcome: HandlerOutcome, _ manager: SessionManager) -> CommitRequest {
        CommitRequest(
            held: held,
            hadRecord: hadRecord,
            arrival: arrival,
            operations: operations,
            work: isWorkPlain ? (base?.stored.version, working) : nil,
            intent: intent,
            outcome: outcome,
            shownFlash: shownFlash,
            keptFlash: keptFlash,
            fresh: fresh,
            version: .random(),
            realm: manager.realm
        )
    }

    /// Whether the working content is simply the base with all operations made, with no login or restart between.
    private var isWorkPlain: Bool { intent.login == nil && intent.ending == .none }
}
