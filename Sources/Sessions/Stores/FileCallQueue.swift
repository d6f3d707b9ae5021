import Dispatch
import Synchronization

/// Calls that block, and the threads that carry them out: few, and none of Swift's cooperative pool.
///
/// A call may have a lane, which stands for a shard of the directory. The calls of a lane are carried out one after the
/// other, in the order they came, under the shard's lock. Where another process has the lock, the lane waits and its calls
/// with it, but no thread: a process that was stopped while it held one costs the calls of one shard. A lane that has
/// much to do rests now and then, so that other processes come to their turn.
///
/// A call that is not answered within the deadline fails, also when the disk hangs and its thread never comes back; so
/// does one that finds too many waiting already (checklist ST-10).
final class FileCallQueue: Sendable {
    struct Limits: Sendable {
        var threads: Int
        var waiting: Int
        var deadline: Duration
        var lockTimeout: Duration
        /// How much longer a lane may hold its lock than leave it alone, before it rests.
        var turn = Duration.milliseconds(100)

        /// How many calls of one lane wait: whoever fills it leaves room for the others.
        var waitingInLane: Int { min(waiting, max(64, waiting / 16)) }
    }

    /// Calls something after a while.
    typealias Timer = @Sendable (Duration, @escaping @Sendable () -> Void) -> Void

    private enum Unit {
        case call(FileCall)
        case lane(Int)
    }

    private struct Lane {
        var waiting = FileQueue<FileCall>()
        /// Whether it is ready, being worked on, put off, or at rest.
        var isScheduled = false
        /// How often its lock was found taken.
        var attempts = 0
        /// How much longer its lock was held than left alone, since another process could last take it.
        var turn = Duration.zero
        private var gaveBack = ContinuousClock.now

        /// Notes that the lock was held.
        mutating func held(from began: ContinuousClock.Instant, to ended: ContinuousClock.Instant) {
            turn = max(.zero, turn - (began - gaveBack)) + (ended - began)
            gaveBack = ended
        }
    }

    private struct State {
        var ready = FileQueue<Unit>()
        var lanes: [Lane]
        /// How many calls wait, in a lane or not.
        var waiting = 0
        /// What each thread is carrying out, and what it has taken beside that.
        var underWay: [[FileCall]]
        /// The threads that have nothing to do; the last one was busy last.
        var idle: [Int]
        /// Whether the deadlines are being watched.
        var isWatched = false
        var isClosed = false
        /// Who is told when nothing is left to do.
        var drained: [@Sendable () -> Void] = []
        var whenAdded: (@Sendable () -> Void)?

        var isDrained: Bool { waiting == 0 && idle.count == underWay.count }

        /// When the call began that waits or is under way for the longest time.
        var oldest: ContinuousClock.Instant? {
            var moments = lanes.compactMap { $0.waiting.first?.began } + underWay.compactMap { $0.first?.began }
            if case .call(let call) = ready.first { moments.append(call.began) }
            return moments.min()
        }

        mutating func takeDrained() -> [@Sendable () -> Void] {
            guard isDrained else { return [] }
            defer { drained = [] }
            return drained
        }
    }

    private enum Admission {
        case closed
        case overloaded(Int)
        case added(wake: Int?, watch: Bool)
    }

    /// How many calls are carried out under one lock; then it is somebody else's turn.
    private static let batch = 8

    /// How long a lane waits at most before it looks again whether its lock is free.
    static let longestPause = Duration.milliseconds(16)

    /// How long a lane leaves its lock alone after its turn: every other process that waits for it looks meanwhile.
    static let rest = Duration.milliseconds(25)

    /// Not a global queue: those share their threads with Swift's cooperative pool.
    private static let timers = DispatchQueue(label: "FileSessionStore.timers")

    private let threads: [DispatchQueue]
    private let limits: Limits
    private let errors: FileErrors
    private let lock: @Sendable (Int) throws -> FileLock?
    private let timer: Timer
    private let state: Mutex<State>
    private let carriedOut = Atomic(0)

    /// Creates a queue.
    ///
    /// - Parameters:
    ///   - lanes: How many lanes there are.
    ///   - lock: Takes the lock of a lane; `nil` if another process has it.
    ///   - timer: Wakes lanes that are put off or at rest.
    init(
        _ limits: Limits,
        lanes: Int = 0,
        errors: FileErrors,
        lock: @escaping @Sendable (Int) throws -> FileLock? = { _ in nil },
        timer: @escaping Timer = FileCallQueue.after
    ) {
        self.limits = limits
        self.errors = errors
        self.timer = timer
        self.lock = lock
        // Each has a thread of its own while it works.
        threads = (0..<limits.threads).map { _ in DispatchQueue(label: "FileSessionStore") }
        state = Mutex(
            State(
                lanes: Array(repeating: Lane(), count: lanes),
                underWay: Array(repeating: [], count: limits.threads),
                idle: Array((0..<limits.threads).reversed())
            )
        )
    }

