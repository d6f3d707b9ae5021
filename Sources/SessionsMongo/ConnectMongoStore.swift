#if Mongo
import Foundation
public import Sessions

/// The records of a Node service on express-session and connect-mongo: its documents, its JSON, its expiry.
///
/// ```swift
/// let sessions = try SessionManager.express(
///     secrets: ["keyboard cat"],
///     store: try await ConnectMongoStore("mongodb://shop@db1,db2/shop?replicaSet=rs0&tls=true"),
///     acknowledging: [.concurrentChangesAreLost, .endedSessionsComeBack, .keysAreCredentials]
/// )
/// ```
///
/// A session is one document, its id in `_id`, its JSON a text in `session`, its end a date in `expires`. Each operation is one
/// command that changes one document; the condition of a write is that `session` is still what was read. Node asks for no
/// condition, and writes whatever is there. (A conflict, and a conditional write of what is encrypted or a document, take two.)
///
/// With `stringify: false` the session is a document itself. Values that JSON has no word for read as objects, a date as
/// `{"$date": "2026-11-21T02:50:01.744Z"}` (MongoDB's relaxed extended JSON), and written like that they are dates again.
/// Members of the session that do not change stay as they are.
///
/// Connections, deadlines and what an answered write survives are those of ``MongoSessionStore``.
public final class ConnectMongoStore: Sendable {
    private let queue: MongoQueue
    private let commands: ConnectMongoCommands
    private let transformID: (@Sendable (String) -> String)?

    /// Opens the database that `connection` leads to.
    ///
    /// - Parameters:
    ///   - connection: See ``MongoSessionStore/init(_:configuration:)``.
    ///   - collectionName: connect-mongo's `collectionName`. Default `sessions`.
    ///   - touchAfter: connect-mongo's `touchAfter`: how long after its last change a session is not touched. Default zero.
    ///     More than that keeps `lastModified` in the documents, as Node does.
    ///   - stringify: connect-mongo's `stringify`: whether the session is kept as a text. Default `true`; `false` if Node keeps
    ///     it as a document. With an encryption it makes no difference, as connect-mongo 6 encrypts the JSON either way.
    ///   - timestamps: connect-mongo's `timestamps`: whether the documents say in `createdAt` and `updatedAt` when they were
    ///     made, and changed or touched. Default `false`.
    ///   - transformID: connect-mongo's `transformId`: makes the `_id` of a session's id. By default it is that. With one, the
    ///     keys of ``entries(after:limit:)`` are of documents, and lead to no session; `deleteAll(where:)` ends none.
    ///   - encryption: connect-mongo's `cryptoAdapter`; `nil`, as by default, if Node has none. What is not encrypted is then
    ///     refused (a document) or nobody's session (a text).
    ///   - createsIndex: Whether the index is made that has the server delete what has expired, as connect-mongo makes it with
    ///     `autoRemove: 'native'`. Default `true`. With `false`, a `SessionSweeper` does what `autoRemove: 'interval'` does, and
    ///     nothing is `disabled`.
    ///   - configuration: How the store uses its database; its `collection` and `collectAfter` mean nothing here.
    /// - Throws: What ``MongoSessionStore/init(_:configuration:)`` throws.
    public init(
        _ connection: String,
        collectionName: String = "sessions",
        touchAfter: Duration = .zero,
        stringify: Bool = true,
        timestamps: Bool = false,
        transformID: (@Sendable (String) -> String)? = nil,
        encryption: ConnectMongoEncryption? = nil,
        createsIndex: Bool = true,
        configuration: MongoSessionStore.Configuration = .init()
    ) async throws {
        try configuration.validate()
        guard !collectionName.isEmpty, collectionName.utf8.count <= 120, !collectionName.utf8.contains(0),
            !collectionName.utf8.contains(UInt8(ascii: "$"))
        else {
            throw SessionConfigurationError(
                .store,
                "collectionName is 1 to 120 bytes, none of which is zero or a dollar sign. Take the name that Node has."
            )
        }
        guard touchAfter >= .zero else {
            throw SessionConfigurationError(
                .limit,
                "A touchAfter of \(touchAfter) makes no sense. Set it to zero or more."
            )
        }
        self.transformID = transformID
        let session: ConnectMongoSession = encryption.map { .encrypted($0) } ?? (stringify ? .text : .document)
        let uri = try MongoURI(connection, configuration: configuration)
        let settings = MongoSettings(
            configuration: configuration,
            database: configuration.database ?? uri.database ?? "test"
        )
        // It may wait for a name server.
        let pool = try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try MongoPool(uri, settings) }) }
        }
        let queue = MongoQueue(pool, configuration)
        do {
            commands = try await queue.perform { connection in
                let isReplicated = try MongoCollections(configuration).inspect(connection, uri)
                let commands = ConnectMongoCommands(
                    collection: collectionName,
                    level: isReplicated ? configuration.reads.level : nil,
                    retriesWrites: isReplicated && uri.retriesWrites,
                    touchAfter: touchAfter,
                    keepsTimes: timestamps,
                    session: session
                )
                if createsIndex { try commands.makeIndex(connection) }
                return commands
            }
            self.queue = queue
        } catch {
            queue.end()
            throw error
        }
    }

    deinit { queue.end() }

    /// Carries out what has been asked for, and closes the connections.
    ///
    /// Every later call of another method throws `unavailable`. Closing twice is no error.
    ///
    /// - Throws: `SessionStoreError` with code `timedOut` if the server does not answer within the deadline.
    public func close() async throws { try await queue.close() }

    private func perform<Value: Sendable>(
        _ key: StoreKey,
        _ body: @escaping @Sendable (ConnectMongoCommands, String, MongoConnection) throws -> Value
    ) async throws -> Value {
        guard let id = key.foreignID.map({ transformID?($0) ?? $0 }), !id.utf8.contains(0) else {
            throw MongoFailure.foreign
        }
        return try await queue.perform { [commands] in try body(commands, id, $0) }
    }
}

