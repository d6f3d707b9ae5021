#if Postgres
import Foundation
public import Sessions

/// Keeps records in a PostgreSQL database.
///
/// ```swift
/// let store = try await PostgresSessionStore(environment: "DATABASE_URL")
/// ```
///
/// The tables are made and migrated when the store is opened. Every method is one statement that commits by itself; a replace
/// that loses a race hands back the record that won. Any number of processes may use the same tables.
///
/// Calls share a few connections, which libpq carries and two threads of the store's own wait for: nothing blocks a thread of
/// Swift's cooperative pool. A connection that is lost is opened again. What was under way on it fails, and a write is never
/// sent a second time: the manager loads the record and finds out by its version what became of it.
///
/// Cancelling the task of a caller does not cut a method short: a write that was sent is carried out and its outcome returned.
/// ``Configuration/deadline`` bounds how long a method takes.
///
/// Every method throws `SessionStoreError`, whose message says what to change.
public final class PostgresSessionStore: Sendable {
    let pool: PostgresPool
    private let statements: PostgresStatements

    /// Opens the database that `connection` leads to.
    ///
    /// It connects once, makes the tables or migrates them, and checks what the configuration asks of the server.
    ///
    /// - Parameters:
    ///   - connection: What libpq connects with: a URI such as `postgresql://user:password@host/database?sslmode=verify-full`,
    ///     or `keyword=value` pairs. What it leaves out comes from libpq's environment variables (`PGHOST`, `PGSSLMODE` and so
    ///     on), its service file and its password file.
    ///   - configuration: How the store uses its database.
    /// - Throws: `SessionConfigurationError` for a configuration that makes no sense, a connection string that libpq does not
    ///   understand, and a connection that would leave the machine without proof of the server's identity;
    ///   `SessionStoreError` if the database cannot be used: `unavailable`, `notPermitted` or `timedOut` if it cannot be
    ///   reached, `unusable` if its tables are another program's or of a version that does not fit, or if the server does not
    ///   keep what ``Configuration/confirmation-swift.property`` asks for.
    public convenience init(_ connection: String, configuration: Configuration = Configuration()) async throws {
        try await self.init(connection, configuration: configuration, migrations: PostgresSchema.migrations)
    }

    /// Opens the database that the value of an environment variable leads to.
    ///
    /// - Parameters:
    ///   - variable: The variable's name, such as `DATABASE_URL`.
    ///   - configuration: How the store uses its database.
    /// - Throws: `SessionConfigurationError` if the variable is not set or empty, and what ``init(_:configuration:)`` throws.
    public convenience init(environment variable: String, configuration: Configuration = Configuration()) async throws {
        guard let connection = ProcessInfo.processInfo.environment[variable], !connection.isEmpty else {
            throw SessionConfigurationError(
                .store,
                "The environment variable \(variable) is not set. Set it to the database's URI, such as "
                    + "postgresql://user@host/database?sslmode=verify-full."
            )
        }
        try await self.init(connection, configuration: configuration)
    }

    /// Opens the database with other migrations than the present ones: for the tests of migrating.
    init(_ connection: String, configuration: Configuration, migrations: [PostgresSchema.Migration]) async throws {
        try configuration.validate()
        let schema = PostgresSchema(configuration, migrations: migrations)
        let statements = PostgresStatements(schema)
        let opener = PostgresOpener(
            info: try PostgresConnectionInfo(connection, configuration: configuration),
            configuration: configuration,
            tables: PostgresOwnTables(schema: schema, configuration: configuration, statements: statements.all)
        )
        self.statements = statements
        pool = try await PostgresPool(opener)
    }

    deinit { pool.abort() }

    /// The statements that make the tables of a new database, for those who carry them out themselves.
    ///
    /// Set ``Configuration/migrations-swift.property`` to `manual` then.
    ///
    /// - Throws: `SessionConfigurationError` for a configuration that makes no sense.
    public static func migrationSQL(_ configuration: Configuration = Configuration()) throws -> String {
        try configuration.validate()
        return PostgresSchema(configuration).script
    }

    /// Carries out what has been asked for, and closes the connections.
    ///
    /// Every later call of another method throws `unavailable`. Closing twice is no error. A store that is released without
    /// being closed loses nothing.
    ///
    /// - Throws: `SessionStoreError` with code `timedOut` after ``Configuration/deadline``, if the server does not answer.
    public func close() async throws {
        try await pool.close()
    }
}

extension PostgresSessionStore: SessionStore {
    /// The record at `key`, as last committed.
    public func load(_ key: StoreKey) async throws -> StoredRecord? {
        try await pool.perform(statements.load, PostgresParameters(key)) { rows in
            rows.count == 0 ? nil : try rows.record(0)
        }
    }

