#if Redis
import NIOCore
import NIOSSL
import Sessions
import SessionsRedisCodec
import Synchronization

/// One connection: commands go out in the order they came, and answers come back in that order.
///
/// What has come since the last write goes out in one. A command whose answer does not come in time fails, its place in
/// the order is kept, and the connection takes no new commands from then on: who waits behind it gets what time it has,
/// and everybody else another connection.
final class RedisConnection: Sendable {
    /// What is waited for at one place in the order.
    private struct Pending {
        let kind: Kind
        let deadline: ContinuousClock.Instant
    }

    private enum Kind {
        case call(CheckedContinuation<RedisValue, any Error>)
        /// A command whose write is confirmed by the `WAIT` after it.
        case confirmed(ConfirmedCall)
        /// `WAIT`, and what it confirms.
        case wait([ConfirmedCall])
        /// Answered with an error already; the answer is dropped.
        case expired
        /// An answer that nobody asks for.
        case ignored
    }

    private struct State {
        var channel: (any Channel)?
        var outgoing: [UInt8] = []
        var order = CircularBuffer<Pending>()
        /// How many at the end of the order have not been handed to the network.
        var unsent = 0
        var isFlushScheduled = false
        var isTicking = false
        /// Writes that go out next and want to be confirmed.
        var toConfirm: [ConfirmedCall] = []
        /// Whether a `WAIT` is under way: the writes that come meanwhile share the next one.
        var isWaiting = false
        var isRetired = false
        /// How many answers have come.
        var answers = 0
        var failure: SessionStoreError?
        var subscriber: Subscriber?
    }

    /// Who hears what the server tells unasked.
    struct Subscriber: Sendable {
        /// A message of the channel that was subscribed to.
        let heard: @Sendable ([UInt8]) -> Void
        /// The connection has ended.
        let ended: @Sendable () -> Void
    }

    /// Who is connected, for errors.
    let address: RedisAddress
    private let state: Mutex<State>

    init(to address: RedisAddress) {
        self.address = address
        state = Mutex(State())
    }

    /// Whether new commands may come.
    var isUsable: Bool { state.withLock { $0.failure == nil && !$0.isRetired } }

    /// How many answers have come, those of the greeting included.
    var answerCount: Int { state.withLock { $0.answers } }

    /// Why it has ended, or takes no more commands.
    var end: SessionStoreError { state.withLock { $0.failure } ?? closed }

    func opened(_ channel: any Channel) {
        let failed = state.withLock { state in
            state.channel = channel
            return state.failure != nil
        }
        if failed { channel.close(promise: nil) }
    }

    // MARK: Sending

    /// Sends one command; its answer.
    ///
    /// Deaf to cancellation on purpose: a cancelled caller that got an error could not know what became of its write.
    func send(
        _ arguments: [[UInt8]],
        before deadline: ContinuousClock.Instant,
        asking: Bool = false
    ) async throws -> RedisValue {
        try await withCheckedThrowingContinuation { continuation in
            add(arguments, asking: asking, Pending(kind: .call(continuation), deadline: deadline)) {
                continuation.resume(throwing: ConnectionFailure.notSent($0))
            }
        }
    }

    /// Sends one command and `WAIT`; its answer, and how many replicas have it.
    func send(
        _ arguments: [[UInt8]],
        waitingFor replicas: Int,
        milliseconds: Int,
        before deadline: ContinuousClock.Instant,
        asking: Bool = false
    ) async throws -> (reply: RedisValue, replicas: Int) {
        try await withCheckedThrowingContinuation { continuation in
            let call = ConfirmedCall(
                continuation,
                replicas: replicas,
                milliseconds: milliseconds,
                deadline: deadline
            )
            add(arguments, asking: asking, Pending(kind: .confirmed(call), deadline: deadline)) {
                call.fail(ConnectionFailure.notSent($0))
            }
        }
    }

    private func add(
        _ arguments: [[UInt8]],
        asking: Bool,
        _ pending: Pending,
        refuse: (SessionStoreError) -> Void
    ) {
        let (flush, failure): ((any EventLoop)?, SessionStoreError?) = state.withLock { state in
            // Whoever has just seen it usable takes another one.
            if state.failure != nil || state.isRetired { return (nil, state.failure ?? closed) }
            if asking {
                RESPEncoder.write([Array("ASKING".utf8)], to: &state.outgoing)
                state.order.append(Pending(kind: .ignored, deadline: pending.deadline))
                state.unsent += 1
            }
            RESPEncoder.write(arguments, to: &state.outgoing)
            state.order.append(pending)
            state.unsent += 1
            if case .confirmed(let call) = pending.kind { state.toConfirm.append(call) }
            return (Self.scheduleFlush(&state), nil)
        }
        if let failure { return refuse(failure) }
        flush?.execute { self.flush() }
    }

