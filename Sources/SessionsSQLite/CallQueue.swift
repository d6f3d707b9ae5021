#if SQLite
import Dispatch
import GRDB
import Sessions
import Synchronization

/// Calls in the order they came, and the connections that carry them out.
///
/// Each connection works on a dispatch queue of its own, never on Swift's cooperative pool, and takes what has come
/// since its last turn at once: that is what lets many calls share a transaction. A call that is not answered within the
/// deadline fails, also when the disk hangs and its connection never comes back; so does one that finds too many waiting
/// already (checklist ST-10).
final class CallQueue: Sendable {
    /// Carries out calls on a connection and answers every one of them.
    typealias Work = @Sendable (_ calls: [PendingCall], _ database: Database, _ lockWait: LockWait) -> Void

    private struct State {
        var waiting = WaitingCalls()
        /// What each connection is carrying out.
        var underWay: [[PendingCall]]
        /// The connections that have nothing to do; the last one was busy last.
        var idle: [Int]
        /// Whether the deadlines are being watched.
        var isWatched = false
        /// Whether it is being watched that no call waits while a connection has nothing to do.
        var isHelpWatched = false
        var isClosed = false
        /// Who is told when every connection has nothing to do.
        var drained: [@Sendable () -> Void] = []
        var whenAdded: (@Sendable () -> Void)?

        var isIdle: Bool { idle.count == underWay.count }

        /// One more connection, if it should work: none does, or those that do leave calls waiting.
        mutating func helper(at now: ContinuousClock.Instant) -> Int? {
            guard let first = waiting.first, isIdle || now - first.began > CallQueue.patience else { return nil }
            return idle.popLast()
        }

        /// Whether somebody has to look again for calls that wait beside idle connections, and nobody does yet.
        mutating func beginsWatchingHelp() -> Bool {
            guard !isHelpWatched, !waiting.isEmpty, !idle.isEmpty else { return false }
            isHelpWatched = true
            return true
        }
    }

    /// What follows from a new call.
    private enum Admission {
        case closed, overloaded
        case added(wake: Int?, watch: Bool, watchHelp: Bool)
    }

    /// Not a global queue: those share their threads with Swift's cooperative pool.
    static let timers = DispatchQueue(label: "SQLiteSessionStore.timers")

    /// How long a call waits before one more connection is woken for it.
    ///
    /// Waking a thread costs more than a load does, so one busy connection is faster than two half busy ones. But nothing
    /// may wait for one that is in a slow read, or that hangs, while another has nothing to do.
    private static let patience = Duration.microseconds(500)

    private let connections: [SQLiteFile.Connection]
    private let batchLimit: Int
    private let limit: Int
    private let deadline: Duration
    private let file: SQLiteFile
    private let work: Work
    private let state: Mutex<State>

    /// Creates a queue.
    ///
    /// - Parameters:
    ///   - batchLimit: How many calls a connection takes at once at most.
    ///   - limit: How many calls wait at most.
    init(
        _ connections: [SQLiteFile.Connection],
        batchLimit: Int,
        limit: Int,
        deadline: Duration,
        file: SQLiteFile,
        work: @escaping Work
    ) {
        self.connections = connections
        self.batchLimit = batchLimit
        self.limit = limit
        self.deadline = deadline
        self.file = file
        self.work = work
        state = Mutex(
            State(
                underWay: Array(repeating: [], count: connections.count),
                idle: Array(connections.indices.reversed())
            )
        )
    }

