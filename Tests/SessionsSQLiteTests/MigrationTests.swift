#if SQLite
import Foundation
import GRDB
import Sessions
import Testing

@testable import SessionsSQLite

extension SQLiteStoreTests {
    @Suite("Migrating")
    struct MigrationTests {
        let scratch: Scratch

        init() throws { scratch = try Scratch() }
        let configuration = SQLiteSessionStore.Configuration()

        /// The present schema and one that a later version of the package might have.
        static let later: [SQLiteSchema.Migration] =
            SQLiteSchema.migrations + [
                { database, schema in try database.execute(sql: "ALTER TABLE \(schema.records) ADD COLUMN note TEXT") }
            ]

        func open(_ migrations: [SQLiteSchema.Migration]) throws -> SQLiteSessionStore {
            try SQLiteSessionStore(path: scratch.path, configuration: configuration, migrations: migrations)
        }

        func version() async throws -> Int? {
            try await scratch.connection().read { try Int.fetchOne($0, sql: "SELECT version FROM session_schema") }
        }

        @Test("a file of an older version is brought to this one, with its records")
        func older() async throws {
            let old = try open(SQLiteSchema.migrations)
            #expect(try await old.insert(.sample("kept"), at: .numbered(1)))
            try await old.close()
            let new = try open(Self.later)
            #expect(try await new.load(.numbered(1)) == .sample("kept"))
            #expect(try await version() == SQLiteSchema.migrations.count + 1)
            let hasColumn = try await scratch.connection().read {
                try $0.columns(in: "sessions").contains { $0.name == "note" }
            }
            #expect(hasColumn)
        }

        @Test("a file of a later version is refused and left as it is")
        func newer() async throws {
            let new = try open(Self.later)
            #expect(try await new.insert(.sample(), at: .numbered(1)))
            try await new.close()
            let before = try scratch.bytes()
            let error = #expect(throws: SessionStoreError.self) { try open(SQLiteSchema.migrations) }
            #expect(error?.code == .unusable)
            #expect(error?.message.contains("later version") == true)
            #expect(try scratch.bytes() == before)
        }

        @Test("a migration that fails changes nothing")
        func failing() async throws {
            try await open(SQLiteSchema.migrations).close()
            let failing =
                Self.later + [{ database, _ in try database.execute(sql: "ALTER TABLE nothing ADD COLUMN x") }]
            #expect(throws: SessionStoreError(.unusable, "")) { try open(failing) }
            #expect(try await version() == SQLiteSchema.migrations.count)
            let store = try open(SQLiteSchema.migrations)
            #expect(try await store.insert(.sample(), at: .numbered(1)))
        }

        @Test("the tables of each prefix have their own version")
        func prefixes() async throws {
            try await open(SQLiteSchema.migrations).close()
            var staff = configuration
            staff.tablePrefix = "staff_"
            let store = try SQLiteSessionStore(path: scratch.path, configuration: staff, migrations: Self.later)
            #expect(try await store.insert(.sample(), at: .numbered(1)))
            #expect(try await version() == SQLiteSchema.migrations.count)
            #expect(try await open(SQLiteSchema.migrations).count() == 0)
        }

        @Test("many that create the file at the same time all get it")
        func race() async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        let store = try await blocking { try scratch.store() }
                        #expect(try await store.insert(.sample(), at: .numbered(number)))
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await scratch.store().count() == 8)
        }
    }
}
#endif
