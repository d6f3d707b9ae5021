public import Sessions
import Synchronization

/// Sends each call to the next of several stores, as if requests went to several nodes in turn.
///
/// Several stores on one database, or several processes' views of it, have to keep the contract together: run the
/// conformance suite on this one too.
///
/// ```swift
/// @Test(arguments: SessionStoreConformance.checks(for: MyStore.self))
/// func together(_ check: SessionStoreConformance.Check) async throws {
///     let outcome = try await check.run { RotatingSessionStore([try MyStore(url), try MyStore(url)]) }
///     #expect(outcome == .passed)
/// }
/// ```
public final class RotatingSessionStore<Base: SessionStore>: SessionStore {
    private let stores: [Base]
    private let calls = Atomic(0)

    /// Sends each call to the next of `stores`, of which there is at least one.
    public init(_ stores: [Base]) {
        precondition(!stores.isEmpty, "There is no store to send calls to.")
        self.stores = stores
    }

    private var next: Base { stores[calls.wrappingAdd(1, ordering: .relaxed).oldValue % stores.count] }

    public func load(_ key: StoreKey) async throws -> StoredRecord? { try await next.load(key) }

    public func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool {
        try await next.insert(record, at: key)
    }

    public func replace(
        _ record: StoredRecord,
        at key: StoreKey,
        ifVersion version: RecordVersion
    ) async throws -> ReplaceOutcome {
        try await next.replace(record, at: key, ifVersion: version)
    }

    public func touch(_ key: StoreKey, until deadline: Timestamp, ifVersion version: RecordVersion) async throws -> Bool
    {
        try await next.touch(key, until: deadline, ifVersion: version)
    }

    public func delete(_ key: StoreKey, ifVersion version: RecordVersion?) async throws -> Bool {
        try await next.delete(key, ifVersion: version)
    }
}

extension RotatingSessionStore: SweepingSessionStore where Base: SweepingSessionStore {
    public func sweep(expiredBefore cutoff: Timestamp, limit: Int) async throws -> Int {
        try await next.sweep(expiredBefore: cutoff, limit: limit)
    }
}

extension RotatingSessionStore: OwnerIndexedSessionStore where Base: OwnerIndexedSessionStore {
    public func entries(of owner: OwnerKey) async throws -> [StoredEntry] { try await next.entries(of: owner) }

    public func delete(_ key: StoreKey, ifOwner owner: OwnerKey) async throws -> Bool {
        try await next.delete(key, ifOwner: owner)
    }

    public func epoch(of owner: OwnerKey) async throws -> Timestamp? { try await next.epoch(of: owner) }

    public func raiseEpoch(of owner: OwnerKey, to epoch: Timestamp, keptUntil: Timestamp) async throws {
        try await next.raiseEpoch(of: owner, to: epoch, keptUntil: keptUntil)
    }
}

extension RotatingSessionStore: EnumerableSessionStore where Base: EnumerableSessionStore {
    public func count() async throws -> Int { try await next.count() }

    public func entries(after key: StoreKey?, limit: Int) async throws -> [StoredEntry] {
        try await next.entries(after: key, limit: limit)
    }

    public func removeAll() async throws { try await next.removeAll() }
}
