import Foundation

/// How often a test does what it does: the checklist's count where that takes minutes is for `make fuzz` alone.
enum Counts {
    /// Whether every test runs as often as the checklist says, however long that takes.
    static let areFull = ProcessInfo.processInfo.environment["SESSIONS_FULL_COUNTS"] == "1"

    /// `full` if all counts are full; `short` otherwise.
    static func of(_ short: Int, full: Int) -> Int { areFull ? full : short }
}
