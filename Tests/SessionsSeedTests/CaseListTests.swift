import Foundation
import Testing

/// The lists of cases, the tests and the document say the same.
@Suite("Seed suites: the lists")
struct CaseListTests {
    /// The tests by the labels of the cases that they are about.
    private static let tests: [String: [String]] = {
        var tests: [String: [String]] = [:]
        for name in TestSources.testNames {
            guard let (suite, numbers) = TestSources.cases(named: name) else { continue }
            for number in numbers { tests["\(suite) \(number)", default: []].append(name) }
        }
        return tests
    }()

    @Test("each list has as many cases as its suite, each on one line and in order", arguments: SeedSuite.all)
    func complete(suite: SeedSuite) {
        for line in suite.lines { #expect(SeedCase(line, of: suite.name) != nil, "\(line)") }
        #expect(suite.cases.map(\.number) == Array(1...suite.count))
    }

    @Test("each case that passes has a test that names it", arguments: SeedSuite.all)
    func passed(suite: SeedSuite) {
        for seed in suite.cases {
            let names = Self.tests[seed.label] ?? []
            switch seed.outcome {
            case .passed(nil): #expect(!names.isEmpty, "\(seed.label): \(seed.sentence)")
            case .passed(let name?):
                #expect(TestSources.testNames.contains(name), "\(seed.label): \(name)")
            case .refused: break
            case .notApplicable: #expect(names.isEmpty, "\(seed.label) has a test: \(names)")
            }
        }
    }

    @Test("no test names a case that no list has")
    func known() {
        let suites = Set(SeedSuite.all.map(\.name))
        let labels = Set(SeedSuite.all.flatMap(\.cases).map(\.label))
        for (label, names) in Self.tests where suites.contains(label.split(separator: " ")[0].description) {
            #expect(labels.contains(label), "\(names)")
        }
    }

    @Test("express-session's suite has 142 cases")
    func express() {
        #expect(SeedSuite.express.cases.count == 142)
    }
}
