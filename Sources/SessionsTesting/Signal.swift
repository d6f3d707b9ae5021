import Synchronization

/// Lets tasks wait until something has become true.
///
/// Whoever changes what they wait for calls ``send()`` afterwards, outside the lock that guards it.
final class Signal: Sendable {
    private struct Waiter {
        let condition: @Sendable () -> Bool
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var waiters: [UInt64: Waiter] = [:]
        var nextID: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Suspends the current task until `condition` is true.
    ///
    /// - Throws: `CancellationError` when the task is cancelled first.
    func wait(until condition: @escaping @Sendable () -> Bool) async throws {
        let id = state.withLock { state in
            defer { state.nextID += 1 }
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isWaiting = state.withLock { state in
                    // The handler below found nobody to wake if the task was cancelled before this point.
                    if Task.isCancelled { return false }
                    state.waiters[id] = Waiter(condition: condition, continuation: continuation)
                    return true
                }
                if isWaiting {
                    // It may be true already, or have become so while the waiter was entered.
                    send()
                } else {
                    continuation.resume(throwing: CancellationError())
                }
            }
        } onCancel: {
            remove(id)?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Wakes the tasks whose condition is true now.
    func send() {
        for (id, waiter) in state.withLock({ $0.waiters }) where waiter.condition() {
            remove(id)?.continuation.resume()
        }
    }

    private func remove(_ id: UInt64) -> Waiter? {
        state.withLock { $0.waiters.removeValue(forKey: id) }
    }
}
