#if Hummingbird
import Foundation

/// How often a test does what it does: the checklist's count where that takes minutes is for `make fuzz` alone.
enum Counts {
    /// `full` if all counts are full; `short` otherwise.
    static func of(_ short: Int, full: Int) -> Int {
        ProcessInfo.processInfo.environment["SESSIONS_FULL_COUNTS"] == "1" ? full : short
    }
}
#endif
