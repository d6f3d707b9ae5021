#if Mongo
import Sessions

/// The commands of the store contract. Each changes one document, and so is atomic.
///
/// Keys, owners and payloads travel as values and never as parts of a query's structure (checklist ST-05).
struct MongoCommands: Sendable {
    private let records: String
    private let epochs: String
    /// What reads ask for; `nil` on a standalone server, which has nobody to ask.
    private let level: String?

    /// Whether the servers know a write again.
    private let retriesWrites: Bool

    init(_ collections: MongoCollections, level: String?, retriesWrites: Bool) {
        self.retriesWrites = retriesWrites
        records = collections.records
        epochs = collections.epochs
        self.level = level
    }

    // MARK: Records

    func load(_ key: StoreKey, _ connection: MongoConnection) throws -> StoredRecord? {
        try first(records, key.text, connection).map { try MongoRecord.record($0) }
    }

    func insert(_ record: StoredRecord, _ key: StoreKey, _ connection: MongoConnection) throws -> Bool {
        let document = MongoRecord.document(record, at: key)
        let reply = try write(
            MongoDocument(["insert": .string(records), "documents": .array([.document(document)])]),
            connection
        )
        guard try Self.isDuplicate(reply) else { return try Self.count(reply) == 1 }
        return false
    }

    /// The document as it was before comes back: of the version that was asked for, and then it is replaced; or of another one,
    /// and then it is not, and it is the current record.
    ///
    /// Where the version is another one, the document is replaced by itself: that is no change, but waits until the current
    /// record is as confirmed as a change would be.
    func replace(
        _ record: StoredRecord,
        _ key: StoreKey,
        _ version: RecordVersion,
        _ connection: MongoConnection
    ) throws -> ReplaceOutcome {
        let isVersion = MongoValue.document(["$eq": .array([.string("$version"), MongoRecord.version(version)])])
        let new = MongoRecord.document(record, at: key)
        let replacement = MongoValue.document([
            "$cond": .array([isVersion, .document(["$literal": .document(new)]), .string("$$ROOT")])
        ])
        let reply = try write(
            MongoDocument([
                "findAndModify": .string(records),
                "query": .document(["_id": .string(key.text)]),
                "update": .array([.document(["$replaceWith": replacement])]),
                // A payload that was replaced does not travel back.
                "fields": .document([
                    "version": .int32(1), "idle": .int32(1), "absolute": .int32(1), "owner": .int32(1),
                    "payload": .document(["$cond": .array([isVersion, .string("$$REMOVE"), .string("$payload")])]),
                ]),
            ]),
            connection
        )
        guard let before = reply.document("value") else { return .gone }
        return try MongoRecord.version(of: before) == version ? .replaced : .conflict(MongoRecord.record(before))
    }

    func touch(
        _ key: StoreKey,
        _ deadline: Timestamp,
        _ version: RecordVersion,
        _ connection: MongoConnection
    ) throws -> Bool {
        // The record may be collected a little later than its absolute deadline says, which that of the touch exceeds never by
        // much: the manager has decided long before.
        let change: MongoDocument = MongoDocument([
            "$max": .document(["idle": .int64(deadline.microseconds), "expiresAt": MongoRecord.date(deadline)])
        ])
        let query = MongoDocument(["_id": .string(key.text), "version": MongoRecord.version(version)])
        return try update(records, query, change, connection) == 1
    }

    func delete(_ key: StoreKey, _ condition: MongoDocument, _ connection: MongoConnection) throws -> Bool {
        var query = MongoDocument(["_id": .string(key.text)])
        query.fields += condition.fields
        return try delete(query, limit: 1, connection) == 1
    }

    // MARK: Owners

    func entries(
        of owner: OwnerKey,
        after key: StoreKey?,
        limit: Int32,
        _ connection: MongoConnection
    ) throws -> (entries: [StoredEntry], next: StoreKey?) {
        try entries(MongoDocument(["owner": .string(owner.text)]), after: key, limit: limit, connection)
    }

