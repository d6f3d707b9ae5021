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

    /// Eight characters in a row that a line shares with what is secret in one of `credentials`: everything behind the
    /// handle, which is characters 28 and on. `nil` if there are none.
    func piece(of credentials: Set<String>) -> String? {
        var pieces: Set<[UInt8]> = []
        for credential in credentials {
            let bytes = Array(credential.utf8)
            for start in 28...(bytes.count - 8) { pieces.insert(Array(bytes[start..<start + 8])) }
        }
        for line in lines.withLock({ $0 }) {
            let bytes = Array(line.utf8)
            guard bytes.count >= 8 else { continue }
            for start in 0...(bytes.count - 8) {
                let piece = Array(bytes[start..<start + 8])
                if pieces.contains(piece) { return String(decoding: piece, as: UTF8.self) }
            }
        }
        return nil
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
        let error = event.error.map { "\($0) \(String(reflecting: $0))" } ?? ""
        transcript.append("\(event.level) \(event.message) \(metadata) \(event.metadata ?? [:]) \(error)")
    }
}
