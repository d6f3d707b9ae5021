import Synchronization

/// The sessions of a Remix application in its file storage (`createFsSessionStorage`): its directory, its names, its JSON.
///
/// ```swift
/// let sessions = try SessionManager.remix(
///     secrets: ["s3cr3t"],
///     store: RemixFileStore(directory: "/var/lib/shop/sessions"),
///     acknowledging: [.concurrentChangesAreLost, .endedSessionsComeBack]
/// )
/// ```
///
/// A session is one file, whose name is the SHA-256 of its id. A write of this package holds a lock, puts the new file
/// beside the old one and renames it, so that whoever reads finds the one or the other, whole; it depends on the file still
/// being, byte for byte, what was read. Processes of this package that share the directory lose no change. Remix takes no
/// lock and writes into the file: what it writes at the same moment wins or is lost.
///
/// Remix's files have no deadline. Here a file's time of change stands for the session's last use: a session that Remix has
/// written lives for `lifetime` from then on, and a touch moves that time. Remix never deletes what nobody uses any more;
/// ``sweep(expiredBefore:limit:)`` does.
///
/// The directory has to belong to the process's user, as which Remix has to run too; it is set to mode 0700, new files get
/// 0600, and no symbolic link in it is followed (checklist ST-01, ST-02). This package keeps its locks in
/// `.swift-sessions` there, which Remix does not look at. It needs a local file system: not a network's.
///
/// Every method throws ``SessionStoreError``, whose message says what to change. ``FileSessionStore`` is the store for a
/// service that shares its files with nobody.
public final class RemixFileStore: Sendable {
    private let files: RemixFiles
    private let readers: FileCallQueue
    private let writers: FileCallQueue
    private let errors: FileErrors
    private let deadline: Duration
    /// The directory at which the next sweep goes on.
    private let sweptUntil = Mutex(0)

    /// Opens the session directory at `directory`, and makes it if there is none.
    ///
    /// This blocks for a moment, so call it when the application starts.
    ///
    /// - Parameters:
    ///   - directory: The path that `createFsSessionStorage` is given.
    ///   - lifetime: How long a session lives after Remix has written it: the idle time of the manager's configuration.
    ///     Default 30 days, as with ``SessionConfiguration/remix(name:maxAge:)``.
    ///   - configuration: Durability and limits.
    /// - Throws: ``SessionConfigurationError`` if the configuration does not make sense; ``SessionStoreError`` if the
    ///   directory cannot be used: `unavailable` if it cannot be made, `notPermitted` if it is another user's, if others may
    ///   write it (checklist CF-11) or this process may not, `unusable` if it is a file or a link or holds other files.
    public convenience init(
        directory: String,
        lifetime: Duration = .seconds(30 * 86_400),
        configuration: FileSessionStore.Configuration = .init()
    ) throws {
        try self.init(directory: directory, lifetime: lifetime, configuration: configuration, steps: FileSteps())
    }

    /// Opens the directory, with something that tests do at certain moments of a write.
    package init(
        directory: String,
        lifetime: Duration,
        configuration: FileSessionStore.Configuration,
        steps: FileSteps
    ) throws {
        try configuration.validate()
        guard !directory.isEmpty, !directory.utf8.contains(0) else {
            throw SessionConfigurationError(.store, "A file store needs the path of a directory.")
        }
        guard lifetime > .zero, lifetime <= SessionLifetime.longest else {
            throw SessionConfigurationError(
                .lifetime,
                "The lifetime of Remix's files (\(lifetime)) must be longer than zero and at most 400 days. Set it to the "
                    + "idle time of the manager's configuration."
            )
        }
        let errors = FileErrors(path: directory)
        let files = try RemixFiles(
            path: directory,
            lifetime: lifetime,
            configuration: configuration,
            errors: errors,
            steps: steps
        )
        readers = FileCallQueue(FileCallQueue.Limits(configuration, threads: configuration.readerCount), errors: errors)
        writers = FileCallQueue(
            FileCallQueue.Limits(configuration, threads: configuration.writerCount),
            lanes: FilePlace.shards,
            errors: errors
        ) { try files.locks.lock($0) }
        self.files = files
        self.errors = errors
        deadline = configuration.deadline
    }

