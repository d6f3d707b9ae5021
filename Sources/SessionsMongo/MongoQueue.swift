#if Mongo
import Foundation
import Sessions
import Synchronization

/// Calls in the order they came, and the threads that carry them out: libmongoc blocks, so none is of Swift's cooperative pool.
///
/// A call that is not answered within the deadline fails, also when its thread hangs; so does one that finds too many waiting
/// already (checklist ST-10). Threads are started when they are needed, and each has one connection while it works.
final class MongoQueue: Sendable {
    private struct State {
        /// The calls that wait are those from `taken` on.
        var calls: [MongoCall] = []
        var taken = 0
        /// What each thread is carrying out.
        var underWay: [MongoCall?] = []
        var idle = 0
        var running = 0
        /// Whether the deadlines are being watched.
        var isWatched = false
        var isClosed = false
        var waiters: [UInt64: CheckedContinuation<Bool, Never>] = [:]
        var nextWaiter: UInt64 = 0

        var waiting: Int { calls.count - taken }

        var first: MongoCall? { waiting > 0 ? calls[taken] : nil }

        mutating func takeFirst() -> MongoCall {
            let call = calls[taken]
            taken += 1
            // Moves no more calls than were taken since the last time.
            if taken * 2 >= calls.count {
                calls.removeFirst(taken)
                taken = 0
            }
            return call
        }
    }

    private enum Admission {
        case refused(SessionStoreError)
        case added(newThread: Int?, watch: Bool)
    }

    /// Not a global queue: those share their threads with Swift's cooperative pool.
    private static let timers = DispatchQueue(label: "MongoSessionStore.timers")

    private let configuration: MongoSessionStore.Configuration
    private let pool: MongoPool
    /// Signalled once for each call, and for each thread at the end.
    private let work = DispatchSemaphore(value: 0)
    private let state = Mutex(State())

    init(_ pool: MongoPool, _ configuration: MongoSessionStore.Configuration) {
        self.pool = pool
        self.configuration = configuration
    }

    /// Carries out `body` on a thread that may block, and returns what it returns.
    ///
    /// Deaf to cancellation on purpose: a cancelled caller that got an error could not know what became of its write.
    func perform<Value: Sendable>(_ body: @escaping @Sendable (MongoConnection) throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            add(
                MongoCall { connection in
                    let value = try body(connection)
                    return { continuation.resume(returning: value) }
                } refuse: {
                    continuation.resume(throwing: $0)
                }
            )
        }
    }

    /// How many calls wait: for tests.
    var waitingCount: Int { state.withLock(\.waiting) }

    // MARK: Calls that come

    private func add(_ call: MongoCall) {
        switch state.withLock({ admit(call, to: &$0) }) {
        case .refused(let error): call.fail(error)
        case .added(let newThread, let watch):
            work.signal()
            if let newThread { start(newThread) }
            if watch { scheduleExpiry(in: configuration.deadline) }
        }
    }

    private func admit(_ call: MongoCall, to state: inout State) -> Admission {
        guard !state.isClosed else { return .refused(MongoFailure.closed) }
        guard state.waiting < configuration.queueLimit else {
            return .refused(MongoFailure.overloaded(configuration.queueLimit))
        }
        state.calls.append(call)
        let watch = !state.isWatched
        state.isWatched = true
        guard state.idle < state.waiting, state.running < configuration.connectionLimit else {
            return .added(newThread: nil, watch: watch)
        }
        state.running += 1
        // It is about to take a call.
        state.idle += 1
        state.underWay.append(nil)
        return .added(newThread: state.underWay.count - 1, watch: watch)
    }

    // MARK: Threads that work

    private func start(_ index: Int) {
        let thread = Thread { [self] in
            while let call = next(for: index) { pool.lend(until: call.began + configuration.deadline, call.run) }
            leave()
        }
        thread.name = "sessions-mongo"
        thread.start()
    }

    private func next(for thread: Int) -> MongoCall? {
        state.withLock { state in
            if state.underWay[thread] != nil { state.idle += 1 }
            state.underWay[thread] = nil
        }
        while true {
            work.wait()
            let (call, isOver) = state.withLock { state -> (MongoCall?, Bool) in
                // What was signalled for a call that failed meanwhile is signalled for nothing.
                guard state.waiting > 0 else { return (nil, state.isClosed) }
                let call = state.takeFirst()
                state.idle -= 1
                state.underWay[thread] = call
                return (call, false)
            }
            if call != nil || isOver { return call }
        }
    }

    private func leave() {
        let (isLast, waiters) = state.withLock { state in
            state.running -= 1
            state.idle -= 1
            guard state.running == 0 else { return (false, [UInt64: CheckedContinuation<Bool, Never>]()) }
            defer { state.waiters = [:] }
            return (true, state.waiters)
        }
        guard isLast else { return }
        // Here, as it may wait for libmongoc's own threads.
        pool.destroy()
        for waiter in waiters.values { waiter.resume(returning: true) }
    }

    // MARK: Deadlines

    private func scheduleExpiry(in duration: Duration) {
        Self.timers.asyncAfter(deadline: .now() + duration.dispatchInterval) { [weak self] in self?.expire() }
    }

    /// Fails every call whose deadline has passed, and comes back when the next one's does.
    private func expire() {
        let limit = ContinuousClock.now - configuration.deadline
        let (late, next) = state.withLock { state in
            let underWay = state.underWay.compactMap(\.self)
            var late = underWay.filter { $0.began <= limit }
            while let first = state.first, first.began <= limit { late.append(state.takeFirst()) }
            let next = (underWay.map(\.began).filter { $0 > limit } + [state.first?.began].compactMap(\.self)).min()
            state.isWatched = next != nil
            return (late, next)
        }
        // Those that are answered already do not mind.
        for call in late { call.fail(MongoFailure.unanswered(after: configuration.deadline)) }
        if let next { scheduleExpiry(in: next - limit) }
    }

    // MARK: Closing

    /// Refuses new calls, carries out those that came, and ends the threads.
    func close() async throws {
        end()
        let isOver = await withCheckedContinuation { continuation in
            let id = state.withLock { state -> UInt64? in
                guard state.running > 0 else { return nil }
                state.nextWaiter += 1
                state.waiters[state.nextWaiter] = continuation
                return state.nextWaiter
            }
            guard let id else { return continuation.resume(returning: true) }
            Self.timers.asyncAfter(deadline: .now() + configuration.deadline.dispatchInterval) { [self] in
                state.withLock { $0.waiters.removeValue(forKey: id) }?.resume(returning: false)
            }
        }
        guard isOver else { throw MongoFailure.notClosed(after: configuration.deadline) }
    }

    /// The same without waiting: nobody is left who could.
    func end() {
        let threads = state.withLock { state -> Int in
            guard !state.isClosed else { return 0 }
            state.isClosed = true
            return state.running
        }
        for _ in 0..<threads { work.signal() }
    }
}

extension Duration {
    /// As long, or up to a microsecond longer.
    fileprivate var dispatchInterval: DispatchTimeInterval {
        .microseconds(Int(wholeMicroseconds) + 1)
    }
}
#endif
