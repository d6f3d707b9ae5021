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

    /// What was committed, and the cookies that carry it to the client.
    ///
    /// Nothing is earned before everything has succeeded: a session that is too large, a revocation that was not confirmed
    /// and a login that does not count leave the client's cookie as it is.
    mutating func run() async throws -> (committed: Committer.Committed, cookies: [NamedCookie]) {
        let plan = try exchange.plan(request, on: base)
        switch plan.write {
        case .nothing: return (Committer.Committed(plan: plan, record: base, isConfirmed: false), [])
        case .delete(let key):
            // What goes on under a credential that this client may have by now must not look ended.
            guard try await revoke(handle(of: key), .ended) != .renewed else { throw SessionError.ended }
            return (Committer.Committed(plan: plan, record: nil, isConfirmed: true), [])
        case .deleteEmptied(let key, _):
            guard try await revoke(handle(of: key), .ended) == nil else { throw SessionError.ended }
            return (Committer.Committed(plan: plan, record: nil, isConfirmed: true), [])
        case .touch(var record, let deadline):
            record.stored.idleDeadline = deadline
            do {
                return try await send(record, plan, ending: nil)
            } catch let error as SessionError where error.code == .tooLarge {
                // A session that has become too large by a change of the configuration can be read on, and ended.
                return (Committer.Committed(plan: CommitPlan(), record: base, isConfirmed: false), [])
            }
        case .insert(let record): return try await send(record, plan, ending: nil)
        case .deleteThenInsert(let key, let record):
            return try await send(record, plan, ending: handle(of: key)) { earlier in
                // The new session takes nothing along.
                if earlier == .renewed, plan.checksEpoch == nil { throw SessionError.ended }
            }
        case .replace(let record, _), .move(let record, _):
            // A new credential without a grace makes the earlier ones worth nothing. Here that takes another handle, as
            // sessions are ended by their handle.
            let isRenewed = base.map { $0.content.csrfNonce != record.content.csrfNonce } ?? false
            guard isRenewed else { return try await send(record, plan, ending: nil) }
            do {
                let old = handle(of: base?.key ?? record.key)
                return try await send(record, plan, ending: old, as: .renewed) { earlier in
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

    private func handle(of key: StoreKey) -> SessionHandle? { manager.format.handle(of: key) }

    /// Another commit has ended the session, or renewed its credential, while this request held it.
    private struct Overtaken: Error {}

    private mutating func send(
        _ record: LoadedRecord,
        _ plan: CommitPlan,
        ending old: SessionHandle?,
        as revocation: SealedBackend.Revocation = .ended,
        unless check: (_ earlier: SealedBackend.Revocation?) throws -> Void = { _ in }
    ) async throws -> (committed: Committer.Committed, cookies: [NamedCookie]) {
        // What a handler did before it threw, and no cookie can travel: there is no other place to keep it.
        var cannotTravel = !request.travels
        if case .threw(carriesFields: false) = request.outcome { cannotTravel = true }
        if cannotTravel {
            let plan = CommitPlan(discardsChanges: request.travels, withholdsCookie: !request.travels)
            return (Committer.Committed(plan: plan, record: base, isConfirmed: false), [])
        }
        var (record, plan) = (record, plan)
        var (held, reason) = Self.credential(plan.cookie, request)
        if let old, old == held.handle, sealed.revocations != nil {
            held.handle = request.material().credential.handle
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
        let cookies = try cookies(record, held)
        if let old { try check(await revoke(old, revocation)) }
        plan.cookie = .send(held, reason)
        return (Committer.Committed(plan: plan, record: record, isConfirmed: true), cookies)
    }

    private static func credential(
        _ cookie: CommitPlan.Cookie,
        _ request: CommitRequest
    ) -> (HeldCredential, CookieReason) {
        switch cookie {
        case .send(let held, let reason), .resend(let held, let reason): return (held, reason)
        case .keep, .expire:
            return (request.held ?? request.material().credential, .resealed)
        }
    }

    private func cookies(_ record: LoadedRecord, _ held: HeldCredential) throws -> [NamedCookie] {
        let value = try sealed.codec.value(of: record, held: held)
        let now = manager.clock.now()
        let maxAge = manager.maxAge(of: record, request.persistence, at: now)
        let template = exchange.template
        let others = try sealed.codec.cookies(beside: value, template)
        return try ([(template, value: value)] + others).map { template, value in
            let field: HTTPField
            do {
                field = try template.field(value: value, maxAge: maxAge, now: now)
            } catch {
                throw SessionError.tooLargeForCookie(template.name.bytes.count + 1 + value.utf8.count)
            }
            // With its attributes: RFC 6265 section 6.1 counts them, and browsers that go by it would drop it.
            guard field.value.utf8.count <= SetCookie.sizeLimit else {
                throw SessionError.tooLargeForCookie(field.value.utf8.count)
            }
            return NamedCookie(name: template.name, field: field)
        }
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
        let isOutrun: Bool
        do {
            roundTrips += 1
            isOutrun = try await exchange.isOutrun(by: owner, in: owners)
        } catch {
            manager.emit(.storeFailed)
            throw SessionError(
                .storeUnavailable,
                "The store of revocations failed to tell whether the owner's sessions were revoked.",
                underlying: error
            )
        }
        guard isOutrun else { return }
        manager.emit(.loginRefused)
        throw SessionError.outrun
    }
}
