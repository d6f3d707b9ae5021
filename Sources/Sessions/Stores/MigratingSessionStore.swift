/// Moves from one store to another while both are in use, without logging anybody out.
///
/// ```swift
/// let store = try MigratingSessionStore(from: files, to: redis, phase: .moving)
/// ```
///
/// Sessions are looked for in the new store and then in the old one, and are moved by the first request that changes
/// them. Move a fleet in three roll-outs, each complete before the next begins: every node with ``Phase/preparing``,
/// every node with ``Phase/moving``, and, once the longest lifetime of a session is over or ``moveAll(batch:)`` has moved
/// the rest, every node with the new store alone.
///
/// A session is in one store at a time. What decides is a conditional write to the record where it is: a change that
/// moves a session first writes itself over the old record, marked as moved, then into the new store, then deletes the
/// old one; whoever finds a marked record completes its move. So no change is lost, whichever of two nodes is ahead, and a
/// crash at any step loses nothing.
///
/// A session that is destroyed leaves a tombstone in the new store before it is deleted from the old, for
/// ``tombstoneLife``: a slow request that still completes its move cannot bring it back. The tombstone is a record that
/// expires by itself.
///
/// A read of a session that was not moved yet costs one more round trip; its first change, or its first touch, four.
public struct MigratingSessionStore<Old: SessionStore, New: SessionStore>: SessionStore {
    /// How far the move has come.
    public enum Phase: Sendable, Hashable {
        /// New sessions, and changes, still go to the old store; sessions that other nodes have moved are found.
        case preparing
        /// New sessions, and changed ones, go to the new store.
        case moving
    }

    /// The store that is left.
    public let old: Old

    /// The store that is moved to.
    public let new: New

    /// How far the move has come.
    public let phase: Phase

    /// How long a destroyed session is remembered: longer than any exchange lasts.
    public let tombstoneLife: Duration

    private let clock: any SessionClock

    /// Moves from `old` to `new`.
    ///
    /// - Parameters:
    ///   - old: The store that is left.
    ///   - new: The store that is moved to.
    ///   - phase: How far the move has come.
    ///   - tombstoneLife: How long a destroyed session is remembered. At least as long as a request with its deadlines
    ///     and retries can last.
    ///   - clock: Tells when a tombstone is over. The manager's.
    /// - Throws: ``SessionConfigurationError`` with code `store` if one of the two is another system's table.
    public init(
        from old: Old,
        to new: New,
        phase: Phase,
        tombstoneLife: Duration = .seconds(86_400),
        clock: any SessionClock = SystemSessionClock()
    ) throws(SessionConfigurationError) {
        guard !(old is any PayloadConditionalSessionStore), !(new is any PayloadConditionalSessionStore) else {
            throw SessionConfigurationError(
                .store,
                "Records of another system's table are in that system's format, and a store that moves records leaves them "
                    + "in it. Make the manager with movingFrom: in place of this store; it moves them to our own format."
            )
        }
        self.old = old
        self.new = new
        self.phase = phase
        self.tombstoneLife = tombstoneLife
        self.clock = clock
    }

    // MARK: The contract

    public func load(_ key: StoreKey) async throws -> StoredRecord? { try await find(key).record }

    public func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool {
        // A key of one store is taken in the other, too. It cannot come there meanwhile: keys are minted once.
        if phase == .moving {
            if try await old.load(key) != nil { return false }
            if try await new.insert(record, at: key) { return true }
        }
        switch try await new.load(key) {
        case let tombstone? where MovingMark(tombstone) != nil:
            return try await new.replace(record, at: key, ifVersion: tombstone.version) == .replaced
        case nil where phase == .preparing: return try await old.insert(record, at: key)
        default: return false
        }
    }

    public func replace(
        _ record: StoredRecord,
        at key: StoreKey,
        ifVersion version: RecordVersion
    ) async throws -> ReplaceOutcome {
        while true {
            // Where it is not as it was found, it has moved, with a touch as it may be and so of the same version, or has
            // changed or ended: it is looked for again.
            switch try await find(key) {
            case .nowhere: return .gone
            case .new(let current):
                guard current.version == version else { return .conflict(current) }
                let outcome = try await new.replace(record, at: key, ifVersion: version)
                if outcome == .replaced || outcome == .gone { return outcome }
            case .old(let current):
                guard current.version == version else { return .conflict(current) }
                if phase == .moving {
                    if try await move(record, at: key, from: version) { return .replaced }
                } else if try await old.replace(record, at: key, ifVersion: version) == .replaced {
                    return .replaced
                }
            }
        }
    }