    /// Has `body` called after each call that is added: for tests that force an order.
    func whenAdded(_ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.whenAdded = body }
    }

    /// Carries out `body` on a connection and returns what it returns.
    ///
    /// Deaf to cancellation on purpose: a cancelled caller that got an error could not know what became of its write.
    func perform<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            add(
                PendingCall { database in
                    let value = try body(database)
                    return { continuation.resume(returning: value) }
                } refuse: {
                    continuation.resume(throwing: $0)
                }
            )
        }
    }

    // MARK: Calls that come

    private func add(_ call: PendingCall) {
        let (admission, whenAdded) = state.withLock { (admit(call, to: &$0), $0.whenAdded) }
        switch admission {
        case .closed: call.fail(file.closed)
        case .overloaded: call.fail(file.overloaded(limit))
        case .added(let helper, let watch, let watchHelp):
            if let helper { wake(helper) }
            if watch { scheduleExpiry(in: deadline) }
            if watchHelp { scheduleHelp() }
            whenAdded?()
        }
    }

    private func admit(_ call: PendingCall, to state: inout State) -> Admission {
        guard !state.isClosed else { return .closed }
        guard state.waiting.count < limit else { return .overloaded }
        state.waiting.append(call)
        let watch = !state.isWatched
        state.isWatched = true
        let helper = state.helper(at: call.began)
        return .added(wake: helper, watch: watch, watchHelp: helper == nil ? state.beginsWatchingHelp() : false)
    }

    // MARK: Connections that work

    private func wake(_ connection: Int) {
        connections[connection].queue.asyncWriteWithoutTransaction { self.run(connection, $0) }
    }

    /// Carries out calls until none waits, on the connection's own queue.
    private func run(_ connection: Int, _ database: Database) {
        while let calls = takeCalls(for: connection) {
            work(calls, database, connections[connection].lockWait)
        }
    }

    /// The calls a connection carries out next: its share of what waits.
    private func takeCalls(for connection: Int) -> [PendingCall]? {
        let (calls, drained, watchHelp) = state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.underWay[connection] = []
                state.idle.append(connection)
                var drained: [@Sendable () -> Void] = []
                if state.isIdle { swap(&drained, &state.drained) }
                return (nil as [PendingCall]?, drained, false)
            }
            let busy = connections.count - state.idle.count
            let share = (state.waiting.count + busy - 1) / busy
            let calls = state.waiting.take(min(share, batchLimit))
            state.underWay[connection] = calls
            return (calls, [], state.beginsWatchingHelp())
        }
        for done in drained { done() }
        if watchHelp { scheduleHelp() }
        return calls
    }

    private func scheduleHelp() {
        Self.timers.asyncAfter(deadline: .now() + Self.patience.dispatchInterval) { [weak self] in
            self?.offerHelp()
        }
    }

    /// Wakes one more connection if calls have waited beside it, and comes back as long as that can happen.
    private func offerHelp() {
        let (helper, watchHelp) = state.withLock { state in
            state.isHelpWatched = false
            return (state.helper(at: .now), state.beginsWatchingHelp())
        }
        if let helper { wake(helper) }
        if watchHelp { scheduleHelp() }
    }

    // MARK: Deadlines

    private func scheduleExpiry(in duration: Duration) {
        Self.timers.asyncAfter(deadline: .now() + duration.dispatchInterval) { [weak self] in
            self?.expire()
        }
    }

    /// Fails every call whose deadline has passed, and comes back when the next one's does.
    ///
    /// Calls stand in the order they came, so this looks at what has expired and at one more for each connection.
    private func expire() {
        let limit = ContinuousClock.now - deadline
        let (late, next) = state.withLock { state in
            var late = state.waiting.take(until: limit)
            for connection in connections.indices {
                let count = state.underWay[connection].prefix { $0.began <= limit }.count
                late += state.underWay[connection].prefix(count)
                state.underWay[connection].removeFirst(count)
            }
            let next = (state.underWay.compactMap(\.first) + [state.waiting.first].compactMap { $0 }).map(\.began).min()
            state.isWatched = next != nil
            return (late, next)
        }
        // Those that are answered already do not mind.
        for call in late { call.fail(file.timedOut(after: deadline)) }
        if let next { scheduleExpiry(in: next - limit) }
    }

    // MARK: Closing

    /// Refuses new calls, and calls `done` when the connections have carried out what waits.
    ///
    /// Where the disk hangs, that is never.
    func drain(_ done: @escaping @Sendable () -> Void) {
        let isIdle = state.withLock { state in
            state.isClosed = true
            if !state.isIdle { state.drained.append(done) }
            return state.isIdle
        }
        if isIdle { done() }
    }

    /// Closes the connections of a queue that is drained; blocks.
    func closeConnections() throws {
        for connection in connections { try connection.queue.close() }
    }
}

extension Duration {
    /// As long, or up to a microsecond longer.
    var dispatchInterval: DispatchTimeInterval {
        .microseconds(Int(wholeMicroseconds) + 1)
    }
}
#endif
