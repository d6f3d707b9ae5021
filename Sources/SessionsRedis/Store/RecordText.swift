#if Redis
import Sessions

/// A record as the value of its key: a line that scripts and operators can read, and the payload after it.
///
/// ```
/// s1 <version> <idle deadline> <absolute deadline> <length of owner> <owner>\n<payload>
/// ```
///
/// The first three are 16 hexadecimal digits each; a deadline is microseconds since 1970 plus 2⁶³, so that digits compare
/// as deadlines do. The length has four digits, or `----` where there is no owner. Every field has its place: scripts
/// compare versions and owners, and move a deadline, without looking at the payload.
enum RecordText {
    /// Where things are, from 0.
    static let versionStart = 3
    static let idleStart = 20
    static let absoluteStart = 37
    static let lengthStart = 54
    static let ownerStart = 59

    private static let mark = Array("s1 ".utf8)
    private static let digits = Array("0123456789abcdef".utf8)

    /// The longest owner that has a place.
    static let ownerLimit = 0xFFFF

    static func encode(_ record: StoredRecord) throws -> [UInt8] {
        var text: [UInt8] = []
        let owner = record.owner?.text.utf8
        text.reserveCapacity(ownerStart + (owner?.count ?? 0) + 1 + record.payload.count)
        text += mark
        append(record.version.rawValue, to: &text)
        text.append(UInt8(ascii: " "))
        append(biased(record.idleDeadline), to: &text)
        text.append(UInt8(ascii: " "))
        append(biased(record.absoluteDeadline), to: &text)
        text.append(UInt8(ascii: " "))
        if let owner = record.owner { text += try ownerField(owner) } else { text += Array("---- \n".utf8) }
        text += record.payload
        return text
    }

    /// The owner as it stands in a record, from its length to the end of the line.
    static func ownerField(_ owner: OwnerKey) throws -> [UInt8] {
        let bytes = Array(owner.text.utf8)
        guard bytes.count <= ownerLimit else {
            throw SessionStoreError(.unusable, "An owner of more than \(ownerLimit) bytes cannot be kept.")
        }
        var text: [UInt8] = []
        for shift in [12, 8, 4, 0] { text.append(digits[bytes.count >> shift & 15]) }
        text.append(UInt8(ascii: " "))
        text += bytes
        text.append(UInt8(ascii: "\n"))
        return text
    }

    /// The record; `nil` if the value is none.
    static func decode(_ text: [UInt8]) -> StoredRecord? {
        guard text.count > ownerStart, text.starts(with: mark), let version = number(text, versionStart, 16),
            let idle = number(text, idleStart, 16), let absolute = number(text, absoluteStart, 16)
        else { return nil }
        for space in [idleStart, absoluteStart, lengthStart, ownerStart]
        where text[space - 1] != UInt8(ascii: " ") { return nil }
        var owner: OwnerKey?
        var end = ownerStart
        if text[lengthStart..<lengthStart + 4].elementsEqual("----".utf8) == false {
            guard let length = number(text, lengthStart, 4), text.count > ownerStart + Int(length) else { return nil }
            end += Int(length)
            guard let name = String(validating: text[ownerStart..<end], as: UTF8.self) else { return nil }
            owner = OwnerKey(name)
        }
        guard text[end] == UInt8(ascii: "\n") else { return nil }
        return StoredRecord(
            payload: Array(text[(end + 1)...]),
            version: RecordVersion(rawValue: version),
            idleDeadline: unbiased(idle),
            absoluteDeadline: unbiased(absolute),
            owner: owner
        )
    }

    /// Sixteen digits.
    static func hexadecimal(_ value: UInt64) -> [UInt8] {
        var text: [UInt8] = []
        append(value, to: &text)
        return text
    }

    static func hexadecimal(_ moment: Timestamp) -> [UInt8] { hexadecimal(biased(moment)) }

    /// The moment that sixteen digits spell; `nil` if they are none.
    static func moment(_ text: [UInt8], at start: Int) -> Timestamp? {
        guard text.count >= start + 16 else { return nil }
        return number(text, start, 16).map(unbiased)
    }

    private static func append(_ value: UInt64, to text: inout [UInt8]) {
        for shift in stride(from: 60, through: 0, by: -4) { text.append(digits[Int(value >> UInt64(shift) & 15)]) }
    }

    private static func number(_ text: [UInt8], _ start: Int, _ count: Int) -> UInt64? {
        var result: UInt64 = 0
        for index in start..<start + count {
            let digit: UInt8
            switch text[index] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = text[index] - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = text[index] - UInt8(ascii: "a") + 10
            default: return nil
            }
            result = result << 4 | UInt64(digit)
        }
        return result
    }

    private static func biased(_ moment: Timestamp) -> UInt64 { UInt64(bitPattern: moment.microseconds) ^ 1 << 63 }

    private static func unbiased(_ value: UInt64) -> Timestamp {
        Timestamp(microseconds: Int64(bitPattern: value ^ 1 << 63))
    }
}
#endif