    public func touch(_ key: StoreKey, until deadline: Timestamp, ifVersion version: RecordVersion) async throws -> Bool
    {
        // Tombstones and marked records have versions of their own.
        while try await !new.touch(key, until: deadline, ifVersion: version) {
            // Where it is not as it was found, it is looked for again, as by a replace.
            switch try await find(key) {
            case .nowhere: return false
            case .new(let record): guard record.version == version else { return false }
            case .old(var record):
                guard record.version == version else { return false }
                if phase == .preparing {
                    if try await old.touch(key, until: deadline, ifVersion: version) { return true }
                } else {
                    // A touch alone leaves the version as it is: a move that has read the record before would undo it (I7).
                    record.idleDeadline = max(record.idleDeadline, deadline)
                    if try await move(record, at: key, from: version) { return true }
                }
            }
        }
        return true
    }

    public func delete(_ key: StoreKey, ifVersion version: RecordVersion?) async throws -> Bool {
        try await bury(key) { version == nil || $0.version == version }
    }

    // MARK: Finding and moving

    private enum Place {
        case nowhere
        case new(StoredRecord)
        case old(StoredRecord)

        var record: StoredRecord? {
            switch self {
            case .nowhere: nil
            case .new(let record), .old(let record): record
            }
        }
    }

    /// Where the record is. Completes a move or an end that somebody began.
    private func find(_ key: StoreKey) async throws -> Place {
        while true {
            if let place = try await findNew(key) { return place }
            // If it is not here, it may have moved between the two.
            guard let record = try await old.load(key) else { return try await findNew(key) ?? .nowhere }
            guard let mark = MovingMark(record) else { return .old(record) }
            try await complete(mark, of: record.version, at: key)
        }
    }

    private func findNew(_ key: StoreKey) async throws -> Place? {
        guard let record = try await new.load(key) else { return nil }
        guard MovingMark(record) != nil else { return .new(record) }
        // Whoever put the tombstone there may have failed to delete what was left behind, and was told so. This may be
        // the same client asking again.
        _ = try await old.delete(key, ifVersion: nil)
        return .nowhere
    }

    /// Writes `record` in place of the old store's record of `version`, and moves it; `false` if that is not there.
    private func move(_ record: StoredRecord, at key: StoreKey, from version: RecordVersion) async throws -> Bool {
        let mark = MovingMark.moved(record)
        let marked = mark.record(tombstoneUntil: clock.now() + tombstoneLife)
        guard try await old.replace(marked, at: key, ifVersion: version) == .replaced else { return false }
        try await complete(mark, of: marked.version, at: key)
        return true
    }

    /// Puts a tombstone in the place of a record that `condition` is true for.
    private func bury(_ key: StoreKey, if condition: (StoredRecord) -> Bool) async throws -> Bool {
        while true {
            let place = try await find(key)
            guard let record = place.record, condition(record) else { return false }
            let tombstone = MovingMark.ended.record(tombstoneUntil: clock.now() + tombstoneLife)
            if case .new = place {
                guard try await new.replace(tombstone, at: key, ifVersion: record.version) == .replaced else {
                    continue
                }
                _ = try await old.delete(key, ifVersion: nil)
            } else {
                guard try await old.replace(tombstone, at: key, ifVersion: record.version) == .replaced else {
                    continue
                }
                try await complete(.ended, of: tombstone.version, at: key)
            }
            return true
        }
    }

    /// Does in the new store what the mark on the old record says, then deletes that.
    private func complete(_ mark: MovingMark, of version: RecordVersion, at key: StoreKey) async throws {
        let record =
            switch mark {
            case .moved(let record): record
            case .ended: mark.record(tombstoneUntil: clock.now() + tombstoneLife)
            }
        // Taken: somebody else has done so, and it may have changed or ended since.
        _ = try await new.insert(record, at: key)
        _ = try await old.delete(key, ifVersion: version)
    }
}

/// What a record says that is no session any more where it is.
private enum MovingMark {
    /// The session goes on with this record in the new store.
    case moved(StoredRecord)
    /// The session has ended.
    case ended

    // No format's payload begins with a zero byte.
    private static let movedPrefix = Array("\u{0}moved".utf8)
    private static let endedPayload = Array("\u{0}ended".utf8)

    init?(_ record: StoredRecord) {
        let payload = record.payload
        if payload == Self.endedPayload {
            self = .ended
        } else if payload.starts(with: Self.movedPrefix), payload.count >= Self.movedPrefix.count + 8 {
            let start = Self.movedPrefix.count
            var moved = record
            moved.payload = Array(payload[(start + 8)...])
            moved.version = RecordVersion(rawValue: payload[start..<start + 8].reduce(0) { $0 << 8 | UInt64($1) })
            self = .moved(moved)
        } else {
            return nil
        }
    }

    /// The record that says so, of a version of its own.
    func record(tombstoneUntil end: Timestamp) -> StoredRecord {
        switch self {
        case .moved(var record):
            let version = record.version.rawValue
            let number = (0..<8).map { UInt8(truncatingIfNeeded: version >> (56 - 8 * UInt64($0))) }
            record.payload = Self.movedPrefix + number + record.payload
            record.version = .random()
            return record
        case .ended:
            return StoredRecord(
                payload: Self.endedPayload,
                version: .random(),
                idleDeadline: end,
                absoluteDeadline: end
            )
        }
    }
}

