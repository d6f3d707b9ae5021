public import Sessions

/// A store that waits, fails, loses replies and lets others in between, on command.
///
/// It wraps a working store and is a sweeping, owner-indexed or enumerable store whenever the wrapped one is. Nothing
/// in it depends on time: what goes wrong, and when, is said by ``faults``. It hands out no copies that the wrapped store
/// may hold: what is asked of it can go wrong.
public struct FaultySessionStore<Base: SessionStore>: SessionStore {
    /// The wrapped store.
    ///
    /// What is asked of it directly neither fails nor is counted.
    public let base: Base

    /// Says what goes wrong, and tells what was asked.
    public let faults: StoreFaults

    /// Wraps a store.
    public init(_ base: Base, faults: StoreFaults = StoreFaults()) {
        self.base = base
        self.faults = faults
    }

    /// Loads from the wrapped store.
    public func load(_ key: StoreKey) async throws -> StoredRecord? {
        try await faults.perform(.load, outcome: { $0 == nil ? .no : .yes }) { try await base.load(key) }
    }

    /// Inserts into the wrapped store.
    public func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool {
        try await faults.perform(.insert, outcome: Self.yesOrNo) { try await base.insert(record, at: key) }
    }

    /// Replaces in the wrapped store.
    public func replace(
        _ record: StoredRecord,
        at key: StoreKey,
        ifVersion version: RecordVersion
    ) async throws -> ReplaceOutcome {
        try await faults.perform(.replace, outcome: Self.outcome) {
            try await base.replace(record, at: key, ifVersion: version)
        }
    }

    /// Touches in the wrapped store.
    public func touch(_ key: StoreKey, until deadline: Timestamp, ifVersion version: RecordVersion) async throws -> Bool
    {
        try await faults.perform(.touch, outcome: Self.yesOrNo) {
            try await base.touch(key, until: deadline, ifVersion: version)
        }
    }

    /// Deletes from the wrapped store.
    public func delete(_ key: StoreKey, ifVersion version: RecordVersion?) async throws -> Bool {
        try await faults.perform(.delete, outcome: Self.yesOrNo) { try await base.delete(key, ifVersion: version) }
    }

    private static func yesOrNo(_ reply: Bool) -> StoreCall.Outcome { reply ? .yes : .no }

    private static func outcome(_ reply: ReplaceOutcome) -> StoreCall.Outcome {
        switch reply {
        case .replaced: .yes
        case .conflict: .conflict
        case .gone: .no
        }
    }
}

extension FaultySessionStore: SweepingSessionStore where Base: SweepingSessionStore {
    /// Sweeps the wrapped store.
    public func sweep(expiredBefore cutoff: Timestamp, limit: Int) async throws -> Int {
        try await faults.perform(.sweep, outcome: { $0 > 0 ? .yes : .no }) {
            try await base.sweep(expiredBefore: cutoff, limit: limit)
        }
    }
}

extension FaultySessionStore: OwnerIndexedSessionStore where Base: OwnerIndexedSessionStore {
    /// The entries of an owner in the wrapped store.
    public func entries(of owner: OwnerKey) async throws -> [StoredEntry] {
        try await faults.perform(.entriesOfOwner, outcome: { $0.isEmpty ? .no : .yes }) {
            try await base.entries(of: owner)
        }
    }

    /// Deletes an owner's record from the wrapped store.
    public func delete(_ key: StoreKey, ifOwner owner: OwnerKey) async throws -> Bool {
        try await faults.perform(.deleteIfOwner, outcome: Self.yesOrNo) { try await base.delete(key, ifOwner: owner) }
    }

    /// The epoch of an owner in the wrapped store.
    public func epoch(of owner: OwnerKey) async throws -> Timestamp? {
        try await faults.perform(.epoch, outcome: { $0 == nil ? .no : .yes }) { try await base.epoch(of: owner) }
    }

    /// Raises an owner's epoch in the wrapped store.
    public func raiseEpoch(of owner: OwnerKey, to epoch: Timestamp, keptUntil: Timestamp) async throws {
        try await faults.perform(.raiseEpoch, outcome: { _ in .yes }) {
            try await base.raiseEpoch(of: owner, to: epoch, keptUntil: keptUntil)
        }
    }
}

extension FaultySessionStore: EnumerableSessionStore where Base: EnumerableSessionStore {
    /// Counts the records of the wrapped store.
    public func count() async throws -> Int {
        try await faults.perform(.count, outcome: { _ in .yes }) { try await base.count() }
    }

    /// A page of the wrapped store.
    public func entries(after key: StoreKey?, limit: Int) async throws -> [StoredEntry] {
        try await faults.perform(.entries, outcome: { $0.isEmpty ? .no : .yes }) {
            try await base.entries(after: key, limit: limit)
        }
    }

    /// Clears the wrapped store.
    public func removeAll() async throws {
        try await faults.perform(.removeAll, outcome: { _ in .yes }) { try await base.removeAll() }
    }
}
