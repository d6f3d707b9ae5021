import Synchronization

/// Keeps records in this process's memory: fast, and gone when the process is.
///
/// For development, for tests, and for a service of one process whose users may be signed out by a restart. A second
/// process knows nothing of these sessions, so it is the wrong store behind a load balancer.
///
/// It is bounded in records and in bytes (checklist ST-08, DS-01). At a limit it first collects what has expired, then
/// evicts the record without an owner that is nearest its deadline. One with an owner goes only for another one with an
/// owner, and only when there is none without. Where nothing but records with owners could make room for one without, that
/// is refused with the error `full`, which the manager answers with 503. So visitors sign nobody out, however many they
/// are and however much they put into their sessions.
///
/// No method ever suspends, and none waits for a sweep: work under a lock is done in small pieces. Expired records are
/// collected as new ones come in; add a ``SessionSweeper`` to give memory back in quiet times too.
public final class MemorySessionStore: Sendable {
    /// How many live records had to make room for others.
    public struct Evictions: Sendable, Hashable {
        /// Those without an owner.
        public var anonymous: Int
        /// Those with one: users who were signed out because the store is too small.
        public var owned: Int

        /// Creates a count.
        public init(anonymous: Int = 0, owned: Int = 0) {
            self.anonymous = anonymous
            self.owned = owned
        }
    }

    /// The most records that are kept.
    public var limit: Int { usage.limit }

    /// The most bytes that are kept: payloads, owners, keys, and 192 bytes a record for what surrounds them.
    public var byteLimit: Int { usage.byteLimit }

    private let shards: [MemoryShard]
    private let epochs = Mutex(MemoryEpochs())
    private let clock: any SessionClock
    private let skewAllowance: Duration

    private let usage: MemoryUsage
    /// Held while room is made.
    private let roomMaking = Mutex(())
    private let anonymousEvictions = Atomic<Int>(0)
    private let ownedEvictions = Atomic<Int>(0)
    private let evictionHandler = Mutex<(@Sendable (_ owned: Bool) -> Void)?>(nil)

    /// Creates an empty store.
    ///
    /// - Parameters:
    ///   - limit: The most records that are kept. By default 100 000: some 50 MB with small payloads.
    ///   - byteLimit: The most bytes that are kept, as ``byteLimit`` counts them. By default 4 KiB for each record of
    ///     `limit`, and no less than 64 MiB.
    ///   - skewAllowance: How long after its deadline a record is collected at the earliest. By default 60 s.
    ///   - clock: Tells when a record may be collected.
    /// - Throws: ``SessionConfigurationError`` with code `limit` if a limit is not positive or the allowance negative.
    public init(
        limit: Int = 100_000,
        byteLimit: Int? = nil,
        skewAllowance: Duration = .seconds(60),
        clock: any SessionClock = SystemSessionClock()
    ) throws {
        guard limit > 0 else {
            throw SessionConfigurationError(
                .limit,
                "A memory store with a limit of \(limit) records could keep nothing. Set limit to 1 or more."
            )
        }
        let (product, overflow) = limit.multipliedReportingOverflow(by: 4096)
        let byteLimit = byteLimit ?? max(overflow ? .max : product, 64 << 20)
        guard byteLimit > 0 else {
            throw SessionConfigurationError(
                .limit,
                "A memory store with a limit of \(byteLimit) bytes could keep nothing. Set byteLimit to 1 or more."
            )
        }
        guard skewAllowance >= .zero else {
            throw SessionConfigurationError(
                .limit,
                "A negative skewAllowance would collect records before their deadline. Set it to zero or more."
            )
        }
        usage = MemoryUsage(limit: limit, byteLimit: byteLimit)
        self.skewAllowance = skewAllowance
        self.clock = clock
        // Many shards so that a dictionary that grows holds up a sixty-fourth of the requests, and not for long.
        shards = (0..<(limit < 16384 ? 1 : 64)).map { _ in MemoryShard() }
    }

    /// How many live records had to make room since the store was created.
    public var evictions: Evictions {
        Evictions(
            anonymous: anonymousEvictions.load(ordering: .relaxed),
            owned: ownedEvictions.load(ordering: .relaxed)
        )
    }

    /// Has `handler` called after each eviction, outside every lock, in place of an earlier handler.
    package func onEviction(_ handler: @escaping @Sendable (_ owned: Bool) -> Void) {
        evictionHandler.withLock { $0 = handler }
    }

    private func shard(of key: StoreKey) -> MemoryShard {
        // Handles are random already. The count of shards is a power of two.
        let hash = key.handle.map { Int(truncatingIfNeeded: $0.low) } ?? key.hashValue
        return shards[hash & (shards.count - 1)]
    }
}

// MARK: - The contract

extension MemorySessionStore: SessionStore {
    /// The record at `key`, expired or not; `nil` if there is none.
    public func load(_ key: StoreKey) -> StoredRecord? {
        shard(of: key).read { $0.record(at: key) }
    }

