public import Sessions
import Synchronization

/// A clock that stands still until a test moves it.
///
/// Waiting for something that happens after a while is deterministic with it: wait until the code under test sleeps,
/// then let the time pass.
///
/// ```swift
/// let clock = ManualSessionClock()
/// let task = Task { try await clock.sleep(for: .seconds(60)) }
/// try await clock.waitForSleepers(1)
/// clock.advance(by: .seconds(60))
/// try await task.value
/// ```
public final class ManualSessionClock: SessionClock {
    private struct Sleeper {
        let wakesAt: Timestamp
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now: Timestamp
        var sleepers: [UInt64: Sleeper] = [:]
        var nextID: UInt64 = 0
    }

    private let state: Mutex<State>
    private let sleepersChanged = Signal()

    /// Creates a clock that shows `now`, by default the beginning of 2026.
    public init(_ now: Timestamp = Timestamp(microseconds: 1_767_225_600_000_000)) {
        state = Mutex(State(now: now))
    }

    /// The time that the clock was moved to.
    public func now() -> Timestamp {
        state.withLock { $0.now }
    }

    /// Suspends the current task until the clock has been moved by `duration`.
    ///
    /// - Throws: `CancellationError` when the task is cancelled first.
    public func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        guard duration > .zero else { return }
        let id = state.withLock { state in
            defer { state.nextID += 1 }
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isAsleep = state.withLock { state in
                    // The handler below found nothing to wake if the task was cancelled before this point.
                    if Task.isCancelled { return false }
                    state.sleepers[id] = Sleeper(wakesAt: state.now + duration, continuation: continuation)
                    return true
                }
                if isAsleep {
                    sleepersChanged.send()
                } else {
                    continuation.resume(throwing: CancellationError())
                }
            }
        } onCancel: {
            let sleeper = state.withLock { $0.sleepers.removeValue(forKey: id) }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Moves the clock by `duration` and wakes the tasks whose time has come, the earliest first.
    ///
    /// A negative duration moves it back, as a wall clock may be; nobody's sleep becomes longer by that.
    public func advance(by duration: Duration) {
        move { $0 + duration }
    }

    /// Moves the clock to `time` and wakes the tasks whose time has come, the earliest first.
    public func set(_ time: Timestamp) {
        move { _ in time }
    }

    private func move(to time: (Timestamp) -> Timestamp) {
        let awake = state.withLock { state in
            state.now = time(state.now)
            let awake = state.sleepers.filter { $0.value.wakesAt <= state.now }
            for id in awake.keys { state.sleepers[id] = nil }
            return awake
        }
        for (_, sleeper) in awake.sorted(by: { ($0.value.wakesAt, $0.key) < ($1.value.wakesAt, $1.key) }) {
            sleeper.continuation.resume()
        }
    }

    /// Suspends the current task until at least `count` tasks sleep on this clock.
    ///
    /// - Throws: `CancellationError` when the task is cancelled first.
    public func waitForSleepers(_ count: Int = 1) async throws {
        try await sleepersChanged.wait { self.state.withLock { $0.sleepers.count } >= count }
    }
}
