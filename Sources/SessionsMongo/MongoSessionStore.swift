#if Mongo
import Foundation
public import Sessions

/// Keeps records in a MongoDB database.
///
/// ```swift
/// let store = try await MongoSessionStore(environment: "MONGODB_URL")
/// ```
///
/// The indexes are made when the store is opened. Every method is one command that changes one document; a replace that loses a
/// race hands back the record that won. Any number of processes may use the same collections.
///
/// By default an answered write is in the journals of a majority of the replica set, and a read is never older than it: what was
/// answered survives the loss of the primary, and a session that was destroyed stays so, also on a primary that was cut off and
/// does not know it. A write that meets an election is sent again under the same number, by which the servers know it and apply
/// it once. Where a reply is lost for good, the method throws, and the manager loads the record and finds out by its version.
///
/// Calls are carried out by a few threads of the store's own, as libmongoc blocks: none is of Swift's cooperative pool.
/// Cancelling the task of a caller does not cut a method short: a write that was sent is carried out and its outcome returned.
/// ``Configuration/deadline`` bounds how long a method takes.
///
/// The server deletes records by itself some time after their deadline (``Configuration/collectAfter``); no sweeper is needed.
///
/// The first store of a process turns off libmongoc's own log, which goes to standard error and may quote a connection string.
/// An application that wants it sets its handler afterwards.
///
/// Every method throws `SessionStoreError`, whose message says what to change.
public final class MongoSessionStore: Sendable {
    let queue: MongoQueue
    private let commands: MongoCommands

    /// Opens the database that `connection` leads to.
    ///
    /// It connects once, makes the indexes, and checks what the configuration asks of the servers.
    ///
    /// - Parameters:
    ///   - connection: A URI such as `mongodb://user:password@host1,host2/database?replicaSet=name&tls=true`, or
    ///     `mongodb+srv://…`. Its timeouts are the configuration's.
    ///   - configuration: How the store uses its database.
    /// - Throws: `SessionConfigurationError` for a configuration that makes no sense, a URI that libmongoc does not understand or
    ///   that states a weaker write concern, read concern or read preference, and a connection that would leave the machine
    ///   without proof of the servers' identity; `SessionStoreError` if the database cannot be used: `unavailable`,
    ///   `notPermitted` or `timedOut` if it cannot be reached, `unusable` if the collection is another program's or the server is
    ///   older than MongoDB 4.4.
    public convenience init(_ connection: String, configuration: Configuration = Configuration()) async throws {
        try await self.init(connection, configuration: configuration, isDirect: false)
    }

    /// Opens the database by way of one server alone, if `isDirect`: for the tests of one that was cut off.
    init(_ connection: String, configuration: Configuration, isDirect: Bool) async throws {
        try configuration.validate()
        let uri = try MongoURI(connection, configuration: configuration, isDirect: isDirect)
        let database = configuration.database ?? uri.database ?? "sessions"
        guard Configuration.isName(database) else {
            throw SessionConfigurationError(
                .store,
                "The path of the connection string is no name of a database that the store takes. Use 1 to 40 letters, digits, "
                    + "underscores and hyphens, beginning with a letter, or set database."
            )
        }
        let settings = MongoSettings(configuration: configuration, database: database)
        // It may wait for a name server.
        let pool = try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try MongoPool(uri, settings) }) }
        }
        let queue = MongoQueue(pool, configuration)
        let collections = MongoCollections(configuration)
        do {
            let isReplicated = try await queue.perform { connection in
                let isReplicated = try collections.inspect(connection, uri)
                try collections.prepare(connection)
                return isReplicated
            }
            self.queue = queue
            commands = MongoCommands(
                collections,
                level: isReplicated ? configuration.reads.level : nil,
                retriesWrites: isReplicated && uri.retriesWrites
            )
        } catch {
            queue.end()
            throw error
        }
    }

    /// Opens the database that the value of an environment variable leads to.
    ///
    /// - Parameters:
    ///   - variable: The variable's name, such as `MONGODB_URL`.
    ///   - configuration: How the store uses its database.
    /// - Throws: `SessionConfigurationError` if the variable is not set or empty, and what ``init(_:configuration:)`` throws.
    public convenience init(environment variable: String, configuration: Configuration = Configuration()) async throws {
        guard let connection = ProcessInfo.processInfo.environment[variable], !connection.isEmpty else {
            throw SessionConfigurationError(
                .store,
                "The environment variable \(variable) is not set. Set it to the database's URI, such as "
                    + "mongodb://user@host1,host2/database?replicaSet=name&tls=true."
            )
        }
        try await self.init(connection, configuration: configuration)
    }

    deinit { queue.end() }

    /// Carries out what has been asked for, and closes the connections.
    ///
    /// Every later call of another method throws `unavailable`. Closing twice is no error. A store that is released without
    /// being closed loses nothing.
    ///
    /// - Throws: `SessionStoreError` with code `timedOut` after ``Configuration/deadline``, if the server does not answer.
    public func close() async throws {
        try await queue.close()
    }

    private func perform<Value: Sendable>(
        _ body: @escaping @Sendable (MongoCommands, MongoConnection) throws -> Value
    ) async throws -> Value {
        try await queue.perform { [commands] in try body(commands, $0) }
    }
}

