#if Redis
import Sessions
import Synchronization

/// Asks several servers for the same, and takes the first answer.
///
/// Not a task group: that would wait for the slowest of them, which may be one that never answers.
final class Race<Value: Sendable>: Sendable {
    private struct State {
        var next = 0
        var running = 0
        var failure: SessionStoreError?
        var continuation: CheckedContinuation<Result<Value, SessionStoreError>, Never>?
    }

    private let count: Int
    private let body: @Sendable (Int) async -> Result<Value, SessionStoreError>
    private let state = Mutex(State())

    private init(_ count: Int, _ body: @escaping @Sendable (Int) async -> Result<Value, SessionStoreError>) {
        self.count = count
        self.body = body
    }

    /// The first success of `count` servers; if there is none, the failure that says most.
    ///
    /// - Parameter atOnce: How many are asked at the same time; another one whenever one has failed.
    static func first(
        of count: Int,
        atOnce: Int,
        _ body: @escaping @Sendable (Int) async -> Result<Value, SessionStoreError>
    ) async -> Result<Value, SessionStoreError> {
        let race = Race(count, body)
        return await withCheckedContinuation { continuation in
            race.state.withLock { $0.continuation = continuation }
            for _ in 0..<max(min(atOnce, count), 1) { race.startNext() }
        }
    }

    private func startNext() {
        let (index, over) = state.withLock { state in
            guard state.continuation != nil, state.next < count else { return (nil as Int?, Self.over(&state)) }
            state.next += 1
            state.running += 1
            return (state.next - 1, nil)
        }
        if let index { Task { self.finished(await self.body(index)) } }
        over?()
    }

    private func finished(_ result: Result<Value, SessionStoreError>) {
        let winner = state.withLock { state in
            state.running -= 1
            switch result {
            case .success: return state.continuation.take()
            case .failure(let error):
                // One that answers, and does not know, says more than one that is away.
                if state.failure == nil || error.code == .unusable { state.failure = error }
                return nil
            }
        }
        if let winner { winner.resume(returning: result) } else { startNext() }
    }

    /// Tells that nobody has succeeded, once nobody is left who could.
    private static func over(_ state: inout State) -> (@Sendable () -> Void)? {
        guard state.running == 0, let continuation = state.continuation.take() else { return nil }
        let failure = state.failure ?? SessionStoreError(.unavailable, "There is no server to ask.")
        return { continuation.resume(returning: .failure(failure)) }
    }
}
#endif
