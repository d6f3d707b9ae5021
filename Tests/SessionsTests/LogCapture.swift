import Logging
import Synchronization

/// Collects the lines that a logger is told.
final class LogCapture: Sendable {
    private let log = Mutex<[(level: Logger.Level, message: String)]>([])

    /// The lines at `level`.
    func lines(_ level: Logger.Level) -> [String] {
        log.withLock { $0.filter { $0.level == level }.map(\.message) }
    }

    /// A logger that tells everything to this capture.
    var logger: Logger { Logger(label: "test") { _ in Handler(capture: self) } }

    private struct Handler: LogHandler {
        let capture: LogCapture
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            capture.log.withLock { $0.append((event.level, "\(event.message)")) }
        }
    }
}

extension Logger {
    /// A logger that nobody hears.
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
