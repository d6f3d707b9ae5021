#if SQLite
import GRDB
import Sessions
import Testing

@testable import SessionsSQLite

extension SQLiteStoreTests {
    @Suite("Indexes")
    struct IndexTests {
        let scratch: Scratch

        init() throws { scratch = try Scratch() }

        func plan(_ sql: String, _ arguments: StatementArguments) async throws -> String {
            _ = try scratch.store()
            return try await scratch.connection().read {
                try Row.fetchAll($0, sql: "EXPLAIN QUERY PLAN \(sql)", arguments: arguments)
                    .map { $0["detail"] as String }.joined(separator: "\n")
            }
        }

        let statements = SQLiteStatements(SQLiteSchema(prefix: ""))

        @Test("ST-07: sweeping goes by the expiry index and looks at nothing else")
        func sweep() async throws {
            let plan = try await plan(statements.sweepRecords, [1, 1])
            #expect(plan.contains("USING INDEX sessions_by_expiry (expires_at<?)"))
            #expect(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "\(plan)")
        }

        @Test("forgetting epochs goes by their index")
        func epochs() async throws {
            let plan = try await plan(statements.sweepEpochs, [1, 1])
            #expect(plan.contains("USING COVERING INDEX session_epochs_by_time (kept_until<?)"))
            #expect(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "\(plan)")
        }

        @Test("listing goes by the owner index")
        func owner() async throws {
            let plan = try await plan(statements.recordsOfOwner, ["app:1"])
            #expect(plan.contains("USING INDEX sessions_by_owner (owner=?)"))
        }

        @Test("every single-key statement goes by the key")
        func keys() async throws {
            let byKey = [
                (statements.loadRecord, 1), (statements.replaceRecord, 7), (statements.touchRecord, 3),
                (statements.matchRecord, 2), (statements.deleteRecord, 1), (statements.deleteVersion, 2),
                (statements.deleteOwned, 2),
            ]
            for (sql, arguments) in byKey {
                let plan = try await plan(sql, StatementArguments(Array(repeating: 1, count: arguments)))
                #expect(plan.contains("(key=?)") && !plan.contains("SCAN"), "\(plan)")
            }
            let page = try await plan(statements.recordsAfter, ["", 1])
            #expect(page.contains("(key>?)") && !page.contains("TEMP B-TREE"), "\(page)")
        }
    }
}
#endif