extension MongoSessionStore: SessionStore {
    /// The record at `key`, as last confirmed.
    public func load(_ key: StoreKey) async throws -> StoredRecord? {
        try await perform { try $0.load(key, $1) }
    }

    /// Keeps a new record; `false` if there is one at `key` already.
    public func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool {
        try await perform { try $0.insert(record, key, $1) }
    }

    /// Replaces the record at `key` if its version is `version`; a conflict hands back the current record.
    public func replace(
        _ record: StoredRecord,
        at key: StoreKey,
        ifVersion version: RecordVersion
    ) async throws -> ReplaceOutcome {
        try await perform { try $0.replace(record, key, version, $1) }
    }

    /// Moves the idle deadline forward if the record's version is `version`.
    public func touch(_ key: StoreKey, until deadline: Timestamp, ifVersion version: RecordVersion) async throws -> Bool
    {
        try await perform { try $0.touch(key, deadline, version, $1) }
    }

    /// Deletes the record at `key`, if its version is `version` or that is `nil`.
    public func delete(_ key: StoreKey, ifVersion version: RecordVersion?) async throws -> Bool {
        let condition = version.map { MongoDocument(["version": MongoRecord.version($0)]) } ?? MongoDocument()
        return try await perform { try $0.delete(key, condition, $1) }
    }
}

extension MongoSessionStore: OwnerIndexedSessionStore {
    /// The records of `owner`, found by their index, as many calls as there are pages of 500.
    public func entries(of owner: OwnerKey) async throws -> [StoredEntry] {
        var (entries, next) = try await perform { try $0.entries(of: owner, after: nil, limit: 500, $1) }
        while let key = next {
            let page = try await perform { try $0.entries(of: owner, after: key, limit: 500, $1) }
            entries += page.entries
            next = page.next
        }
        return entries
    }

    /// Deletes the record at `key` if `owner` owns it.
    public func delete(_ key: StoreKey, ifOwner owner: OwnerKey) async throws -> Bool {
        try await perform { try $0.delete(key, MongoDocument(["owner": .string(owner.text)]), $1) }
    }

    /// The owner's epoch.
    public func epoch(of owner: OwnerKey) async throws -> Timestamp? {
        try await perform { try $0.epoch(of: owner, $1) }
    }

    /// Sets the owner's epoch, unless it is later already; the latest `keptUntil` counts.
    public func raiseEpoch(of owner: OwnerKey, to epoch: Timestamp, keptUntil: Timestamp) async throws {
        try await perform { try $0.raiseEpoch(of: owner, epoch, keptUntil, $1) }
    }
}

extension MongoSessionStore: EnumerableSessionStore {
    /// How many records there are; looks at every key.
    public func count() async throws -> Int {
        try await perform { try $0.count($1) }
    }

    /// Up to `limit` entries that come after `key`, in the order of their keys.
    public func entries(after key: StoreKey?, limit: Int) async throws -> [StoredEntry] {
        var (entries, key) = ([StoredEntry](), key)
        while entries.count < limit {
            let (last, count) = (key, Int32(clamping: min(limit - entries.count, 500)))
            let page = try await perform { try $0.entries(after: last, limit: count, $1) }
            entries += page.entries
            guard let next = page.next else { break }
            key = next
        }
        return entries
    }

    /// Deletes every record that is there when it is called, by commands of up to 1000 in the order of the keys; epochs stay.
    public func removeAll() async throws {
        var last: String? = ""
        while let key = last {
            last = try await perform { try $0.clear(after: key, $1) }
        }
    }
}
#endif