extension ConnectMongoStore: PayloadConditionalSessionStore {
    /// The record at `key`; `nil` if it has expired.
    public func load(_ key: StoreKey) async throws -> StoredRecord? {
        try await perform(key) { try $0.load($1, $2) }
    }

    /// Keeps a new record; `false` if there is a document at `key` already, expired or not.
    public func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool {
        try await perform(key) { try $0.insert(record, $1, $2) }
    }

    /// Replaces `session` and `expires` at `key` if `session` is still `payload`; a conflict hands back what is there.
    public func replace(
        _ record: StoredRecord,
        at key: StoreKey,
        ifPayload payload: [UInt8]
    ) async throws -> ReplaceOutcome {
        try await perform(key) { try $0.replace(record, $1, payload, $2) }
    }

    /// Moves `expires` forward if `session` is still `payload`; not within `touchAfter` of the last change.
    public func touch(_ key: StoreKey, until deadline: Timestamp, ifPayload payload: [UInt8]) async throws -> Bool {
        try await perform(key) { try $0.touch($1, deadline, payload, $2) }
    }

    /// Deletes the document at `key` if `session` is still `payload`.
    public func delete(_ key: StoreKey, ifPayload payload: [UInt8]) async throws -> Bool {
        try await perform(key) { try $0.delete($1, payload, $2) }
    }

    /// Deletes the document at `key`, whatever it says.
    public func delete(_ key: StoreKey) async throws -> Bool {
        try await perform(key) { try $0.delete($1, nil, $2) }
    }
}

/// connect-mongo's `autoRemove: 'interval'`, in place of the server's index.
extension ConnectMongoStore: SweepingSessionStore {
    /// Deletes up to `limit` documents whose `expires` is before `cutoff`, by commands of up to 500.
    ///
    /// What was touched or written meanwhile stays. Without an index on `expires` each command reads the whole collection, as
    /// Node's own do.
    public func sweep(expiredBefore cutoff: Timestamp, limit: Int) async throws -> Int {
        var deleted = 0
        while deleted < limit {
            let step = Int32(min(limit - deleted, 500))
            let count = try await queue.perform { [commands] in try commands.sweep(before: cutoff, limit: step, $0) }
            if count == 0 { break }
            deleted += count
        }
        return deleted
    }
}

/// connect-mongo's `length`, `all` and `clear`.
extension ConnectMongoStore: EnumerableSessionStore {
    /// How many sessions there are, those that have expired and are not collected yet included.
    public func count() async throws -> Int {
        try await queue.perform { [commands] in try commands.pages.count($0) }
    }

    /// Up to `limit` sessions that have not expired and whose ids come after that of `key`, in the order of their ids.
    public func entries(after key: StoreKey?, limit: Int) async throws -> [StoredEntry] {
        var (entries, last) = ([StoredEntry](), key)
        while entries.count < limit {
            let (id, count) = (last?.foreignID, Int32(clamping: min(limit - entries.count, 500)))
            let page = try await queue.perform { [commands] in try commands.entries(after: id, limit: count, $0) }
            guard let next = page.last?.key else { break }
            entries += page
            last = next
        }
        return entries
    }

    /// Deletes every session that is there when it is called, by commands of up to 1000. The index stays.
    public func removeAll() async throws {
        var last: String? = ""
        while let id = last {
            last = try await queue.perform { [commands] in try commands.pages.clear(after: id, $0) }
        }
    }
}
#endif
