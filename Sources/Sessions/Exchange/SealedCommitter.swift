import HTTPTypes

/// Carries out one commit without a store: plans, and seals what the plan would have written.
struct SealedCommitter {
    let exchange: SessionExchange
    let sealed: SealedBackend
    let request: CommitRequest
    let base: LoadedRecord?
    /// Whether the response's head is gone.
    let isLate: Bool
    private(set) var roundTrips = 0

    private var manager: SessionManager { exchange.manager }

    /// What was committed, and the field that carries it to the client.
    ///
    /// Nothing is earned before everything has succeeded: a session that is too large, a revocation that was not confirmed
    /// and a login that does not count leave the client's cookie as it is.
    mutating func run() async throws -> (committed: Committer.Committed, field: HTTPField?) {
        let plan = try exchange.plan(request, on: base)
        switch plan.write {
        case .nothing: return (Committer.Committed(plan: plan, record: base, isConfirmed: false), nil)
        case .delete(let key):
            // What goes on under a credential that this client may have by now must not look ended.
            guard try await revoke(key.handle, .ended) != .renewed else { throw SessionError.ended }
            return (Committer.Committed(plan: plan, record: nil, isConfirmed: true), nil)
        case .deleteEmptied(let key, _):
            guard try await revoke(key.handle, .ended) == nil else { throw SessionError.ended }
            return (Committer.Committed(plan: plan, record: nil, isConfirmed: true), nil)
        case .touch(var record, let deadline):
            record.stored.idleDeadline = deadline
            do {
                return try await send(record, plan, ending: nil)
            } catch let error as SessionError where error.code == .tooLarge {
                // A session that has become too large by a change of the configuration can be read on, and ended.
                return (Committer.Committed(plan: CommitPlan(), record: base, isConfirmed: false), nil)
            }
        case .insert(let record): return try await send(record, plan, ending: nil)
        case .deleteThenInsert(let key, let record):
            return try await send(record, plan, ending: key.handle) { earlier in
                // The new session takes nothing along.
                if earlier == .renewed, plan.checksEpoch == nil { throw SessionError.ended }
            }
        case .replace(let record, _):
            // A new credential without a grace makes the earlier ones worth nothing. Here that takes another handle, as
            // sessions are ended by their handle.
            let isRenewed = base.map { $0.content.csrfNonce != record.content.csrfNonce } ?? false
            guard isRenewed else { return try await send(record, plan, ending: nil) }
            do {
                return try await send(record, plan, ending: record.key.handle, as: .renewed) { earlier in
                    if earlier != nil { throw Overtaken() }
                }
            } catch is Overtaken {
                // A login does not depend on the session that it was to go on with.
                guard plan.checksEpoch != nil else { throw SessionError.ended }
                let plan = try exchange.plan(request, on: nil)
                guard case .insert(let record) = plan.write else { throw SessionError.ended }
                return try await send(record, plan, ending: nil)
            }
        }
    }

    /// Another commit has ended the session, or renewed its credential, while this request held it.
    private struct Overtaken: Error {}

    private mutating func send(
        _ record: LoadedRecord,
        _ plan: CommitPlan,
        ending old: SessionHandle?,
        as revocation: SealedBackend.Revocation = .ended,
        unless check: (_ earlier: SealedBackend.Revocation?) throws -> Void = { _ in }
    ) async throws -> (committed: Committer.Committed, field: HTTPField?) {
        // What a handler did before it threw, and no cookie can travel: there is no other place to keep it.
        if case .threw(carriesFields: false) = request.outcome {
            let plan = CommitPlan(discardsChanges: true)
            return (Committer.Committed(plan: plan, record: base, isConfirmed: false), nil)
        }
        var (record, plan) = (record, plan)
        var (held, reason) = Self.credential(plan.cookie, request)
        if let old, old == held.handle, sealed.revocations != nil {
            held.handle = request.fresh?.handle ?? .random()
            record.key = StoreKey(held.handle)
        }
        held.isUnderFirstKey = true
        // Nobody compares these with anything.
        record.content.grace = nil
        record.content.recent = []
        if let owner = record.stored.owner, old != nil || base == nil {
            let own = exchange.withState { $0.ownEpochs[owner] }
            record.content.rotatedAt = max(exchange.openedAt, own.map { $0 + .microseconds(1) } ?? exchange.openedAt)
        }
        if let owner = plan.checksEpoch { try await checkEpoch(of: owner) }
        let field = try field(record, held)
        if let old { try check(await revoke(old, revocation)) }
        plan.cookie = .send(held, reason)
        return (Committer.Committed(plan: plan, record: record, isConfirmed: true), field)
    }