    /// How many calls were carried out.
    var count: Int { carriedOut.load(ordering: .relaxed) }

    /// Has `body` called after each call that is added: for tests that force an order.
    func whenAdded(_ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.whenAdded = body }
    }

    /// Carries out `body` on a thread that may block, and returns what it returns.
    ///
    /// Deaf to cancellation on purpose: a cancelled caller that got an error could not know what became of its write.
    func perform<Value: Sendable>(
        lane: Int? = nil,
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let call = FileCall {
                let value = try body()
                return { continuation.resume(returning: value) }
            } refuse: {
                continuation.resume(throwing: $0)
            }
            add(call, to: lane)
        }
    }

    // MARK: Calls that come

    private func add(_ call: FileCall, to lane: Int?) {
        let (admission, whenAdded) = state.withLock { (admit(call, to: lane, &$0), $0.whenAdded) }
        switch admission {
        case .closed: call.fail(errors.closed)
        case .overloaded(let limit): call.fail(errors.overloaded(limit))
        case .added(let thread, let watch):
            if let thread { wake(thread) }
            if watch { scheduleExpiry(in: limits.deadline) }
            whenAdded?()
        }
    }

    private func admit(_ call: FileCall, to lane: Int?, _ state: inout State) -> Admission {
        guard !state.isClosed else { return .closed }
        guard state.waiting < limits.waiting else { return .overloaded(limits.waiting) }
        if let lane, state.lanes[lane].waiting.count >= limits.waitingInLane {
            return .overloaded(limits.waitingInLane)
        }
        state.waiting += 1
        var thread: Int?
        if let lane {
            state.lanes[lane].waiting.append(call)
            if !state.lanes[lane].isScheduled { thread = schedule(lane, &state) }
        } else {
            state.ready.append(.call(call))
            thread = state.idle.popLast()
        }
        let watch = !state.isWatched
        state.isWatched = true
        return .added(wake: thread, watch: watch)
    }

    /// Puts a lane among what is ready; returns the thread that has to be woken for it.
    private func schedule(_ lane: Int, _ state: inout State) -> Int? {
        state.lanes[lane].isScheduled = true
        state.ready.append(.lane(lane))
        return state.idle.popLast()
    }

    private func wake(_ thread: Int) {
        threads[thread].async { self.run(thread) }
    }

    // MARK: Threads that work

    /// Carries out what is ready until nothing is.
    private func run(_ thread: Int) {
        while let unit = next(for: thread) {
            switch unit {
            case .call(let call): carryOut(call)
            case .lane(let lane): run(lane, on: thread)
            }
        }
    }

    private func carryOut(_ call: FileCall) {
        // Before the caller goes on.
        carriedOut.wrappingAdd(1, ordering: .relaxed)
        // One that has failed by its deadline is not begun.
        if !call.isAnswered { call.run(errors) }
    }

    private func next(for thread: Int) -> Unit? {
        let (unit, drained) = state.withLock { state in
            state.underWay[thread] = []
            guard let unit = state.ready.popFirst() else {
                state.idle.append(thread)
                return (nil as Unit?, state.takeDrained())
            }
            if case .call(let call) = unit {
                state.waiting -= 1
                state.underWay[thread] = [call]
            }
            return (unit, [])
        }
        for done in drained { done() }
        return unit
    }

    /// Carries out some calls of a lane, if its lock is to be had.
    private func run(_ lane: Int, on thread: Int) {
        let began = ContinuousClock.now
        do {
            guard let lock = try lock(lane) else { return putOff(lane) }
            for call in take(Self.batch, from: lane, on: thread) { carryOut(call) }
            _ = consume lock
        } catch {
            let error = errors.error(for: error)
            for call in take(.max, from: lane, on: thread) { call.fail(error) }
        }
        let rests = state.withLock { state in
            state.lanes[lane].attempts = 0
            state.lanes[lane].held(from: began, to: .now)
            let rests = state.lanes[lane].turn >= limits.turn
            if rests { state.lanes[lane].turn = .zero }
            let isReady = !rests && !state.lanes[lane].waiting.isEmpty
            state.lanes[lane].isScheduled = rests || isReady
            // This thread looks for what is ready next, so none has to be woken.
            if isReady { state.ready.append(.lane(lane)) }
            return rests
        }
        if rests { timer(Self.rest) { self.resume(lane) } }
    }

    private func take(_ limit: Int, from lane: Int, on thread: Int) -> [FileCall] {
        state.withLock { state in
            var calls: [FileCall] = []
            while calls.count < limit, let call = state.lanes[lane].waiting.popFirst() { calls.append(call) }
            state.waiting -= calls.count
            state.underWay[thread] = calls
            return calls
        }
    }

    /// Has a lane wait whose lock another process holds; refuses the calls that have waited for it too long.
    private func putOff(_ lane: Int) {
        let limit = ContinuousClock.now - limits.lockTimeout
        let (late, pause) = state.withLock { state in
            state.lanes[lane].turn = .zero
            let late = state.lanes[lane].waiting.popFirst { $0.began <= limit }
            state.waiting -= late.count
            guard !state.lanes[lane].waiting.isEmpty else {
                state.lanes[lane].isScheduled = false
                state.lanes[lane].attempts = 0
                return (late, nil as Duration?)
            }
            let longest = min(.milliseconds(1 << min(state.lanes[lane].attempts, 10)), Self.longestPause)
            state.lanes[lane].attempts += 1
            return (late, longest * Double.random(in: 0.5...1))
        }
        if let pause {
            timer(pause) { self.resume(lane) }
        }
        for call in late { call.fail(errors.locked(for: limits.lockTimeout)) }
    }

    private func resume(_ lane: Int) {
        let thread = state.withLock { state -> Int? in
            guard !state.lanes[lane].waiting.isEmpty else {
                state.lanes[lane].isScheduled = false
                return nil
            }
            return schedule(lane, &state)
        }
        if let thread { wake(thread) }
    }

    // MARK: Deadlines

    private func scheduleExpiry(in duration: Duration) {
        Self.timers.asyncAfter(deadline: .now() + duration.dispatchInterval) { [weak self] in self?.expire() }
    }

    /// Fails every call whose deadline has passed, and comes back when the next one's does.
    private func expire() {
        let limit = ContinuousClock.now - limits.deadline
        let (late, next, drained) = state.withLock { state in
            var late: [FileCall] = []
            for lane in state.lanes.indices where !state.lanes[lane].waiting.isEmpty {
                late += state.lanes[lane].waiting.popFirst { $0.began <= limit }
            }
            while case .call(let call) = state.ready.first, call.began <= limit {
                late.append(call)
                _ = state.ready.popFirst()
            }
            state.waiting -= late.count
            for thread in state.underWay.indices {
                let count = state.underWay[thread].prefix { $0.began <= limit }.count
                late += state.underWay[thread].prefix(count)
                state.underWay[thread].removeFirst(count)
            }
            let next = state.oldest
            state.isWatched = next != nil
            return (late, next, state.takeDrained())
        }
        for done in drained { done() }
        // Those that are answered already do not mind.
        for call in late { call.fail(errors.timedOut(after: limits.deadline)) }
        if let next { scheduleExpiry(in: next - limit) }
    }

    // MARK: Closing

    /// Refuses new calls, and calls `done` when nothing is left to do.
    ///
    /// Where the disk hangs, that is never.
    func drain(_ done: @escaping @Sendable () -> Void) {
        let isDrained = state.withLock { state in
            state.isClosed = true
            if !state.isDrained { state.drained.append(done) }
            return state.isDrained
        }
        if isDrained { done() }
    }

    /// Carries out what is queued in `queues`, and refuses what comes later.
    ///
    /// - Throws: ``SessionStoreError`` with code `timedOut` after `deadline`.
    static func close(_ queues: [FileCallQueue], within deadline: Duration, _ errors: FileErrors) async throws {
        let drained = DispatchGroup()
        for queue in queues {
            drained.enter()
            queue.drain { drained.leave() }
        }
        try await withCheckedThrowingContinuation { (reply: CheckedContinuation<Void, any Error>) in
            let call = FileCall {
                { reply.resume() }
            } refuse: {
                reply.resume(throwing: $0)
            }
            drained.notify(queue: DispatchQueue(label: "FileSessionStore.close")) { call.run(errors) }
            after(deadline) { call.fail(errors.notClosed(after: deadline)) }
        }
    }

    /// Calls `done` after `duration`.
    @Sendable
    static func after(_ duration: Duration, _ done: @escaping @Sendable () -> Void) {
        timers.asyncAfter(deadline: .now() + duration.dispatchInterval, execute: done)
    }
}

extension Duration {
    /// As long, or up to a microsecond longer.
    fileprivate var dispatchInterval: DispatchTimeInterval {
        .microseconds(Int(wholeMicroseconds) + 1)
    }
}
