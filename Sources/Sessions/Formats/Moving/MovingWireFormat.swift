import CoreMetrics
import HTTPTypes

/// A format that accepts another system's cookies and records, and answers with our own.
///
/// What a credential opens is told by the key of its record: that of a record which is still in the old store is marked as
/// such, and so is everything that comes from there (``StoreKey/isOld``).
struct MovingWireFormat: WireFormat {
    let own: any WireFormat
    let old: OldFormat
    let clock: any SessionClock

    var movesOnRotation: Bool { own.movesOnRotation }

    var recordsSayDeadline: Bool { own.recordsSayDeadline }

    /// Our own cookie, wherever there is one that is genuine; otherwise the old one, until its last date.
    func presentation(in fields: HTTPFields) -> Presentation {
        let present = own.presentation(in: fields)
        switch present {
        case .genuine, .several, .refused(.duplicate): return present
        case .none, .refused, .ignored: break
        }
        guard clock.now() < old.end else {
            if old.isPresent(in: fields) { old.metrics.refused.increment() }
            return present
        }
        switch old.presentation(in: fields) {
        case .none: return present
        case .refused(let arrival):
            old.metrics.dead.increment()
            // It is left where it is, and nothing of ours has to be expired.
            if case .none = present { return .ignored(arrival) }
            return present
        case let presented: return presented
        }
    }

    func handle(of key: StoreKey) -> SessionHandle? {
        if let key = key.old { old.wire.handle(of: key) } else { own.handle(of: key) }
    }

    func freshCredential() -> HeldCredential { own.freshCredential() }

    func cookies(for held: HeldCredential, maxAge: Int?, now: Timestamp) throws(CookieError) -> [NamedCookie] {
        try own.cookies(for: held, maxAge: maxAge, now: now)
    }

    func expiredCookies() -> [NamedCookie] { own.expiredCookies() }

    func with(_ cookie: SetCookieTemplate) throws(SessionConfigurationError) -> any WireFormat {
        MovingWireFormat(own: try own.with(cookie), old: old, clock: clock)
    }

    func cookie(of record: LoadedRecord) -> SetCookieTemplate? { own.cookie(of: record) }

    func decode(_ stored: StoredRecord, at key: StoreKey) -> LoadedRecord? {
        guard key.isOld else { return own.decode(stored, at: key) }
        // What a mark says is where the session is, and nothing of the session.
        return old.decode(stored, at: key).flatMap { ForwardingMark.handle(in: $0) == nil ? $0 : nil }
    }

    func encode(_ record: LoadedRecord) throws -> LoadedRecord {
        try record.key.isOld ? old.encode(record) : own.encode(record)
    }
}
