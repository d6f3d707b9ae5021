import Foundation
import Testing

/// What became of one case of another system's test suite.
struct SeedCase: Sendable, CustomTestStringConvertible {
    enum Outcome: Sendable, Hashable {
        /// A test of ours checks it: this one, or those whose names begin with the case's label.
        case passed(String?)
        /// We do something else on purpose; a test may show what.
        case refused(String)
        /// It is about something that does not exist here.
        case notApplicable(String)
    }

    let suite: String
    let number: Int
    let sentence: String
    let outcome: Outcome

    /// How a test's name begins that is about this case alone.
    var label: String { "\(suite) \(number)" }
    var testDescription: String { label }

    /// The case that a line spells: its number, a sentence, what became of it.
    init?(_ line: Substring, of suite: String) {
        let parts = line.split(separator: "|", maxSplits: 2).map { $0.trimmed }
        guard parts.count == 3, let number = Int(parts[0]), !parts[1].isEmpty else { return nil }
        self.suite = suite
        self.number = number
        sentence = parts[1]
        let halves = parts[2].split(separator: ":", maxSplits: 1).map { $0.trimmed }
        switch (halves.first, halves.count) {
        case ("passed", 1): outcome = .passed(nil)
        case ("passed", 2): outcome = .passed(halves[1])
        case ("refused", 2): outcome = .refused(halves[1])
        case ("not applicable", 2): outcome = .notApplicable(halves[1])
        default: return nil
        }
    }
}

extension String {
    /// What stands after the first `part`; `nil` if there is none.
    func components(after part: String) -> Substring? {
        range(of: part).map { self[$0.upperBound...] }
    }
}

extension StringProtocol {
    /// Without white space at either end.
    var trimmed: String {
        var rest = self[...]
        while let first = rest.first, first.isWhitespace { rest = rest.dropFirst() }
        while let last = rest.last, last.isWhitespace { rest = rest.dropLast() }
        return String(rest)
    }
}
