#if Postgres
import Sessions

/// The tables that a store works on: its own, or another system's.
protocol PostgresTables: Sendable {
    /// What every connection prepares.
    var statements: [PostgresStatement] { get }

    /// What every connection sets beside what all of them do.
    var settings: String? { get }

    /// Makes the tables where they are not there, or refuses; blocks.
    func make(_ link: PostgresLink) throws
}

/// The store's own tables, made and migrated by it.
struct PostgresOwnTables: PostgresTables {
    let schema: PostgresSchema
    let configuration: PostgresSessionStore.Configuration
    let statements: [PostgresStatement]

    var settings: String? { nil }

    /// How long it may take to make the tables, other stores' turns included.
    private static let migrationDeadline = Duration.seconds(60)

    private struct Tables {
        var hasSchema: Bool
        /// 0 if there are none.
        var version: Int
    }

    func make(_ link: PostgresLink) throws {
        let end = ContinuousClock.now + Self.migrationDeadline
        var tables = try inspect(link, until: end)
        if tables.version < schema.currentVersion {
            guard configuration.migrations == .automatic else {
                throw PostgresFailure.notMigrated(tables.version, schema)
            }
            let milliseconds = Self.migrationDeadline.wholeMicroseconds / 1000
            // Whatever becomes of records in a crash, the tables are there after it: a store that is open makes no others.
            let commit = configuration.confirmation.isFlushed ? "" : "SET LOCAL synchronous_commit = local; "
            try link.query(
                "BEGIN; SET LOCAL statement_timeout = \(milliseconds); \(commit)\(schema.lockStatement)",
                until: end
            )
            // Under the lock: another store may just have done it.
            tables = try inspect(link, until: end)
            try link.query(
                schema.migration(from: tables.version, createsSchema: !tables.hasSchema) + "COMMIT",
                until: end
            )
            tables = try inspect(link, until: end)
        }
        guard tables.version == schema.currentVersion else { throw PostgresFailure.foreign }
    }

    private func inspect(_ link: PostgresLink, until end: ContinuousClock.Instant) throws -> Tables {
        guard let row = try link.query(schema.inspection, until: end).first, row.count == 4 else {
            throw PostgresFailure.foreign
        }
        let (hasSchema, hasRecords, hasVersions) = (row[0] == "t", row[1] == "t", row[3] == "t")
        guard hasRecords || hasVersions else { return Tables(hasSchema: hasSchema, version: 0) }
        guard hasRecords, hasVersions else { throw PostgresFailure.foreignTable(schema) }
        let version = try link.query(schema.versionQuery, until: end).first?.first?.flatMap { Int($0) }
        guard let version else { throw PostgresFailure.foreignTable(schema) }
        guard version <= schema.currentVersion else { throw PostgresFailure.tooNew(version, schema) }
        let isUnlogged = configuration.confirmation == .unlogged
        guard (row[2] == "u") == isUnlogged else {
            throw PostgresFailure.wrongPersistence(schema, isLogged: isUnlogged)
        }
        return Tables(hasSchema: true, version: version)
    }
}
#endif
