#if Mongo
import Sessions

/// The commands of the store contract on connect-mongo's documents. Each changes one document, and so is atomic.
struct ConnectMongoCommands: Sendable {
    let collection: String
    /// What reads ask for; `nil` on a standalone server, which has nobody to ask.
    let level: String?
    /// Whether the servers know a write again.
    let retriesWrites: Bool
    let touchAfter: Duration
    /// Whether the documents say when they were made and changed.
    let keepsTimes: Bool
    let session: ConnectMongoSession

    /// The index that connect-mongo makes.
    func makeIndex(_ connection: MongoConnection) throws {
        let index: MongoValue = .document([
            "key": .document(["expires": .int32(1)]), "name": .string("expires_1"), "expireAfterSeconds": .int32(0),
        ])
        _ = try connection.write(
            MongoDocument(["createIndexes": .string(collection), "indexes": .array([index])])
        )
    }

    func load(_ id: String, _ connection: MongoConnection) throws -> StoredRecord? {
        var query = Self.isAlive
        query["_id"] = .string(id)
        return try find(query, connection).map(\.record)
    }

    /// What fits sessions that have not expired.
    private static var isAlive: MongoDocument {
        let now = MongoValue.date(SystemSessionClock().now().microseconds / 1000)
        return MongoDocument([
            "$or": .array([
                .document(["expires": .document(["$exists": .bool(false)])]),
                .document(["expires": .document(["$gt": now])]),
            ])
        ])
    }

    func insert(_ record: StoredRecord, _ id: String, _ connection: MongoConnection) throws -> Bool {
        var document = MongoDocument(["_id": .string(id)])
        document.fields += try change(record, session.value(record.payload)).fields
        if keepsTimes {
            let now = MongoRecord.date(SystemSessionClock().now())
            document["createdAt"] = now
            document["updatedAt"] = now
        }
        let reply = try write(
            MongoDocument(["insert": .string(collection), "documents": .array([.document(document)])]),
            connection
        )
        guard case .document(let error)? = reply.array("writeErrors")?.first else { return try Self.count(reply) == 1 }
        guard error["code"]?.integer == 11000 else { throw MongoFailure.server(error["code"]?.integer ?? 0) }
        return false
    }

    func replace(
        _ record: StoredRecord,
        _ id: String,
        _ payload: [UInt8],
        _ connection: MongoConnection
    ) throws -> ReplaceOutcome {
        if let query = try condition(id, payload, connection) {
            let value = try session.value(record.payload, over: query["session"])
            if try update(query, dated(MongoDocument(["$set": .document(change(record, value))])), connection) {
                return .replaced
            }
        }
        return try find(MongoDocument(["_id": .string(id)]), connection).map { .conflict($0.record) } ?? .gone
    }

    func touch(
        _ id: String,
        _ deadline: Timestamp,
        _ payload: [UInt8],
        _ connection: MongoConnection
    ) throws -> Bool {
        guard let query = try condition(id, payload, connection) else { return false }
        let later = MongoValue.document(["expires": MongoRecord.date(deadline)])
        guard touchAfter > .zero else { return try update(query, dated(MongoDocument(["$max": later])), connection) }
        // A session that was changed a moment ago is left as it is, and nothing is wrong with that.
        let now = SystemSessionClock().now()
        var due = query
        let before = MongoRecord.date(now - touchAfter)
        due["lastModified"] = .document(["$not": .document(["$gt": before])])
        let change = dated(MongoDocument(["$max": later, "$set": .document(["lastModified": MongoRecord.date(now)])]))
        if try update(due, change, connection) { return true }
        return try find(query, connection) != nil
    }

    /// Deletes the document of `id`, if `payload` is what it holds or that is `nil`.
    func delete(_ id: String, _ payload: [UInt8]?, _ connection: MongoConnection) throws -> Bool {
        var query = MongoDocument(["_id": .string(id)])
        if let payload {
            guard let condition = try condition(id, payload, connection) else { return false }
            query = condition
        }
        let reply = try write(
            MongoDocument([
                "delete": .string(collection),
                "deletes": .array([.document(["q": .document(query), "limit": .int32(1)])]),
            ]),
            connection
        )
        return try Self.count(reply) == 1
    }

    // MARK: Going through them

    var pages: MongoPages { MongoPages(collection: collection, level: level) }

    /// Up to `limit` sessions that have not expired and whose ids come after `id`, in the order of their ids.
    func entries(after id: String?, limit: Int32, _ connection: MongoConnection) throws -> [StoredEntry] {
        try pages.page(Self.isAlive, after: id, limit, connection).compactMap { document in
            guard let value = document["session"] else { throw MongoFailure.foreignSession }
            guard let key = document.string("_id").flatMap({ StoreKey(foreignID: $0) }) else { return nil }
            return StoredEntry(key: key, record: try record(document, value))
        }
    }

