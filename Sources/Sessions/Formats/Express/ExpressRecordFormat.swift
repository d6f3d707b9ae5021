/// The record of express-session: one JSON object, with the settings of its cookie as the member `cookie` and the
/// session's values beside it.
///
/// ```json
/// {"cookie":{"originalMaxAge":86400000,"expires":"2026-11-22T02:50:01.744Z","httpOnly":true,"path":"/"},
///  "cart":[1,2],"swiftSession":{"v":1,"hash":"…","created":1764590000000000,"owner":"42"}}
/// ```
///
/// Values stay where they are, byte for byte unless they change, and so do those settings of the cookie that mean nothing
/// here. What this library has to remember is in the member `swiftSession`, which Node carries along like any other
/// value. Where it is missing, Node wrote the session, and all that is not known is what Node does not know: when it
/// began, and whose it is.
struct ExpressRecordFormat: ForeignRecordFormat {
    private static let cookieName = ValueName("cookie")

    /// The lifetime of a session that says nothing else.
    let lifetime: SessionLifetime
    /// What the cookie of a new session says.
    var cookie: ExpressCookieSettings
    let maximumBytes: Int
    let clock: any SessionClock

    // MARK: Reading

    func decode(_ stored: StoredRecord, at key: StoreKey) -> LoadedRecord? {
        guard let members = ForeignRecord(stored.payload, isForeign: { $0 == Self.cookieName }) else { return nil }
        let settings = members.text(of: Self.cookieName).flatMap { ExpressCookieSettings(json: $0) } ?? cookie
        let loaded = members.loaded(stored, at: key, maxAge: settings.maxAge, lifetime: lifetime, now: clock.now())
        guard var record = loaded else { return nil }
        record.content.persistence = members.persistence(
            at: key,
            maxAge: settings.maxAge,
            isUsuallyLasting: cookie.maxAge != nil
        )
        return record
    }

    /// The settings of a session's cookie, if its record says any.
    func settings(of record: LoadedRecord) -> ExpressCookieSettings? {
        record.content.foreign.first.flatMap { ExpressCookieSettings(json: $0.text) }
    }

    // MARK: Writing

    func encode(_ record: LoadedRecord) throws -> LoadedRecord {
        var record = record
        let settings = settings(of: record) ?? cookie
        let position = record.content.foreign.first?.position ?? 0
        // A commit whose reply was lost finds itself by these: the record's version is that of its bytes.
        record.content.recent = Array(record.lineage.prefix(RecordContent.recentLimit))

        let persistence = record.content.persistence
        let isLasting = persistence != nil && persistence != .browserSession
        let maxAge = record.content.lifetime?.idle ?? (isLasting || settings.maxAge != nil ? lifetime.idle : nil)
        let cookie =
            persistence == .browserSession
            ? settings.jsonOfBrowserSession : settings.json(maxAge: maxAge, until: record.stored.expiresAt)
        let entries = record.content.values.entries
        for entry in entries where entry.name == Self.cookieName || entry.name == OwnMember.name {
            throw ForeignRecord.reserved(entry.name, "express-session")
        }
        record.content.foreign = [
            ForeignMember(name: Self.cookieName, text: JSONText(cookie), position: min(position, entries.count))
        ]
        let output = ForeignRecord.json(record, foreign: record.content.foreign)
        guard output.count <= maximumBytes else { throw SessionError.recordTooLarge(output.count, maximumBytes) }
        record.stored.payload = output
        record.stored.version = RecordVersion(of: output)
        return record
    }
}
