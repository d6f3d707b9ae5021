#if Postgres
import CLibPQ
import Sessions

/// What went wrong, in words that say what to change.
///
/// Of what the server says only its SQLSTATE is repeated: its texts may quote keys and values.
enum PostgresFailure {
    /// The error for a result that is one.
    static func error(for result: OpaquePointer) -> SessionStoreError {
        error(sqlState: CLibPQ_sqlState(result).map { String(cString: $0) } ?? "")
    }

    /// Whether a result is the fault of its connection: its server takes no writes any more, its prepared statements are gone,
    /// or a table has changed under them.
    static func isOfConnection(_ result: OpaquePointer) -> Bool {
        CLibPQ_sqlState(result).map { ["25006", "26000", "0A000"].contains(String(cString: $0)) } ?? false
    }

    static func error(sqlState state: String) -> SessionStoreError {
        let (code, message) = explanation(of: state)
        return SessionStoreError(code, "\(message) (SQLSTATE \(state.isEmpty ? "unknown" : state))")
    }

    private static func explanation(of state: String) -> (SessionStoreError.Code, String) {
        switch state {
        case "57014":
            (
                .timedOut,
                "PostgreSQL did not finish a statement within the deadline. Look at its load and at transactions that "
                    + "hold locks (pg_stat_activity), or raise deadline."
            )
        case "55P03", "40P01":
            (
                .locked,
                "Another transaction holds a lock on the table of sessions. Look for a transaction that was left open, or a "
                    + "schema change (pg_stat_activity)."
            )
        case "53100":
            (.full, "PostgreSQL has no space left. Free some on the volume of its data directory.")
        case "53300":
            (
                .unavailable,
                "PostgreSQL takes no more connections. Raise its max_connections, or lower connectionLimit so that all "
                    + "processes together stay below it."
            )
        case "25006":
            (
                .unavailable,
                "This PostgreSQL server takes no writes: it is a standby, or read-only. Name every server of the cluster "
                    + "in the connection string, so that the primary is found."
            )
        case "42501":
            (
                .notPermitted,
                "PostgreSQL refuses access to the tables. Grant the role SELECT, INSERT, UPDATE and DELETE on them, and for "
                    + "automatic migrations CREATE on the schema."
            )
        case "42P01", "3F000", "42703", "42804":
            (
                .unusable,
                "The tables of sessions are not there, or not as this package makes them. Let the store make them "
                    + "(migrations = .automatic), or carry out migrationSQL()."
            )
        case "22021", "22P05":
            (.unusable, "PostgreSQL refuses a text. Use a database with the encoding UTF8.")
        default:
            switch state.prefix(2) {
            case "28":
                (
                    .notPermitted,
                    "PostgreSQL refuses the role or its password. Correct the connection string, or the server's "
                        + "pg_hba.conf."
                )
            case "08", "57":
                (.unavailable, "PostgreSQL is stopping, starting or out of reach. Look at the server's log.")
            case "53": (.full, "PostgreSQL is out of memory or another resource. Look at the server's log.")
            case "22", "23":
                (
                    .unusable,
                    "The tables of sessions refuse what this package writes. Look for constraints and triggers that were "
                        + "added to them."
                )
            case "XX", "58": (.unusable, "PostgreSQL found damaged data, or its disk fails. Look at the server's log.")
            default: (.unavailable, "PostgreSQL could not carry out a statement. Look at the server's log.")
            }
        }
    }

    /// A connection could not be made; libpq says why, with hosts and users and without passwords.
    static func notConnected(_ connection: OpaquePointer?) -> SessionStoreError {
        let reason =
            connection.flatMap { PQerrorMessage($0) }.map { String(cString: $0) } ?? "there is not enough memory"
        let line = reason.split(whereSeparator: \.isNewline).joined(separator: " ")
        // libpq keeps the SQLSTATE of a refused connection to itself. In another language than English this is `unavailable`.
        let isRefused = line.contains("password authentication failed") || line.contains("pg_hba.conf")
        return SessionStoreError(
            isRefused ? .notPermitted : .unavailable,
            "PostgreSQL could not be reached. See that the server runs and that the connection string is right: \(line)"
        )
    }

    static let lost = SessionStoreError(
        .unavailable,
        "The connection to PostgreSQL was lost while a call was under way. Look at the server's log; the store connects again "
            + "by itself."
    )

    static let notOpened = SessionStoreError(
        .timedOut,
        "PostgreSQL accepted a connection and did not set it up in time. Look at the server, and at transactions that hold "
            + "locks on the tables of sessions (pg_stat_activity)."
    )

