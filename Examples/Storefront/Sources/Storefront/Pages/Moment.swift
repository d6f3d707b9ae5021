import Sessions

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A point in time, as people and programs read it.
struct Moment {
    private let timestamp: Timestamp

    init(_ timestamp: Timestamp) {
        self.timestamp = timestamp
    }

    /// RFC 3339 in UTC, to the millisecond.
    var iso: String {
        date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    /// RFC 3339 without what nobody reads: "2026-11-21 06:05 UTC".
    var absolute: String {
        let text = date.formatted(Date.ISO8601FormatStyle())
        return "\(text.prefix(10)) \(text.dropFirst(11).prefix(5)) UTC"
    }

    /// How far from now: "5 minutes ago", "in 12 hours".
    var relative: String {
        let seconds = Int(date.timeIntervalSinceNow.rounded())
        guard let amount = Self.amount(abs(seconds)) else { return seconds > 0 ? "in a moment" : "just now" }
        return seconds < 0 ? "\(amount) ago" : "in \(amount)"
    }

    private var date: Date { Date(timeIntervalSince1970: Double(timestamp.microseconds) / 1_000_000) }

    private static func amount(_ seconds: Int) -> String? {
        for (unit, length) in [("day", 86_400), ("hour", 3600), ("minute", 60)] where seconds >= length {
            let count = (seconds + length / 2) / length
            return "\(count) \(unit)\(count == 1 ? "" : "s")"
        }
        return nil
    }
}
