import Crypto

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What the files of a store hold: a record with its key, or an owner's epoch.
///
/// Eight bytes that say what it is, numbers in little-endian order, texts and the payload with their lengths in front,
/// and at the end the first sixteen bytes of the SHA-256 of all that. A file is what was written, to the last byte, or it
/// is no file of ours: nothing in it is believed before that is known (checklist ST-03, ST-04).
struct FileBytes {
    private(set) var bytes: [UInt8]

    /// A file of a larger size was not written by us.
    static let limit = 1 << 30
    private static let checkLength = 16

    private init(_ mark: String) {
        bytes = Array(mark.utf8)
    }

    // MARK: Writing

    /// A record's file.
    static func of(_ record: StoredRecord, at key: StoreKey) -> [UInt8] {
        var file = FileBytes(Mark.record)
        file.bytes.reserveCapacity(record.payload.count + 256)
        file.append(record.version.rawValue)
        file.append(record.idleDeadline)
        file.append(record.absoluteDeadline)
        file.append(Array(key.text.utf8))
        file.append(record.owner == nil ? UInt64(0) : 1)
        file.append(Array((record.owner?.text ?? "").utf8))
        file.append(record.payload)
        return file.sealed()
    }

    /// An epoch's file.
    static func of(_ epoch: Epoch) -> [UInt8] {
        var file = FileBytes(Mark.epoch)
        file.append(epoch.epoch)
        file.append(epoch.keptUntil)
        file.append(Array(epoch.owner.text.utf8))
        return file.sealed()
    }

    private mutating func append(_ number: UInt64) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private mutating func append(_ moment: Timestamp) {
        append(UInt64(bitPattern: moment.microseconds))
    }

    private mutating func append(_ text: [UInt8]) {
        append(UInt64(text.count))
        bytes.append(contentsOf: text)
    }

    private func sealed() -> [UInt8] {
        bytes + Self.check(bytes[...])
    }

    private static func check(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        let hash = bytes.withUnsafeBytes { bytes in
            var hasher = SHA256()
            hasher.update(bufferPointer: bytes)
            return hasher.finalize()
        }
        return Array(hash.prefix(checkLength))
    }

    // MARK: Reading

    /// An owner's epoch.
    struct Epoch: Hashable {
        var owner: OwnerKey
        var epoch: Timestamp
        var keptUntil: Timestamp
    }

    /// The record in a file; `nil` if it is not one, whole and unchanged.
    static func record(_ bytes: [UInt8]) -> StoredEntry? {
        guard var reader = Reader(bytes, Mark.record),
            let version = reader.number(), let idle = reader.moment(), let absolute = reader.moment(),
            let key = reader.text(), let hasOwner = reader.number(), hasOwner < 2, let ownerBytes = reader.text(),
            hasOwner == 1 || ownerBytes.isEmpty, let owner = String(validating: ownerBytes, as: UTF8.self),
            let payload = reader.text(), reader.isAtEnd, let key = StoreKey(String(decoding: key, as: UTF8.self))
        else { return nil }
        let record = StoredRecord(
            payload: Array(payload),
            version: RecordVersion(rawValue: version),
            idleDeadline: idle,
            absoluteDeadline: absolute,
            owner: hasOwner == 1 ? OwnerKey(owner) : nil
        )
        return StoredEntry(key: key, record: record)
    }

    /// The epoch in a file; `nil` if it is not one, whole and unchanged.
    static func epoch(_ bytes: [UInt8]) -> Epoch? {
        guard var reader = Reader(bytes, Mark.epoch),
            let epoch = reader.moment(), let keptUntil = reader.moment(), let owner = reader.text(), reader.isAtEnd,
            let owner = String(validating: owner, as: UTF8.self)
        else { return nil }
        return Epoch(owner: OwnerKey(owner), epoch: epoch, keptUntil: keptUntil)
    }

    private enum Mark {
        static let record = "SESSREC1"
        static let epoch = "SESSEPO1"
    }

    private struct Reader {
        private var rest: ArraySlice<UInt8>

        init?(_ bytes: [UInt8], _ mark: String) {
            guard bytes.count >= 8 + checkLength, bytes.starts(with: mark.utf8) else { return nil }
            let content = bytes.dropLast(checkLength)
            guard check(content).elementsEqual(bytes.suffix(checkLength)) else { return nil }
            rest = content.dropFirst(8)
        }

        var isAtEnd: Bool { rest.isEmpty }

        mutating func number() -> UInt64? {
            guard rest.count >= 8 else { return nil }
            let number = rest.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            rest = rest.dropFirst(8)
            return number
        }

        mutating func moment() -> Timestamp? {
            number().map { Timestamp(microseconds: Int64(bitPattern: $0)) }
        }

        mutating func text() -> ArraySlice<UInt8>? {
            guard let count = number(), count <= rest.count else { return nil }
            defer { rest = rest.dropFirst(Int(count)) }
            return rest.prefix(Int(count))
        }
    }
}
