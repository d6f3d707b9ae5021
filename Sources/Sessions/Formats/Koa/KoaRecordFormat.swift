/// The record of koa-session: one JSON object with the session's values, and beside them when it ends.
///
/// ```json
/// {"views":1,"swiftSession":{"v":1,"hash":"…","owner":"42"},"_expire":1700000000000,"_maxAge":86400000}
/// ```
///
/// `_expire` and `_maxAge` are milliseconds; a session whose cookie ends with the browser has `"_session":true` in their
/// place. Values stay where they are, byte for byte unless they change. koa-session keeps no name that begins with `_`, so
/// such members are none of its values; what is found of them stays. See ``ForeignRecord`` for our own member.
///
/// The object says itself when the session ends, and koa-session goes by it, whatever the store says. So a touch writes it
/// too.
struct KoaRecordFormat: ForeignRecordFormat {
    private static let expire = ValueName("_expire")
    private static let maxAge = ValueName("_maxAge")
    private static let session = ValueName("_session")

    /// The lifetime of a session that says nothing else.
    let lifetime: SessionLifetime
    /// Whether a new session's cookie ends with the browser.
    let isBrowserSession: Bool
    let maximumBytes: Int
    /// Whether the record is in the session's cookie, and says everything itself.
    var isInCookie = false
    let clock: any SessionClock

    // MARK: Reading

    func decode(_ stored: StoredRecord, at key: StoreKey) -> LoadedRecord? {
        guard let members = ForeignRecord(stored.payload, isForeign: Self.isForeign) else { return nil }
        var stored = stored
        // The store keeps it for ten seconds more.
        if let end = Self.milliseconds(members.text(of: Self.expire)), end != 0 {
            stored.idleDeadline = min(stored.idleDeadline, Timestamp(microseconds: end * 1000))
        }
        let maxAge = Self.maxAge(members)
        let loaded = members.loaded(stored, at: key, maxAge: maxAge, lifetime: lifetime, now: clock.now())
        guard var record = loaded else { return nil }
        // Without either, it says nothing of its cookie.
        if maxAge != nil || members.text(of: Self.session) != nil {
            record.content.persistence = members.persistence(
                at: key,
                maxAge: maxAge,
                isUsuallyLasting: !isBrowserSession
            )
        }
        return record
    }

    /// How long the session lives after each use, if it says so itself.
    private static func maxAge(_ members: ForeignRecord) -> Duration? {
        guard let milliseconds = milliseconds(members.text(of: maxAge)), milliseconds > 0 else { return nil }
        return .milliseconds(milliseconds)
    }

    /// Numbers beyond JavaScript's dates are no milliseconds.
    private static func milliseconds(_ text: JSONText?) -> Int64? {
        guard let text, let number = JSONCoding.decode(Double.self, from: text), abs(number) <= 8.64e15 else {
            return nil
        }
        return Int64(number)
    }

    /// Whether koa-session would drop a member of this name when it writes the session.
    private static func isForeign(_ name: ValueName) -> Bool {
        name.text.utf8.first == UInt8(ascii: "_") || name.text == "isNew"
    }

    // MARK: Writing

    func encode(_ record: LoadedRecord) throws -> LoadedRecord {
        var record = record
        for entry in record.content.values.entries where Self.isReserved(entry.name) {
            throw ForeignRecord.reserved(entry.name, "koa-session")
        }
        // A commit whose reply was lost finds itself by these: the record's version is that of its bytes.
        if !isInCookie { record.content.recent = Array(record.lineage.prefix(RecordContent.recentLimit)) }
        let last = ending(of: record)
        let names = [Self.expire, Self.maxAge, Self.session]
        let kept = record.content.foreign.filter { !names.contains($0.name) }
        // Nothing but our own member says when a session ends whose cookie ends with the browser.
        let keepsIdleDeadline = isInCookie && last.contains { $0.name == Self.session }
        let output = ForeignRecord.json(record, foreign: kept, last: last, keepsIdleDeadline: keepsIdleDeadline)
        guard output.count <= maximumBytes else { throw SessionError.recordTooLarge(output.count, maximumBytes) }
        record.content.foreign = kept + last
        record.stored.payload = output
        record.stored.version = RecordVersion(of: output)
        return record
    }

    /// When the session ends, as koa-session has it.
    private func ending(of record: LoadedRecord) -> [ForeignMember] {
        let persistence = record.content.persistence
        func member(_ name: ValueName, _ text: String) -> ForeignMember {
            ForeignMember(name: name, text: JSONText(text.utf8), position: record.content.values.entries.count)
        }
        // Where the manager's cookies end with the browser, a session that sets nothing but its lifetime says that.
        let saysLifetime = persistence.map { $0 != .browserSession } ?? (record.content.lifetime != nil)
        guard saysLifetime || persistence == nil && !isBrowserSession else { return [member(Self.session, "true")] }
        let maxAge = record.content.lifetime?.idle ?? lifetime.idle
        return [
            member(Self.expire, String(record.stored.expiresAt.microseconds / 1000)),
            member(Self.maxAge, String(maxAge.wholeMicroseconds / 1000)),
        ]
    }

    /// Whether a value of this name would be lost at koa-session, or break its sessions, which have the others as methods.
    private static func isReserved(_ name: ValueName) -> Bool {
        isForeign(name) || name == OwnMember.name || methods.contains(name.text)
    }

    private static let methods: Set<String> = [
        "commit", "constructor", "externalKey", "inspect", "length", "manuallyCommit", "maxAge", "populated",
        "regenerate",
        "save", "toJSON",
    ]
}
