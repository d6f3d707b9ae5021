import Synchronization

/// Keeps a flood of requests from becoming a flood of log lines (checklist LG-04).
///
/// Only what a client or a dead store can bring about at any rate is limited, each kind on its own. Metrics and the
/// observer are told of every event.
final class LogLimiter: Sendable {
    /// How many lines of one kind are written in a second.
    static let linesPerSecond = 10

    private struct Window {
        var start: Timestamp
        var lines = 0
        var withheld = 0
    }

    private let windows = Mutex<[String: Window]>([:])

    /// Whether a line of `kind` may be written at `now`: how many were withheld before it, or `nil` if it may not.
    func admit(_ kind: String, at now: Timestamp) -> Int? {
        windows.withLock { windows in
            var window = windows[kind] ?? Window(start: now)
            defer { windows[kind] = window }
            // A clock that was set back begins a new second, too.
            if !(.zero..<Duration.seconds(1)).contains(now.duration(since: window.start)) {
                window.start = now
                window.lines = 0
            }
            guard window.lines < Self.linesPerSecond else {
                window.withheld += 1
                return nil
            }
            window.lines += 1
            defer { window.withheld = 0 }
            return window.withheld
        }
    }
}
