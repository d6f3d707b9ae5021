#if Postgres
public import Sessions

/// The records of a Node service on express-session and connect-pg-simple: its table, its JSON, its expiry.
///
/// ```swift
/// let sessions = try SessionManager.express(
///     secrets: ["keyboard cat"],
///     store: try await ConnectPgSimpleStore("postgresql://shop@db/shop?sslmode=verify-full"),
///     acknowledging: [.concurrentChangesAreLost, .endedSessionsComeBack, .keysAreCredentials]
/// )
/// ```
///
/// Each method is one statement that commits by itself. A write of Node's asks for no condition; the condition of one of ours
/// is that the column `sess`, as text, is still what was read. A row counts until the whole second that `expire` says, and not
/// any more in the second after it.
///
/// > Important: `expire` is a `timestamp` without a time zone, so what it says depends on the `TimeZone` of the connection that
/// > reads it. Node's connections and this store's must have the same one. Both take the server's, the database's or the role's
/// > unless they are told otherwise: set `timeZone` if Node sets one, and leave `PGTZ` out of this process's environment.
///
/// Connections, deadlines and what an answered write survives are those of ``PostgresSessionStore``.
public final class ConnectPgSimpleStore: Sendable {
    let pool: PostgresPool
    let statements: ConnectPgSimpleStatements

    /// Opens the database that `connection` leads to.
    ///
    /// - Parameters:
    ///   - connection: See ``PostgresSessionStore/init(_:configuration:)``.
    ///   - schemaName: connect-pg-simple's `schemaName`: the schema of the table. Default `public`.
    ///   - tableName: connect-pg-simple's `tableName`. Default `session`.
    ///   - createTableIfMissing: connect-pg-simple's `createTableIfMissing`: whether the table is made if it is not there. By
    ///     default that is an error.
    ///   - timeZone: The `TimeZone` of the connections, as Node sets it; `nil`, as by default, for the server's own.
    ///   - configuration: How the store uses its database; its `schema`, `table` and `migrations` mean nothing here, and its
    ///     `confirmation` is not `unlogged`.
    /// - Throws: What ``PostgresSessionStore/init(_:configuration:)`` throws, `unusable` if the table is not there or has other
    ///   columns.
    public init(
        _ connection: String,
        schemaName: String = "public",
        tableName: String = "session",
        createTableIfMissing: Bool = false,
        timeZone: String? = nil,
        configuration: PostgresSessionStore.Configuration = .init()
    ) async throws {
        try PostgresForeignTable.check(configuration)
        let table = try PostgresForeignTable.name(schemaName, tableName, timeZone.map { [$0] } ?? [])
        statements = ConnectPgSimpleStatements(table)
        let opener = PostgresOpener(
            info: try PostgresConnectionInfo(connection, configuration: configuration),
            configuration: configuration,
            tables: PostgresForeignTable(
                table: table,
                columns: ("attname IN ('sid', 'sess', 'expire')", 3),
                definition: createTableIfMissing
                    ? ConnectPgSimpleStatements.definition(of: table, isDefault: tableName == "session") : nil,
                missing: PostgresFailure.noForeignTable(table),
                timeZone: timeZone,
                deadline: configuration.connectDeadline,
                statements: statements.all
            )
        )
        pool = try await PostgresPool(opener)
    }

    deinit { pool.abort() }

    /// Carries out what has been asked for, and closes the connections.
    ///
    /// Every later call of another method throws `unavailable`. Closing twice is no error.
    ///
    /// - Throws: `SessionStoreError` with code `timedOut` if the server does not answer within the deadline.
    public func close() async throws { try await pool.close() }

    // MARK: Parameters and rows

    /// The parameters of a statement whose first one is the session's id.
    static func parameters(_ key: StoreKey) throws -> PostgresParameters {
        guard let id = key.foreignID, !id.utf8.contains(0) else { throw PostgresFailure.foreignID }
        var parameters = PostgresParameters()
        parameters.append(id)
        return parameters
    }

    /// The first whole second that is not before `time`, as connect-pg-simple counts.
    static func seconds(_ time: Timestamp) -> Int64 {
        let (quotient, remainder) = max(time.microseconds, 0).quotientAndRemainder(dividingBy: 1_000_000)
        return remainder > 0 ? quotient + 1 : quotient
    }
}

extension ConnectPgSimpleStore: PayloadConditionalSessionStore {
    /// The record at `key`; `nil` if it has expired, as connect-pg-simple sees it.
    public func load(_ key: StoreKey) async throws -> StoredRecord? {
        var parameters = try Self.parameters(key)
        parameters.append(Self.seconds(SystemSessionClock().now()))
        return try await pool.perform(statements.load, parameters) { rows in
            rows.count == 0 ? nil : try rows.foreignRecord(0)
        }
    }

    /// Keeps a new record; `false` if there is a row at `key` already, expired or not.
    public func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool {
        var parameters = try Self.parameters(key)
        parameters.append(record.payload)
        parameters.append(Self.seconds(record.expiresAt))
        return try await pool.perform(statements.insert, parameters) { $0.affected == 1 }
    }

    /// Replaces the row at `key` if its JSON is still `payload`; a conflict hands back the row that is there.
    public func replace(
        _ record: StoredRecord,
        at key: StoreKey,
        ifPayload payload: [UInt8]
    ) async throws -> ReplaceOutcome {
        var parameters = try Self.parameters(key)
        parameters.append(payload)
        parameters.append(record.payload)
        parameters.append(Self.seconds(record.expiresAt))
        return try await pool.perform(statements.replace, parameters) { try $0.foreignReplacement() }
    }

    /// Moves `expire` forward, and nothing else, if the row's JSON is still `payload`.
    public func touch(_ key: StoreKey, until deadline: Timestamp, ifPayload payload: [UInt8]) async throws -> Bool {
        var parameters = try Self.parameters(key)
        parameters.append(payload)
        parameters.append(Self.seconds(deadline))
        return try await pool.perform(statements.touch, parameters) { $0.affected == 1 }
    }

    /// Deletes the row at `key` if its JSON is still `payload`.
    public func delete(_ key: StoreKey, ifPayload payload: [UInt8]) async throws -> Bool {
        var parameters = try Self.parameters(key)
        parameters.append(payload)
        return try await pool.perform(statements.deletePayload, parameters) { $0.affected == 1 }
    }

    /// Deletes the row at `key`, whatever it says.
    public func delete(_ key: StoreKey) async throws -> Bool {
        try await pool.perform(statements.delete, Self.parameters(key)) { $0.affected == 1 }
    }
}

extension ConnectPgSimpleStore: SweepingSessionStore {
    /// Deletes up to `limit` expired rows, as connect-pg-simple's `pruneSessions` does for all of them at once.
    ///
    /// By small transactions with short random pauses in between; what somebody works on is left for the next time.
    public func sweep(expiredBefore cutoff: Timestamp, limit: Int) async throws -> Int {
        var end = PostgresParameters()
        end.append(max(cutoff.microseconds, 0) / 1_000_000)
        return try await pool.sweep(statements.sweep, before: end, limit: limit)
    }
}
#endif
