#if Mongo
import Sessions

/// How a record is a document of the collection.
enum MongoRecord {
    /// The document of a record, its key in `_id`.
    ///
    /// Deadlines are whole microseconds, which a BSON date does not have; `expiresAt` is a date for the index that collects.
    static func document(_ record: StoredRecord, at key: StoreKey) -> MongoDocument {
        var document: MongoDocument = MongoDocument([
            "_id": .string(key.text),
            "version": version(record.version),
            "idle": .int64(record.idleDeadline.microseconds),
            "absolute": .int64(record.absoluteDeadline.microseconds),
            "expiresAt": date(record.expiresAt),
        ])
        if let owner = record.owner { document["owner"] = .string(owner.text) }
        document["payload"] = .bytes(record.payload)
        return document
    }

    static func version(_ version: RecordVersion) -> MongoValue { .int64(Int64(bitPattern: version.rawValue)) }

    /// The first date that is not before `time`.
    static func date(_ time: Timestamp) -> MongoValue {
        let (quotient, remainder) = time.microseconds.quotientAndRemainder(dividingBy: 1000)
        return .date(remainder > 0 ? quotient + 1 : quotient)
    }

    /// The version of a document, if it is a record's.
    static func version(of document: MongoDocument) throws -> RecordVersion {
        guard let version = document.int64("version") else { throw MongoFailure.foreign }
        return RecordVersion(rawValue: UInt64(bitPattern: version))
    }

    /// The record that a document is.
    ///
    /// - Throws: `unusable`, if this package did not write it: another program may write what it likes.
    static func record(_ document: MongoDocument) throws -> StoredRecord {
        guard let payload = document.bytes("payload"), let idle = document.int64("idle"),
            let absolute = document.int64("absolute")
        else { throw MongoFailure.foreign }
        var owner: OwnerKey?
        if let value = document["owner"] {
            guard case .string(let text) = value else { throw MongoFailure.foreign }
            owner = OwnerKey(text)
        }
        return StoredRecord(
            payload: payload,
            version: try version(of: document),
            idleDeadline: Timestamp(microseconds: idle),
            absoluteDeadline: Timestamp(microseconds: absolute),
            owner: owner
        )
    }

    /// The entry that a document is; `nil` if its key is none.
    static func entry(_ document: MongoDocument) throws -> StoredEntry? {
        guard let key = document.string("_id").flatMap({ StoreKey($0) }) else { return nil }
        return StoredEntry(key: key, record: try record(document))
    }
}
#endif
