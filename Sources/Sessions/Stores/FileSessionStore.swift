public import Logging
import Synchronization

/// Keeps every record in a file of its own, in one directory.
///
/// ```swift
/// let store = try FileSessionStore(directory: "sessions")
/// ```
///
/// For a service on one machine that wants nothing but a disk: no database, no client library, no dependency. Sessions
/// survive a restart, and several processes of one user may share the directory. Its locks and its renames need a local
/// file system: not a network's. Where SQLite is at hand, `SQLiteSessionStore` uses less space and writes faster.
///
/// The directory has to exist, to belong to the process's user and to be writable by nobody else; it is set to mode 0700,
/// files get 0600. Names in it are hashes and hexadecimal digits, and no symbolic link in it is followed (checklist ST-01,
/// ST-02).
///
/// A write takes the lock of one of 256 shards, puts the new record beside the old one and renames it: with
/// ``Configuration/Synchronous-swift.enum/full``, the default, both are on the disk before the write is answered.
/// Whenever a process dies, the old record or the new one is there, whole. A load takes no lock, unless this process is
/// changing that record and the disk has not confirmed it yet: then it waits for that. A file that holds no whole record
/// is moved to the directory's `damaged`, which is logged, and its session is gone.
///
/// Nothing blocks a thread of Swift's cooperative pool. Cancelling the task of a caller does not cut a method short: a
/// write that was queued is carried out and its outcome returned. ``Configuration/deadline`` bounds how long a call waits
/// and works. A write is one call; a load is one, and a second one where the file is damaged or being changed; what lists,
/// walks, counts or sweeps consists of many.
///
/// Every method throws ``SessionStoreError``, whose message says what to change.
public final class FileSessionStore: Sendable {
    let root: FileRoot
    let readers: FileCallQueue
    /// Lists, counts and sweeps, which may take long: no load waits for that.
    let scanner: FileCallQueue
    let writers: FileCallQueue
    let errors: FileErrors
    let logger: Logger
    let deadline: Duration
    /// What a sweep has read of the index and not looked into yet.
    let due = Mutex<[FileDueNote]>([])

    /// Opens the session directory at `directory`; makes its content if it is empty.
    ///
    /// This blocks for a moment, so call it when the application starts.
    ///
    /// - Parameters:
    ///   - directory: The path of a directory that is there, of this process's user, and that nobody else can write.
    ///   - configuration: Durability and limits.
    ///   - logger: Gets a warning for each file that was set aside.
    /// - Throws: ``SessionConfigurationError`` if the configuration does not make sense; ``SessionStoreError`` if the
    ///   directory cannot be used: `unavailable` if it is missing, `notPermitted` if it is another user's, if others may
    ///   write it (checklist CF-11) or this process may not, `unusable` if it is a link, holds other files or was made by
    ///   a later version of this package (none of them is changed), `locked` if another process is making it and does not
    ///   come to an end, `full` if there is no space.
    public convenience init(
        directory: String,
        configuration: Configuration = Configuration(),
        logger: Logger = Logger(label: "sessions.files")
    ) throws {
        try self.init(directory: directory, configuration: configuration, logger: logger, steps: FileSteps())
    }

    /// Opens the directory, with something that tests do at certain moments of a write.
    package init(directory: String, configuration: Configuration, logger: Logger, steps: FileSteps) throws {
        try configuration.validate()
        guard !directory.isEmpty, !directory.utf8.contains(0) else {
            throw SessionConfigurationError(.store, "A file store needs the path of a directory.")
        }
        let errors = FileErrors(path: directory)
        let root = try FileRoot(path: directory, configuration: configuration, errors: errors, steps: steps) { name in
            logger.warning(
                "A file in the session directory was damaged or put there by somebody else, and was set aside",
                metadata: ["directory": "\(directory)", "file": "damaged/\(name)"]
            )
        }
        readers = FileCallQueue(FileCallQueue.Limits(configuration, threads: configuration.readerCount), errors: errors)
        scanner = FileCallQueue(FileCallQueue.Limits(configuration, threads: 2), errors: errors)
        writers = FileCallQueue(
            FileCallQueue.Limits(configuration, threads: configuration.writerCount),
            lanes: FilePlace.shards,
            errors: errors
        ) { try root.lock($0) }
        self.root = root
        self.errors = errors
        self.logger = logger
        deadline = configuration.deadline
    }

    /// Carries out what is queued.
    ///
    /// Every later call of another method throws `unavailable`. Closing twice is no error. A store that is released
    /// without being closed loses nothing.
    ///
    /// - Throws: ``SessionStoreError`` with code `timedOut` after ``Configuration/deadline``, if the disk hangs. Nothing
    ///   that was answered is lost then.
    public func close() async throws {
        try await FileCallQueue.close([readers, scanner, writers], within: deadline, errors)
    }

    func write<Value: Sendable>(
        _ key: StoreKey,
        _ body: @escaping @Sendable (FileRoot) throws -> Value
    ) async throws -> Value {
        try await write(shard: FilePlace(key).shard, body)
    }

    func write<Value: Sendable>(
        shard: Int,
        _ body: @escaping @Sendable (FileRoot) throws -> Value
    ) async throws -> Value {
        try await writers.perform(lane: shard) { [root] in try body(root) }
    }

    func scan<Value: Sendable>(_ body: @escaping @Sendable (FileRoot) throws -> Value) async throws -> Value {
        try await scanner.perform { [root] in try body(root) }
    }
}

extension FileSessionStore: SessionStore {
    /// The record at `key`, from its file.
    public func load(_ key: StoreKey) async throws -> StoredRecord? {
        let place = FilePlace(key)
        let (found, isSettled) = try await readers.perform { [root] in
            // In this order: what is found here was unsettled before.
            let found = try root.find(place).found
            return (found, root.disk.isSettled(place))
        }
        switch found {
        case .missing where isSettled: return nil
        case .record(let record) where isSettled: return record
        // On the disk first, or out of the way: where the lock is held.
        default: return try await write(key) { try $0.present(place) }
        }
    }

    /// Keeps a new record; `false` if there is one at `key` already.
    public func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool {
        try await write(key) { try $0.insert(record, at: key) }
    }

    /// Replaces the record at `key` if its version is `version`; a conflict hands back the current record.
    public func replace(
        _ record: StoredRecord,
        at key: StoreKey,
        ifVersion version: RecordVersion
    ) async throws -> ReplaceOutcome {
        try await write(key) { try $0.replace(record, at: key, ifVersion: version) }
    }

    /// Moves the idle deadline forward if the record's version is `version`.
    public func touch(_ key: StoreKey, until deadline: Timestamp, ifVersion version: RecordVersion) async throws -> Bool
    {
        try await write(key) { try $0.touch(key, until: deadline, ifVersion: version) }
    }

    /// Deletes the record at `key`, if its version is `version` or that is `nil`.
    public func delete(_ key: StoreKey, ifVersion version: RecordVersion?) async throws -> Bool {
        try await write(key) { try $0.delete(FilePlace(key)) { version == nil || $0.version == version } }
    }
}
