import Foundation

/// One line of the table: what was measured, against what, and whether that is good enough.
struct Row: CustomStringConvertible {
    enum Target {
        case atMost(Double)
        case atLeast(Double)
    }

    var name: String
    var value: Double
    var target: Target
    /// Numbers that decide nothing.
    var detail: String
    /// What the value is counted in; a ratio has no unit.
    var unit = ""

    var isMet: Bool {
        switch target {
        case .atMost(let limit): value <= limit
        case .atLeast(let limit): value >= limit
        }
    }

    var description: String {
        let (sign, limit) =
            switch target {
            case .atMost(let limit): ("≤", limit)
            case .atLeast(let limit): ("≥", limit)
            }
        let verdict = isMet ? "met" : "MISSED"
        return "\(name)\n    \(value.short)\(unit)  (target \(sign) \(limit.short)\(unit): \(verdict))   \(detail)"
    }
}

extension Double {
    /// Three digits, which is more than the noise leaves.
    var short: String {
        switch abs(self) {
        case 100...: String(format: "%.0f", self)
        case 10..<100: String(format: "%.1f", self)
        default: String(format: "%.2f", self)
        }
    }
}

/// What the numbers were measured on.
enum Machine {
    static var description: String {
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let system = ProcessInfo.processInfo.operatingSystemVersionString
        return "\(cores) cores, \(system)"
    }
}
