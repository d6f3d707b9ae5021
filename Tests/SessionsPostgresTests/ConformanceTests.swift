#if Postgres
import Sessions
import SessionsTesting
import Synchronization
import Testing

@testable import SessionsPostgres

extension PostgresStoreTests {
    @Suite("The store contract")
    struct ConformanceTests {
        static let checks = SessionStoreConformance.checks(for: PostgresSessionStore.self)

        @Test("one store keeps it", arguments: checks)
        func one(_ check: SessionStoreConformance.Check) async throws {
            let scratch = try await Scratch.shared { $0.confirmation = .unflushed }
            #expect(try await check.run { try await scratch.store() } == .passed)
        }

        @Test("three stores on one table keep it together", arguments: checks)
        func three(_ check: SessionStoreConformance.Check) async throws {
            let scratch = try await Scratch.shared {
                $0.confirmation = .unflushed
                $0.connectionLimit = 4
            }
            let outcome = try await check.run(rounds: 20) {
                RotatingStore([try await scratch.store(), try await scratch.store(), try await scratch.store()])
            }
            #expect(outcome == .passed)
        }

        @Test("every check applies")
        func all() {
            #expect(Self.checks.count == SessionStoreConformance.checks.count)
        }
    }
}

/// Sends each call to the next of several stores on one table.
final class RotatingStore: SweepingSessionStore, OwnerIndexedSessionStore, EnumerableSessionStore {
    private let stores: [PostgresSessionStore]
    private let calls = Atomic(0)

    init(_ stores: [PostgresSessionStore]) { self.stores = stores }

    private var next: PostgresSessionStore {
        stores[calls.wrappingAdd(1, ordering: .relaxed).oldValue % stores.count]
    }

    func load(_ key: StoreKey) async throws -> StoredRecord? { try await next.load(key) }

    func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool {
        try await next.insert(record, at: key)
    }

    func replace(
        _ record: StoredRecord,
        at key: StoreKey,
        ifVersion version: RecordVersion
    ) async throws -> ReplaceOutcome {
        try await next.replace(record, at: key, ifVersion: version)
    }

    func touch(_ key: StoreKey, until deadline: Timestamp, ifVersion version: RecordVersion) async throws -> Bool {
        try await next.touch(key, until: deadline, ifVersion: version)
    }

    func delete(_ key: StoreKey, ifVersion version: RecordVersion?) async throws -> Bool {
        try await next.delete(key, ifVersion: version)
    }

    func sweep(expiredBefore cutoff: Timestamp, limit: Int) async throws -> Int {
        try await next.sweep(expiredBefore: cutoff, limit: limit)
    }

    func entries(of owner: OwnerKey) async throws -> [StoredEntry] { try await next.entries(of: owner) }

    func delete(_ key: StoreKey, ifOwner owner: OwnerKey) async throws -> Bool {
        try await next.delete(key, ifOwner: owner)
    }

    func epoch(of owner: OwnerKey) async throws -> Timestamp? { try await next.epoch(of: owner) }

    func raiseEpoch(of owner: OwnerKey, to epoch: Timestamp, keptUntil: Timestamp) async throws {
        try await next.raiseEpoch(of: owner, to: epoch, keptUntil: keptUntil)
    }

    func count() async throws -> Int { try await next.count() }

    func entries(after key: StoreKey?, limit: Int) async throws -> [StoredEntry] {
        try await next.entries(after: key, limit: limit)
    }

    func removeAll() async throws { try await next.removeAll() }
}
#endif
