#if SQLite
import Sessions
import Synchronization

/// A continuation that is resumed by whoever comes first: the work or the deadline.
final class FirstReply: Sendable {
    private let continuation: Mutex<CheckedContinuation<Void, any Error>?>

    init(_ continuation: CheckedContinuation<Void, any Error>) {
        self.continuation = Mutex(continuation)
    }

    /// Resumes the continuation, unless that has been done.
    func answer(_ result: Result<Void, SessionStoreError>) {
        continuation.withLock { $0.take() }?.resume(with: result)
    }
}
#endif