    /// Deletes up to `limit` documents that had expired at `cutoff`, whatever their `_id`; returns how many.
    ///
    /// Each is asked again for its end when it is deleted.
    func sweep(before cutoff: Timestamp, limit: Int32, _ connection: MongoConnection) throws -> Int {
        // No date at all is no such date: what has no end stays.
        var query = MongoDocument(["expires": .document(["$lt": MongoRecord.date(cutoff)])])
        let reply = try connection.read(
            MongoDocument([
                "find": .string(collection), "filter": .document(query), "projection": .document(["_id": .int32(1)]),
                "limit": .int32(limit), "batchSize": .int32(limit), "singleBatch": .bool(true),
            ])
        )
        let ids = try MongoCollections.batch(reply).compactMap { value -> MongoValue? in
            guard case .document(let document) = value else { throw MongoFailure.foreign }
            return document["_id"]
        }
        guard !ids.isEmpty else { return 0 }
        query["_id"] = .document(["$in": .array(ids)])
        // The servers know a write of one document again, and of several they do not.
        let answer = try connection.write(
            MongoDocument([
                "delete": .string(collection),
                "deletes": .array([.document(["q": .document(query), "limit": .int32(0)])]),
            ])
        )
        return Int(try Self.count(answer))
    }

    // MARK: Parts

    /// What a write puts into a document.
    private func change(_ record: StoredRecord, _ value: MongoValue) -> MongoDocument {
        var document = MongoDocument(["session": value, "expires": MongoRecord.date(record.expiresAt)])
        if touchAfter > .zero { document["lastModified"] = MongoRecord.date(SystemSessionClock().now()) }
        return document
    }

    /// A change of a document that is there, which says when it was made if the documents do.
    private func dated(_ change: MongoDocument) -> MongoDocument {
        guard keepsTimes else { return change }
        var change = change
        change["$currentDate"] = .document(["updatedAt": .bool(true)])
        return change
    }

    /// The document of `id`, if it holds `payload`; `nil` if it is known that it does not.
    ///
    /// What is encrypted differs each time, and a document has more than its JSON says. Both are read first, and the condition
    /// is that they are still what was read here.
    private func condition(_ id: String, _ payload: [UInt8], _ connection: MongoConnection) throws -> MongoDocument? {
        let query = MongoDocument(["_id": .string(id)])
        if session.isExact {
            guard let text = String(validating: payload, as: UTF8.self) else { return nil }
            return MongoDocument(["_id": .string(id), "session": .string(text)])
        }
        guard let found = try find(query, connection), try session.holds(payload, found.value) else { return nil }
        return MongoDocument(["_id": .string(id), "session": found.value])
    }

    /// A record, and what its session is kept as.
    private func find(
        _ query: MongoDocument,
        _ connection: MongoConnection
    ) throws -> (record: StoredRecord, value: MongoValue)? {
        let reply = try connection.read(
            MongoDocument([
                "find": .string(collection), "filter": .document(query), "limit": .int32(1),
                "singleBatch": .bool(true),
            ]),
            level: level
        )
        guard let first = try MongoCollections.batch(reply).first else { return nil }
        guard case .document(let document) = first, let value = document["session"] else {
            throw MongoFailure.foreignSession
        }
        return (try record(document, value), value)
    }

    private func record(_ document: MongoDocument, _ value: MongoValue) throws -> StoredRecord {
        var deadline: Timestamp?
        if case .date(let milliseconds)? = document["expires"] {
            deadline = Timestamp(microseconds: 0) + .milliseconds(milliseconds)
        }
        return StoredRecord(foreign: try session.payload(of: value), until: deadline)
    }

    private func write(_ command: MongoDocument, _ connection: MongoConnection) throws -> MongoDocument {
        try retriesWrites ? connection.writeRetrying(command) : connection.write(command)
    }

    /// Whether a document fitted the query.
    private func update(_ query: MongoDocument, _ change: MongoDocument, _ connection: MongoConnection) throws -> Bool {
        let reply = try write(
            MongoDocument([
                "update": .string(collection),
                "updates": .array([.document(["q": .document(query), "u": .document(change)])]),
            ]),
            connection
        )
        return try Self.count(reply) == 1
    }

    private static func count(_ reply: MongoDocument) throws -> Int64 {
        if case .document(let error)? = reply.array("writeErrors")?.first {
            throw MongoFailure.server(error["code"]?.integer ?? 0)
        }
        guard let count = reply["n"]?.integer else { throw MongoFailure.foreign }
        return count
    }
}
#endif
