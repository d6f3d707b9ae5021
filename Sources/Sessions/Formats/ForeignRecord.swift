/// The members of another system's record: a JSON object that holds the session's values, what that system keeps beside
/// them, and one member of ours.
///
/// Ours is ``OwnMember``. Where it is missing, the other system wrote the session, and all that is not known is what that
/// one does not know: when it began, and whose it is.
struct ForeignRecord: Sendable {
    private(set) var values: [SessionValues.Entry] = []
    /// What the other system keeps beside the values, in order. Of two members with one name the last counts.
    private(set) var foreign: [ForeignMember] = []
    private var member: OwnMember?

    /// The members of `payload`; `nil` if that is no JSON object.
    ///
    /// - Parameter isForeign: Whether a member of this name is the other system's, and no value.
    init?(_ payload: [UInt8], isForeign: (ValueName) -> Bool) {
        let isObject = JSONScanner.forEachMember(of: payload) { text, range in
            let (name, value) = (ValueName(text), payload[range])
            if name == OwnMember.name {
                member = OwnMember(value)
            } else if isForeign(name) {
                foreign.removeAll { $0.name == name }
                foreign.append(ForeignMember(name: name, text: value, position: values.count))
            } else {
                values.append(SessionValues.Entry(name: name, text: value))
            }
        }
        guard isObject else { return nil }
    }

    /// What the member `name` of the other system says.
    func text(of name: ValueName) -> JSONText? { foreign.first { $0.name == name }?.text }

    /// Our own member, if it is about the session at `key`. Other systems copy all members into another session, where a
    /// login keeps the data, and ours says nothing about that one.
    func own(at key: StoreKey) -> OwnMember? {
        guard let member, let id = key.foreignID,
            member.content.secretHash == HeldCredential(foreignID: id, key: key).hash
        else { return nil }
        return member
    }

    /// The record that these members make; `nil` if they make none.
    ///
    /// - Parameters:
    ///   - stored: What the store says, with the deadline that counts.
    ///   - maxAge: How long the record says that the session lives after each use; `nil` if it does not.
    ///   - lifetime: The manager's own.
    ///   - now: The time by the manager's clock.
    func loaded(
        _ stored: StoredRecord,
        at key: StoreKey,
        maxAge: Duration?,
        lifetime: SessionLifetime,
        now: Timestamp
    ) -> LoadedRecord? {
        guard let id = key.foreignID else { return nil }
        let credential = HeldCredential(foreignID: id, key: key)
        let own = own(at: key)
        let ownLifetime = Self.lifetime(maxAge, lifetime, own?.content)
        var (stored, values) = (stored, values)
        var content = Self.content(
            of: &stored,
            id: id,
            credential: credential,
            own: own,
            idle: maxAge ?? lifetime.idle,
            lifetime: ownLifetime ?? lifetime,
            now: now
        )
        // The flash of a session whose data the other system has taken along goes with it.
        if own == nil { content.flash = member?.content.flash ?? [] }
        for entry in content.values.entries {
            guard let index = values.firstIndex(where: { $0.name == entry.name }) else { continue }
            values[index].aside = entry.aside
        }
        guard let restored = SessionValues(restoring: values) else { return nil }
        content.values = restored
        content.lifetime = ownLifetime
        content.foreign = foreign
        return LoadedRecord(key: key, stored: stored, content: content)
    }

