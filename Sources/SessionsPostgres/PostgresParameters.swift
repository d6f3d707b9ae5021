#if Postgres
import Sessions

/// The values of a statement's parameters, in PostgreSQL's binary format.
///
/// Values travel beside the statement and never inside it (checklist ST-05).
struct PostgresParameters: Sendable {
    private var bytes: [UInt8] = []
    /// -1 for null.
    private var lengths: [Int32] = []

    init() {}

    init(_ key: StoreKey) {
        bytes.reserveCapacity(key.text.utf8.count)
        append(key.text)
    }

    mutating func append(_ text: String) {
        bytes.append(contentsOf: text.utf8)
        lengths.append(Int32(text.utf8.count))
    }

    mutating func append(_ value: [UInt8]) {
        bytes.append(contentsOf: value)
        lengths.append(Int32(clamping: value.count))
    }

    mutating func append(_ value: Int64) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
        lengths.append(8)
    }

    mutating func append(_ time: Timestamp) { append(time.postgres) }

    mutating func append(_ version: RecordVersion) { append(Int64(bitPattern: version.rawValue)) }

    /// As bytes: a `text` value cannot hold a NUL, and not every database holds every character.
    mutating func append(_ owner: OwnerKey) {
        append(owner.text)
    }

    mutating func append(_ record: StoredRecord) {
        append(record.payload)
        append(record.version)
        append(record.idleDeadline)
        append(record.absoluteDeadline)
        if let owner = record.owner { append(owner) } else { lengths.append(-1) }
    }

    /// Calls `body` with what libpq takes: how many there are, pointers to them, and their lengths.
    func withPointers<Result>(
        _ body: (Int32, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?) -> Result
    ) -> Result {
        bytes.withUnsafeBytes { bytes in
            withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: lengths.count + 1) { pointers in
                var offset = 0
                for (index, length) in lengths.enumerated() {
                    guard length >= 0 else {
                        pointers.initializeElement(at: index, to: nil)
                        continue
                    }
                    // A null pointer would be a null value and not an empty one. Where all values are empty there are no
                    // bytes to point to, and none is read.
                    let start = bytes.baseAddress.map { $0 + offset } ?? UnsafeRawPointer(pointers.baseAddress)
                    pointers.initializeElement(at: index, to: start?.assumingMemoryBound(to: CChar.self))
                    offset += Int(length)
                }
                return lengths.withUnsafeBufferPointer { lengths in
                    body(Int32(lengths.count), pointers.baseAddress.map { UnsafePointer($0) }, lengths.baseAddress)
                }
            }
        }
    }
}

extension Timestamp {
    /// Microseconds from 1970 to 2000, where PostgreSQL begins to count.
    private static let postgresEpoch: Int64 = 946_684_800_000_000

    /// The earliest time that PostgreSQL can keep: 24 November 4714 BC.
    private static let postgresMinimum: Int64 = -211_813_488_000_000_000

    /// The binary value of a `timestamptz`, which no time zone has a part in.
    ///
    /// What is earlier than PostgreSQL can keep is kept as `-infinity`. Nothing is too late for it.
    var postgres: Int64 {
        let (value, overflow) = microseconds.subtractingReportingOverflow(Self.postgresEpoch)
        return overflow || value < Self.postgresMinimum ? .min : value
    }

    /// The time of a binary `timestamptz`; both infinities are the farthest times there are.
    init(postgres value: Int64) {
        let (microseconds, overflow) = value.addingReportingOverflow(Self.postgresEpoch)
        self.init(microseconds: value == .min ? .min : overflow ? .max : microseconds)
    }
}
#endif
