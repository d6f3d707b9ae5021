public import ServiceLifecycle
import Synchronization

/// A store in front of which this process keeps copies of what it has read, for a moment.
///
/// ```swift
/// let store = try await TieredSessionStore(PostgresSessionStore(environment: "DATABASE_URL"), staleness: .seconds(2))
/// ```
///
/// A request whose session has a recent copy costs no round trip to read. Writes go to the primary, conditional on its
/// versions, so that nothing is lost: a change that was made on an old copy is a conflict and is made again.
///
/// What is given up is this, and no more. On the node that changed, rotated or destroyed a session, the change holds at
/// once. On every other node a request may be served from a copy that is up to ``staleness`` old: it may read values of
/// before the change, and it may still accept a session that was destroyed, or a credential that was rotated, that much
/// ago. (I1 and I2 hold at once here and within ``staleness`` elsewhere.) With an ``InvalidationFeed`` it is as long as a
/// message takes, and ``staleness`` only when one is lost.
///
/// Add it to the application's services if it has a feed.
public final class TieredSessionStore<Primary: SessionStore>: ReadThroughSessionStore, Service {
    /// The store that decides.
    public let primary: Primary

    /// The longest that a copy may be behind the primary, counted from the moment it was asked for.
    public let staleness: Duration

    private let feed: (any InvalidationFeed)?
    private let copies: RecordCopies

    /// Keeps copies in front of `primary`.
    ///
    /// - Parameters:
    ///   - primary: The store that decides.
    ///   - staleness: The longest that a copy may be behind it. Between a millisecond and a minute.
    ///   - limit: The most copies that are kept. The least recent go first.
    ///   - feed: Tells other nodes of changes; `nil` leaves them to ``staleness``.
    /// - Throws: ``SessionConfigurationError`` with code `limit` for a staleness or a limit out of range, and with code
    ///   `store` if `primary` is in this process's memory, holds copies itself, or is another system's table.
    public convenience init(
        _ primary: Primary,
        staleness: Duration = .seconds(2),
        limit: Int = 10_000,
        feed: (any InvalidationFeed)? = nil
    ) throws(SessionConfigurationError) {
        let start = ContinuousClock.now
        try self.init(primary, staleness: staleness, limit: limit, feed: feed) { ContinuousClock.now - start }
    }

    /// - Parameter uptime: A time that no one sets: a wall clock that is set back would keep copies for longer.
    init(
        _ primary: Primary,
        staleness: Duration,
        limit: Int,
        feed: (any InvalidationFeed)?,
        uptime: @escaping @Sendable () -> Duration
    ) throws(SessionConfigurationError) {
        guard (.milliseconds(1) ... .seconds(60)).contains(staleness) else {
            throw SessionConfigurationError(
                .limit,
                "A tier whose copies may be \(staleness) old either keeps nothing or lets a session live on that was "
                    + "ended. Set staleness between a millisecond and a minute."
            )
        }
        guard limit > 0 else {
            throw SessionConfigurationError(
                .limit,
                "A tier with a limit of \(limit) copies could keep nothing. Set limit to 1 or more."
            )
        }
        guard !(primary is any ProcessLocalSessionStore), !(primary is any ReadThroughSessionStore) else {
            throw SessionConfigurationError(
                .store,
                "A tier in front of a store that is in memory already makes it slower and staler. Leave the tier out."
            )
        }
        guard !(primary is any PayloadConditionalSessionStore) else {
            throw SessionConfigurationError(
                .store,
                "What another system writes to its table, no tier would hear of. Leave the tier out."
            )
        }
        self.primary = primary
        self.staleness = staleness
        self.feed = feed
        copies = RecordCopies(limit: limit, age: staleness, uptime: uptime)
    }

    /// Listens to the feed until the task is cancelled or the application shuts down.
    public func run() async throws {
        guard let feed else { return try await gracefulShutdown() }
        try await cancelWhenGracefulShutdown { [copies] in
            try await feed.listen { news in
                switch news {
                case .changed(let digest): copies.invalidate(.digest(digest))
                case .gap: copies.invalidateAll()
                }
            }
        }
    }

    /// The copy of the record at `key`, if there is one that is recent enough.
    public func copy(of key: StoreKey) -> StoredRecord? { copies[place(key)] }

