/// Holds an owner to a number of sessions, after a login (checklist LC-13).
///
/// Every login lists the owner's sessions after its own record is written, and ends all but the newest. All of them put
/// the sessions into one and the same order, so that of any number of logins at one time exactly as many live on as
/// may.
struct OwnerLimit {
    let manager: SessionManager
    let owner: OwnerKey
    let limit: Int
    private(set) var roundTrips = 0

    init(_ limit: Int, of owner: OwnerKey, manager: SessionManager) {
        self.limit = limit
        self.owner = owner
        self.manager = manager
    }

    /// Ends what is beyond the limit.
    ///
    /// - Returns: `false` if the login of `own` is itself beyond it, as so many others took place at this moment.
    /// - Throws: what the store throws.
    mutating func enforce(for own: LoadedRecord, _ owners: any OwnerIndexedSessionStore) async throws -> Bool {
        roundTrips += 1
        let entries = try await manager.access.measured("session.list", manager.metrics.loadLatency) {
            [owner] in try await owners.entries(of: owner)
        }
        let now = manager.clock.now()
        let live = entries.filter { $0.record.owner == owner && now < $0.record.expiresAt }
        guard live.count > limit else { return true }
        let surplus = live.map { ($0.key, age(of: $0)) }
            .sorted { ($1.1, $1.0.text) < ($0.1, $0.0.text) }
            .dropFirst(limit)
        for (key, _) in surplus where key != own.key {
            roundTrips += 1
            let isEnded = try await manager.access.measured("session.revoke", manager.metrics.writeLatency) {
                [owner] in try await owners.delete(key, ifOwner: owner)
            }
            if isEnded { manager.emit(.displaced, key) }
        }
        return !surplus.contains { $0.0 == own.key }
    }

    /// When the owner logged in there. A record that cannot be read goes first.
    private func age(of entry: StoredEntry) -> Timestamp {
        guard let content = manager.format.decode(entry.record, at: entry.key)?.content else {
            return Timestamp(microseconds: .min)
        }
        return content.authenticatedAt ?? content.createdAt
    }
}
