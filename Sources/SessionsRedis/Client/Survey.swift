#if Redis
import Sessions
import Synchronization

/// Asks several servers for the same, and collects what enough of them say.
///
/// Who does not answer holds nobody up for long: after the first answer the others have a grace.
final class Survey<Value: Sendable>: Sendable {
    private struct State {
        var values: [Value] = []
        var missing: Int
        var failure: SessionStoreError?
        var continuation: CheckedContinuation<Result<[Value], SessionStoreError>, Never>?
    }

    private let enough: Int
    private let grace: Duration
    private let state: Mutex<State>

    private init(
        _ count: Int,
        _ enough: Int,
        _ grace: Duration,
        _ continuation: CheckedContinuation<Result<[Value], SessionStoreError>, Never>
    ) {
        self.enough = enough
        self.grace = grace
        state = Mutex(State(missing: count, continuation: continuation))
    }

    /// The answers in the order they came, `enough` of them if so many come; if there is none, the failure that says most.
    static func of(
        _ count: Int,
        enough: Int,
        grace: Duration,
        _ body: @escaping @Sendable (Int) async -> Result<Value, SessionStoreError>
    ) async -> Result<[Value], SessionStoreError> {
        await withCheckedContinuation { continuation in
            let survey = Survey(count, enough, grace, continuation)
            for index in 0..<count { Task { survey.came(await body(index)) } }
        }
    }

    private func came(_ result: Result<Value, SessionStoreError>) {
        let (end, isFirst) = state.withLock { state -> ((@Sendable () -> Void)?, Bool) in
            state.missing -= 1
            switch result {
            case .success(let value): state.values.append(value)
            case .failure(let error):
                // One that answers, and does not know, says more than one that is away.
                if state.failure == nil || error.code == .unusable { state.failure = error }
            }
            if state.values.count >= enough || state.missing == 0 { return (Self.end(&state), false) }
            if case .success = result { return (nil, state.values.count == 1) }
            return (nil, false)
        }
        end?()
        guard isFirst else { return }
        _ = Deadline.schedule(at: .now + grace) { self.state.withLock { Self.end(&$0) }?() }
    }

    private static func end(_ state: inout State) -> (@Sendable () -> Void)? {
        guard let continuation = state.continuation.take() else { return nil }
        let failure = state.failure ?? SessionStoreError(.unavailable, "There is no server to ask.")
        let result: Result<[Value], SessionStoreError> =
            state.values.isEmpty ? .failure(failure) : .success(state.values)
        return { continuation.resume(returning: result) }
    }
}
#endif
