#if Postgres
import CLibPQ
import Sessions

/// What a statement returned, in PostgreSQL's binary format.
struct PostgresRows {
    let result: OpaquePointer

    var count: Int { Int(PQntuples(result)) }

    /// How many rows the statement inserted, changed or deleted.
    var affected: Int {
        PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0
    }

    func isNull(_ row: Int, _ column: Int) -> Bool {
        PQgetisnull(result, Int32(row), Int32(column)) == 1
    }

    func bytes(_ row: Int, _ column: Int) -> [UInt8] {
        withBytes(row, column) { Array($0) }
    }

    func text(_ row: Int, _ column: Int) -> String {
        withBytes(row, column) { String(decoding: $0, as: UTF8.self) }
    }

    func bool(_ row: Int, _ column: Int) -> Bool {
        withBytes(row, column) { $0.first == 1 }
    }

    /// A `bigint` or a `timestamptz`.
    func int64(_ row: Int, _ column: Int) throws -> Int64 {
        try withBytes(row, column) { bytes in
            guard bytes.count == 8 else { throw PostgresFailure.foreign }
            return Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))
        }
    }

    func time(_ row: Int, _ column: Int) throws -> Timestamp {
        try Timestamp(postgres: int64(row, column))
    }

    /// The record in the five columns from `column` on.
    func record(_ row: Int, from column: Int = 0) throws -> StoredRecord {
        StoredRecord(
            payload: bytes(row, column),
            version: RecordVersion(rawValue: UInt64(bitPattern: try int64(row, column + 1))),
            idleDeadline: try time(row, column + 2),
            absoluteDeadline: try time(row, column + 3),
            owner: isNull(row, column + 4) ? nil : OwnerKey(text(row, column + 4))
        )
    }

    /// The records with their keys in the sixth column; not those with a key that is none.
    func entries() throws -> [StoredEntry] {
        try (0..<count).compactMap { row in
            try StoreKey(text(row, 5)).map { StoredEntry(key: $0, record: try record(row)) }
        }
    }

    private func withBytes<Value>(
        _ row: Int,
        _ column: Int,
        _ body: (UnsafeRawBufferPointer) throws -> Value
    ) rethrows -> Value {
        let (row, column) = (Int32(row), Int32(column))
        return try body(
            UnsafeRawBufferPointer(
                start: PQgetvalue(result, row, column),
                count: Int(PQgetlength(result, row, column))
            )
        )
    }
}
#endif
