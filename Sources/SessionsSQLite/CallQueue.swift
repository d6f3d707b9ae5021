#if SQLite
import Dispatch
import GRDB
import Sessions
import Synchronization

/// Calls in the order they came, and the connections that carry them out.
///
/// Each connection works on a dispatch queue of its own, never on Swift's cooperative pool, and takes what has come
/// since its last turn at once: that is what lets many calls share a transaction. A call that is not answered within the
/// deadline fails, also when the disk hangs and its connection never comes back (checklist ST-10).
final class CallQueue: Sendable {
    /// Carries out calls on a connection and answers every one of them.
    typealias Work = @Sendable (_ calls: [PendingCall], _ database: Database, _ lockWait: LockWait) -> Void

    private struct State {
        var waiting: [PendingCall] = []
        /// What each connection is carrying out.
        var underWay: [[PendingCall]]
        /// The connections that have nothing to do; the last one was busy last.
        var idle: [Int]
        var isWatched = false
        var isClosed = false
        /// Who waits for the connections to have nothing to do, to close them.
        var closing: [CheckedContinuation<Void, Never>] = []
    }

    /// Not a global queue: those share their threads with Swift's cooperative pool.
    private static let deadlines = DispatchQueue(label: "SQLiteSessionStore.deadlines")

    private let connections: [SQLiteFile.Connection]
    private let batchLimit: Int
    private let deadline: Duration
    private let file: SQLiteFile
    private let work: Work
    private let state: Mutex<State>

    init(
        _ connections: [SQLiteFile.Connection],
        batchLimit: Int,
        deadline: Duration,
        file: SQLiteFile,
        work: @escaping Work
    ) {
        self.connections = connections
        self.batchLimit = batchLimit
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

    /// How many calls wait for a connection.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

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

    private func add(_ call: PendingCall) {
        let (isOpen, connection, isWatched) = state.withLock { state in
            guard !state.isClosed else { return (false, nil as Int?, true) }
            state.waiting.append(call)
            defer { state.isWatched = true }
            return (true, helpIsNeeded(state) ? state.idle.popLast() : nil, state.isWatched)
        }
        guard isOpen else { return call.fail(file.closed) }
        if let connection {
            connections[connection].queue.asyncWriteWithoutTransaction { self.run(connection, $0) }
        }
        if !isWatched { scheduleExpiry(in: deadline) }
    }

    /// Whether one more connection should work: none does, or those that do have fallen behind.
    ///
    /// Waking a thread costs more than a load does, so one busy connection is faster than two half busy ones.
    private func helpIsNeeded(_ state: State) -> Bool {
        guard state.idle.count < connections.count else { return true }
        guard let first = state.waiting.first, let last = state.waiting.last else { return false }
        return last.began - first.began > .microseconds(500)
    }

    /// Carries out calls until none waits, on the connection's own queue.
    private func run(_ connection: Int, _ database: Database) {
        while let calls = takeCalls(for: connection) {
            work(calls, database, connections[connection].lockWait)
        }
    }

    /// The calls a connection carries out next: its share of what waits.
    private func takeCalls(for connection: Int) -> [PendingCall]? {
        var closing: [CheckedContinuation<Void, Never>] = []
        let calls: [PendingCall]? = state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.underWay[connection] = []
                state.idle.append(connection)
                if state.idle.count == connections.count { swap(&closing, &state.closing) }
                return nil
            }
            let busy = connections.count - state.idle.count
            let share = (state.waiting.count + busy - 1) / busy
            let count = min(share, batchLimit)
            var calls: [PendingCall] = []
            if count == state.waiting.count {
                swap(&calls, &state.waiting)
            } else {
                calls = Array(state.waiting.prefix(count))
                state.waiting.removeFirst(count)
            }
            state.underWay[connection] = calls
            return calls
        }
        for continuation in closing { continuation.resume() }
        return calls
    }

    private func scheduleExpiry(in duration: Duration) {
        let milliseconds = Int(duration.wholeMicroseconds / 1000) + 1
        Self.deadlines.asyncAfter(deadline: .now() + .milliseconds(milliseconds)) { [weak self] in
            self?.expire()
        }
    }

    /// Fails every call whose deadline has passed, and comes back when the next one's does.
    private func expire() {
        let limit = ContinuousClock.now - deadline
        let (late, next) = state.withLock { state in
            let unanswered = (state.underWay.joined() + state.waiting).filter { !$0.isAnswered }
            let late = unanswered.filter { $0.began <= limit }
            state.waiting.removeAll { $0.began <= limit }
            let next = unanswered.lazy.map(\.began).filter { $0 > limit }.min()
            state.isWatched = next != nil
            return (late, next)
        }
        for call in late { call.fail(file.timedOut(after: deadline)) }
        if let next { scheduleExpiry(in: next - limit) }
    }

    /// Refuses new calls, lets the connections carry out what waits, and closes them.
    func close() async throws {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                state.isClosed = true
                guard state.idle.count < connections.count else { return true }
                state.closing.append(continuation)
                return false
            }
            if isIdle { continuation.resume() }
        }
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            DispatchQueue(label: "SQLiteSessionStore.close").async { [connections, file] in
                do {
                    for connection in connections { try connection.queue.close() }
                    continuation.resume()
                } catch {
                    continuation.resume(throwing: file.error(for: error))
                }
            }
        }
    }
}
#endif
