#if SQLite
import Foundation
import GRDB
import Sessions

/// The statements of the store contract.
///
/// Values are always bound, never written into a statement (checklist ST-05).
struct SQLiteStatements: Sendable {
    let loadRecord: String
    let insertRecord: String
    let replaceRecord: String
    let touchRecord: String
    let matchRecord: String
    let deleteRecord: String
    let deleteVersion: String
    let deleteOwned: String
    let sweepRecords: String
    let recordsOfOwner: String
    let recordsAfter: String
    let countRecords: String
    let lastRow: String
    let deleteRows: String
    let loadEpoch: String
    let raiseEpoch: String
    let sweepEpochs: String

    init(_ schema: SQLiteSchema) {
        let (records, epochs) = (schema.records, schema.epochs)
        let columns = "payload, version, idle_deadline, absolute_deadline, owner"
        loadRecord = "SELECT \(columns) FROM \(records) WHERE key = ?1"
        insertRecord = """
            INSERT INTO \(records) (key, \(columns)) \
            VALUES (?1, coalesce(?2, x''), ?3, ?4, ?5, CAST(?6 AS TEXT)) ON CONFLICT (key) DO NOTHING
            """
        replaceRecord = """
            UPDATE \(records) SET payload = coalesce(?3, x''), version = ?4, idle_deadline = ?5, \
            absolute_deadline = ?6, owner = CAST(?7 AS TEXT) WHERE key = ?1 AND version = ?2
            """
        touchRecord = """
            UPDATE \(records) SET idle_deadline = ?3 WHERE key = ?1 AND version = ?2 AND idle_deadline < ?3
            """
        matchRecord = "SELECT 1 FROM \(records) WHERE key = ?1 AND version = ?2"
        deleteRecord = "DELETE FROM \(records) WHERE key = ?1"
        deleteVersion = "DELETE FROM \(records) WHERE key = ?1 AND version = ?2"
        deleteOwned = "DELETE FROM \(records) WHERE key = ?1 AND owner = CAST(?2 AS TEXT)"
        sweepRecords = """
            DELETE FROM \(records) WHERE rowid IN \
            (SELECT rowid FROM \(records) WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2)
            """
        recordsOfOwner = "SELECT \(columns), key FROM \(records) WHERE owner = CAST(?1 AS TEXT)"
        recordsAfter = "SELECT \(columns), key FROM \(records) WHERE key > ?1 ORDER BY key LIMIT ?2"
        countRecords = "SELECT count(*) FROM \(records)"
        lastRow = "SELECT max(rowid) FROM \(records)"
        deleteRows = """
            DELETE FROM \(records) WHERE rowid IN \
            (SELECT rowid FROM \(records) WHERE rowid <= ?1 ORDER BY rowid LIMIT ?2)
            """
        loadEpoch = "SELECT epoch FROM \(epochs) WHERE owner = CAST(?1 AS TEXT)"
        raiseEpoch = """
            INSERT INTO \(epochs) (owner, epoch, kept_until) VALUES (CAST(?1 AS TEXT), ?2, ?3) \
            ON CONFLICT (owner) DO UPDATE \
            SET epoch = max(epoch, excluded.epoch), kept_until = max(kept_until, excluded.kept_until)
            """
        sweepEpochs = """
            DELETE FROM \(epochs) WHERE owner IN \
            (SELECT owner FROM \(epochs) WHERE kept_until < ?1 ORDER BY kept_until LIMIT ?2)
            """
    }

    func load(_ key: StoreKey, in database: Database) throws -> StoredRecord? {
        let statement = try database.cachedStatement(sql: loadRecord)
        return try RecordRow.fetchOne(statement, arguments: [key.text])?.record
    }

    func insert(_ record: StoredRecord, at key: StoreKey, in database: Database) throws -> Bool {
        try change(insertRecord, [key.text] + arguments(record), in: database) == 1
    }

    func replace(
        _ record: StoredRecord,
        at key: StoreKey,
        ifVersion version: RecordVersion,
        in database: Database
    ) throws -> ReplaceOutcome {
        let changed = try change(replaceRecord, [key.text, version.signed] + arguments(record), in: database)
        if changed == 1 { return .replaced }
        // Same transaction, so this is the record that the condition was false for.
        return try load(key, in: database).map { .conflict($0) } ?? .gone
    }

