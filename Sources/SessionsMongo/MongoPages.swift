#if Mongo
import Sessions

/// Goes through the documents of a collection whose `_id` is a text, page by page in the order of that.
///
/// No cursor: it would be lost with the primary, and nobody would close it.
struct MongoPages: Sendable {
    let collection: String
    /// What reads ask for; `nil` on a standalone server, which has nobody to ask.
    let level: String?

    /// Only keys that are text: another program's are not ours to show.
    private static let text = MongoDocument(["$gte": .string("")])

    func count(_ connection: MongoConnection) throws -> Int {
        let reply = try connection.read(
            MongoDocument([
                "aggregate": .string(collection),
                "pipeline": .array([
                    .document(["$match": .document(["_id": .document(Self.text)])]),
                    .document(["$group": .document(["_id": .int32(1), "count": .document(["$sum": .int32(1)])])]),
                ]),
                "cursor": .document([:]),
            ])
        )
        guard case .document(let group)? = try MongoCollections.batch(reply).first else { return 0 }
        guard let count = group["count"]?.integer else { throw MongoFailure.foreign }
        return Int(count)
    }

    /// The documents that fit `filter` and come after `key`.
    ///
    /// Fewer than the limit may come because they fill a reply: only none at all are the end.
    func page(
        _ filter: MongoDocument = MongoDocument(),
        after key: String?,
        _ limit: Int32,
        _ connection: MongoConnection
    ) throws -> [MongoDocument] {
        var filter = filter
        filter["_id"] = .document(key.map { MongoDocument(["$gt": .string($0)]) } ?? Self.text)
        let reply = try connection.read(
            MongoDocument([
                "find": .string(collection),
                "filter": .document(filter),
                "sort": .document(["_id": .int32(1)]),
                "limit": .int32(limit), "batchSize": .int32(limit), "singleBatch": .bool(true),
            ]),
            level: level
        )
        return try MongoCollections.batch(reply).map { value in
            guard case .document(let document) = value else { throw MongoFailure.foreign }
            return document
        }
    }

    /// Deletes the first documents after `key`; returns the key of the last one, or `nil` if there was none.
    func clear(after key: String, _ connection: MongoConnection) throws -> String? {
        let reply = try connection.read(
            MongoDocument([
                "find": .string(collection),
                "filter": .document(["_id": .document(["$gt": .string(key)])]),
                "sort": .document(["_id": .int32(1)]),
                "projection": .document(["_id": .int32(1)]),
                "limit": .int32(1000), "batchSize": .int32(1000), "singleBatch": .bool(true),
            ])
        )
        guard case .document(let document)? = try MongoCollections.batch(reply).last, let last = document.string("_id")
        else {
            return nil
        }
        let range = MongoValue.document(["_id": .document(["$gt": .string(key), "$lte": .string(last)])])
        // The servers know a write of one document again, and of several they do not.
        let answer = try connection.write(
            MongoDocument([
                "delete": .string(collection),
                "deletes": .array([.document(["q": range, "limit": .int32(0)])]),
            ])
        )
        if case .document(let error)? = answer.array("writeErrors")?.first {
            throw MongoFailure.server(error["code"]?.integer ?? 0)
        }
        return last
    }
}
#endif