    /// Where the next write has to be made, if nobody has seen to that yet.
    private static func scheduleFlush(_ state: inout State) -> (any EventLoop)? {
        guard !state.isFlushScheduled, !state.isWaiting, let channel = state.channel else { return nil }
        state.isFlushScheduled = true
        return channel.eventLoop
    }

    /// Hands what has come to the network, on its event loop.
    private func flush() {
        let (channel, bytes, tick): ((any Channel)?, [UInt8], Bool) = state.withLock { state in
            state.isFlushScheduled = false
            guard state.failure == nil, !state.isWaiting, state.unsent > 0 else { return (nil, [], false) }
            Self.appendWait(&state)
            state.unsent = 0
            let tick = !state.isTicking
            state.isTicking = true
            // The next batch is about as large, so its buffer need not grow step by step.
            var bytes: [UInt8] = []
            bytes.reserveCapacity(min(state.outgoing.count, 1 << 16))
            swap(&bytes, &state.outgoing)
            return (state.channel, bytes, tick)
        }
        guard let channel, !bytes.isEmpty else { return }
        channel.writeAndFlush(channel.allocator.buffer(bytes: bytes), promise: nil)
        if tick { scheduleTick(on: channel.eventLoop) }
    }

    /// One `WAIT` for all writes of a batch.
    private static func appendWait(_ state: inout State) {
        guard !state.toConfirm.isEmpty else { return }
        let calls = state.toConfirm
        state.toConfirm = []
        let replicas = calls.map(\.replicas).max() ?? 0
        let milliseconds = calls.map(\.milliseconds).max() ?? 0
        let words = ["WAIT", "\(replicas)", "\(milliseconds)"].map { Array($0.utf8) }
        RESPEncoder.write(words, to: &state.outgoing)
        // Nobody waits longer than was asked for.
        let deadline = calls.map(\.deadline).min() ?? .now
        state.order.append(Pending(kind: .wait(calls), deadline: deadline))
        state.isWaiting = true
    }

    // MARK: What is told unasked

    /// Subscribes to a channel. The connection is of no other use then.
    func subscribe(
        to channel: [UInt8],
        before deadline: ContinuousClock.Instant,
        _ subscriber: Subscriber
    ) async throws {
        let hasEnded = state.withLock { state in
            state.subscriber = subscriber
            return state.failure != nil
        }
        if hasEnded { subscriber.ended() }
        let answer = try await send([Array("SUBSCRIBE".utf8), channel], before: deadline)
        if case .error(let error) = answer { throw RedisRefusal(error).error(at: address) }
        guard case .array(let parts) = answer, parts.first == .text("subscribe") else { throw unreadable }
    }

    /// Takes in what came unasked: a message, or, where the protocol sends it so, the answer to a subscription.
    ///
    /// - Returns: whether it was that and no answer.
    func told(_ values: [RedisValue]) -> Bool {
        guard let subscriber = state.withLock({ $0.subscriber }), values.count == 3, values[0] == .text("message"),
            case .bytes(let message) = values[2]
        else { return false }
        subscriber.heard(message)
        return true
    }

    // MARK: Answers

    /// Hands answers to those who wait for them, in order.
    func received(_ replies: [RedisValue]) {
        let (finished, surplus, flush, drained) = state.withLock {
            state -> ([(Kind, RedisValue)], RedisValue?, (any EventLoop)?, Bool) in
            var finished: [(Kind, RedisValue)] = []
            finished.reserveCapacity(replies.count)
            for reply in replies {
                guard state.order.count > state.unsent, let pending = state.order.popFirst() else {
                    return (finished, reply, nil, false)
                }
                state.answers += 1
                if case .wait = pending.kind { state.isWaiting = false }
                finished.append((pending.kind, reply))
            }
            let flush = state.unsent > 0 ? Self.scheduleFlush(&state) : nil
            return (finished, nil, flush, state.isRetired && state.order.isEmpty)
        }
        for (kind, reply) in finished {
            switch kind {
            case .call(let continuation): continuation.resume(returning: reply)
            case .confirmed(let call): call.answered(reply)
            case .wait(let calls): for call in calls { call.confirmed(reply) }
            case .expired, .ignored: break
            }
        }
        flush?.execute { self.flush() }
        // An answer to nothing: whoever is at the other end, the next answers cannot be told apart.
        switch surplus {
        // A server that takes no more clients, or none from there, says so before it is asked.
        case .error(let error): fail(RedisRefusal(error).error(at: address))
        case _?: fail(unreadable)
        case nil: if drained { close() }
        }
    }

