#if Redis
import NIOCore
import Sessions
import Synchronization

/// One connection that is made anew when it is lost.
///
/// Whoever finds it lost has it made, and all who come meanwhile wait for that one attempt. After an attempt that failed
/// comes a pause, random and longer each time, so that many processes do not come back at the same moment. While nobody has
/// reached the server for a while, calls in a pause fail at once: they hold no request, and whoever comes after the pause tries.
final class RedisLane: Sendable {
    private struct State {
        var connection: RedisConnection?
        var openedAt = ContinuousClock.now
        /// How many answers the connection had brought when it was greeted.
        var greetings = 0
        /// How often connections were given up: one that was begun before that is not used.
        var retirements = 0
        var isConnecting = false
        var waiters: [CheckedContinuation<RedisConnection, any Error>] = []
        var failures = 0
        var retryAt: ContinuousClock.Instant?
        var downSince: ContinuousClock.Instant?
        var failedAt: ContinuousClock.Instant?
        /// When a connection to the server was made, by this lane or another one.
        var sign: SignOfLife?
        var failure: SessionStoreError?
        var isClosed = false
        /// Whether the server is no longer one of those that are asked.
        var isAbandoned = false

        /// What an end of the connection means for the next one: a server that accepts connections and serves none is not
        /// asked again and again without a pause.
        mutating func noteEnd(at now: ContinuousClock.Instant, _ backoff: Backoff) {
            guard let connection = connection.take() else { return }
            if connection.answerCount > greetings {
                failures = 0
            } else if now - openedAt < .seconds(1) {
                failures += 1
                failure = connection.end
                retryAt = now + backoff.pause(after: failures)
                // That another lane gets as far ends no such pause.
                failedAt = nil
            }
        }
    }

    private enum Way {
        case ready(RedisConnection)
        case refused(any Error)
        case wait(connects: Bool)
    }

    private let backoff: Backoff
    /// How long the server may be away before calls fail at once.
    private let patience: Duration
    private let connect: @Sendable () async throws -> RedisConnection
    private let state = Mutex(State())

    init(backoff: Backoff, patience: Duration, connect: @escaping @Sendable () async throws -> RedisConnection) {
        self.backoff = backoff
        self.patience = patience
        self.connect = connect
    }

    /// Tells the other lanes of this server when a connection is made, and is told by them: then nobody stays away.
    func share(_ sign: SignOfLife) { state.withLock { $0.sign = sign } }

    /// The connection, if it is there.
    func ready() -> RedisConnection? {
        let connection = state.withLock { $0.connection }
        guard let connection, connection.isUsable else { return nil }
        return connection
    }

    /// The connection, made if need be.
    ///
    /// - Throws: ``LaneFailure``.
    func connection() async throws -> RedisConnection {
        if let connection = ready() { return connection }
        return try await withCheckedThrowingContinuation { continuation in
            switch state.withLock({ way(&$0, continuation) }) {
            case .ready(let connection): continuation.resume(returning: connection)
            case .refused(let error): continuation.resume(throwing: error)
            case .wait(let connects):
                // A task of its own: whoever asked first may be cancelled, the others wait on.
                if connects { Task { await self.make() } }
            }
        }
    }

    private func way(_ state: inout State, _ waiter: CheckedContinuation<RedisConnection, any Error>) -> Way {
        if state.isClosed { return .refused(LaneFailure(error: Self.closed, isFinal: true)) }
        if let connection = state.connection, connection.isUsable { return .ready(connection) }
        if state.isConnecting {
            state.waiters.append(waiter)
            return .wait(connects: false)
        }
        if state.isAbandoned { return .refused(LaneFailure(error: Self.left, isFinal: false)) }
        let now = ContinuousClock.now
        state.noteEnd(at: now, backoff)
        if let retryAt = state.retryAt, now < retryAt, let failure = state.failure, !Self.isBack(state) {
            let isDown = state.downSince.map { now - $0 > patience } ?? false
            return .refused(LaneFailure(error: failure, isFinal: isDown, retryAt: retryAt))
        }
        state.isConnecting = true
        state.waiters.append(waiter)
        return .wait(connects: true)
    }

    /// Whether another lane has reached the server since this one failed to.
    private static func isBack(_ state: State) -> Bool {
        guard let failedAt = state.failedAt, let seen = state.sign?.latest else { return false }
        return seen > failedAt
    }

