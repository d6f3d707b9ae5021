import HTTPTypes

/// Spells a session as Remix's cookie storage does: `{"i":"<id>","d":[{values},{flash}]}`, signed.
struct RemixCookieCodec: CookieCodec {
    private static let idName = ValueName("i")
    private static let dataName = ValueName("d")

    let signing: RemixCookie
    let records: RemixRecordFormat

    func parse(_ value: [UInt8], in _: HTTPFields = [:]) -> ParsedCookie {
        switch signing.parse(value) {
        case .malformed: return .malformed
        case .unverifiable: return .unverifiable
        case .genuine(let text, let isUnderFirstSecret):
            guard let (id, payload) = Self.members(of: Array(text.utf8)), let key = StoreKey(foreignID: id) else {
                return .malformed
            }
            var held = HeldCredential(foreignID: id, key: key, isUnderFirstKey: isUnderFirstSecret)
            let stored = StoredRecord(
                payload: payload,
                version: RecordVersion(of: payload),
                idleDeadline: .distantFuture,
                absoluteDeadline: .distantFuture
            )
            guard let record = records.decode(stored, at: key) else { return .unreadable(held) }
            // Whoever has the cookie holds the current credential of what is in it.
            held.hash = record.content.secretHash
            return .session(record, held)
        }
    }

    private static func members(of bytes: [UInt8]) -> (id: String, payload: [UInt8])? {
        var (id, payload): (String?, [UInt8]?)
        let isObject = JSONScanner.forEachMember(of: bytes) { name, range in
            switch ValueName(name) {
            case idName: id = JSONCoding.decode(String.self, from: bytes[range])
            case dataName: payload = Array(bytes[range])
            default: break
            }
        }
        guard isObject, let id, let payload else { return nil }
        return (id, payload)
    }

    func value(of record: LoadedRecord, held: HeldCredential) throws -> String {
        var output: [UInt8] = Array(#"{"i":"#.utf8)
        JSONString.append(held.key.foreignID ?? "", to: &output)
        output += #","d":"#.utf8
        output += try records.encode(record).stored.payload
        output.append(UInt8(ascii: "}"))
        return signing.value(of: String(decoding: output, as: UTF8.self))
    }
}
