#if Redis
import SessionsRedisCodec
import Synchronization

/// A command whose answer counts only once `WAIT` has been answered too.
final class ConfirmedCall: Sendable {
    let replicas: Int
    let milliseconds: Int
    let deadline: ContinuousClock.Instant
    private let state:
        Mutex<(continuation: CheckedContinuation<(reply: RedisValue, replicas: Int), any Error>?, reply: RedisValue?)>

    init(
        _ continuation: CheckedContinuation<(reply: RedisValue, replicas: Int), any Error>,
        replicas: Int,
        milliseconds: Int,
        deadline: ContinuousClock.Instant
    ) {
        self.replicas = replicas
        self.milliseconds = milliseconds
        self.deadline = deadline
        state = Mutex((continuation, nil))
    }

    func answered(_ reply: RedisValue) {
        state.withLock { $0.reply = reply }
    }

    func confirmed(_ count: RedisValue) {
        let (continuation, reply) = state.withLock { ($0.continuation.take(), $0.reply) }
        guard let continuation, let reply else { return }
        if case .integer(let count) = count {
            continuation.resume(returning: (reply, Int(count)))
        } else {
            // WAIT was refused: nobody has confirmed anything.
            continuation.resume(returning: (reply, 0))
        }
    }

    func fail(_ error: any Error) {
        state.withLock { $0.continuation.take() }?.resume(throwing: error)
    }
}
#endif
