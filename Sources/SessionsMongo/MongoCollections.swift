#if Mongo
import CMongoC
import Sessions

/// The two collections of a store, and how they come to be.
struct MongoCollections: Sendable {
    let records: String
    let epochs: String
    private let collectAfter: Int64

    init(_ configuration: MongoSessionStore.Configuration) {
        records = configuration.collection
        epochs = configuration.collection + "_epochs"
        collectAfter = configuration.collectAfter.components.seconds
    }

    /// Whether the servers are a replica set, or a router in front of some; checks that they can do what the store asks.
    func inspect(_ connection: MongoConnection, _ uri: MongoURI) throws -> Bool {
        var error = bson_error_t()
        guard let server = mongoc_client_select_server(connection.client, true, nil, &error) else {
            throw MongoFailure.error(error)
        }
        defer { mongoc_server_description_destroy(server) }
        let answer = CMongoC_hello(server)
        defer { CMongoC_destroy(answer) }
        let hello = answer.map { MongoDocument($0) }
        // 9 is MongoDB 4.4, the first with expressions in the projection of findAndModify.
        guard let version = hello?["maxWireVersion"]?.integer, version >= 9 else { throw MongoFailure.oldServer }
        var count = 0
        let members = mongoc_client_get_server_descriptions(connection.client, &count)
        defer { mongoc_server_descriptions_destroy_all(members, count) }
        // The members of a replica set are other machines than the ones that were named, perhaps.
        for index in 0..<count {
            guard let member = members?[index], let host = mongoc_server_description_host(member) else { continue }
            try uri.check(hosts: [String(cString: CMongoC_host(host))])
        }
        return mongoc_server_description_type(server).map { String(cString: $0) } != "Standalone"
    }

    /// Makes the indexes, and with them the collections, where they are not there; refuses another program's.
    func prepare(_ connection: MongoConnection) throws {
        let listing = try connection.read(
            MongoDocument([
                "listCollections": .int32(1),
                "filter": .document(["name": .document(["$in": .array([.string(records), .string(epochs)])])]),
            ])
        )
        for case .document(let collection) in try Self.batch(listing) {
            let options = collection.document("options")
            guard collection.string("type") == "collection", options?["capped"] == nil, options?["collation"] == nil
            else {
                throw MongoFailure.foreignCollection(collection.string("name") ?? records)
            }
        }
        let first = try connection.read(MongoDocument(["find": .string(records), "limit": .int32(1)]))
        for case .document(let document) in try Self.batch(first) where (try? MongoRecord.record(document)) == nil {
            throw MongoFailure.foreignCollection(records)
        }
        try makeIndexes(connection, records, "expiresAt", [byOwner])
        try makeIndexes(connection, epochs, "keptUntil", [])
    }

    /// The documents of a command's first batch.
    static func batch(_ reply: MongoDocument) throws -> [MongoValue] {
        guard let batch = reply.document("cursor")?.array("firstBatch") else { throw MongoFailure.foreign }
        return batch
    }

    private func collecting(_ field: String) -> MongoValue {
        .document([
            "key": .document(.init(dictionaryLiteral: (field, .int32(1)))), "name": .string("\(field)_1"),
            "expireAfterSeconds": .int64(collectAfter),
        ])
    }

    private var byOwner: MongoValue {
        .document([
            "key": .document(["owner": .int32(1), "_id": .int32(1)]), "name": .string("owner_1__id_1"),
            "partialFilterExpression": .document(["owner": .document(["$exists": .bool(true)])]),
        ])
    }

    private func makeIndexes(
        _ connection: MongoConnection,
        _ collection: String,
        _ field: String,
        _ others: [MongoValue]
    ) throws {
        var error: SessionStoreError?
        // Where several stores are opened at once, the server may ask for another attempt.
        for _ in 0..<3 {
            do {
                _ = try connection.write(
                    MongoDocument([
                        "createIndexes": .string(collection), "indexes": .array([collecting(field)] + others),
                    ])
                )
                return
            } catch let failure as SessionStoreError {
                if failure.message.hasSuffix("error 85)") || failure.message.hasSuffix("error 86)") {
                    throw MongoFailure.otherIndex(collection, field, collectAfter)
                }
                error = failure
            }
        }
        if let error { throw error }
    }
}
#endif
