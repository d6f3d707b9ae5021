#if Postgres
import Sessions
import TestServers
import Testing

@testable import SessionsPostgres

extension PostgresStoreTests {
    @Suite("Migrating")
    struct MigrationTests {
        let scratch: Scratch
        let other: OtherProgram

        init() async throws {
            scratch = try await Scratch.shared()
            other = try await scratch.other()
        }

        /// The present schema and one that a later version of the package might have.
        static let later: [PostgresSchema.Migration] =
            PostgresSchema.migrations + [{ "ALTER TABLE \($0.records) ADD COLUMN note text;" }]

        func open(
            _ migrations: [PostgresSchema.Migration] = PostgresSchema.migrations,
            _ configure: (inout PostgresSessionStore.Configuration) -> Void = { _ in }
        ) async throws -> PostgresSessionStore {
            var configuration = scratch.configuration
            configure(&configuration)
            return try await PostgresSessionStore(
                scratch.server.url,
                configuration: configuration,
                migrations: migrations
            )
        }

        func version() async throws -> String? {
            try await other.value(
                "SELECT string_agg(version::text, ',') FROM \(PostgresSchema(scratch.configuration).versions)"
            )
        }

        @Test("of ten stores that are opened together one makes the tables, and all of them work")
        func together() async throws {
            let scratch = try await Scratch.shared { $0.schema = "s\(UInt64.random(in: .min ... .max))" }
            try await withThrowingTaskGroup(of: PostgresSessionStore.self) { group in
                for _ in 0..<10 { group.addTask { try await scratch.store() } }
                var number = 0
                for try await store in group {
                    number += 1
                    #expect(try await store.insert(.sample(), at: .numbered(number)))
                }
            }
            #expect(try await scratch.store().count() == 10)
            let versions = try await other.value(
                "SELECT count(*) FROM \(PostgresSchema(scratch.configuration).versions)"
            )
            #expect(versions == "1")
        }

        @Test("tables of an older version are brought to this one, with their records")
        func older() async throws {
            let old = try await open()
            #expect(try await old.insert(.sample("kept"), at: .numbered(1)))
            let new = try await open(Self.later)
            #expect(try await new.load(.numbered(1)) == .sample("kept"))
            #expect(try await version() == "\(PostgresSchema.migrations.count + 1)")
            // A node that still runs the older version goes on.
            #expect(try await old.insert(.sample(), at: .numbered(2)))
        }

        @Test("tables of a later version are refused and left as they are")
        func newer() async throws {
            _ = try await open(Self.later)
            let error = try await storeError { try await open() }
            #expect(error?.code == .unusable)
            #expect(error?.message.contains("later version") == true)
            #expect(try await version() == "\(PostgresSchema.migrations.count + 1)")
        }

        @Test("a migration that fails changes nothing")
        func failing() async throws {
            _ = try await open()
            let failing = Self.later + [{ _ in "ALTER TABLE nothing ADD COLUMN x int;" }]
            #expect(try await storeError { try await open(failing) }?.code == .unusable)
            #expect(try await version() == "\(PostgresSchema.migrations.count)")
            #expect(try await open().insert(.sample(), at: .numbered(1)))
        }

        @Test("somebody else's table is refused and left as it is")
        func foreign() async throws {
            try await other.query("CREATE TABLE \(scratch.table) (sid varchar PRIMARY KEY)")
            let error = try await storeError { try await open() }
            #expect(error?.code == .unusable)
            #expect(error?.message.contains("another program's table") == true)
        }

        @Test("the printed statements make the same tables, and a store that must not make them takes them")
        func printed() async throws {
            let refusal = try await storeError { try await open { $0.migrations = .manual } }
            #expect(refusal?.code == .unusable)
            #expect(refusal?.message.contains("migrationSQL()") == true)
            try await other.query(PostgresSessionStore.migrationSQL(scratch.configuration))
            let store = try await open(PostgresSchema.migrations) { $0.migrations = .manual }
            #expect(try await store.insert(.sample(), at: .numbered(1)))
            #expect(try await open().count() == 1)
        }

        @Test("the printed statements make a schema of their own")
        func printedSchema() async throws {
            var configuration = scratch.configuration
            configuration.schema = "p\(UInt64.random(in: .min ... .max))"
            try await other.query(PostgresSessionStore.migrationSQL(configuration))
            configuration.migrations = .manual
            let store = try await PostgresSessionStore(scratch.server.url, configuration: configuration)
            #expect(try await store.count() == 0)
        }