    func epoch(of owner: OwnerKey, _ connection: MongoConnection) throws -> Timestamp? {
        guard let document = try first(epochs, owner.text, connection) else { return nil }
        guard let epoch = document.int64("epoch") else { throw MongoFailure.foreign }
        return Timestamp(microseconds: epoch)
    }

    func raiseEpoch(
        of owner: OwnerKey,
        _ epoch: Timestamp,
        _ keptUntil: Timestamp,
        _ connection: MongoConnection
    ) throws {
        let change: MongoDocument = MongoDocument([
            "$max": .document(["epoch": .int64(epoch.microseconds), "keptUntil": MongoRecord.date(keptUntil)])
        ])
        // Two that make the document at the same time may both find none. The larger value stays in whatever order.
        for _ in 0..<3 {
            let query = MongoDocument(["_id": .string(owner.text)])
            if try update(epochs, query, change, isUpsert: true, connection) != nil { return }
        }
        throw MongoFailure.server(112)
    }

    // MARK: Everything

    func count(_ connection: MongoConnection) throws -> Int { try pages.count(connection) }

    func entries(
        _ filter: MongoDocument = MongoDocument(),
        after key: StoreKey?,
        limit: Int32,
        _ connection: MongoConnection
    ) throws -> (entries: [StoredEntry], next: StoreKey?) {
        let entries = try pages.page(filter, after: key?.text, limit, connection).compactMap(MongoRecord.entry)
        return (entries, entries.last?.key)
    }

    /// Deletes the first records after `key`; returns the key of the last one, or `nil` if there was none.
    func clear(after key: String, _ connection: MongoConnection) throws -> String? {
        try pages.clear(after: key, connection)
    }

    private var pages: MongoPages { MongoPages(collection: records, level: level) }

    // MARK: Parts

    /// Carries out a write of one document.
    private func write(_ command: MongoDocument, _ connection: MongoConnection) throws -> MongoDocument {
        try retriesWrites ? connection.writeRetrying(command) : connection.write(command)
    }

    private func first(_ collection: String, _ key: String, _ connection: MongoConnection) throws -> MongoDocument? {
        let reply = try connection.read(
            MongoDocument([
                "find": .string(collection),
                "filter": .document(["_id": .string(key)]),
                "limit": .int32(1), "singleBatch": .bool(true),
            ]),
            level: level
        )
        switch try MongoCollections.batch(reply).first {
        case nil: return nil
        case .document(let document)?: return document
        default: throw MongoFailure.foreign
        }
    }

    /// How many documents matched; `nil` if another one with this key came between, which only an upsert can meet.
    private func update(
        _ collection: String,
        _ query: MongoDocument,
        _ change: MongoDocument,
        isUpsert: Bool = false,
        _ connection: MongoConnection
    ) throws -> Int64? {
        let reply = try write(
            MongoDocument([
                "update": .string(collection),
                "updates": .array([
                    .document(["q": .document(query), "u": .document(change), "upsert": .bool(isUpsert)])
                ]),
            ]),
            connection
        )
        return try Self.isDuplicate(reply) ? nil : Self.count(reply)
    }

    private func delete(_ query: MongoDocument, limit: Int32, _ connection: MongoConnection) throws -> Int64 {
        let command = MongoDocument([
            "delete": .string(records),
            "deletes": .array([.document(["q": .document(query), "limit": .int32(limit)])]),
        ])
        // The servers know a write of one document again, and of several they do not.
        let reply = try limit == 1 ? write(command, connection) : connection.write(command)
        guard try !Self.isDuplicate(reply) else { throw MongoFailure.foreign }
        return try Self.count(reply)
    }

    private static func count(_ reply: MongoDocument) throws -> Int64 {
        guard let count = reply["n"]?.integer else { throw MongoFailure.foreign }
        return count
    }

    /// Whether the only error is that the key is taken; any other one is thrown.
    private static func isDuplicate(_ reply: MongoDocument) throws -> Bool {
        guard case .document(let error)? = reply.array("writeErrors")?.first else { return false }
        let number = error["code"]?.integer ?? 0
        guard number == 11000 else { throw MongoFailure.server(number) }
        return true
    }
}
#endif
