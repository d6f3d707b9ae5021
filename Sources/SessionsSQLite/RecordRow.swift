#if SQLite
import Foundation
import GRDB
import Sessions

/// A value read straight from a statement's columns.
///
/// A GRDB `Row` looks up the columns' names and copies every value, which makes a load a quarter slower. GRDB asks a
/// type that it fetches this way for a conversion from single values too; there is none.
protocol StatementRow: StatementColumnConvertible, DatabaseValueConvertible {}

extension StatementRow {
    var databaseValue: DatabaseValue { .null }

    static func fromDatabaseValue(_ value: DatabaseValue) -> Self? { nil }
}

/// A row of payload, version, idle_deadline, absolute_deadline and owner.
struct RecordRow: StatementRow {
    let record: StoredRecord

    init(sqliteStatement statement: SQLiteStatement, index: CInt) {
        record = StoredRecord(
            payload: Array(Data(sqliteStatement: statement, index: index)),
            version: RecordVersion(rawValue: UInt64(bitPattern: Int64(sqliteStatement: statement, index: index + 1))),
            idleDeadline: Timestamp(microseconds: Int64(sqliteStatement: statement, index: index + 2)),
            absoluteDeadline: Timestamp(microseconds: Int64(sqliteStatement: statement, index: index + 3)),
            // As bytes: read as a C string, an owner would end at a NUL.
            owner: Data.fromStatement(statement, atUncheckedIndex: index + 4)
                .map { OwnerKey(String(decoding: $0, as: UTF8.self)) }
        )
    }
}

/// A row of a record's columns and key.
struct EntryRow: StatementRow {
    /// `nil` if the key is not one: a row that another program wrote.
    let entry: StoredEntry?

    init(sqliteStatement statement: SQLiteStatement, index: CInt) {
        let record = RecordRow(sqliteStatement: statement, index: index).record
        entry = StoreKey(String(sqliteStatement: statement, index: index + 5)).map {
            StoredEntry(key: $0, record: record)
        }
    }
}
#endif
