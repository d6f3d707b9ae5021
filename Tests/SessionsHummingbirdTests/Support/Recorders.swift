#if Hummingbird
import Logging
import Sessions

/// Collects what is told to it, and lets a test wait for more.
final class Recorder<Element: Sendable>: Sendable {
    private let state = Awaited<[Element]>([])

    /// What was told so far.
    var elements: [Element] { state.value }

    func append(_ element: Element) {
        state.change { $0.append(element) }
    }

    /// Suspends until the elements fulfil `condition`.
    func wait(until condition: @escaping @Sendable ([Element]) -> Bool) async {
        await state.wait(until: condition)
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
