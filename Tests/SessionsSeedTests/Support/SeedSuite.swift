import Testing

/// One of the suites that the cases are from, as a list in words of our own.
///
/// A case is a line: its number, what it checks, and `passed`, `refused: …` or `not applicable: …`. The test of a case names it,
/// `"express 37: …"`, `"express 39, 40: …"`, `"express 17–20: …"`, or the line names the test: `passed: …`.
struct SeedSuite: Sendable, CustomTestStringConvertible {
    /// How the names of its tests begin.
    let name: String
    /// Where its cases are from.
    let source: String
    /// How many there are.
    let count: Int
    let lines: [Substring]

    var testDescription: String { name }

    init(_ name: String, source: String, count: Int, _ list: String) {
        self.name = name
        self.source = source
        self.count = count
        lines = list.split(separator: "\n").filter { !$0.trimmed.isEmpty }
    }

    var cases: [SeedCase] { lines.compactMap { SeedCase($0, of: name) } }

    func count(where isCounted: (SeedCase.Outcome) -> Bool) -> Int { cases.count { isCounted($0.outcome) } }

    /// The suite's row in the table of `docs/coming-from.md`.
    var row: String {
        let passed = count { if case .passed = $0 { true } else { false } }
        let refused = count { if case .refused = $0 { true } else { false } }
        return "| \(source) | \(cases.count) | \(passed) | \(refused) | \(cases.count - passed - refused) |"
    }

    static let all: [SeedSuite] = [
        .express, .cookieJS, .cookieSignature, .connectRedis, .connectPgSimple, .connectMongo, .curveball, .remix,
        .compas,
        .primate,
    ]
}
