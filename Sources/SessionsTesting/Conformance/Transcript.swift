import Logging
import Synchronization

/// Everything that the session layer told anybody.
final class Transcript: Sendable {
    private let lines = Mutex<[String]>([])

    /// How many lines there are.
    var count: Int { lines.withLock { $0.count } }

    func append(_ line: String) {
        lines.withLock { $0.append(line) }
    }

    /// All lines.
    var text: String { lines.withLock { $0.joined(separator: "\n") } }

    /// Writes down whatever way `value` can be put into words.
    func append<Value>(allOf value: Value) {
        var dumped = ""
        dump(value, to: &dumped)
        append("\(value) \(String(describing: value)) \(String(reflecting: value)) \(dumped)")
    }
}

/// Writes every line down, at every level.
struct TranscriptLogHandler: LogHandler {
    private let transcript: Transcript
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    init(_ transcript: Transcript) {
        self.transcript = transcript
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        transcript.append("\(event.level) \(event.message) \(metadata) \(event.metadata ?? [:])")
        if let error = event.error { transcript.append(allOf: error) }
    }
}