    func touch(
        _ key: StoreKey,
        until deadline: Timestamp,
        ifVersion version: RecordVersion,
        in database: Database
    ) throws -> Bool {
        let moved = try change(touchRecord, [key.text, version.signed, deadline.microseconds], in: database)
        if moved == 1 { return true }
        let statement = try database.cachedStatement(sql: matchRecord)
        return try Int.fetchOne(statement, arguments: [key.text, version.signed]) != nil
    }

    func delete(_ key: StoreKey, ifVersion version: RecordVersion?, in database: Database) throws -> Bool {
        if let version {
            try change(deleteVersion, [key.text, version.signed], in: database) == 1
        } else {
            try change(deleteRecord, [key.text], in: database) == 1
        }
    }

    func delete(_ key: StoreKey, ifOwner owner: OwnerKey, in database: Database) throws -> Bool {
        try change(deleteOwned, [key.text, argument(owner)], in: database) == 1
    }

    func sweep(expiredBefore cutoff: Timestamp, limit: Int, in database: Database) throws -> Int {
        try change(sweepRecords, [cutoff.microseconds, limit], in: database)
    }

    func forgetEpochs(keptUntil cutoff: Timestamp, limit: Int, in database: Database) throws -> Int {
        try change(sweepEpochs, [cutoff.microseconds, limit], in: database)
    }

    func entries(of owner: OwnerKey, in database: Database) throws -> [StoredEntry] {
        let statement = try database.cachedStatement(sql: recordsOfOwner)
        return try EntryRow.fetchAll(statement, arguments: [argument(owner)]).compactMap(\.entry)
    }

    func entries(after key: StoreKey?, limit: Int, in database: Database) throws -> [StoredEntry] {
        let statement = try database.cachedStatement(sql: recordsAfter)
        return try EntryRow.fetchAll(statement, arguments: [key?.text ?? "", limit]).compactMap(\.entry)
    }

    func count(in database: Database) throws -> Int {
        try Int.fetchOne(database.cachedStatement(sql: countRecords)) ?? 0
    }

    /// The row that was written last; `nil` if there is none.
    func lastRow(in database: Database) throws -> Int64? {
        try Int64.fetchOne(database.cachedStatement(sql: lastRow))
    }

    func delete(upToRow row: Int64, limit: Int, in database: Database) throws -> Int {
        try change(deleteRows, [row, limit], in: database)
    }

    func epoch(of owner: OwnerKey, in database: Database) throws -> Timestamp? {
        let statement = try database.cachedStatement(sql: loadEpoch)
        return try Int64.fetchOne(statement, arguments: [argument(owner)]).map(Timestamp.init(microseconds:))
    }

    func raiseEpoch(of owner: OwnerKey, to epoch: Timestamp, keptUntil: Timestamp, in database: Database) throws {
        let values: StatementArguments = [argument(owner), epoch.microseconds, keptUntil.microseconds]
        _ = try change(raiseEpoch, values, in: database)
    }

    /// Carries out a statement; returns the number of rows it changed.
    private func change(_ sql: String, _ values: StatementArguments, in database: Database) throws -> Int {
        try database.cachedStatement(sql: sql).execute(arguments: values)
        return database.changesCount
    }

    private func arguments(_ record: StoredRecord) -> StatementArguments {
        [
            Data(record.payload), record.version.signed, record.idleDeadline.microseconds,
            record.absoluteDeadline.microseconds, record.owner.map(argument),
        ]
    }

    /// The owner as bytes where text would not do: bound as text, it would end at a NUL, and be another owner.
    private func argument(_ owner: OwnerKey) -> DatabaseValue {
        owner.text.utf8.contains(0) ? Data(owner.text.utf8).databaseValue : owner.text.databaseValue
    }
}

extension RecordVersion {
    /// The same bits, as SQLite keeps them.
    var signed: Int64 { Int64(bitPattern: rawValue) }
}
#endif
