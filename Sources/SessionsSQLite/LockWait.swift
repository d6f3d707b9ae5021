#if SQLite
import Foundation
import Synchronization

/// Waits for a lock that another process holds, until a moment that is set before each attempt.
///
/// SQLite's own busy timeout begins anew with every statement: a call that was queued behind another one's wait would
/// wait twice.
final class LockWait: Sendable {
    private let end: Mutex<ContinuousClock.Instant>

    init(for duration: Duration) {
        end = Mutex(.now + duration)
    }

    /// Sets the moment to give up at.
    func end(at moment: ContinuousClock.Instant) {
        end.withLock { $0 = moment }
    }

    /// Waits a little, on the connection's own thread.
    ///
    /// - Returns: `false` if it is time to give up.
    func wait(attempt: Int) -> Bool {
        let remaining = end.withLock { $0 } - .now
        guard remaining > .zero else { return false }
        // Longer with each attempt, up to 5 ms; the random part keeps processes from asking in step. A busy process
        // lets go of the lock for a moment between two transactions: who asks seldom hardly ever finds it.
        let step = Duration.microseconds(Int.random(in: 500...1000) * min(attempt + 1, 5))
        Thread.sleep(forTimeInterval: min(step, remaining) / .seconds(1))
        return true
    }
}
#endif
