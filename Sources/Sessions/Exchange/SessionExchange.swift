import CoreMetrics
import HTTPTypes
import Synchronization

/// One request's session life: open, perhaps load, use, commit.
///
/// ```swift
/// let exchange = sessions.open(request)
/// let session = try await exchange.session
/// session.update(.visits) { $0 += 1 }
/// let fields = try await exchange.commit()
/// fields.apply(to: &response)                    // before the head is sent
/// ```
///
/// An exchange belongs to one request and may be used from any number of tasks. It is committed exactly once. An
/// exchange that nobody asks for its session costs nothing: not even the cookie is looked at.
public final class SessionExchange: Sendable, CustomStringConvertible, CustomReflectable {
    let manager: SessionManager
    let openedAt: Timestamp
    let requestFields: HTTPFields
    /// The rest of the request, where the cookie's settings depend on it.
    let details: RequestDetails?
    private let state: Mutex<ExchangeState>

    init(manager: SessionManager, fields: HTTPFields, details: RequestDetails? = nil) {
        self.manager = manager
        openedAt = manager.clock.now()
        requestFields = fields
        self.details = details
        state = Mutex(ExchangeState())
    }

    /// Nothing of the request: its cookie is among the fields (checklist CR-14).
    public var description: String { "SessionExchange(redacted)" }

    /// Empty.
    public var customMirror: Mirror { Mirror(self, children: []) }

    deinit {
        let (isLost, handle) = withState { state in
            (
                state.isSealed && (!state.operations.isEmpty || !state.intent.isEmpty) && !state.isEnded,
                state.held?.handle
            )
        }
        if isLost { manager.emit(.lateChangeLost, handle) }
    }

    /// The request's session, loaded from the store by whoever asks first; everybody else waits for that one load.
    ///
    /// - Throws: ``SessionError/Code/storeUnavailable`` if the store cannot be asked. A store that fails is never mistaken
    ///   for a visitor without a session (checklist ER-01). ``SessionError/Code/outsidePath`` if the request lies outside
    ///   the cookie's path; ``SessionConfigurationError`` if ``SessionConfiguration/cookieForRequest`` has made settings
    ///   that are unsafe.
    public var session: Session {
        get async throws {
            try await load()
            return Session(exchange: self)
        }
    }

    /// What the exchange has done so far, and why.
    public var report: ExchangeReport { withState { $0.report } }

    /// The fields that the exchange has earned so far.
    ///
    /// ``commit(_:)`` returns them, and a ``SessionError`` carries them. They are here for an adapter whose commit threw
    /// an error of the application's own, from an `update` that ran again.
    public var fields: SessionFields { withState { $0.fields } }

    /// Reads or changes the state under the exchange's lock. Nothing is awaited and no caller's code runs in there.
    func withState<Result>(_ body: (inout ExchangeState) throws -> Result) rethrows -> Result {
        try state.withLock { state in try body(&state) }
    }

    // MARK: Looking

    /// What a handler sees, and the moment it is of.
    ///
    /// Where it does not follow from the last verb alone, the operations are made again here, outside the lock: they are
    /// the caller's code.
    func look() -> (content: SessionContent, moment: Int) {
        if let replayed { return (replayed, 0) }
        while true {
            let (known, moment) = withState { ($0.seen, $0.moment) }
            if let known { return (known.content, moment) }
            let state = withState { $0 }
            let seen = state.makeSeen(manager.realm, make)
            let isCurrent = withState { $0.see(seen, at: state.moment) }
            if isCurrent { return (seen.content, state.moment) }
        }
    }

    // MARK: Loading

    /// Loads once, however many tasks ask at the same time.
    private func load() async throws {
        while true {
            let isLoader: Bool? = withState { state in
                switch state.phase {
                case .open: return nil
                case .loading: return false
                case .untouched:
                    state.phase = .loading([])
                    return true
                }
            }
            guard let isLoader else { return }
            if isLoader {
                do {
                    try settleCookie()
                    // Also where the store fails: a handler that goes on without the session answers by the credential.
                    withState { $0.fields.isAccessed = true }
                    if let sealed = manager.sealed { return open(try await arrive(sealed)) }
                    let (presentation, transport) = manager.presentation(in: requestFields)
                    if manager.bearer != nil { answer(over: transport) }
                    let atHand = arriveNow(presentation)
                    let arrived = if let atHand { atHand } else { try await arrive(presentation) }
                    if endsSession(arrived) { try await endSession(of: arrived) }
                    return open(arrived)
                } catch {
                    throw failLoading(error)
                }
            }
            if try await waitForLoad() { return }
        }
    }

