import Crypto

/// Remix's record as content, and back.
///
/// Values stay where they are, byte for byte unless they change. Remix knows one flash value a key, and shows it to the
/// next request; where ours has several, Remix sees the last. What this library has to remember is the value
/// `swiftSession` (``OwnMember``). Where it is missing, Remix wrote the session, and all that is not known is what Remix does
/// not know: when it began, when it ends, and whose it is.
struct RemixRecordFormat: ForeignRecordFormat {
    /// The lifetime of a session that says nothing else.
    let lifetime: SessionLifetime
    let maximumBytes: Int
    /// Whether the record is in the session's cookie, and nothing else keeps the idle deadline.
    var isInCookie = false
    let clock: any SessionClock

    // MARK: Reading

    func decode(_ stored: StoredRecord, at key: StoreKey) -> LoadedRecord? {
        guard let id = key.foreignID, let record = RemixRecord(stored.payload),
            var values = SessionValues(restoring: record.values)
        else { return nil }
        let credential = HeldCredential(foreignID: id, key: key)
        var stored = stored
        // A new id takes all values along with Remix. Ours say nothing about that session.
        let own = record.own.flatMap { $0.content.secretHash == credential.hash ? $0 : nil }
        if isInCookie, let deadline = own?.idleDeadline { stored.idleDeadline = deadline }
        var content = ForeignRecord.content(
            of: &stored,
            id: id,
            credential: credential,
            own: own,
            idle: lifetime.idle,
            lifetime: own?.content.lifetime ?? lifetime,
            now: clock.now()
        )
        for entry in content.values.entries { values.restore(aside: entry.aside, of: entry.name) }
        content.values = values
        content.flash = Self.flash(record)
        content.foreign = record.rest.enumerated()
            .map { ForeignMember(name: OwnMember.name, text: $0.element, position: $0.offset) }
        return LoadedRecord(key: key, stored: stored, content: content)
    }

    /// The flash values. Ours are known again by what they say; Remix's have no identity, and get one from that.
    private static func flash(_ record: RemixRecord) -> [FlashEntry] {
        record.flash.flatMap { shown -> [FlashEntry] in
            let known = record.own?.content.flash.filter { $0.name == shown.name } ?? []
            if known.last?.text == shown.text { return known }
            return [FlashEntry(id: identity(shown), name: shown.name, text: shown.text)]
        }
    }

    private static func identity(_ entry: SessionValues.Entry) -> UInt64 {
        var bytes: [UInt8] = []
        bytes.appendLengthPrefixed("swift-sessions 1 flash".utf8)
        bytes.appendLengthPrefixed(entry.name.text.utf8)
        bytes.appendLengthPrefixed(entry.text)
        return SHA256.hash(data: bytes).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    // MARK: Writing

    func encode(_ record: LoadedRecord) throws -> LoadedRecord {
        var record = record
        // A commit whose reply was lost finds itself by these: the record's version is that of its bytes.
        if !isInCookie { record.content.recent = Array(record.lineage.prefix(RecordContent.recentLimit)) }
        var remix = RemixRecord()
        remix.values = record.content.values.entries
        guard !remix.values.contains(where: { $0.name == OwnMember.name }) else {
            throw SessionError(
                .unencodable,
                "No value of a session in Remix's format can be called \"\(OwnMember.name.text)\". Rename the key."
            )
        }
        for entry in record.content.flash {
            if let index = remix.flash.firstIndex(where: { $0.name == entry.name }) {
                remix.flash[index].text = entry.text
            } else {
                remix.flash.append(SessionValues.Entry(name: entry.name, text: entry.text))
            }
        }
        remix.rest = record.content.foreign.map(\.text)
        let output = remix.json(own: OwnMember.text(of: record, keepsIdleDeadline: isInCookie))
        guard output.count <= maximumBytes else { throw SessionError.recordTooLarge(output.count, maximumBytes) }
        record.stored.payload = output
        record.stored.version = RecordVersion(of: output)
        return record
    }
}
