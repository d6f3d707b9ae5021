/// What a request was worth to its session: found on arrival.
public enum Arrival: String, Sendable, Hashable {
    /// The request brought no session cookie, and nothing over another transport.
    case noCookie
    /// It brought one that this library never wrote.
    case malformed
    /// It brought one that no key of the ring has signed for this realm.
    case unverifiable
    /// It brought several that contradict each other; in a header, more than one.
    case duplicate
    /// It brought a genuine credential whose record is not there any more.
    case gone
    /// It brought a genuine credential whose record has passed a deadline.
    case expired
    /// It brought a genuine credential that a rotation has replaced.
    case superseded
    /// The same, a moment after the rotation: the request raced it.
    case justSuperseded
    /// It brought a genuine credential whose record cannot be read. The record stays as it is.
    case unreadable
    /// It brought the current credential.
    case found
    /// It brought the credential before the current one, inside its grace.
    case foundInGrace

    /// Whether the client's cookie is none of this application's, under these keys.
    var isNotOurs: Bool { self == .malformed || self == .unverifiable }

    /// Whether the client may hold the cookie of a live session that this request could not open.
    var hidesSession: Bool { self == .unreadable || self == .justSuperseded }

    /// Whether the client holds a credential of ours that is worth nothing for good.
    var bringsDeadCredential: Bool { self == .gone || self == .expired }
}

/// Why a cookie was set or expired.
public enum CookieReason: String, Sendable, Hashable {
    /// A session began.
    case began
    /// A login made a new credential.
    case loggedIn
    /// A rotation made a new credential.
    case rotated
    /// Another request has rotated the credential; this client gets the same new one.
    case successor
    /// The session was restarted.
    case restarted
    /// The cookie was signed with an older key of the ring.
    case reissued
    /// A rolling cookie follows its idle deadline.
    case rolled
    /// The session's lifetime changed.
    case lifetime
    /// The session came with another system's cookie, and was moved to our own format.
    case moved
    /// The session lives in the cookie, and has changed.
    case resealed
    /// Expired: the session was destroyed.
    case destroyed
    /// Expired: the session was emptied.
    case emptied
    /// Expired: the cookie was not one of ours.
    case malformed
}

/// What one exchange did, and why: one line for a log, without anything that authenticates.
public struct ExchangeReport: Sendable, Hashable, CustomStringConvertible {
    /// What the last write of an exchange was.
    public enum Commit: String, Sendable, Hashable {
        /// Nothing was written.
        case nothing
        /// The idle deadline was moved.
        case touched
        /// A record was inserted.
        case inserted
        /// The record was replaced.
        case replaced
        /// The record was deleted.
        case deleted
        /// The record was deleted and another inserted.
        case restarted
        /// The commit was refused or failed.
        case failed
    }

    /// What the request brought; `nil` if no handler asked for the session, so that nobody looked.
    public internal(set) var arrival: Arrival?

    /// What was written.
    public internal(set) var commit: Commit = .nothing

    /// Why a cookie was set or expired; `nil` if none was.
    public internal(set) var cookie: CookieReason?

    /// How many values `consume` handed out.
    public internal(set) var consumed = 0

    /// How often another writer was faster.
    public internal(set) var conflicts = 0

    /// How many times the store was asked, the session's own list and revoke calls included.
    ///
    /// What a handler asks of the ``SessionManager`` itself belongs to no exchange.
    public internal(set) var roundTrips = 0

    public var description: String {
        let loaded = arrival?.rawValue ?? "untouched"
        let cookie = cookie?.rawValue ?? "unchanged"
        var line = "session: \(loaded), \(commit.rawValue), cookie \(cookie), \(roundTrips) round trips"
        if conflicts > 0 { line += ", \(conflicts) conflicts" }
        if consumed > 0 { line += ", \(consumed) consumed" }
        return line
    }
}