    // MARK: Deadlines

    private func scheduleTick(on loop: any EventLoop) {
        loop.scheduleTask(in: .milliseconds(50)) { self.tick(on: loop) }
    }

    /// Fails what has not been answered in time.
    private func tick(on loop: any EventLoop) {
        let now = ContinuousClock.now
        let (late, unsent, again, isOver) = state.withLock { state -> ([Kind], [Kind], Bool, Bool) in
            var late: [Kind] = []
            var waits = false
            for index in state.order.indices {
                let pending = state.order[index]
                switch pending.kind {
                case .expired, .ignored: continue
                case .call, .confirmed, .wait: break
                }
                guard pending.deadline <= now else {
                    waits = true
                    continue
                }
                late.append(pending.kind)
                state.order[index] = Pending(kind: .expired, deadline: pending.deadline)
            }
            let unsent = late.isEmpty ? [] : Self.retire(&state)
            let again = state.failure == nil && !state.order.isEmpty
            state.isTicking = again
            return (late, unsent, again, state.isRetired && !waits)
        }
        for kind in late { Self.fail(kind, ConnectionFailure.lost(timedOut)) }
        for kind in unsent { Self.fail(kind, ConnectionFailure.notSent(timedOut)) }
        if isOver { return fail(timedOut) }
        if again { scheduleTick(on: loop) }
    }

    /// Takes no new commands, and gives back what has not been sent: it is not to be carried out after its caller has gone,
    /// and may be sent on another connection.
    private static func retire(_ state: inout State) -> [Kind] {
        state.isRetired = true
        let unsent = state.order.suffix(state.unsent).map(\.kind)
        state.order.removeLast(state.unsent)
        state.outgoing = []
        state.toConfirm = []
        state.unsent = 0
        return unsent
    }

    private static func fail(_ kind: Kind, _ failure: ConnectionFailure) {
        switch kind {
        case .call(let continuation): continuation.resume(throwing: failure)
        case .confirmed(let call): call.fail(failure)
        case .wait(let calls): for call in calls { call.fail(failure) }
        case .expired, .ignored: break
        }
    }

    // MARK: The end

    /// Takes no new commands; ends when those under way have been answered.
    func retire() {
        let (unsent, isIdle) = state.withLock { state in
            (Self.retire(&state), state.order.isEmpty)
        }
        for kind in unsent { Self.fail(kind, .notSent(closed)) }
        if isIdle { close() }
    }

    func close() { fail(closed) }

    /// Ends it: whoever waits for an answer hears that it will not come, and whether the command had been sent.
    func fail(_ error: SessionStoreError) {
        let (order, unsent, channel, subscriber) = state.withLock {
            state -> (CircularBuffer<Pending>, Int, (any Channel)?, Subscriber?) in
            guard state.failure == nil else { return (CircularBuffer(), 0, nil, nil) }
            state.failure = error
            defer {
                state.order = CircularBuffer()
                state.outgoing = []
                state.toConfirm = []
                state.unsent = 0
            }
            return (state.order, state.unsent, state.channel, state.subscriber)
        }
        subscriber?.ended()
        let sent = order.count - unsent
        for (place, pending) in order.enumerated() {
            Self.fail(pending.kind, place < sent ? .lost(error) : .notSent(error))
        }
        channel?.close(promise: nil)
    }
}

extension RedisConnection {
    var closed: SessionStoreError {
        SessionStoreError(.unavailable, "The connection to Redis at \(address) was closed.")
    }

    var timedOut: SessionStoreError {
        SessionStoreError(
            .timedOut,
            "Redis at \(address) did not answer in time. Look at the server's load and its slow log, or raise "
                + "callDeadline if it is known to be slow."
        )
    }

    var unreadable: SessionStoreError {
        SessionStoreError(
            .unusable,
            "What answers at \(address) does not speak Redis's protocol. Correct the address, or tls if the port expects it."
        )
    }

    func broken(_ error: (any Error)?) -> SessionStoreError {
        if error is NIOSSLError || error is NIOSSLExtraError || error is BoringSSLError {
            return SessionStoreError(
                .notPermitted,
                "TLS with Redis at \(address) could not be agreed on. See that the port expects TLS, and which "
                    + "authorities `tls` trusts.",
                underlying: error
            )
        }
        return SessionStoreError(.unavailable, "The connection to Redis at \(address) broke.", underlying: error)
    }
}
#endif
