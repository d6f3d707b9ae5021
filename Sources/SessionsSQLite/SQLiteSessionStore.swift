#if SQLite
import Dispatch
import GRDB
public import Sessions

/// Keeps records in one SQLite file.
///
/// ```swift
/// let store = try SQLiteSessionStore(path: "sessions.sqlite")
/// ```
///
/// The file is created with mode 0600, in WAL mode, and its tables are created and migrated when the store is opened. A
/// session database that others may read or write is set to that mode; another user's is refused (checklist ST-02).
/// Several processes on one machine may open the same file; a network file system does not carry SQLite's locks, so
/// keep the file on a local disk.
///
/// Writes that come at the same time are committed in one transaction, and each is answered after that commit: with
/// ``Configuration/Synchronous-swift.enum/full``, the default, what was answered survives a killed process and a power
/// loss. Reads run beside the writes on connections of their own. Nothing blocks a thread of Swift's cooperative pool.
///
/// Cancelling the task of a caller does not cut a method short: a write that was queued is carried out and its outcome
/// returned. ``Configuration/deadline`` bounds how long a method takes.
///
/// Every method throws `SessionStoreError`, whose message says what to change.
public final class SQLiteSessionStore: Sendable {
    private let statements: SQLiteStatements
    let readers: CallQueue
    /// Lists and counts, which may take long: no load waits for that.
    let scanner: CallQueue
    let writer: CallQueue
    private let commits: GroupCommit
    private let file: SQLiteFile
    private let deadline: Duration

    /// Opens the session database at `path`; creates it if there is no file.
    ///
    /// The directory has to exist. This blocks while the file is opened, so call it when the application starts.
    ///
    /// - Throws: `SessionConfigurationError` if the configuration does not make sense; `SessionStoreError` if the file
    ///   cannot be used: `unusable` for a damaged file, one that another program made, or one that a later version of
    ///   this package made (none of them is changed), `notPermitted` for missing permissions and for another user's
    ///   file, `locked` if another process keeps the file locked, `full` or `unavailable` otherwise.
    public convenience init(path: String, configuration: Configuration = Configuration()) throws {
        try self.init(path: path, configuration: configuration, migrations: SQLiteSchema.migrations)
    }

    /// Opens the database with other migrations than the present ones: for the tests of migrating.
    init(path: String, configuration: Configuration, migrations: [SQLiteSchema.Migration]) throws {
        try configuration.validate()
        let schema = SQLiteSchema(prefix: configuration.tablePrefix, migrations: migrations)
        let file = try SQLiteFile(path: path, configuration: configuration)
        let connections = try file.open(schema, readers: configuration.readerCount + 2)
        let reading = ReadBatch(busyTimeout: configuration.busyTimeout, file: file)
        let commits = GroupCommit(busyTimeout: configuration.busyTimeout, file: file)
        func queue(
            _ connections: [SQLiteFile.Connection],
            _ batchLimit: Int,
            _ work: @escaping CallQueue.Work
        ) -> CallQueue {
            CallQueue(
                connections,
                batchLimit: batchLimit,
                limit: configuration.queueLimit,
                deadline: configuration.deadline,
                file: file,
                work: work
            )
        }
        readers = queue(connections.readers.dropLast(2), 64, reading.carryOut)
        scanner = queue(connections.readers.suffix(2), 1, reading.carryOut)
        writer = queue([connections.writer], configuration.groupLimit, commits.carryOut)
        self.commits = commits
        self.file = file
        deadline = configuration.deadline
        statements = SQLiteStatements(schema)
    }

    /// Carries out what is queued, moves the content of the -wal file into the database file and closes it.
    ///
    /// Every later call of another method throws `unavailable`. Closing twice is no error. A store that is released
    /// without being closed loses nothing.
    ///
    /// - Throws: `SessionStoreError` with code `timedOut` after ``Configuration/deadline``, if the disk hangs. Nothing
    ///   that was answered is lost then; what is still under way is closed if it comes to an end.
    public func close() async throws {
        let queues = [readers, scanner, writer]
        let drained = DispatchGroup()
        for queue in queues {
            drained.enter()
            queue.drain { drained.leave() }
        }
        try await withCheckedThrowingContinuation { [file, deadline] continuation in
            let reply = FirstReply(continuation)
            drained.notify(queue: DispatchQueue(label: "SQLiteSessionStore.close")) {
                // The writer last: it moves the content of the -wal file.
                reply.answer(
                    Result { for queue in queues { try queue.closeConnections() } }
                        .mapError { file.error(for: $0) }
                )
            }
            CallQueue.timers.asyncAfter(deadline: .now() + deadline.dispatchInterval) {
                reply.answer(.failure(file.notClosed(after: deadline)))
            }
        }
    }

    /// How many write transactions were committed, and how many calls they carried out.
    package var commitCounts: (transactions: Int, calls: Int) { commits.counts }