    /// Keeps a new record; `false` if there is one at `key` already.
    public func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool {
        var parameters = PostgresParameters(key)
        parameters.append(record)
        return try await pool.perform(statements.insert, parameters) { $0.affected == 1 }
    }

    /// Replaces the record at `key` if its version is `version`; a conflict hands back the current record.
    public func replace(
        _ record: StoredRecord,
        at key: StoreKey,
        ifVersion version: RecordVersion
    ) async throws -> ReplaceOutcome {
        var parameters = PostgresParameters(key)
        parameters.append(version)
        parameters.append(record)
        return try await pool.perform(statements.replace, parameters) { rows in
            guard rows.count > 0 else { return .gone }
            return rows.bool(0, 5) ? .replaced : .conflict(try rows.record(0))
        }
    }

    /// Moves the idle deadline forward if the record's version is `version`.
    public func touch(_ key: StoreKey, until deadline: Timestamp, ifVersion version: RecordVersion) async throws -> Bool
    {
        var parameters = PostgresParameters(key)
        parameters.append(version)
        parameters.append(deadline)
        return try await pool.perform(statements.touch, parameters) { $0.affected == 1 }
    }

    /// Deletes the record at `key`, if its version is `version` or that is `nil`.
    public func delete(_ key: StoreKey, ifVersion version: RecordVersion?) async throws -> Bool {
        var parameters = PostgresParameters(key)
        guard let version else { return try await pool.perform(statements.delete, parameters) { $0.affected == 1 } }
        parameters.append(version)
        return try await pool.perform(statements.deleteVersion, parameters) { $0.affected == 1 }
    }
}

extension PostgresSessionStore: SweepingSessionStore {
    /// Deletes up to `limit` expired records, by small transactions with short random pauses in between.
    ///
    /// What another sweep, or a request, is working on is left out: several nodes share the work and wait for nobody.
    public func sweep(expiredBefore cutoff: Timestamp, limit: Int) async throws -> Int {
        var end = PostgresParameters()
        end.append(cutoff)
        let deleted = try await pool.sweep(statements.sweep, before: end, limit: limit)
        _ = try await pool.sweep(statements.sweepEpochs, before: end, limit: limit)
        return deleted
    }
}

extension PostgresSessionStore: OwnerIndexedSessionStore {
    /// The records of `owner`, found by their index.
    public func entries(of owner: OwnerKey) async throws -> [StoredEntry] {
        var parameters = PostgresParameters()
        parameters.append(owner)
        return try await pool.perform(statements.entriesOfOwner, parameters) { try $0.entries() }
    }

    /// Deletes the record at `key` if `owner` owns it.
    public func delete(_ key: StoreKey, ifOwner owner: OwnerKey) async throws -> Bool {
        var parameters = PostgresParameters(key)
        parameters.append(owner)
        return try await pool.perform(statements.deleteOwned, parameters) { $0.affected == 1 }
    }

    /// The owner's epoch.
    public func epoch(of owner: OwnerKey) async throws -> Timestamp? {
        var parameters = PostgresParameters()
        parameters.append(owner)
        return try await pool.perform(statements.epoch, parameters) { rows in
            rows.count == 0 ? nil : try rows.time(0, 0)
        }
    }

    /// Sets the owner's epoch, unless it is later already; the latest `keptUntil` counts.
    public func raiseEpoch(of owner: OwnerKey, to epoch: Timestamp, keptUntil: Timestamp) async throws {
        var parameters = PostgresParameters()
        parameters.append(owner)
        parameters.append(epoch)
        parameters.append(keptUntil)
        try await pool.perform(statements.raiseEpoch, parameters) { _ in }
    }
}

extension PostgresSessionStore: EnumerableSessionStore {
    /// How many records there are; looks at every one of them.
    public func count() async throws -> Int {
        try await pool.perform(statements.count, PostgresParameters()) { Int(try $0.int64(0, 0)) }
    }

    /// Up to `limit` entries that come after `key`, in the order of their keys.
    public func entries(after key: StoreKey?, limit: Int) async throws -> [StoredEntry] {
        guard limit > 0 else { return [] }
        var parameters = PostgresParameters()
        parameters.append(key?.text ?? "")
        parameters.append(Int64(limit))
        return try await pool.perform(statements.entriesAfter, parameters) { try $0.entries() }
    }

    /// Deletes every record that is there when it is called, by small transactions in the order of the keys; epochs stay.
    public func removeAll() async throws {
        let step = 1000
        var last: String? = ""
        while let key = last {
            var parameters = PostgresParameters()
            parameters.append(key)
            parameters.append(Int64(step))
            last = try await pool.perform(statements.clear, parameters) { rows in
                try rows.int64(0, 0) < step ? nil : rows.text(0, 1)
            }
        }
    }
}
#endif