    /// Loads from the primary, and keeps a copy.
    public func load(_ key: StoreKey) async throws -> StoredRecord? {
        let ticket = copies.begin(place(key))
        do {
            let record = try await primary.load(key)
            copies.end(ticket, with: record)
            return record
        } catch {
            copies.end(ticket, with: nil)
            throw error
        }
    }

    /// Inserts into the primary.
    public func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool {
        let ticket = copies.begin(place(key))
        do {
            let isInserted = try await primary.insert(record, at: key)
            copies.end(ticket, with: isInserted ? record : nil)
            return isInserted
        } catch {
            copies.end(ticket, with: nil)
            throw error
        }
    }

    /// Replaces in the primary.
    public func replace(
        _ record: StoredRecord,
        at key: StoreKey,
        ifVersion version: RecordVersion
    ) async throws -> ReplaceOutcome {
        try await change(key, { $0 == .replaced ? record : nil }) {
            try await primary.replace(record, at: key, ifVersion: version)
        }
    }

    /// Touches in the primary. Copies elsewhere need not be told: what they would call expired, they ask for.
    public func touch(_ key: StoreKey, until deadline: Timestamp, ifVersion version: RecordVersion) async throws -> Bool
    {
        let isTouched = try await primary.touch(key, until: deadline, ifVersion: version)
        let place = place(key)
        if isTouched { copies.touch(place, until: deadline, ifVersion: version) } else { copies.invalidate(place) }
        return isTouched
    }

    /// Deletes from the primary.
    public func delete(_ key: StoreKey, ifVersion version: RecordVersion?) async throws -> Bool {
        try await change(key) { try await primary.delete(key, ifVersion: version) }
    }

    private func place(_ key: StoreKey) -> CopyKey { feed == nil ? .key(key) : .digest(KeyDigest(key)) }

    /// Changes the record at `key`, whatever comes of it: no copy of before outlives the answer on this node.
    private func change<Answer>(
        _ key: StoreKey,
        _ written: (Answer) -> StoredRecord? = { _ in nil },
        _ body: () async throws -> Answer
    ) async throws -> Answer {
        let ticket = copies.begin(place(key))
        defer { feed?.send(.changed(KeyDigest(key))) }
        do {
            let answer = try await body()
            copies.end(ticket, invalidatingWith: written(answer))
            return answer
        } catch {
            // It may have been done all the same.
            copies.end(ticket, invalidatingWith: nil)
            throw error
        }
    }
}

extension TieredSessionStore: SweepingSessionStore where Primary: SweepingSessionStore {
    /// Sweeps the primary.
    public func sweep(expiredBefore cutoff: Timestamp, limit: Int) async throws -> Int {
        try await primary.sweep(expiredBefore: cutoff, limit: limit)
    }
}

extension TieredSessionStore: OwnerIndexedSessionStore where Primary: OwnerIndexedSessionStore {
    /// The records of `owner`, from the primary.
    public func entries(of owner: OwnerKey) async throws -> [StoredEntry] { try await primary.entries(of: owner) }

    /// Deletes the record at `key` from the primary, if `owner` owns it.
    public func delete(_ key: StoreKey, ifOwner owner: OwnerKey) async throws -> Bool {
        try await change(key) { try await primary.delete(key, ifOwner: owner) }
    }

    /// The epoch of `owner`, from the primary.
    public func epoch(of owner: OwnerKey) async throws -> Timestamp? { try await primary.epoch(of: owner) }

    /// Raises the epoch of `owner` in the primary.
    public func raiseEpoch(of owner: OwnerKey, to epoch: Timestamp, keptUntil: Timestamp) async throws {
        try await primary.raiseEpoch(of: owner, to: epoch, keptUntil: keptUntil)
    }
}

extension TieredSessionStore: EnumerableSessionStore where Primary: EnumerableSessionStore {
    /// How many records the primary holds.
    public func count() async throws -> Int { try await primary.count() }

    /// A page of the primary's entries.
    public func entries(after key: StoreKey?, limit: Int) async throws -> [StoredEntry] {
        try await primary.entries(after: key, limit: limit)
    }

    /// Deletes every record, and every copy on this node; other nodes are told.
    public func removeAll() async throws {
        defer {
            copies.invalidateAll()
            feed?.send(.gap)
        }
        try await primary.removeAll()
    }
}
