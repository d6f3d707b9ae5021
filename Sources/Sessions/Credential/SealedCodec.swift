import HTTPTypes

/// Spells a session as the value of its cookie, and reads it again.
///
/// What is sealed:
///
/// | bytes | |
/// |---|---|
/// | 1 | version, 1 |
/// | 16 | handle, here in every version |
/// | 8 | version of the record |
/// | 8, 8 | idle and absolute deadline: microseconds since 1970, as signed integers (checklist CR-08) |
/// | 2 | length of the owner; 65535: none |
/// | any | owner |
/// | 2 | length of the payload |
/// | any | payload, in the native format |
/// | any | zeros, up to a multiple of the padding (CR-13) |
///
/// Numbers are in little-endian order. Nothing is compressed: the length of what was compressed tells whoever puts in a
/// part what the rest is like (CR-12).
struct SealedCodec: CookieCodec {
    private static let version: UInt8 = 1
    private static let noOwner = Int(UInt16.max)
    private static let headerCount = 45

    private let sealer: Sealer
    private let format = NativeRecordFormat()
    private let padding: Int

    init(keys: KeyRing, realm: Realm, padding: Int) {
        sealer = Sealer(keys: keys, realm: realm, purpose: .cookie)
        self.padding = padding
    }

    // MARK: Reading

    func parse(_ text: [UInt8], in _: HTTPFields = [:]) -> ParsedCookie {
        let least = Base64URL.encodedCount(Sealer.overhead + Self.headerCount)
        guard (least...SetCookie.sizeLimit).contains(text.count), let sealed = Base64URL.decode(text) else {
            return .malformed
        }
        guard let opened = sealer.open(sealed, context: []) else { return .unverifiable }
        var reader = Reader(rest: opened.bytes[...])
        let version = reader.take(1)?.first
        guard let bytes = reader.take(16) else { return .unreadable(nil) }
        // Who destroys a session that only a newer node can read ends it all the same.
        var held = HeldCredential(
            handle: SessionHandle(bytes: bytes),
            secret: .random(),
            hash: SecretHash(.random()),
            isUnderFirstKey: opened.isUnderFirstKey
        )
        guard version == Self.version, let record = record(&reader, held.handle) else { return .unreadable(held) }
        // There is no secret beside the seal: whoever has the cookie holds the current credential of what is in it.
        held.hash = record.content.secretHash
        return .session(record, held)
    }

    private func record(_ reader: inout Reader, _ handle: SessionHandle) -> LoadedRecord? {
        guard let version = reader.number(8), let idle = reader.number(8), let absolute = reader.number(8),
            let ownerCount = reader.number(2),
            let owner = reader.take(ownerCount == Self.noOwner ? 0 : Int(ownerCount)),
            let payloadCount = reader.number(2), let payload = reader.take(Int(payloadCount)),
            let content = format.decode(Array(payload))
        else { return nil }
        let stored = StoredRecord(
            payload: [],
            version: RecordVersion(rawValue: version),
            idleDeadline: Timestamp(microseconds: Int64(bitPattern: idle)),
            absoluteDeadline: Timestamp(microseconds: Int64(bitPattern: absolute)),
            owner: ownerCount == Self.noOwner ? nil : OwnerKey(String(decoding: owner, as: UTF8.self))
        )
        return LoadedRecord(key: StoreKey(handle), stored: stored, content: content)
    }

    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
            guard count <= rest.count else { return nil }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }

        mutating func number(_ count: Int) -> UInt64? {
            take(count)?.reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    // MARK: Writing

    func value(of record: LoadedRecord, held: HeldCredential) throws -> String {
        try seal(record, handle: held.handle)
    }

    /// The session as a cookie's value, under the first key.
    ///
    /// - Throws: ``SessionError/Code/tooLarge`` if it is too large for any cookie.
    func seal(_ record: LoadedRecord, handle: SessionHandle) throws -> String {
        let owner = record.stored.owner.map { Array($0.text.utf8) }
        let payload = format.encode(record.content)
        guard owner?.count ?? 0 < Self.noOwner, payload.count <= UInt16.max else {
            throw SessionError.tooLargeForCookie(payload.count)
        }
        var bytes = [Self.version] + handle.bytes
        append(record.stored.version.rawValue, 8, to: &bytes)
        append(UInt64(bitPattern: record.stored.idleDeadline.microseconds), 8, to: &bytes)
        append(UInt64(bitPattern: record.stored.absoluteDeadline.microseconds), 8, to: &bytes)
        append(UInt64(owner?.count ?? Self.noOwner), 2, to: &bytes)
        bytes += owner ?? []
        append(UInt64(payload.count), 2, to: &bytes)
        bytes += payload
        bytes += repeatElement(0, count: (padding - bytes.count % padding) % padding)
        return Base64URL.encode(try sealer.seal(bytes, context: []))
    }

    private func append(_ number: UInt64, _ count: Int, to bytes: inout [UInt8]) {
        for index in 0..<count { bytes.append(UInt8(truncatingIfNeeded: number >> (8 * UInt64(index)))) }
    }
}

extension SessionError {
    /// A session that no browser would keep.
    static func tooLargeForCookie(_ count: Int) -> SessionError {
        SessionError(
            .tooLarge,
            "The session's cookie would have \(count) bytes, and browsers drop cookies above \(SetCookie.sizeLimit). "
                + "Keep less in the session, or use a store.",
            underlying: CookieError(.cookieTooLarge, "The session's cookie would have \(count) bytes.")
        )
    }
}
