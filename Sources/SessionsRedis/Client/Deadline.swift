#if Redis
import NIOCore
import NIOPosix
import Sessions
import Synchronization

/// Bounds what has no bound of its own.
enum Deadline {
    /// What `body` returns, or an error at `deadline`. What `body` waits for may be shared by others, so it goes on.
    static func bound<Value: Sendable>(
        _ deadline: ContinuousClock.Instant,
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let first = First(continuation)
            let timer = schedule(at: deadline) {
                let error = SessionStoreError(
                    .unavailable,
                    "Redis could not be reached within callDeadline. Look at the server, the network, and the addresses."
                )
                first.answer(.failure(LaneFailure(error: error, isFinal: true, isOutOfTime: true)))
            }
            Task {
                do { first.answer(.success(try await body())) } catch { first.answer(.failure(error)) }
                timer.cancel()
            }
        }
    }

    /// Waits. Not `Task.sleep`: in a cancelled task that would not wait, and its caller would ask in a loop.
    static func sleep(until moment: ContinuousClock.Instant) async {
        await withCheckedContinuation { continuation in
            _ = schedule(at: moment) { continuation.resume() }
        }
    }

    static func schedule(
        at moment: ContinuousClock.Instant,
        _ body: @escaping @Sendable () -> Void
    ) -> Scheduled<Void> {
        let nanoseconds = max((moment - .now).wholeMicroseconds, 0) * 1000
        return MultiThreadedEventLoopGroup.singleton.any().scheduleTask(in: .nanoseconds(nanoseconds), body)
    }

    /// A continuation that is resumed by whoever comes first.
    private final class First<Value: Sendable>: Sendable {
        private let continuation: Mutex<CheckedContinuation<Value, any Error>?>

        init(_ continuation: CheckedContinuation<Value, any Error>) {
            self.continuation = Mutex(continuation)
        }

        func answer(_ result: Result<Value, any Error>) {
            continuation.withLock { $0.take() }?.resume(with: result)
        }
    }
}
#endif
