@testable import Sessions

/// A record, a credential and a request, from which a test of ``CommitPlan`` starts.
struct PlanFixture {
    var configuration = SessionConfiguration()
    var now = Timestamp(microseconds: 1_800_000_000_000_000)
    let realm = Realm(application: "app", cookieName: "sid")
    let codec: CredentialCodec
    let held: HeldCredential
    var record: LoadedRecord
    var request: CommitRequest

    init() throws {
        codec = CredentialCodec(keys: try KeyRing([SessionSecret.generate()]), realm: realm)
        let handle = SessionHandle.random()
        let secret = CredentialSecret.random()
        held = HeldCredential(handle: handle, secret: secret, hash: secret.hash)
        let content = RecordContent(
            secretHash: held.hash,
            createdAt: now - .seconds(600),
            rotatedAt: now - .seconds(600),
            recent: [],
            csrfNonce: .random(),
            values: SessionValues(),
            flash: [],
            unknown: []
        )
        let stored = StoredRecord(
            payload: [],
            version: .random(),
            idleDeadline: now - .seconds(10) + SessionLifetime.anonymous.idle,
            absoluteDeadline: now - .seconds(600) + SessionLifetime.anonymous.absolute
        )
        record = LoadedRecord(key: StoreKey(handle), stored: stored, content: content)
        request = CommitRequest(
            held: held,
            hadRecord: true,
            arrival: .found,
            operations: [],
            intent: Intent(),
            outcome: .returned,
            shownFlash: [],
            keptFlash: [],
            fresh: FreshMaterial(.random()),
            version: .random(),
            realm: realm,
            format: try codec.nativeFormat()
        )
    }

    /// The request of a client without a session.
    mutating func becomeAnonymous(_ arrival: Arrival = .noCookie) {
        request.held = nil
        request.hadRecord = false
        request.arrival = arrival
    }

    /// Gives the record an owner.
    mutating func own(_ owner: String) {
        record.stored.owner = OwnerKey(realm: realm, owner: owner)
    }

    /// Rotates the record with a grace, as another request would have done; the held credential is then in its grace.
    mutating func rotateMeanwhile(grace: Duration = .seconds(30)) -> CredentialSecret {
        let grace = RecordContent.Grace(secretHash: held.hash, until: now + grace, nonce: .random())
        let successor = codec.successors(of: held.secret, nonce: grace.nonce, handle: held.handle)[0]
        record.content.grace = grace
        record.content.secretHash = successor.hash
        return successor
    }

    /// Rotates the record without a grace, as another request's login would have done.
    mutating func supersede() {
        record.content.secretHash = CredentialSecret.random().hash
    }

    func plan() throws -> CommitPlan { try plan(on: record) }

    func plan(on record: LoadedRecord?) throws -> CommitPlan {
        try CommitPlan.make(
            for: request,
            on: record,
            configuration: configuration,
            successors: { codec.successors(of: $0.secret, nonce: $1.nonce, handle: $0.handle) },
            now: now
        )
    }
}

extension Operation {
    static func set(_ name: String, _ value: Int) -> Operation {
        Operation(name: ValueName(name)) { try $0.values.set(ValueName(name), to: value) }
    }

    static func remove(_ name: String) -> Operation {
        Operation(name: ValueName(name)) { $0.values.remove(ValueName(name)) }
    }

    static func increment(_ name: String) -> Operation {
        Operation(name: ValueName(name)) { content in
            let old = content.values.value(ValueName(name), as: Int.self) ?? 0
            try content.values.set(ValueName(name), to: old + 1)
        }
    }
}

extension CommitPlan {
    /// The record that the plan writes.
    var written: LoadedRecord? {
        switch write {
        case .insert(let record), .replace(let record, _), .deleteThenInsert(_, let record), .move(let record, _):
            record
        case .nothing, .touch, .delete, .deleteEmptied: nil
        }
    }

    /// Why the plan changes the cookie, and whether it sends it only if its write succeeded.
    var reason: CookieReason? {
        switch cookie {
        case .keep: nil
        case .send(_, let reason), .resend(_, let reason), .expire(let reason): reason
        }
    }

    /// Where the plan moves the idle deadline by a touch.
    var touchedUntil: Timestamp? {
        if case .touch(_, let deadline) = write { deadline } else { nil }
    }

    /// The secret that the client gets.
    var sent: HeldCredential? {
        switch cookie {
        case .send(let held, _), .resend(let held, _): held
        case .keep, .expire: nil
        }
    }
}

extension LoadedRecord {
    func value(_ name: String) -> Int? {
        content.values.value(ValueName(name), as: Int.self)
    }
}

extension CredentialCodec {
    /// The native wire format with this codec.
    func nativeFormat() throws -> NativeWireFormat {
        NativeWireFormat(
            codec: self,
            cookie: try SetCookieTemplate(name: CookieName("sid"), attributes: .default),
            records: RecordCoder(format: NativeRecordFormat(), sealer: nil, maximumBytes: 65_536)
        )
    }
}
