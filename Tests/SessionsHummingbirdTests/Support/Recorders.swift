#if Hummingbird
import Logging
import Sessions
import Synchronization

/// Collects what is told to it, and lets a test wait for more.
final class Recorder<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        var waiters: [(condition: @Sendable ([Element]) -> Bool, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    /// What was told so far.
    var elements: [Element] { state.withLock { $0.elements } }

    func append(_ element: Element) {
        let ready = state.withLock { state in
            state.elements.append(element)
            let elements = state.elements
            let ready = state.waiters.filter { $0.condition(elements) }
            state.waiters.removeAll { $0.condition(elements) }
            return ready
        }
        for waiter in ready { waiter.continuation.resume() }
    }

    /// Suspends until the elements fulfil `condition`.
    func wait(until condition: @escaping @Sendable ([Element]) -> Bool) async {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                if condition(state.elements) { return true }
                state.waiters.append((condition, continuation))
                return false
            }
            if isReady { continuation.resume() }
        }
    }
}

/// A log line, as far as the tests look at it.
struct LogLine: Sendable {
    let level: Logger.Level
    let message: String
    let metadata: Logger.Metadata

    /// Everything that the line says.
    var text: String { "\(level) \(message) \(metadata)" }
}

/// A log handler that keeps every line, down to trace.
struct RecordingLogHandler: LogHandler {
    let lines: Recorder<LogLine>
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    init(_ lines: Recorder<LogLine>) {
        self.lines = lines
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        lines.append(LogLine(level: event.level, message: "\(event.message)", metadata: all))
    }
}
#endif
