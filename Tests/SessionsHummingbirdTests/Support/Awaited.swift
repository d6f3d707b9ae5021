#if Hummingbird
import Synchronization

/// A value that tasks wait for.
///
/// A task goes on when the value is right, or when it is cancelled: so a time limit ends a test whose value never comes.
final class Awaited<Value: Sendable>: Sendable {
    private struct Waiter {
        let isRight: @Sendable (Value) -> Bool
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var value: Value
        var waiters: [Int: Waiter] = [:]
        var nextID = 0
    }

    private let state: Mutex<State>

    init(_ value: Value) {
        state = Mutex(State(value: value))
    }

    var value: Value { state.withLock { $0.value } }

    /// Changes the value, and lets those go on that it is right for.
    func change(_ body: (inout Value) -> Void) {
        let ready = state.withLock { state in
            body(&state.value)
            let value = state.value
            let ready = state.waiters.filter { $0.value.isRight(value) }
            for id in ready.keys { state.waiters[id] = nil }
            return ready.values.map(\.continuation)
        }
        for continuation in ready { continuation.resume() }
    }

    /// Suspends until the value is right.
    func wait(until isRight: @escaping @Sendable (Value) -> Bool) async {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let goesOn = state.withLock { state in
                    // The handler below found nobody to let go if the task was cancelled before this point.
                    if Task.isCancelled || isRight(state.value) { return true }
                    state.waiters[id] = Waiter(isRight: isRight, continuation: continuation)
                    return false
                }
                if goesOn { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume()
        }
    }
}
#endif
