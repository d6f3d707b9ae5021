import Crypto
import HTTPTypes

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Spells a session as koa-session does without a store: the record's JSON as base64 in the cookie, and its signature in
/// the cookie beside it.
///
/// Such a session has no id. What this library writes says one, in its own member (``OwnMember``); of what Node writes
/// without that, the id follows from the value. So a session of Node's has another id, and other CSRF tokens, each time
/// that Node changes it, until this library has written it once.
struct KoaCookieCodec: CookieCodec {
    private static let idName = ValueName("id")

    let signing: KoaSigning
    let records: KoaRecordFormat

    // MARK: Reading

    func parse(_ value: [UInt8], in fields: HTTPFields) -> ParsedCookie {
        let signatures = signing.signatures(in: fields)
        guard !signatures.isEmpty else { return .malformed }
        guard let index = signing.keyIndex(of: value, signedBy: signatures) else { return .unverifiable }
        // Signed, and yet no session: nobody who has a key writes that, and koa-session takes it away too.
        guard let data = Data(base64Encoded: Data(value)) else { return .malformed }
        let payload = [UInt8](data)
        let said = JSONCoding.decode(Said.self, from: payload[...])
        // An end beyond JavaScript's dates would be none.
        guard abs(said?._expire ?? 0) <= 8.64e15 else { return .malformed }
        let id = said?.swiftSession?.id ?? Self.id(of: value)
        guard let key = StoreKey(foreignID: id) else { return .malformed }
        var held = HeldCredential(foreignID: id, key: key, isUnderFirstKey: index == 0)
        guard var record = records.decode(stored(payload, said), at: key) else { return .malformed }
        record.content.unknown.removeAll { $0.name == Self.idName }
        // Whoever has the cookies holds the current credential of what is in them.
        held.hash = record.content.secretHash
        return .session(record, held)
    }

    /// The record without a store: what it says itself of its end is all there is. A session whose cookie ends with the
    /// browser says none with Node; ours say it in their own member.
    private func stored(_ payload: [UInt8], _ said: Said?) -> StoredRecord {
        let end: Timestamp
        if let expire = said?._expire, expire != 0 {
            // The record's format takes it in.
            end = .distantFuture
        } else if let until = said?.swiftSession?.idleUntil {
            end = Timestamp(microseconds: until)
        } else {
            end = records.clock.now() + records.lifetime.idle
        }
        return StoredRecord(
            payload: payload,
            version: RecordVersion(of: payload),
            idleDeadline: end,
            absoluteDeadline: .distantFuture
        )
    }

    /// What has to be known of a record before it is read.
    private struct Said: Decodable {
        struct Own: Decodable {
            var id: String?
            var idleUntil: Int64?
        }

        var _expire: Double?
        var swiftSession: Own?
    }

    /// The id of a session that says none.
    private static func id(of value: [UInt8]) -> String {
        var bytes: [UInt8] = []
        bytes.appendLengthPrefixed("swift-sessions 1 koa-session cookie".utf8)
        bytes.appendLengthPrefixed(value)
        return Base64URL.encode(Array(SHA256.hash(data: bytes).prefix(16)))
    }

    // MARK: Writing

    func value(of record: LoadedRecord, held: HeldCredential) throws -> String {
        var record = record
        let id = try JSONCoding.encode(held.key.foreignID ?? "")
        record.content.unknown.append(SessionValues.Entry(name: Self.idName, text: id))
        return Data(try records.encode(record).stored.payload).base64EncodedString()
    }

    func cookies(beside value: String, _ cookie: SetCookieTemplate) throws -> [(SetCookieTemplate, value: String)] {
        [(try cookie.ofSignature, value: signing.signature(of: value.utf8))]
    }

    /// An id: 128 random bits, as short as they are in a cookie.
    static func randomID() -> String {
        Base64URL.encode(Bytes16.random().withUnsafeBytes { Array($0) })
    }
}
