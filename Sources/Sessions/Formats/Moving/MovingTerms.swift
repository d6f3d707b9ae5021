/// What a plan has to know of the format that sessions are moved from.
struct MovingTerms: Sendable {
    /// When the last old cookie is accepted.
    var end: Timestamp
    /// The lifetime of old sessions that say nothing else.
    var lifetime: SessionLifetime
    /// Whether a request that only read moves its session at once.
    var isOnRead: Bool

    init(_ format: OldFormat) {
        end = format.end
        lifetime = format.lifetime
        isOnRead = format.occasion == .onRead
    }

    /// Whether a request that only read moves `record`, which has not moved: where it would move the idle deadline, too, or
    /// where nobody can tell whether it would.
    func isDue(_ record: LoadedRecord, _ configuration: SessionConfiguration, at now: Timestamp) -> Bool {
        if isOnRead || !record.content.isLastUseKnown { return true }
        let idle = record.content.lifetime?.idle ?? lifetime.idle
        let lastSeen = max(record.stored.idleDeadline - idle, record.content.createdAt)
        return now.duration(since: lastSeen) >= min(configuration.renewalInterval, idle / 2)
    }
}