    /// Waits for the task that loads. `false` if that was cancelled, so that somebody else has to.
    private func waitForLoad() async throws -> Bool {
        try await withCheckedThrowingContinuation { continuation in
            let answer: Bool? = withState { state in
                switch state.phase {
                case .open: return true
                case .untouched: return false
                case .loading(let waiters):
                    state.phase = .loading(waiters + [continuation])
                    return nil
                }
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    /// What has become of the request's credential.
    struct Arrived {
        var arrival: Arrival
        var record: LoadedRecord?
        var held: HeldCredential?
        /// Where the record is that the credential was one of, if it has been superseded.
        var supersededAt: StoreKey?
    }

    /// What has become of the one credential of a request, if the store is at hand; `nil` if it has to be awaited.
    private func arriveNow(_ presentation: Presentation) -> Arrived? {
        guard case .genuine(let held) = presentation else { return nil }
        let key = held.key
        if let stored = manager.access.loadNow(key) { return answer(held, stored) }
        // A copy may only say yes: every no asks the primary.
        if let copy = manager.access.copy(of: key) {
            let arrived = judge(held, copy, at: key)
            if arrived.record != nil { return arrived }
        }
        return nil
    }

    /// Asks the store.
    private func arrive(_ presentation: Presentation) async throws -> Arrived {
        switch presentation {
        case .none: return Arrived(arrival: .noCookie)
        case .refused(let arrival): return Arrived(arrival: arrival)
        case .ignored(let arrival):
            manager.emit(.suspicious(arrival))
            return Arrived(arrival: .noCookie)
        case .genuine(let held): return try await look(held)
        case .several(let credentials):
            // Several genuine cookies of one name: exactly one may resolve, or somebody planted one (PR-09).
            var found: [Arrived] = []
            for held in credentials {
                let arrived = try await look(held)
                if arrived.record != nil { found.append(arrived) }
            }
            return found.count == 1 ? found[0] : Arrived(arrival: .duplicate)
        }
    }

    /// Has the response's fields speak of the transports of this manager, and of this client.
    private func answer(over transport: SessionTransport) {
        withState { state in
            state.fields.transport = transport
            state.fields.transports = manager.configuration.transport
        }
    }

    /// Whether a superseded credential was shown, and ends its session.
    private func endsSession(_ arrived: Arrived) -> Bool {
        arrived.arrival == .superseded && manager.configuration.supersededPolicy == .endSession
    }

    private func endSession(of arrived: Arrived) async throws {
        guard let key = arrived.supersededAt else { return }
        withState { $0.report.roundTrips += 1 }
        // Whatever version is there: it is the session that this credential was one of, also where that has moved.
        if try await manager.access.delete(key, ifStill: nil) { manager.emit(.revoked, key) }
    }

    /// What the store has for a credential, where that has moved to included.
    private func look(_ held: HeldCredential) async throws -> Arrived {
        let stored = try await manager.access.load(held.key)
        guard let moving = manager.moving, held.key.isOld else { return answer(held, stored) }
        if let next = manager.forwarded(stored, at: held.key) {
            moving.metrics.forwarded.increment()
            withState { $0.report.roundTrips += 1 }
            return answer(held, try await manager.access.load(next), at: next)
        }
        let arrived = answer(held, stored)
        guard let record = arrived.record, try await !isRevoked(record) else {
            moving.metrics.dead.increment()
            return arrived.record == nil ? arrived : Arrived(arrival: .gone, held: held)
        }
        moving.metrics.unmoved.increment()
        return arrived
    }

    /// Whether the owner of a session that has not moved was signed out everywhere since it logged in: a revocation does not
    /// find it where it is. An epoch of this exchange's own makes an exception of its session.
    func isRevoked(_ record: LoadedRecord) async throws -> Bool {
        guard record.key.isOld, let owner = record.stored.owner, let owners = manager.owners else { return false }
        let own = withState { state in
            state.report.roundTrips += 1
            return state.ownEpochs[owner]
        }
        let epoch = try await manager.access.measured("session.epoch", manager.metrics.loadLatency) {
            try await owners.epoch(of: owner)
        }
        guard let epoch, epoch != own else { return false }
        // When somebody logged in is known of our own logins alone. Of the other system's, a store that keeps a session for
        // longer than it says would have each beginning come later than any epoch, in time.
        return record.content.authenticatedAt.map { epoch >= $0 } ?? true
    }

    /// What a credential is worth, on what the store answered.
    private func answer(_ held: HeldCredential, _ stored: StoredRecord?, at key: StoreKey? = nil) -> Arrived {
        withState { $0.report.roundTrips += 1 }
        guard let stored else { return Arrived(arrival: .gone, held: held) }
        return judge(held, stored, at: key ?? held.key)
    }

    /// What a credential is worth on a record.
    private func judge(_ held: HeldCredential, _ stored: StoredRecord, at key: StoreKey) -> Arrived {
        let now = manager.clock.now()
        guard now < stored.expiresAt else { return Arrived(arrival: .expired, held: held) }
        guard let record = manager.format.decode(stored, at: key) else {
            return Arrived(arrival: .unreadable, held: held)
        }
        // Another system's store may keep a record longer than the record itself says.
        guard !record.isExpired(at: now) else { return Arrived(arrival: .expired, held: held) }
        switch record.standing(of: held.hash, at: now) {
        case .current: return Arrived(arrival: .found, record: record, held: held)
        case .inGrace: return Arrived(arrival: .foundInGrace, record: record, held: held)
        case .superseded:
            // A clock that was set back makes nothing recent.
            let isJustNow = (.zero..<Self.raceWindow).contains(now.duration(since: record.content.rotatedAt))
            return Arrived(arrival: isJustNow ? .justSuperseded : .superseded, held: held, supersededAt: key)
        }
    }

    private func open(_ arrived: Arrived) {
        let waiters = finishLoading { state in
            state.arrive(arrived.arrival, arrived.record, arrived.held)
            guard manager.configuration.flashLifetime == .nextRequest else { return }
            state.shownFlash = Set(arrived.record?.content.flash.map(\.id) ?? [])
        }
        for waiter in waiters { waiter.resume(returning: true) }
        switch arrived.arrival {
        case .found, .foundInGrace, .noCookie: break
        default: manager.emit(.suspicious(arrived.arrival), arrived.held?.handle)
        }
    }

    /// Lets somebody else try.
    ///
    /// - Returns: what the caller is told.
    private func failLoading(_ error: any Error) -> any Error {
        if error is CancellationError {
            for waiter in finishLoading({ $0.phase = .untouched }) { waiter.resume(returning: false) }
            return error
        }
        if error is SessionConfigurationError || (error as? SessionError)?.code == .outsidePath {
            for waiter in finishLoading({ $0.phase = .untouched }) { waiter.resume(throwing: error) }
            return error
        }
        withState { $0.report.roundTrips += 1 }
        manager.emit(.storeFailed)
        let error = SessionError(
            .storeUnavailable,
            "The session store failed to load.",
            underlying: error,
            fields: fields
        )
        for waiter in finishLoading({ $0.phase = .untouched }) { waiter.resume(throwing: error) }
        return error
    }

    private func finishLoading(
        _ change: (inout ExchangeState) -> Void
    ) -> [CheckedContinuation<Bool, any Error>] {
        withState { state in
            defer { change(&state) }
            if case .loading(let waiters) = state.phase { return waiters }
            return []
        }
    }

    /// How long after a rotation a request with the old credential counts as one that raced it.
    static let raceWindow: Duration = .seconds(60)

    // MARK: Committing

    /// Commits the exchange: what the handler did is written, and the response's fields are returned.
    ///
    /// Call it exactly once, before the response's head is sent. The commit goes on when the request's task is
    /// cancelled: the store's own deadline ends it.
    ///
    /// - Parameter outcome: how the handler ended.
    /// - Throws: ``SessionError``; its ``SessionError/fields`` hold what earlier checkpoints have earned.
    public func commit(_ outcome: HandlerOutcome = .returned) async throws -> SessionFields {
        let moment: Int? = try withState { state in
            guard !state.isSealed else {
                throw SessionError(.sealed, "The exchange is committed already. Commit once; use save() afterwards.")
            }
            state.isSealed = true
            if case .open = state.phase { return state.moment }
            return nil
        }
        guard let moment else { return fields }
        do {
            if !isSettled { try await settle(outcome, isFinal: true) }
        } catch {
            // The caller hears of it: no later save() may write what this response does not speak of.
            withState { $0.forget(through: moment) }
            throw failed(error)
        }
        return withState { $0.fields }
    }

    /// Ends the exchange where the application commits by itself, with ``Session/save()``: what was not saved is dropped, and
    /// ``SessionEvent/Kind/uncommitted`` says so. It takes the place of ``commit(_:)``.
    ///
    /// An end of the session is carried out all the same: no logout is lost because somebody forgot to save it. So is a
    /// rotation that ``SessionConfiguration/rotationInterval`` asks for, if the handler returned.
    ///
    /// - Parameter outcome: how the handler ended.
    /// - Returns: the fields that checkpoints have earned.
    /// - Throws: ``SessionError``, as ``commit(_:)``.
    public func close(_ outcome: HandlerOutcome = .returned) async throws -> SessionFields {
        let (isLost, handle, isOpen) = try withState { state in
            guard !state.isSealed else {
                throw SessionError(.sealed, "The exchange is committed already. Commit or close it once.")
            }
            state.isSealed = true
            guard case .open = state.phase else { return (false, SessionHandle?.none, false) }
            return (state.keepEndingOnly(), state.held?.handle, true)
        }
        if isLost { manager.emit(.uncommitted, handle) }
        guard isOpen else { return fields }
        do {
            let (ends, isDue) = withState { state in
                (
                    state.intent.ending == .destroy,
                    outcome == .returned && state.isRotationDue(manager.configuration, at: manager.clock)
                )
            }
            if ends || isDue { try await settle(.returned, isFinal: !ends) }
        } catch {
            throw failed(error)
        }
        return withState { $0.fields }
    }

    /// Whether a commit has certainly nothing to do: the credential is the current one, nothing was changed, and the touch
    /// is not due. That is most requests, and ``CommitPlan`` comes to the same end on a longer way.
    private var isSettled: Bool {
        withState { $0.isSettled(manager.configuration, at: manager.clock.now()) }
    }

    /// The error as it leaves the exchange: with the fields that checkpoints have earned.
    func failed(_ error: any Error) -> any Error {
        manager.metrics.refusals.increment()
        return withState { state in
            state.report.commit = .failed
            guard var error = error as? SessionError else { return error }
            error.fields = state.fields
            return error
        }
    }
}
