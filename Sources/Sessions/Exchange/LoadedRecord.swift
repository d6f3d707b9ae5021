/// A record as it was read from the store, with its content.
struct LoadedRecord: Sendable {
    var key: StoreKey
    var stored: StoredRecord
    var content: RecordContent

    /// What a presented secret is worth on this record.
    enum Standing: Sendable, Equatable {
        /// It is the current one.
        case current
        /// A rotation has replaced it, and its grace is not over: full rights.
        case inGrace
        /// A rotation has replaced it.
        case superseded
    }

    /// What `secret` is worth at `now`. Compares in constant time.
    func standing(of hash: SecretHash, at now: Timestamp) -> Standing {
        if hash == content.secretHash { return .current }
        if let grace = content.grace(of: hash), now < grace.until { return .inGrace }
        return .superseded
    }

    /// Whether the session is over at `now`.
    func isExpired(at now: Timestamp) -> Bool { now >= stored.expiresAt }

    /// Whether the session is over at `now` by its idle deadline alone. A copy cannot tell for certain: other requests
    /// may have moved that deadline, which leaves the version as it is.
    func isPastIdleDeadlineOnly(at now: Timestamp) -> Bool { isExpired(at: now) && now < stored.absoluteDeadline }

    /// The commits that this record knows of, its own first.
    var lineage: [RecordVersion] { [stored.version] + content.recent }

    /// The lifetime that applies: the session's own or the manager's.
    func lifetime(_ configuration: SessionConfiguration) -> SessionLifetime {
        content.lifetime ?? (stored.owner == nil ? configuration.anonymousLifetime : configuration.lifetime)
    }

    /// How long after the last move of the idle deadline a request that only reads moves it again. A lifetime of the
    /// session's own may be shorter than the manager's interval. The longest interval that a manager can have means never,
    /// for such a session too.
    func touchInterval(_ configuration: SessionConfiguration) -> Duration {
        let interval = configuration.renewalInterval
        guard let own = content.lifetime else { return interval }
        let shortest = min(configuration.lifetime.idle, configuration.anonymousLifetime.idle)
        guard interval + .microseconds(1) < shortest else { return own.idle }
        return min(interval, own.idle / 2)
    }

    /// When a request last moved the idle deadline.
    func lastSeen(_ configuration: SessionConfiguration) -> Timestamp {
        max(stored.idleDeadline - lifetime(configuration).idle, content.createdAt)
    }
}