extension MigratingSessionStore: SweepingSessionStore where Old: SweepingSessionStore, New: SweepingSessionStore {
    public func sweep(expiredBefore cutoff: Timestamp, limit: Int) async throws -> Int {
        let swept = try await new.sweep(expiredBefore: cutoff, limit: limit)
        guard swept < limit else { return swept }
        return swept + (try await old.sweep(expiredBefore: cutoff, limit: limit - swept))
    }
}

extension MigratingSessionStore: OwnerIndexedSessionStore
where Old: OwnerIndexedSessionStore, New: OwnerIndexedSessionStore {
    public func entries(of owner: OwnerKey) async throws -> [StoredEntry] {
        // The old store first: what moves meanwhile is then found twice and not missed.
        let left = try await old.entries(of: owner)
        let moved = try await new.entries(of: owner)
        let known = Set(moved.map(\.key))
        var entries = moved
        for entry in left where !known.contains(entry.key) {
            // It may be somebody else's in the new store.
            guard let record = try await find(entry.key).record, record.owner == owner else { continue }
            entries.append(StoredEntry(key: entry.key, record: record))
        }
        return entries
    }

    public func delete(_ key: StoreKey, ifOwner owner: OwnerKey) async throws -> Bool {
        try await bury(key) { $0.owner == owner }
    }

    public func epoch(of owner: OwnerKey) async throws -> Timestamp? {
        let (left, moved) = (try await old.epoch(of: owner), try await new.epoch(of: owner))
        return [left, moved].compactMap(\.self).max()
    }

    public func raiseEpoch(of owner: OwnerKey, to epoch: Timestamp, keptUntil: Timestamp) async throws {
        try await new.raiseEpoch(of: owner, to: epoch, keptUntil: keptUntil)
        // A node that is still preparing asks both; one that knows the old store alone asks that.
        try await old.raiseEpoch(of: owner, to: epoch, keptUntil: keptUntil)
    }
}

extension MigratingSessionStore: EnumerableSessionStore where Old: EnumerableSessionStore, New: EnumerableSessionStore {
    public func count() async throws -> Int {
        var (count, last) = (0, StoreKey?.none)
        while true {
            let page = try await entries(after: last, limit: 1000)
            count += page.count
            guard page.count == 1000 else { return count }
            last = page.last?.key
        }
    }

    public func entries(after key: StoreKey?, limit: Int) async throws -> [StoredEntry] {
        var (found, last): ([StoredEntry], StoreKey?) = ([], key)
        while found.count < limit {
            let left = try await old.entries(after: last, limit: limit)
            let moved = try await new.entries(after: last, limit: limit)
            guard !left.isEmpty || !moved.isEmpty else { break }
            let known = Set(moved.map(\.key))
            var page = (moved + left.filter { !known.contains($0.key) }).sorted {
                $0.key.text.utf8.lexicographicallyPrecedes($1.key.text.utf8)
            }
            // Beyond the end of a full page of one store, the other's entries may be missing some of its own.
            let ends = [left, moved].filter { $0.count == limit }.compactMap { $0.last?.key.text }
            if let end = ends.min(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
                page.removeAll { end.utf8.lexicographicallyPrecedes($0.key.text.utf8) }
            }
            last = page.last?.key
            found += page.compactMap(Self.shown)
            guard !ends.isEmpty else { break }
        }
        return Array(found.prefix(limit))
    }

    /// An entry as it looks from outside; `nil` for a tombstone.
    private static func shown(_ entry: StoredEntry) -> StoredEntry? {
        switch MovingMark(entry.record) {
        case nil: entry
        case .moved(let record): StoredEntry(key: entry.key, record: record)
        case .ended: nil
        }
    }

    public func removeAll() async throws {
        // The old store first: what somebody moves meanwhile is then removed from the new one.
        try await old.removeAll()
        try await new.removeAll()
    }

    /// Moves every session that is still in the old store, so that it can be given up before its last session expires.
    ///
    /// To be called in phase ``Phase/moving``. It may be stopped and called again, and several nodes may call it.
    ///
    /// - Parameter batch: How many records are read at a time, at least 1.
    /// - Returns: how many sessions this call has moved.
    public func moveAll(batch: Int = 200) async throws -> Int {
        let batch = max(batch, 1)
        var (moved, last) = (0, StoreKey?.none)
        while true {
            let page = try await old.entries(after: last, limit: batch)
            for entry in page {
                try Task.checkCancellation()
                guard case .old(let record) = try await find(entry.key) else {
                    // Moved long ago, by a change whose last step failed.
                    _ = try await old.delete(entry.key, ifVersion: entry.record.version)
                    continue
                }
                if try await move(record, at: entry.key, from: record.version) { moved += 1 }
            }
            guard page.count == batch else { return moved }
            last = page.last?.key
        }
    }
}