    /// Keeps a new record, as ``SessionStore/insert(_:at:)`` says.
    ///
    /// - Throws: ``SessionStoreError`` with code `full`, and nothing is kept, if the record alone is larger than
    ///   ``byteLimit``, or if it has no owner and only records that have one could make room for it.
    public func insert(_ record: StoredRecord, at key: StoreKey) throws -> Bool {
        let weight = try checkedWeight(of: record, at: key)
        let shard = shard(of: key)
        let cutoff = clock.now() - skewAllowance
        // Room is taken before the record goes in, so that a new record is never the one that makes room for itself.
        usage.add(weight)
        if usage.isOverLimit {
            if shard.read({ $0.contains(key) }) {
                usage.subtract(weight)
                return false
            }
            while !weight.isOwned, !usage.hasRoom(forAnonymous: weight) {
                guard collect(before: cutoff, limit: Self.step) > 0 else {
                    usage.subtract(weight)
                    throw Self.noRoom
                }
            }
            makeRoom(cutoff: cutoff, evictsOwned: weight.isOwned)
        }
        let (collected, inserted) = shard.change { ($0.collect(before: cutoff, limit: 2), $0.insert(record, at: key)) }
        subtract(collected)
        if !inserted { usage.subtract(weight) }
        if usage.isOverLimit { makeRoom(cutoff: cutoff, evictsOwned: weight.isOwned) }
        return inserted
    }

    /// Replaces a record, as ``SessionStore/replace(_:at:ifVersion:)`` says.
    ///
    /// - Throws: ``SessionStoreError`` with code `full`, and nothing changed, if the record alone is larger than
    ///   ``byteLimit``, or if it has no owner, is larger than the one it replaces, and only records that have an owner
    ///   could make room for it.
    public func replace(
        _ record: StoredRecord,
        at key: StoreKey,
        ifVersion version: RecordVersion
    ) throws -> ReplaceOutcome {
        let weight = try checkedWeight(of: record, at: key)
        while true {
            let fits = weight.isOwned || usage.hasRoom(forAnonymous: weight)
            let change: (outcome: ReplaceOutcome, replaced: StoredRecord?)? = shard(of: key).change { records in
                if !fits, let current = records.record(at: key), current.version == version {
                    let old = MemoryUsage.Weight(of: current, at: key)
                    guard usage.hasRoom(forAnonymous: weight, replacing: old) else { return nil }
                }
                return records.replace(record, at: key, ifVersion: version)
            }
            let cutoff = clock.now() - skewAllowance
            if let (outcome, replaced) = change {
                guard let replaced else { return outcome }
                usage.replace(MemoryUsage.Weight(of: replaced, at: key), by: weight)
                if usage.isOverLimit { makeRoom(cutoff: cutoff, evictsOwned: weight.isOwned) }
                return outcome
            }
            guard collect(before: cutoff, limit: Self.step) > 0 else { throw Self.noRoom }
        }
    }

    /// Moves the idle deadline forward, as ``SessionStore/touch(_:until:ifVersion:)`` says.
    public func touch(_ key: StoreKey, until deadline: Timestamp, ifVersion version: RecordVersion) -> Bool {
        shard(of: key).change { $0.touch(key, until: deadline, ifVersion: version) }
    }

    /// Deletes a record, as ``SessionStore/delete(_:ifVersion:)`` says.
    public func delete(_ key: StoreKey, ifVersion version: RecordVersion?) -> Bool {
        delete(key) { version == nil || $0.version == version }
    }

    private func delete(_ key: StoreKey, if condition: (StoredRecord) -> Bool) -> Bool {
        guard let removed = shard(of: key).change({ $0.remove(key, if: condition) }) else { return false }
        subtract([removed])
        return true
    }
}

extension MemorySessionStore: SweepingSessionStore {
    /// Collects what has expired, as ``SweepingSessionStore/sweep(expiredBefore:limit:)`` says.
    ///
    /// A lock is held for no more than 64 records.
    public func sweep(expiredBefore cutoff: Timestamp, limit: Int) -> Int {
        guard limit > 0 else { return 0 }
        while epochs.withLock({ $0.forget(before: cutoff, limit: Self.batch) }) == Self.batch {}
        return collect(before: cutoff, limit: limit)
    }
}

extension MemorySessionStore: OwnerIndexedSessionStore {
    /// The records of `owner`, in no particular order.
    public func entries(of owner: OwnerKey) -> [StoredEntry] {
        shards.flatMap { shard in shard.read { $0.entries(of: owner) } }
    }

    /// Deletes the record at `key`, if `owner` owns it.
    public func delete(_ key: StoreKey, ifOwner owner: OwnerKey) -> Bool {
        delete(key) { $0.owner == owner }
    }

    /// The epoch of `owner`; `nil` if none was set or it has been forgotten.
    public func epoch(of owner: OwnerKey) -> Timestamp? {
        epochs.withLock { $0.epoch(of: owner) }
    }

    /// Sets the epoch of `owner`, as ``OwnerIndexedSessionStore/raiseEpoch(of:to:keptUntil:)`` says.
    public func raiseEpoch(of owner: OwnerKey, to epoch: Timestamp, keptUntil: Timestamp) {
        let cutoff = clock.now() - skewAllowance
        epochs.withLock { epochs in
            _ = epochs.forget(before: cutoff, limit: 2)
            epochs.raise(owner, to: epoch, keptUntil: keptUntil)
        }
    }
}