    /// Carries out what is queued; every later call of another method throws `unavailable`. Closing twice is no error.
    ///
    /// - Throws: ``SessionStoreError`` with code `timedOut` if the disk hangs.
    public func close() async throws {
        try await FileCallQueue.close([readers, writers], within: deadline, errors)
    }

    private func place(_ key: StoreKey) throws -> FilePlace {
        guard let id = key.foreignID else {
            throw SessionStoreError(.unusable, "This is the key of no session. Look sessions up by their id.")
        }
        return RemixFiles.place(id)
    }

    private func write<Value: Sendable>(
        _ place: FilePlace,
        _ body: @escaping @Sendable (RemixFiles) throws -> Value
    ) async throws -> Value {
        try await writers.perform(lane: place.shard) { [files] in try body(files) }
    }
}

extension RemixFileStore: PayloadConditionalSessionStore {
    /// The session at `key`, with the time it has left as its idle deadline.
    public func load(_ key: StoreKey) async throws -> StoredRecord? {
        let place = try place(key)
        let (found, isSettled) = try await readers.perform { [files] in
            // In this order: what is found here was unsettled before.
            let found = try files.load(place)
            return (found, files.disk.isSettled(place))
        }
        if isSettled { return found }
        // On the disk first, where the lock is held.
        return try await write(place) { try $0.present(place) }
    }

    /// Keeps a new session; `false` if there is one at `key` already.
    public func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool {
        let place = try place(key)
        return try await write(place) { try $0.insert(record, place) }
    }

    /// Replaces the file if it is still `payload`; a conflict hands back what is there.
    public func replace(
        _ record: StoredRecord,
        at key: StoreKey,
        ifPayload payload: [UInt8]
    ) async throws -> ReplaceOutcome {
        let place = try place(key)
        return try await write(place) { try $0.replace(record, place, ifPayload: payload) }
    }

    /// Moves the file's time of change forward if it is still `payload`.
    public func touch(_ key: StoreKey, until deadline: Timestamp, ifPayload payload: [UInt8]) async throws -> Bool {
        let place = try place(key)
        return try await write(place) { try $0.touch(place, until: deadline, ifPayload: payload) }
    }

    /// Deletes the file if it is still `payload`.
    public func delete(_ key: StoreKey, ifPayload payload: [UInt8]) async throws -> Bool {
        let place = try place(key)
        return try await write(place) { try $0.delete(place) { $0.payload == payload } }
    }

    /// Deletes the file, whatever it says.
    public func delete(_ key: StoreKey) async throws -> Bool {
        let place = try place(key)
        return try await write(place) { try $0.delete(place) { _ in true } }
    }
}

extension RemixFileStore: SweepingSessionStore {
    /// Deletes up to `limit` sessions that nobody has used for so long, as their files' time of change tells.
    ///
    /// The layout has no index by deadline, so it looks at every file, 256 directories in turn; the next sweep goes on where
    /// this one has reached its limit. Once an hour or once a day is enough.
    ///
    /// - Throws: ``SessionStoreError``, and `CancellationError` between two directories.
    public func sweep(expiredBefore cutoff: Timestamp, limit: Int) async throws -> Int {
        var deleted = 0
        let first = sweptUntil.withLock { $0 }
        for step in 0..<FilePlace.shards where deleted < limit {
            try Task.checkCancellation()
            let shard = (first + step) % FilePlace.shards
            let left = limit - deleted
            let places = try await readers.perform { [files] in
                try files.expired(in: shard, before: cutoff, limit: left)
            }
            for place in places {
                let isDeleted = try await write(place) { try $0.collect(place, before: cutoff) }
                if isDeleted { deleted += 1 }
            }
            // One that was full has more.
            sweptUntil.withLock { $0 = places.count == left ? shard : (shard + 1) % FilePlace.shards }
        }
        return deleted
    }
}