    private func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database, SQLiteStatements) throws -> Value
    ) async throws -> Value {
        try await readers.perform { [statements] in try body($0, statements) }
    }

    private func scan<Value: Sendable>(
        _ body: @escaping @Sendable (Database, SQLiteStatements) throws -> Value
    ) async throws -> Value {
        try await scanner.perform { [statements] in try body($0, statements) }
    }

    func write<Value: Sendable>(
        _ body: @escaping @Sendable (Database, SQLiteStatements) throws -> Value
    ) async throws -> Value {
        try await writer.perform { [statements] in try body($0, statements) }
    }
}

extension SQLiteSessionStore: SessionStore {
    /// The record at `key`, as of a snapshot that holds every write answered before the call.
    public func load(_ key: StoreKey) async throws -> StoredRecord? {
        try await read { try $1.load(key, in: $0) }
    }

    /// Keeps a new record; `false` if there is one at `key` already.
    public func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool {
        try await write { try $1.insert(record, at: key, in: $0) }
    }

    /// Replaces the record at `key` if its version is `version`; a conflict hands back the current record.
    public func replace(
        _ record: StoredRecord,
        at key: StoreKey,
        ifVersion version: RecordVersion
    ) async throws -> ReplaceOutcome {
        try await write { try $1.replace(record, at: key, ifVersion: version, in: $0) }
    }

    /// Moves the idle deadline forward if the record's version is `version`.
    public func touch(_ key: StoreKey, until deadline: Timestamp, ifVersion version: RecordVersion) async throws -> Bool
    {
        try await write { try $1.touch(key, until: deadline, ifVersion: version, in: $0) }
    }

    /// Deletes the record at `key`, if its version is `version` or that is `nil`.
    public func delete(_ key: StoreKey, ifVersion version: RecordVersion?) async throws -> Bool {
        try await write { try $1.delete(key, ifVersion: version, in: $0) }
    }
}

extension SQLiteSessionStore: SweepingSessionStore {
    /// Deletes up to `limit` expired records, by small transactions that other writes share.
    public func sweep(expiredBefore cutoff: Timestamp, limit: Int) async throws -> Int {
        let deleted = try await gently(limit) { try $1.sweep(expiredBefore: cutoff, limit: $2, in: $0) }
        _ = try await gently(limit) { try $1.forgetEpochs(keptUntil: cutoff, limit: $2, in: $0) }
        return deleted
    }

    /// Deletes up to `limit` rows by small steps, with a pause after each while others write.
    ///
    /// A write that comes during a step waits for it. So steps are short, and take at most a tenth of the writer's time
    /// when somebody else wants it.
    private func gently(
        _ limit: Int,
        _ delete: @escaping @Sendable (Database, SQLiteStatements, Int) throws -> Int
    ) async throws -> Int {
        var deleted = 0
        var writes = commits.counts.calls
        while deleted < limit {
            let step = min(limit - deleted, 10)
            let began = ContinuousClock.now
            let count = try await write { try delete($0, $1, step) }
            deleted += count
            if count < step { break }
            let others = commits.counts.calls - writes - 1
            writes += others + 1
            // A cancelled sweep does not pause; it ends at its limit.
            if others > 0 { try? await Task.sleep(for: min(.now - began, .milliseconds(50)) * 10) }
        }
        return deleted
    }
}

extension SQLiteSessionStore: OwnerIndexedSessionStore {
    /// The records of `owner`, found by their index.
    public func entries(of owner: OwnerKey) async throws -> [StoredEntry] {
        // Not with the loads: somebody may have logged in a hundred thousand times.
        try await scan { try $1.entries(of: owner, in: $0) }
    }

    /// Deletes the record at `key` if `owner` owns it.
    public func delete(_ key: StoreKey, ifOwner owner: OwnerKey) async throws -> Bool {
        try await write { try $1.delete(key, ifOwner: owner, in: $0) }
    }

    /// The owner's epoch.
    public func epoch(of owner: OwnerKey) async throws -> Timestamp? {
        try await read { try $1.epoch(of: owner, in: $0) }
    }

    /// Sets the owner's epoch, unless it is later already; the latest `keptUntil` counts.
    public func raiseEpoch(of owner: OwnerKey, to epoch: Timestamp, keptUntil: Timestamp) async throws {
        try await write { try $1.raiseEpoch(of: owner, to: epoch, keptUntil: keptUntil, in: $0) }
    }
}

extension SQLiteSessionStore: EnumerableSessionStore {
    /// How many records there are; looks at every one of them in an index.
    public func count() async throws -> Int {
        try await scan { try $1.count(in: $0) }
    }

    /// Up to `limit` entries that come after `key`, in the order of their keys.
    public func entries(after key: StoreKey?, limit: Int) async throws -> [StoredEntry] {
        guard limit > 0 else { return [] }
        return try await scan { try $1.entries(after: key, limit: limit, in: $0) }
    }

    /// Deletes every record that is there when it is called, by small transactions; epochs stay.
    public func removeAll() async throws {
        // What is inserted meanwhile comes after this row, so that this ends.
        guard let last = try await read({ try $1.lastRow(in: $0) }) else { return }
        let step = 500
        while try await write({ try $1.delete(upToRow: last, limit: step, in: $0) }) == step {}
    }
}
#endif