    static let closed = SessionStoreError(
        .unavailable,
        "The store is closed. Call close() after the last request."
    )

    static let foreign = SessionStoreError(
        .unusable,
        "A table of sessions holds what this package does not write. Use tables that nobody else changes."
    )

    static let unconfirmed = SessionStoreError(
        .timedOut,
        "The synchronous standbys did not confirm a write before its wait was cancelled. Look at pg_stat_replication."
    )

    static func overloaded(_ limit: Int) -> SessionStoreError {
        SessionStoreError(
            .unavailable,
            "PostgreSQL does not keep up: \(limit) calls wait for a connection already. Look at the server, or raise "
                + "queueLimit if so many requests at once are to be expected."
        )
    }

    static func unanswered(after deadline: Duration) -> SessionStoreError {
        SessionStoreError(
            .timedOut,
            "PostgreSQL did not answer within \(deadline). Look at the server and the network, or raise deadline if they "
                + "are known to be slow."
        )
    }

    static func noConnection(after deadline: Duration, limit: Int) -> SessionStoreError {
        SessionStoreError(
            .timedOut,
            "No connection to PostgreSQL became free within \(deadline). Look at the server, or raise connectionLimit "
                + "(\(limit)) if its load is low."
        )
    }

    static func notClosed(after deadline: Duration) -> SessionStoreError {
        SessionStoreError(
            .timedOut,
            "The store could not be closed within \(deadline), because PostgreSQL does not answer the calls that are under "
                + "way. End the process, or call close() again."
        )
    }

    static func oldServer(_ version: String) -> SessionStoreError {
        SessionStoreError(.unusable, "PostgreSQL \(version) is too old. Use PostgreSQL 13 or later.")
    }

    static let standby = error(sqlState: "25006")

    static let pooled = SessionStoreError(
        .unusable,
        "Between this process and PostgreSQL is a pooler that lends a connection for one transaction: what the store sets and "
            + "prepares gets lost there. Use its session mode (pool_mode=session in PgBouncer), or connect to the server itself."
    )

    static let noFsync = SessionStoreError(
        .unusable,
        "The server runs with fsync=off: a power loss undoes answered writes, logouts among them, and may damage every "
            + "table. Set fsync=on, or set confirmation to .unflushed if that may be."
    )

    static let noStandby = SessionStoreError(
        .unusable,
        "confirmation is .standbys, and the server names no synchronous standby. Set synchronous_standby_names on the "
            + "server, or set confirmation to .flushed."
    )

    static func wrongPersistence(_ schema: PostgresSchema, isLogged: Bool) -> SessionStoreError {
        SessionStoreError(
            .unusable,
            isLogged
                ? "confirmation is .unlogged, and \(schema.records) is a logged table. Carry out ALTER TABLE "
                    + "\(schema.records) SET UNLOGGED, or set confirmation to .unflushed."
                : "\(schema.records) is an unlogged table, which a crash of the server empties. Carry out ALTER TABLE "
                    + "\(schema.records) SET LOGGED, or set confirmation to .unlogged."
        )
    }

    static func foreignTable(_ schema: PostgresSchema) -> SessionStoreError {
        SessionStoreError(
            .unusable,
            "\(schema.records) is another program's table and was left as it is. Choose another table."
        )
    }

    static func noForeignTable(_ table: String) -> SessionStoreError {
        SessionStoreError(
            .unusable,
            "\(table) is not there, or has not the columns sid, sess and expire of connect-pg-simple. Name the table that Node "
                + "uses, or set createTableIfMissing."
        )
    }

    static func noCompasTable(_ table: String) -> SessionStoreError {
        SessionStoreError(
            .unusable,
            "\(table) is not there, or has not the columns id (uuid), expires (timestamptz) and data (jsonb) of Compas. Name the "
                + "table that Node uses, or set createTableIfMissing."
        )
    }

    static let foreignID = SessionStoreError(
        .unusable,
        "A session's id is one that no row can have. See what makes the ids of new sessions."
    )

    static func tooNew(_ version: Int, _ schema: PostgresSchema) -> SessionStoreError {
        SessionStoreError(
            .unusable,
            "\(schema.records) was made by a later version of this package (schema \(version), this one knows "
                + "\(schema.currentVersion)) and was left as it is. Update the package, or choose another table."
        )
    }

    static func notMigrated(_ version: Int, _ schema: PostgresSchema) -> SessionStoreError {
        SessionStoreError(
            .unusable,
            "\(schema.records) has schema \(version), and this version of the package needs \(schema.currentVersion). Carry "
                + "out migrationSQL(), or set migrations to .automatic."
        )
    }
}
#endif
