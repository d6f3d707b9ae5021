#if Postgres
import Sessions

/// The tables of a session database and how they come to be.
///
/// The version is the number of migrations that were carried out, kept in a table beside the records.
struct PostgresSchema: Sendable {
    /// The statements that bring the tables from one version to the next.
    typealias Migration = @Sendable (PostgresSchema) -> String

    let schema: String
    let table: String
    /// The table of the records with its schema, quoted like the other names.
    let records: String
    let epochs: String
    let versions: String
    private let view: String
    private let byExpiry: String
    private let byOwner: String
    private let epochsByTime: String
    private let isLogged: Bool
    private let migrations: [Migration]

    init(_ configuration: PostgresSessionStore.Configuration, migrations: [Migration] = PostgresSchema.migrations) {
        let (schema, table) = (configuration.schema, configuration.table)
        func name(_ ending: String) -> String { "\"\(schema)\".\"\(table)\(ending)\"" }
        self.schema = schema
        self.table = table
        records = name("")
        epochs = name("_epochs")
        versions = name("_schema")
        view = name("_readable")
        // An index is made in its table's schema, and named without it.
        byExpiry = "\"\(table)_by_expiry\""
        byOwner = "\"\(table)_by_owner\""
        epochsByTime = "\"\(table)_epochs_by_time\""
        isLogged = configuration.confirmation != .unlogged
        self.migrations = migrations
    }

    /// The version that this package reads and writes.
    var currentVersion: Int { migrations.count }

    /// What everybody who migrates these tables locks first: FNV-1a over the name of the table.
    var lock: Int64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in "swift-sessions \(records)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return Int64(bitPattern: hash)
    }

    /// Whether the schema is there, whether the table of records is, how the latter is kept, and whether there is a table of
    /// versions; as text.
    ///
    /// All of it at one moment: `to_regclass` would see what has been committed since the statement began, and tell of one
    /// table and not of the other while another store makes them.
    var inspection: String {
        """
        SELECT count(n.oid) > 0, count(*) FILTER (WHERE c.relname = '\(table)') > 0, \
        max(c.relpersistence::text) FILTER (WHERE c.relname = '\(table)'), \
        count(*) FILTER (WHERE c.relname = '\(table)_schema') > 0 \
        FROM pg_catalog.pg_namespace n LEFT JOIN pg_catalog.pg_class c \
        ON c.relnamespace = n.oid AND c.relname IN ('\(table)', '\(table)_schema') WHERE n.nspname = '\(schema)'
        """
    }

    var versionQuery: String { "SELECT max(version) FROM \(versions)" }

    /// Waits until nobody else migrates; to the end of the transaction.
    var lockStatement: String { "SELECT pg_advisory_xact_lock(\(lock))" }

    /// Everything that brings the tables from `version` to the current one. It belongs into one transaction.
    func migration(from version: Int, createsSchema: Bool) -> String {
        var statements = createsSchema ? ["CREATE SCHEMA IF NOT EXISTS \"\(schema)\";"] : []
        if version < currentVersion {
            statements += migrations[version...].map { $0(self) }
            statements.append("DELETE FROM \(versions);")
            statements.append("INSERT INTO \(versions) (version) VALUES (\(currentVersion));")
        }
        return statements.joined(separator: "\n")
    }

    /// A script that makes the tables where there are none.
    var script: String {
        let migration = migration(from: 0, createsSchema: schema != "public")
        return "BEGIN;\n\(lockStatement);\n\(migration)\nCOMMIT;\n"
    }

    /// Every migration there ever was, in order: one that was released is never changed.
    static let migrations: [Migration] = [
        { $0.firstTables }
    ]

    /// Version 1.
    ///
    /// The owner is kept as bytes: two owners are the same if their bytes are, in every database, whatever its encoding and
    /// collation. The key's alphabet is ASCII, and it is compared byte by byte too.
    private var firstTables: String {
        """
        CREATE \(isLogged ? "" : "UNLOGGED ")TABLE \(records) (
            key text COLLATE "C" PRIMARY KEY
                CHECK (octet_length(key) BETWEEN 1 AND 256 AND key !~ '[^-A-Za-z0-9_.:=]'),
            payload bytea NOT NULL,
            version bigint NOT NULL,
            idle_deadline timestamptz NOT NULL,
            absolute_deadline timestamptz NOT NULL,
            owner bytea,
            expires_at timestamptz NOT NULL GENERATED ALWAYS AS (LEAST(idle_deadline, absolute_deadline)) STORED
        );
        CREATE INDEX \(byExpiry) ON \(records) (expires_at);
        CREATE INDEX \(byOwner) ON \(records) (owner) WHERE owner IS NOT NULL;
        CREATE TABLE \(epochs) (
            owner bytea PRIMARY KEY,
            epoch timestamptz NOT NULL,
            kept_until timestamptz NOT NULL
        );
        CREATE INDEX \(epochsByTime) ON \(epochs) (kept_until);
        CREATE VIEW \(view) AS SELECT
            key,
            encode(owner, 'escape') AS owner,
            encode(payload, 'escape') AS payload,
            octet_length(payload) AS bytes,
            idle_deadline,
            absolute_deadline,
            to_hex(version) AS version
        FROM \(records);
        CREATE TABLE \(versions) (version integer NOT NULL);
        """
    }
}
#endif
