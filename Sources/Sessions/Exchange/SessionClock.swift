#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Tells the time that deadlines are compared with, and waits.
///
/// Deadlines outlive a process and are shared between machines, so this is wall-clock time. Applications use
/// ``SystemSessionClock``; tests inject the controllable clock of `SessionsTesting`.
public protocol SessionClock: Sendable {
    /// The current time.
    func now() -> Timestamp

    /// Suspends the current task for `duration`.
    ///
    /// - Throws: `CancellationError` when the task is cancelled first.
    func sleep(for duration: Duration) async throws
}

/// The operating system's wall clock.
public struct SystemSessionClock: SessionClock {
    /// Creates the clock.
    public init() {}

    public func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }

    public func sleep(for duration: Duration) async throws {
        try await Task.sleep(for: duration)
    }
}