extension MemorySessionStore: EnumerableSessionStore {
    /// How many records there are, expired ones included.
    public func count() -> Int {
        usage.count
    }

    /// A page of entries that have not expired by the store's clock, as ``EnumerableSessionStore/entries(after:limit:)`` says.
    ///
    /// Each page looks at every key: meant for operators and tests.
    public func entries(after key: StoreKey?, limit: Int) -> [StoredEntry] {
        guard limit > 0 else { return [] }
        var page = MemoryPage(after: key, limit: limit)
        let now = clock.now()
        for shard in shards {
            var start = 0
            let step = 1024
            while let entries = shard.read({ $0.entries(from: start, count: step, wanted: page.accepts) }) {
                page.add(entries.filter { $0.record.expiresAt > now })
                start += step
            }
        }
        return page.entries()
    }

    /// Deletes every record.
    ///
    /// Epochs are kept: nothing that was opened before a revocation lives after it.
    public func removeAll() {
        for shard in shards {
            let removed = shard.change { records in
                let removed = records
                records = MemoryRecords()
                return removed
            }
            subtract(removed.entries(from: 0, count: .max) { _ in true } ?? [])
        }
    }
}

// MARK: - Limits

extension MemorySessionStore {
    /// Records or epochs that are collected before the lock is given up for a moment.
    private static let batch = 64

    /// Records that are collected before it is asked again whether there is room.
    private static let step = 16

    private static let noRoom = SessionStoreError(
        .full,
        "The memory store is full of sessions with owners, and a session without one evicts none of them. Raise limit or "
            + "byteLimit, or choose a store with a database."
    )

    private func checkedWeight(of record: StoredRecord, at key: StoreKey) throws -> MemoryUsage.Weight {
        let weight = MemoryUsage.Weight(of: record, at: key)
        guard weight.bytes <= byteLimit else {
            throw SessionStoreError(
                .full,
                "A record of \(record.payload.count) bytes is larger than the memory store may grow. Raise byteLimit."
            )
        }
        return weight
    }

    private func subtract(_ removed: [StoredEntry]) {
        for entry in removed { usage.subtract(MemoryUsage.Weight(of: entry.record, at: entry.key)) }
    }

    /// Collects what has expired, a batch from each shard in turn.
    private func collect(before cutoff: Timestamp, limit: Int) -> Int {
        var collected = 0
        var isDone = false
        while !isDone {
            isDone = true
            for shard in shards where collected < limit && hasExpired(shard, before: cutoff) {
                let batch = min(Self.batch, limit - collected)
                let removed = shard.change { $0.collect(before: cutoff, limit: batch) }
                subtract(removed)
                collected += removed.count
                isDone = false
            }
        }
        return collected
    }

    private func hasExpired(_ shard: MemoryShard, before cutoff: Timestamp) -> Bool {
        shard.nearestDeadline(owned: false).map { $0 < cutoff } ?? false
            || shard.nearestDeadline(owned: true).map { $0 < cutoff } ?? false
    }

    /// Collects and evicts until what is kept is within the limits.
    ///
    /// A record with an owner goes only if those with one are too much by themselves: where others are being put in at the
    /// same moment, it is they who have to give way.
    private func makeRoom(cutoff: Timestamp, evictsOwned: Bool) {
        while true {
            // One task at a time, or each of several would make room for the same record.
            let step = roomMaking.withLock { _ in makeSomeRoom(cutoff: cutoff, evictsOwned: evictsOwned) }
            switch step {
            case .enough: return
            case .collected: continue
            case .evicted(let owned): evictionHandler.withLock { $0 }?(owned)
            }
        }
    }

    private enum RoomStep {
        /// What is kept is within the limits, or nothing more can go.
        case enough
        case collected
        case evicted(owned: Bool)
    }

    private func makeSomeRoom(cutoff: Timestamp, evictsOwned: Bool) -> RoomStep {
        guard usage.isOverLimit else { return .enough }
        if collect(before: cutoff, limit: Self.step) > 0 { return .collected }
        if evict(owned: false) { return .evicted(owned: false) }
        if evictsOwned, usage.isOverLimitWithOwned, evict(owned: true) { return .evicted(owned: true) }
        return .enough
    }

    /// Removes the record nearest its deadline, among those with an owner or those without.
    private func evict(owned: Bool) -> Bool {
        while true {
            let nearest = shards.lazy
                .compactMap { shard in shard.nearestDeadline(owned: owned).map { (deadline: $0, shard: shard) } }
                .min { $0.deadline < $1.deadline }
            guard let shard = nearest?.shard else { return false }
            // Another task may have been faster; then what is published has changed, and the search begins again.
            guard let removed = shard.change({ $0.removeNearest(owned: owned) }) else { continue }
            subtract([removed])
            if owned {
                ownedEvictions.add(1, ordering: .relaxed)
            } else {
                anonymousEvictions.add(1, ordering: .relaxed)
            }
            return true
        }
    }
}
