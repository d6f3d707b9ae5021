#if Postgres
import Foundation
import Sessions
import Synchronization

/// Calls, and the two threads that carry them out: one waits for all connections at once, the other opens them.
///
/// Neither is a thread of Swift's cooperative pool. The waiting one never blocks on one connection, and resolving a name or
/// shaking hands, which libpq may block for, is the other one's.
final class PostgresPool: Sendable {
    /// What reaches the waiting thread from others.
    struct Inbox {
        var calls: [PostgresCall] = []
        var opened: [PostgresLink] = []
        /// Why the last attempt to connect failed.
        var failure: SessionStoreError?
        /// How many calls are here or wait for a connection.
        var waiting = 0
        /// Whether the thread has to be woken.
        var isAsleep = false
        var isClosed = false
        /// Whether what is under way is to be left alone.
        var isAborted = false
        /// Whether nobody takes anything any more.
        var isOver = false

        var isEmpty: Bool { calls.isEmpty && opened.isEmpty && failure == nil }
    }

    let configuration: PostgresSessionStore.Configuration
    private let wakeup: PostgresWakeup
    private let inbox = Mutex(Inbox())
    private let connector: PostgresConnector
    private let end = PostgresEnd()

    /// Opens the first connection, on a thread that may block, and starts.
    convenience init(_ opener: PostgresOpener) async throws {
        let first = try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try opener.openFirst() }) }
        }
        try self.init(first, opener: opener)
    }

    /// Starts with a connection that is open already.
    private init(_ first: PostgresLink, opener: PostgresOpener) throws {
        configuration = opener.configuration
        wakeup = try PostgresWakeup()
        connector = PostgresConnector(opener)
        inbox.withLock { $0.opened = [first] }
        // The threads keep the pool alive, and end when it is closed.
        Self.start("sessions-postgres") { [self] in
            PostgresLoop(self).run()
            end.came()
        }
        Self.start("sessions-postgres-connect") { [self, connector] in
            connector.run { [weak self] in self?.deliver($0) }
        }
    }

    private static func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
        let thread = Thread(block: body)
        thread.name = name
        thread.start()
    }

    // MARK: Callers

    /// Carries out a statement, and returns what `decode` makes of its rows.
    ///
    /// Deaf to cancellation on purpose: a cancelled caller that got an error could not know what became of its write.
    func perform<Value: Sendable>(
        _ statement: PostgresStatement,
        _ parameters: PostgresParameters,
        _ decode: @escaping @Sendable (PostgresRows) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            add(
                PostgresCall(statement, parameters) { rows in
                    let value = try decode(rows)
                    return { continuation.resume(returning: value) }
                } refuse: {
                    continuation.resume(throwing: $0)
                }
            )
        }
    }

    /// Has a statement delete up to `limit` rows, by transactions of up to 200 with short random pauses in between.
    ///
    /// - Parameter end: The statement's parameters but the last, which is how many rows it deletes.
    /// - Returns: How many were deleted.
    func sweep(_ statement: PostgresStatement, before end: PostgresParameters, limit: Int) async throws -> Int {
        var deleted = 0
        while deleted < limit {
            let step = min(limit - deleted, 200)
            var parameters = end
            parameters.append(Int64(step))
            let count = try await perform(statement, parameters) { $0.affected }
            deleted += count
            if count < step { break }
            // A cancelled sweep does not pause; it ends at its limit.
            try? await Task.sleep(for: .microseconds(Int.random(in: 500...5_000)))
        }
        return deleted
    }

    private func add(_ call: PostgresCall) {
        let (refusal, isAsleep) = inbox.withLock { inbox -> (SessionStoreError?, Bool) in
            guard !inbox.isClosed else { return (PostgresFailure.closed, false) }
            guard inbox.waiting < configuration.queueLimit else {
                return (PostgresFailure.overloaded(configuration.queueLimit), false)
            }
            inbox.waiting += 1
            inbox.calls.append(call)
            defer { inbox.isAsleep = false }
            return (nil, inbox.isAsleep)
        }
        if let refusal { return call.fail(refusal) }
        if isAsleep { wakeup.send() }
    }

    /// How many calls wait: for tests.
    var waitingCount: Int { inbox.withLock(\.waiting) }

    // MARK: Closing

    /// Refuses new calls, waits for those that came, and ends both threads.
    func close() async throws {
        change { $0.isClosed = true }
        connector.close()
        guard await end.wait(configuration.deadline) else {
            throw PostgresFailure.notClosed(after: configuration.deadline)
        }
    }

    /// Ends without waiting: nobody is left who could.
    func abort() {
        change {
            $0.isClosed = true
            $0.isAborted = true
        }
        connector.close()
    }

    // MARK: The threads

    private func deliver(_ attempt: Result<PostgresLink, SessionStoreError>) {
        change { inbox in
            switch attempt {
            case .success(let link): if !inbox.isOver { inbox.opened.append(link) }
            case .failure(let error): inbox.failure = error
            }
        }
    }

    private func change(_ body: (inout Inbox) -> Void) {
        let isAsleep = inbox.withLock { inbox in
            body(&inbox)
            defer { inbox.isAsleep = false }
            return inbox.isAsleep
        }
        if isAsleep { wakeup.send() }
    }

    /// Asks for one more connection; the answer comes to the inbox.
    func wantConnection() { connector.want() }

    /// What has come. If nothing has, the thread is taken to fall asleep: who comes then wakes it.
    ///
    /// - Parameter begun: How many calls have stopped waiting since the last time.
    func take(begun: Int) -> Inbox {
        inbox.withLock { inbox in
            inbox.waiting -= begun
            let taken = inbox
            inbox.calls = []
            inbox.opened = []
            inbox.failure = nil
            inbox.isAsleep = taken.isEmpty
            return taken
        }
    }

    /// The thread is about to end.
    ///
    /// - Returns: calls that came in the last moment.
    func end(begun: Int) -> [PostgresCall] {
        inbox.withLock { inbox in
            inbox.waiting -= begun + inbox.calls.count
            defer {
                inbox.calls = []
                inbox.opened = []
                inbox.isOver = true
            }
            return inbox.calls
        }
    }

    var wakeupDescriptor: Int32 { wakeup.descriptor }

    func tookWakeup() { wakeup.receive() }
}

/// The end of a pool, for those who wait for it.
private final class PostgresEnd: Sendable {
    private struct State {
        var hasCome = false
        var waiters: [UInt64: CheckedContinuation<Bool, Never>] = [:]
        var nextID: UInt64 = 0
    }

    private let state = Mutex(State())
    private static let timers = DispatchQueue(label: "PostgresSessionStore.timers")

    func came() {
        let waiters = state.withLock { state in
            state.hasCome = true
            defer { state.waiters = [:] }
            return state.waiters
        }
        for waiter in waiters.values { waiter.resume(returning: true) }
    }

    /// Whether it has come within `limit`.
    func wait(_ limit: Duration) async -> Bool {
        await withCheckedContinuation { continuation in
            let id = state.withLock { state -> UInt64? in
                guard !state.hasCome else { return nil }
                state.nextID += 1
                state.waiters[state.nextID] = continuation
                return state.nextID
            }
            guard let id else { return continuation.resume(returning: true) }
            Self.timers.asyncAfter(deadline: .now() + .microseconds(Int(limit.wholeMicroseconds) + 1)) { [self] in
                state.withLock { $0.waiters.removeValue(forKey: id) }?.resume(returning: false)
            }
        }
    }
}
#endif