    /// Makes the connection if it is not there and no pause is on; nobody waits for it.
    func prepare() {
        let connects = state.withLock { state in
            guard !state.isClosed, !state.isAbandoned, !state.isConnecting, state.connection?.isUsable != true else {
                return false
            }
            let now = ContinuousClock.now
            state.noteEnd(at: now, backoff)
            if let retryAt = state.retryAt, now < retryAt, !Self.isBack(state) { return false }
            state.isConnecting = true
            return true
        }
        if connects { Task { await self.make() } }
    }

    private func make() async {
        let retirements = state.withLock { $0.retirements }
        do {
            let connection = try await connect()
            let greetings = connection.answerCount
            let (waiters, refusal) = state.withLock {
                state -> ([CheckedContinuation<RedisConnection, any Error>], LaneFailure?) in
                state.isConnecting = false
                state.sign?.note()
                state.retryAt = nil
                state.downSince = nil
                state.failure = nil
                defer { state.waiters = [] }
                if state.isClosed { return (state.waiters, LaneFailure(error: Self.closed, isFinal: true)) }
                // What it was made for has changed while it was made.
                if state.isAbandoned || state.retirements != retirements {
                    return (state.waiters, LaneFailure(error: Self.left, isFinal: false))
                }
                state.connection = connection
                state.openedAt = .now
                state.greetings = greetings
                return (state.waiters, nil)
            }
            if refusal != nil { connection.close() }
            for waiter in waiters {
                if let refusal { waiter.resume(throwing: refusal) } else { waiter.resume(returning: connection) }
            }
        } catch {
            let failure = error as? SessionStoreError ?? SessionStoreError(.unavailable, "Redis cannot be reached.")
            let (waiters, retryAt) = state.withLock { state in
                let now = ContinuousClock.now
                state.isConnecting = false
                state.failures += 1
                state.failedAt = now
                state.failure = failure
                if state.downSince == nil { state.downSince = now }
                let retryAt = now + backoff.pause(after: state.failures)
                state.retryAt = retryAt
                defer { state.waiters = [] }
                return (state.waiters, retryAt)
            }
            for waiter in waiters {
                waiter.resume(throwing: LaneFailure(error: failure, isFinal: false, retryAt: retryAt))
            }
        }
    }

    /// Takes no more commands to the present connection, nor to one that is being made.
    func retire() {
        let connection = state.withLock { state in
            state.retirements += 1
            return state.connection.take()
        }
        connection?.retire()
    }

    /// The same, if the present connection leads elsewhere.
    func retire(unlessAt address: RedisAddress) {
        let connection = state.withLock { $0.connection?.address == address ? nil : $0.connection.take() }
        connection?.retire()
    }

    /// The same as ``retire()``, and connects no more.
    func abandon() {
        state.withLock { $0.isAbandoned = true }
        retire()
    }

    func close() {
        let connection = state.withLock { state in
            state.isClosed = true
            defer { state.connection = nil }
            return state.connection
        }
        connection?.close()
    }

    private static var left: SessionStoreError {
        SessionStoreError(.unavailable, "Another server has the keys now. Look at the servers if that does not pass.")
    }

    private static var closed: SessionStoreError {
        SessionStoreError(.unavailable, "The client is closed. Call close() after the last request.")
    }
}

/// When a server was last reached.
final class SignOfLife: Sendable {
    private let instant = Mutex<ContinuousClock.Instant?>(nil)

    var latest: ContinuousClock.Instant? { instant.withLock { $0 } }

    func note() { instant.withLock { $0 = .now } }
}

/// Why there is no connection.
struct LaneFailure: Error {
    let error: SessionStoreError
    /// Whether waiting for another attempt makes no sense.
    let isFinal: Bool
    /// When the next attempt may be made.
    var retryAt: ContinuousClock.Instant?
    /// Whether no attempt has failed, but the caller's time was over: what it heard before says more.
    var isOutOfTime = false
}

/// Pauses that grow, each of them random.
struct Backoff: Sendable {
    let minimum: Duration
    let maximum: Duration

    /// From half of it to all of it, so that processes that failed together come apart.
    func pause(after failures: Int) -> Duration {
        let longest = min(minimum * Double(1 << min(failures - 1, 20)), maximum)
        return longest * Double.random(in: 0.5...1)
    }
}
#endif
