#if SQLite
import GRDB
import Sessions

/// The tables of a session database and how they come to be.
///
/// The version is the number of migrations that were carried out. It is kept in a table for each prefix, so that two
/// stores share a file whatever their versions.
struct SQLiteSchema: Sendable {
    /// Brings the tables from one version to the next.
    typealias Migration = @Sendable (Database, SQLiteSchema) throws -> Void

    /// What a file is to this schema.
    enum State {
        /// Nobody has written anything to it.
        case empty
        /// A session database; the version of this prefix's tables, 0 if it has none.
        case version(Int)
        /// Another program's.
        case foreign
    }

    /// Marks a file as a session database: `SESS`, in the field that SQLite keeps for this.
    static let applicationID: Int32 = 0x5345_5353

    /// The table of the records, quoted like the other names.
    let records: String
    let epochs: String
    private let view: String
    private let byExpiry: String
    private let byOwner: String
    private let epochsByTime: String
    private let versionTable: String
    private let versionTableName: String
    private let migrations: [Migration]

    init(prefix: String, migrations: [Migration] = SQLiteSchema.migrations) {
        func quoted(_ name: String) -> String { "\"\(prefix)\(name)\"" }
        records = quoted("sessions")
        epochs = quoted("session_epochs")
        view = quoted("sessions_readable")
        byExpiry = quoted("sessions_by_expiry")
        byOwner = quoted("sessions_by_owner")
        epochsByTime = quoted("session_epochs_by_time")
        versionTable = quoted("session_schema")
        versionTableName = "\(prefix)session_schema"
        self.migrations = migrations
    }

    /// The version that this package reads and writes.
    var currentVersion: Int { migrations.count }

    /// Looks at the database, and changes nothing.
    func state(of database: Database) throws -> State {
        let applicationID = try Int32.fetchOne(database, sql: "PRAGMA application_id")
        guard applicationID == Self.applicationID else {
            let isUsed = try Int.fetchOne(database, sql: "SELECT 1 FROM sqlite_master LIMIT 1") != nil
            let userVersion = try Int.fetchOne(database, sql: "PRAGMA user_version")
            return isUsed || applicationID != 0 || userVersion != 0 ? .foreign : .empty
        }
        let hasVersion = try Int.fetchOne(
            database,
            sql: "SELECT 1 FROM sqlite_master WHERE type = 'table' AND lower(name) = lower(?)",
            arguments: [versionTableName]
        )
        guard hasVersion != nil else { return .version(0) }
        return .version(try Int.fetchOne(database, sql: "SELECT max(version) FROM \(versionTable)") ?? 0)
    }

    /// Brings the database to the current version, in one transaction that no other process sees half of.
    func migrate(_ database: Database, check: (State) throws -> Void) throws {
        // The state is looked at under the write lock: another process may be doing the same.
        try database.inTransaction(.immediate) {
            let state = try state(of: database)
            try check(state)
            var version = 0
            if case .version(let present) = state { version = present }
            guard version < currentVersion else { return .rollback }
            for migration in migrations[version...] { try migration(database, self) }
            try database.execute(
                sql: """
                    PRAGMA application_id = \(Self.applicationID);
                    CREATE TABLE IF NOT EXISTS \(versionTable) (version INTEGER NOT NULL);
                    DELETE FROM \(versionTable);
                    INSERT INTO \(versionTable) (version) VALUES (\(currentVersion));
                    """
            )
            return .commit
        }
    }

    /// Every migration there ever was, in order: one that was released is never changed.
    static let migrations: [Migration] = [
        { database, schema in try schema.createTables(in: database) }
    ]

    /// Version 1.
    ///
    /// The checks keep out what another program may write by mistake: SQLite columns take values of any type.
    private func createTables(in database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE \(records) (
                    key TEXT NOT NULL PRIMARY KEY
                        CHECK (typeof(key) = 'text' AND length(key) BETWEEN 1 AND 256
                            AND key NOT GLOB '*[^-A-Za-z0-9_.:=]*'),
                    payload BLOB NOT NULL CHECK (typeof(payload) = 'blob'),
                    version INTEGER NOT NULL CHECK (typeof(version) = 'integer'),
                    idle_deadline INTEGER NOT NULL CHECK (typeof(idle_deadline) = 'integer'),
                    absolute_deadline INTEGER NOT NULL CHECK (typeof(absolute_deadline) = 'integer'),
                    owner TEXT CHECK (typeof(owner) IN ('text', 'null')),
                    expires_at INTEGER GENERATED ALWAYS AS (min(idle_deadline, absolute_deadline)) VIRTUAL
                );
                CREATE INDEX \(byExpiry) ON \(records) (expires_at);
                CREATE INDEX \(byOwner) ON \(records) (owner) WHERE owner IS NOT NULL;
                CREATE TABLE \(epochs) (
                    owner TEXT NOT NULL PRIMARY KEY,
                    epoch INTEGER NOT NULL,
                    kept_until INTEGER NOT NULL
                ) WITHOUT ROWID;
                CREATE INDEX \(epochsByTime) ON \(epochs) (kept_until);
                CREATE VIEW \(view) AS SELECT
                    key,
                    owner,
                    CAST(payload AS TEXT) AS payload,
                    length(payload) AS bytes,
                    datetime(idle_deadline / 1000000, 'unixepoch') AS idle_deadline,
                    datetime(absolute_deadline / 1000000, 'unixepoch') AS absolute_deadline,
                    printf('%016x', version) AS version
                FROM \(records);
                """
        )
    }
}
#endif