        @Test("a role without the right to make tables is told so")
        func denied() async throws {
            let role = "r\(UInt64.random(in: .min ... .max))"
            try await other.query("CREATE ROLE \(role) LOGIN")
            let url = "postgresql://\(role)@127.0.0.1:\(scratch.server.port)/postgres"
            let error = try await storeError { try await scratch.store(at: url) }
            #expect(error?.code == .notPermitted)
            // With tables and the rights that the text asks for, it works.
            _ = try await open()
            let schema = PostgresSchema(scratch.configuration)
            for table in [schema.records, schema.epochs] {
                try await other.query("GRANT SELECT, INSERT, UPDATE, DELETE ON \(table) TO \(role)")
            }
            try await other.query("GRANT SELECT ON \(schema.versions) TO \(role)")
            #expect(try await scratch.store(at: url).insert(.sample(), at: .numbered(1)))
        }

        @Test("a connection whose statements do not fit the table any more is given up")
        func changedTable() async throws {
            let store = try await open(PostgresSchema.migrations) { $0.connectionLimit = 1 }
            #expect(try await store.insert(.sample(), at: .numbered(1)))
            try await other.query("DROP VIEW \"public\".\"\(scratch.configuration.table)_readable\"")
            try await other.query("ALTER TABLE \(scratch.table) ALTER COLUMN version TYPE numeric")
            let first = try await storeError { try await store.load(.numbered(1)) }
            #expect(first?.message.contains("0A000") == true)
            let second = try await storeError { try await store.load(.numbered(1)) }
            #expect(second?.code == .unusable)
            #expect(second?.message.contains("0A000") == false)
        }

        @Test("a table that is kept in another way than the configuration says is refused, either way")
        func persistence() async throws {
            _ = try await open()
            let error = try await storeError {
                try await open(PostgresSchema.migrations) { $0.confirmation = .unlogged }
            }
            #expect(error?.code == .unusable)
            try await other.query("ALTER TABLE \(scratch.table) SET UNLOGGED")
            #expect(try await storeError { try await open() }?.code == .unusable)
            let store = try await open(PostgresSchema.migrations) { $0.confirmation = .unlogged }
            #expect(try await store.insert(.sample(), at: .numbered(1)))
        }

        @Test("an unlogged table is made as one")
        func unlogged() async throws {
            _ = try await open(PostgresSchema.migrations) { $0.confirmation = .unlogged }
            let persistence = try await other.value(
                "SELECT relpersistence FROM pg_class WHERE oid = '\(scratch.table)'::regclass"
            )
            #expect(persistence == "u")
        }

        @Test(
            "ST-05 a name that is no identifier is refused",
            arguments: [
                "s; DROP TABLE sessions", "\"", "", "1a", "pg_sessions", "sessions\u{0}", "séances",
                String(repeating: "x", count: 41),
            ]
        )
        func names(_ name: String) async throws {
            for path in [\PostgresSessionStore.Configuration.table, \.schema] {
                var configuration = scratch.configuration
                configuration[keyPath: path] = name
                #expect(throws: SessionConfigurationError(.store, "")) {
                    try PostgresSessionStore.migrationSQL(configuration)
                }
            }
        }

        @Test("a name is taken as it is written")
        func quoted() async throws {
            let store = try await open(PostgresSchema.migrations) { $0.table = "Select_\($0.table)" }
            #expect(try await store.insert(.sample(), at: .numbered(1)))
        }

        @Test("the indexes are used: what is looked up by owner or expiry is not searched for")
        func plans() async throws {
            let store = try await open()
            #expect(try await store.insert(.sample(), at: .numbered(1)))
            try await other.query(
                """
                INSERT INTO \(scratch.table) SELECT 'k' || n, 'x', n, now() + n * interval '1 s', 'infinity', \
                convert_to('shop:' || n, 'UTF8') FROM generate_series(1, 20000) AS n; ANALYZE \(scratch.table)
                """
            )
            for statement in [
                PostgresStatements(PostgresSchema(scratch.configuration)).sweep,
                PostgresStatements(PostgresSchema(scratch.configuration)).entriesOfOwner,
                PostgresStatements(PostgresSchema(scratch.configuration)).entriesAfter,
                PostgresStatements(PostgresSchema(scratch.configuration)).clear,
            ] {
                let types = statement.parameters.map { "\($0)" }.joined(separator: ", ")
                let values = statement.parameters.map { type in
                    switch type {
                    case .bigint: "100"
                    case .timestamptz: "now()"
                    default: "'shop:7'"
                    }
                }
                let sql = """
                    PREPARE \(statement.name) (\(types)) AS \(statement.sql); \
                    EXPLAIN EXECUTE \(statement.name)(\(values.joined(separator: ", ")))
                    """
                let plan = try await other.query(sql).compactMap { $0[0] }.joined(separator: "\n")
                #expect(plan.contains("Index"), "\(plan)")
                #expect(!plan.contains("Seq Scan"), "\(plan)")
            }
        }
    }
}
#endif
