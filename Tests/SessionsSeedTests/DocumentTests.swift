import Foundation
import Testing

/// What `docs/coming-from.md` says is so.
@Suite("Seed suites: the document")
struct DocumentTests {
    /// The rows of the document's tables whose last column is `test`: their cells.
    private static func rows() throws -> [[String]] {
        var rows: [[String]] = []
        var isOfTests = false
        for line in try TestSources.document("docs/coming-from.md").split(
            separator: "\n",
            omittingEmptySubsequences: false
        ) {
            guard line.hasPrefix("|") else {
                isOfTests = false
                continue
            }
            let cells = line.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false).map(
                \.trimmed
            )
            if cells.last == "test" {
                isOfTests = true
            } else if isOfTests, !line.hasPrefix("|-") {
                rows.append(cells)
            }
        }
        return rows
    }

    /// The names of tests that a row has in its last column.
    private static func names(in row: [String]) -> [String] {
        (row.last ?? "").components(separatedBy: "<br>").map(\.trimmed)
    }

    /// One test on two kinds of servers, Redis and PostgreSQL.
    private static let twice: Set = ["I1: concurrent writes from Swift lose nothing, and nothing of Node's before them"]

    @Test("each row of the document names tests that the sources have")
    func names() throws {
        let rows = try Self.rows()
        #expect(rows.count > 100)
        for row in rows {
            for name in Self.names(in: row) {
                #expect(TestSources.testNames.contains(name), "\(row.first ?? ""): \(name)")
            }
        }
    }

    @Test("a name of a test that the document or a list gives is that of one test")
    func unique() throws {
        var names = Set(try Self.rows().flatMap(Self.names(in:)))
        for seed in SeedSuite.all.flatMap(\.cases) {
            if case .passed(let name?) = seed.outcome { names.insert(name) }
        }
        #expect(names.count > 100)
        for name in names.sorted() {
            #expect(TestSources.tests[name] == (Self.twice.contains(name) ? 2 : 1), "\(name)")
        }
        #expect(Self.twice.isSubset(of: names))
    }

    @Test("no row of the document ends in a feature that is missing without a reason")
    func reasons() throws {
        for row in try Self.rows() {
            #expect(row.count == 3, "\(row)")
            #expect(row.allSatisfy { !$0.isEmpty }, "\(row)")
            #expect(!row.contains { $0.lowercased() == "not supported" }, "\(row)")
        }
    }

    @Test("the counts in the document are those of the lists", arguments: SeedSuite.all)
    func counts(suite: SeedSuite) throws {
        let lines = try TestSources.document("docs/coming-from.md").split(separator: "\n").map(String.init)
        #expect(lines.contains(suite.row), "\(suite.row)")
    }
}
