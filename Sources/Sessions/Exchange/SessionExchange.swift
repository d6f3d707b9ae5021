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
public final class SessionExchange: Sendable {
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
            if isLoader { return try await loadForAll() }
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

    private func loadForAll() async throws {
        do {
            let (arrival, record, held) = try await arrive()
            let waiters = finishLoading { state in
                state.arrive(arrival, record, held)
                guard manager.configuration.flashLifetime == .nextRequest else { return }
                state.shownFlash = Set(state.working.flash.map(\.id))
            }
            for waiter in waiters { waiter.resume(returning: true) }
            if arrival != .found, arrival != .foundInGrace, arrival != .noCookie {
                manager.emit(.suspicious(arrival), held?.handle)
            }
        } catch let error as CancellationError {
            for waiter in finishLoading({ $0.phase = .untouched }) { waiter.resume(returning: false) }
            throw error
        } catch {
            manager.emit(.storeFailed)
            let error = SessionError(.storeUnavailable, "The session store failed to load.", underlying: error)
            for waiter in finishLoading({ $0.phase = .untouched }) { waiter.resume(throwing: error) }
            throw error
        }
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

    /// Authenticates the cookie and asks the store.
    private func arrive() async throws -> (Arrival, LoadedRecord?, HeldCredential?) {
        switch Presentation(requestFields, name: manager.cookieName, codec: manager.codec) {
        case .none: return (.noCookie, nil, nil)
        case .refused(let arrival): return (arrival, nil, nil)
        case .genuine(let credentials):
            if credentials.count == 1 { return try await arrive(with: credentials[0]) }
            // Several genuine cookies of one name: exactly one may resolve, or somebody planted one (PR-09).
            var found: [(Arrival, LoadedRecord?, HeldCredential?)] = []
            for credential in credentials {
                let result = try await arrive(with: credential)
                if result.1 != nil { found.append(result) }
            }
            return found.count == 1 ? found[0] : (.duplicate, nil, nil)
        }
    }

    private func arrive(with held: HeldCredential) async throws -> (Arrival, LoadedRecord?, HeldCredential?) {
        let key = StoreKey(held.handle)
        withState { $0.report.roundTrips += 1 }
        guard let stored = try await manager.access.load(key) else { return (.gone, nil, held) }
        let now = manager.clock.now()
        guard now < stored.expiresAt else { return (.expired, nil, held) }
        guard let record = manager.records.decode(stored, at: key) else { return (.unreadable, nil, held) }
        switch record.standing(of: held.hash, at: now) {
        case .current: return (.found, record, held)
        case .inGrace: return (.foundInGrace, record, held)
        case .superseded:
            let isJustNow = now.duration(since: record.content.rotatedAt) < Self.raceWindow
            return (isJustNow ? .justSuperseded : .superseded, nil, held)
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
        let isUsed = try withState { state -> Bool in
            guard !state.isSealed else {
                throw SessionError(.sealed, "The exchange is committed already. Commit once; use save() afterwards.")
            }
            state.isSealed = true
            if case .open = state.phase { return true }
            return false
        }
        guard isUsed else { return SessionFields() }
        do {
            try await settle(outcome, isFinal: true)
        } catch {
            // The caller hears of it; there is nothing left that a later save() should try.
            withState { state in
                state.operations = []
                state.intent = Intent()
            }
            throw failed(error)
        }
        return withState { $0.fields }
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

/// An exchange holds the request's cookies: no reflection and no `dump` shows them (checklist LG-02).
extension SessionExchange: CustomReflectable {
    /// Nothing.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
