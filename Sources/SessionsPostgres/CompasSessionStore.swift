#if Postgres
public import Sessions

/// The records of a Node service on Compas's cookie sessions (`newSessionStore(sql)`): its table, its JSON, its expiry.
///
/// ```swift
/// let sessions = try SessionManager.compas(
///     CompasSettings(),
///     store: try await CompasSessionStore("postgresql://shop@db/shop?sslmode=verify-full"),
///     acknowledging: [.concurrentChangesAreLost, .endedSessionsComeBack, .keysAreCredentials]
/// )
/// ```
///
/// Each method is one statement that commits by itself. A write of Node's asks for no condition; the condition of one of ours
/// is that the column `data` is still the value that was read, as `jsonb` compares values: in whatever order the members stand,
/// and `1.0` is `1`. `createdAt` stays, and `updatedAt` follows each write.
///
/// An id is a UUID. One that is none has no record, and none can be made for it. A text with U+0000 in it is none that `jsonb`
/// keeps: the commit throws.
///
/// Connections, deadlines and what an answered write survives are those of ``PostgresSessionStore``.
public final class CompasSessionStore: Sendable {
    private let pool: PostgresPool
    private let statements: CompasSessionStatements

    /// Opens the database that `connection` leads to.
    ///
    /// - Parameters:
    ///   - connection: See ``PostgresSessionStore/init(_:configuration:)``.
    ///   - schemaName: The schema of the table. Default `public`.
    ///   - tableName: The table. Default `session`, as Compas's migration makes it.
    ///   - createTableIfMissing: Whether the table is made if it is not there. By default that is an error.
    ///   - configuration: How the store uses its database; its `schema`, `table` and `migrations` mean nothing here, and its
    ///     `confirmation` is not `unlogged`.
    /// - Throws: What ``PostgresSessionStore/init(_:configuration:)`` throws, `unusable` if the table is not there or has other
    ///   columns.
    public init(
        _ connection: String,
        schemaName: String = "public",
        tableName: String = "session",
        createTableIfMissing: Bool = false,
        configuration: PostgresSessionStore.Configuration = .init()
    ) async throws {
        try PostgresForeignTable.check(configuration)
        let table = try PostgresForeignTable.name(schemaName, tableName)
        statements = CompasSessionStatements(table)
        let opener = PostgresOpener(
            info: try PostgresConnectionInfo(connection, configuration: configuration),
            configuration: configuration,
            tables: PostgresForeignTable(
                table: table,
                columns: (
                    """
                    (attname, atttypid) IN (('id', 'uuid'::regtype), ('expires', 'timestamptz'::regtype), \
                    ('data', 'jsonb'::regtype), ('updatedAt', 'timestamptz'::regtype))
                    """,
                    4
                ),
                definition: createTableIfMissing
                    ? CompasSessionStatements.definition(of: table, isDefault: tableName == "session") : nil,
                missing: PostgresFailure.noCompasTable(table),
                timeZone: nil,
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

    /// The id as the first parameter; `nil` if it is no UUID, so that no row has it.
    private static func parameters(_ key: StoreKey) -> PostgresParameters? {
        guard let id = key.foreignID, isUUID(id) else { return nil }
        var parameters = PostgresParameters()
        parameters.append(id)
        return parameters
    }

    /// Whether `text` is a UUID in its one canonical spelling, so that one row has one key.
    private static func isUUID(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return bytes.count == 36
            && bytes.indices.allSatisfy { index in
                switch bytes[index] {
                case UInt8(ascii: "-"): [8, 13, 18, 23].contains(index)
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"):
                    ![8, 13, 18, 23].contains(index)
                default: false
                }
            }
    }
}

extension CompasSessionStore: PayloadConditionalSessionStore {
    /// The record at `key`, expired or not.
    public func load(_ key: StoreKey) async throws -> StoredRecord? {
        guard let parameters = Self.parameters(key) else { return nil }
        return try await pool.perform(statements.load, parameters) { rows in
            rows.count == 0 ? nil : try rows.foreignRecord(0)
        }
    }

    /// Keeps a new record; `false` if there is a row at `key` already, expired or not.
    ///
    /// - Throws: `SessionStoreError` with code `unusable` if the id is no UUID.
    public func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool {
        guard var parameters = Self.parameters(key) else { throw PostgresFailure.foreignID }
        parameters.append(record.payload)
        parameters.append(record.expiresAt)
        return try await pool.perform(statements.insert, parameters) { $0.affected == 1 }
    }

    /// Replaces the row at `key` if its data is still `payload`; a conflict hands back the row that is there.
    public func replace(
        _ record: StoredRecord,
        at key: StoreKey,
        ifPayload payload: [UInt8]
    ) async throws -> ReplaceOutcome {
        guard var parameters = Self.parameters(key) else { return .gone }
        parameters.append(payload)
        parameters.append(record.payload)
        parameters.append(record.expiresAt)
        return try await pool.perform(statements.replace, parameters) { try $0.foreignReplacement() }
    }

    /// Moves `expires` forward if the row's data is still `payload`, and leaves that alone.
    public func touch(_ key: StoreKey, until deadline: Timestamp, ifPayload payload: [UInt8]) async throws -> Bool {
        guard var parameters = Self.parameters(key) else { return false }
        parameters.append(payload)
        parameters.append(deadline)
        return try await pool.perform(statements.touch, parameters) { $0.affected == 1 }
    }

    /// Deletes the row at `key` if its data is still `payload`.
    public func delete(_ key: StoreKey, ifPayload payload: [UInt8]) async throws -> Bool {
        guard var parameters = Self.parameters(key) else { return false }
        parameters.append(payload)
        return try await pool.perform(statements.deletePayload, parameters) { $0.affected == 1 }
    }

    /// Deletes the row at `key`, whatever it says.
    public func delete(_ key: StoreKey) async throws -> Bool {
        guard let parameters = Self.parameters(key) else { return false }
        return try await pool.perform(statements.delete, parameters) { $0.affected == 1 }
    }
}

extension CompasSessionStore: SweepingSessionStore {
    /// Deletes up to `limit` expired rows, as Compas's `clean` does for all of them at once.
    ///
    /// By small transactions with short random pauses in between; what somebody works on is left for the next time.
    public func sweep(expiredBefore cutoff: Timestamp, limit: Int) async throws -> Int {
        var end = PostgresParameters()
        end.append(cutoff)
        return try await pool.sweep(statements.sweep, before: end, limit: limit)
    }
}
#endif