    private static func credential(
        _ cookie: CommitPlan.Cookie,
        _ request: CommitRequest
    ) -> (HeldCredential, CookieReason) {
        switch cookie {
        case .send(let held, let reason), .resend(let held, let reason): return (held, reason)
        case .keep, .expire:
            let fresh = request.fresh ?? FreshMaterial()
            let held =
                request.held ?? HeldCredential(handle: fresh.handle, secret: fresh.secret, hash: fresh.secret.hash)
            return (held, .resealed)
        }
    }

    private func field(_ record: LoadedRecord, _ held: HeldCredential) throws -> HTTPField {
        let value = try sealed.codec.seal(record, handle: held.handle)
        let now = manager.clock.now()
        let field: HTTPField
        do {
            field = try manager.cookie.field(value: value, maxAge: manager.maxAge(of: record, at: now), now: now)
        } catch {
            throw SessionError.tooLargeForCookie(manager.cookieName.bytes.count + 1 + value.utf8.count)
        }
        // With its attributes: RFC 6265 section 6.1 counts them, and browsers that go by it would drop it.
        guard field.value.utf8.count <= SetCookie.sizeLimit else {
            throw SessionError.tooLargeForCookie(field.value.utf8.count)
        }
        return field
    }

    // MARK: Ending

    /// Has no cookie of a handle count any more, where that is kept somewhere.
    ///
    /// - Returns: what another commit had written about the handle before; `nil` if there was nothing.
    private mutating func revoke(
        _ handle: SessionHandle?,
        _ revocation: SealedBackend.Revocation
    ) async throws -> SealedBackend.Revocation? {
        guard let handle, let revocations = sealed.revocations else {
            // After the head there is no cookie either that could be expired.
            if isLate { manager.emit(.lateChangeLost, handle) }
            return nil
        }
        let key = SealedBackend.key(of: handle)
        let entry = sealed.entry(revocation, at: manager.clock.now(), deadline: base?.stored.absoluteDeadline)
        do {
            return try await insert(entry, at: key, revocations)
        } catch {
            manager.emit(.storeFailed, handle)
            do {
                return try await insert(entry, at: key, revocations)
            } catch {
                throw SessionError(
                    .storeUnavailable,
                    "The store of revocations failed; the session may be alive. Try again.",
                    underlying: error
                )
            }
        }
    }

    /// Safe to send twice: the entry is known by its version.
    private mutating func insert(
        _ entry: StoredRecord,
        at key: StoreKey,
        _ revocations: InstrumentedStore
    ) async throws -> SealedBackend.Revocation? {
        roundTrips += 1
        if try await revocations.insert(entry, at: key) { return nil }
        roundTrips += 1
        guard let earlier = try await revocations.load(key), earlier.version != entry.version else { return nil }
        return SealedBackend.Revocation(earlier)
    }

    /// Refuses a login if the owner's sessions were revoked after its request was opened.
    private mutating func checkEpoch(of owner: OwnerKey) async throws {
        guard let owners = sealed.owners else { return }
        let epoch: Timestamp?
        do {
            roundTrips += 1
            epoch = try await manager.access.measured("session.epoch", manager.metrics.loadLatency) {
                try await owners.epoch(of: owner)
            }
        } catch {
            manager.emit(.storeFailed)
            throw SessionError(
                .storeUnavailable,
                "The store of revocations failed to tell whether the owner's sessions were revoked.",
                underlying: error
            )
        }
        let own = exchange.withState { $0.ownEpochs[owner] }
        guard let epoch, epoch >= exchange.openedAt, epoch != own else { return }
        manager.emit(.loginRefused)
        throw SessionError(
            .revoked,
            "The owner's sessions were revoked after this request was opened. Log in again. (A request that revokes and "
                + "logs in says logIn first, then revokeOthers.)"
        )
    }
}