    /// What is known of a session beside its values.
    ///
    /// - Parameters:
    ///   - stored: What the store says. It takes the owner, and the deadlines that the store does not know.
    ///   - id: The session's, from which `credential` follows.
    ///   - own: Our own member; `nil` if there is none about this session: the other system wrote it.
    ///   - idle: How long the session lives after each use, as the other system has it.
    ///   - lifetime: The session's own, or else the manager's.
    ///   - now: The time by the manager's clock.
    static func content(
        of stored: inout StoredRecord,
        id: String,
        credential: HeldCredential,
        own: OwnMember?,
        idle: Duration,
        lifetime: SessionLifetime,
        now: Timestamp
    ) -> RecordContent {
        // A store without an end says nothing of when the session was last used.
        let isEndless = stored.idleDeadline.duration(since: now) > max(endless, idle)
        let lastUse = stored.idleDeadline - lifetime.idle
        let isLastUseKnown = !isEndless && lastUse.duration(since: now) <= skew
        if isEndless { stored.idleDeadline = now + idle }
        var content: RecordContent
        if let own {
            content = own.content
            stored.owner = own.owner
            if let deadline = own.absoluteDeadline { stored.absoluteDeadline = deadline }
            // The other system knows one deadline: the earlier of ours, to the millisecond. Where that is the absolute
            // one, our member says the idle one, and so when the session was last in use.
            if let deadline = own.idleDeadline, stored.idleDeadline + .milliseconds(1) >= stored.absoluteDeadline {
                stored.idleDeadline = max(stored.idleDeadline, deadline)
            }
        } else {
            // It was in use one idle time before it runs out; it may be older. One that would have begun in the future lives
            // longer after each use than is known here: it ends all the same (I7).
            let begins = min(stored.idleDeadline - idle, now)
            content = RecordContent(
                secretHash: credential.hash,
                createdAt: begins,
                rotatedAt: begins,
                recent: [],
                csrfNonce: Nonce(foreignID: id),
                values: SessionValues(),
                flash: [],
                unknown: []
            )
            stored.absoluteDeadline = begins + lifetime.absolute
        }
        content.isLastUseKnown = isLastUseKnown
        return content
    }

    /// A deadline further away than this is none.
    private static let endless: Duration = .seconds(50 * 365 * 86_400)

    /// How far the clocks and the rounding of two systems may be apart.
    private static let skew: Duration = .seconds(300)

    /// The session's own lifetime: the other system says how long it lives after each use, and only we know of an end that
    /// no use moves.
    private static func lifetime(
        _ maxAge: Duration?,
        _ lifetime: SessionLifetime,
        _ own: RecordContent?
    ) -> SessionLifetime? {
        guard let maxAge else { return own?.persistence == .browserSession ? own?.lifetime : nil }
        if let own = own?.lifetime, own.idle == maxAge { return own }
        return maxAge == lifetime.idle
            ? nil : SessionLifetime(idle: maxAge, absolute: max(maxAge, lifetime.absolute))
    }

    /// How long the browser keeps the cookie, where the session says otherwise than the manager. The other system knows
    /// two ways, and only we know of a third.
    ///
    /// - Parameters:
    ///   - maxAge: How long the record says that the session lives after each use, and its cookie; `nil` if it says
    ///     that the cookie ends with the browser.
    ///   - isUsuallyLasting: Whether the manager's cookies outlast the browser.
    func persistence(
        at key: StoreKey,
        maxAge: Duration?,
        isUsuallyLasting: Bool
    ) -> SessionCookie.Persistence? {
        let isLasting = maxAge != nil
        if let content = own(at: key)?.content {
            if let persistence = content.persistence, (persistence != .browserSession) == isLasting {
                return persistence
            }
            // A lifetime of its own takes a `maxAge`, whatever the cookie.
            if content.persistence == nil, let idle = content.lifetime?.idle, idle == maxAge { return nil }
        }
        guard isLasting != isUsuallyLasting else { return nil }
        return isLasting ? .untilIdle : .browserSession
    }

    // MARK: Writing

    /// The JSON object that says `record`: its values, the other system's members where they stood, our own, and the last
    /// ones.
    ///
    /// - Parameter keepsIdleDeadline: Whether nothing but our own member says the idle deadline.
    static func json(
        _ record: LoadedRecord,
        foreign: [ForeignMember],
        last: [ForeignMember] = [],
        keepsIdleDeadline: Bool = false
    ) -> [UInt8] {
        var output = [UInt8(ascii: "{")]
        func append(_ name: ValueName, _ text: some Sequence<UInt8>) {
            if output.count > 1 { output.append(UInt8(ascii: ",")) }
            JSONString.append(name.text, to: &output)
            output.append(UInt8(ascii: ":"))
            output += text
        }
        let entries = record.content.values.entries
        for index in 0...entries.count {
            for member in foreign where min(member.position, entries.count) == index {
                append(member.name, member.text)
            }
            if index < entries.count { append(entries[index].name, entries[index].text) }
        }
        append(OwnMember.name, OwnMember.text(of: record, keepsIdleDeadline: keepsIdleDeadline))
        for member in last { append(member.name, member.text) }
        output.append(UInt8(ascii: "}"))
        return output
    }

    /// A value under a name that means something to the other system.
    static func reserved(_ name: ValueName, _ system: String) -> SessionError {
        SessionError(
            .unencodable,
            "No value of a session of \(system) can be called \"\(name.text)\", which means something to it or to this "
                + "library. Rename the key."
        )
    }
}
