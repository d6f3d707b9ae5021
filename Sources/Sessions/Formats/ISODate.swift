#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Dates as JavaScript writes them: `2026-11-21T02:50:01.744Z`.
package enum ISODate {
    package static func text(_ time: Timestamp) -> String {
        // Half a millisecond more than the whole ones: the formatter cuts off, and a fraction of a `Double` may lie below.
        let milliseconds = Double(time.microseconds / 1000) + 0.5
        return Date(timeIntervalSince1970: milliseconds / 1000)
            .formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    /// The time that `text` says; `nil` if it is spelled in another way.
    package static func time(of text: String) -> Timestamp? {
        guard let date = try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)) else {
            return nil
        }
        return Timestamp(microseconds: 0) + .milliseconds(Int64((date.timeIntervalSince1970 * 1000).rounded()))
    }
}
