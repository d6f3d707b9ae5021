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
    private let state: Mutex<ExchangeState>

    init(manager: SessionManager, fields: HTTPFields) {
        self.manager = manager
        openedAt = manager.clock.now()
        requestFields = fields
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
    ///   for a visitor without a session (checklist ER-01).
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
                    if let sealed = manager.sealed { return open(try await arrive(sealed)) }
                    let presentation = Presentation(requestFields, name: manager.cookieName, codec: manager.codec)
                    if let arrived = arriveNow(presentation) { return open(arrived) }
                    return open(try await arrive(presentation))
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
    }

    /// What has become of the one credential of a request, if the store is at hand; `nil` if it has to be awaited.
    private func arriveNow(_ presentation: Presentation) -> Arrived? {
        guard case .genuine(let held) = presentation else { return nil }
        let key = StoreKey(held.handle)
        if let stored = manager.access.loadNow(key) { return answer(held, stored) }
        // A copy may only say yes: every no asks the primary.
        if let copy = manager.access.copy(of: key) {
            let arrived = judge(held, copy)
            if arrived.record != nil { return arrived }
        }
        return nil
    }

    /// Asks the store.
    private func arrive(_ presentation: Presentation) async throws -> Arrived {
        switch presentation {
        case .none: return Arrived(arrival: .noCookie)
        case .refused(let arrival): return Arrived(arrival: arrival)
        case .genuine(let held): return answer(held, try await manager.access.load(StoreKey(held.handle)))
        case .several(let credentials):
            // Several genuine cookies of one name: exactly one may resolve, or somebody planted one (PR-09).
            var found: [Arrived] = []
            for held in credentials {
                let arrived = answer(held, try await manager.access.load(StoreKey(held.handle)))
                if arrived.record != nil { found.append(arrived) }
            }
            return found.count == 1 ? found[0] : Arrived(arrival: .duplicate)
        }
    }

    /// What a credential is worth, on what the store answered.
    private func answer(_ held: HeldCredential, _ stored: StoredRecord?) -> Arrived {
        withState { $0.report.roundTrips += 1 }
        guard let stored else { return Arrived(arrival: .gone, held: held) }
        return judge(held, stored)
    }

    /// What a credential is worth on a record.
    private func judge(_ held: HeldCredential, _ stored: StoredRecord) -> Arrived {
        let now = manager.clock.now()
        guard now < stored.expiresAt else { return Arrived(arrival: .expired, held: held) }
        guard let record = manager.records.decode(stored, at: StoreKey(held.handle)) else {
            return Arrived(arrival: .unreadable, held: held)
        }
        switch record.standing(of: held.hash, at: now) {
        case .current: return Arrived(arrival: .found, record: record, held: held)
        case .inGrace: return Arrived(arrival: .foundInGrace, record: record, held: held)
        case .superseded:
            // A clock that was set back makes nothing recent.
            let isJustNow = (.zero..<Self.raceWindow).contains(now.duration(since: record.content.rotatedAt))
            return Arrived(arrival: isJustNow ? .justSuperseded : .superseded, held: held)
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
        withState { $0.report.roundTrips += 1 }
        manager.emit(.storeFailed)
        let error = SessionError(.storeUnavailable, "The session store failed to load.", underlying: error)
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
        guard let moment else { return SessionFields() }
        do {
            if !isSettled { try await settle(outcome, isFinal: true) }
        } catch {
            // The caller hears of it: no later save() may write what this response does not speak of.
            withState { $0.forget(through: moment) }
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
