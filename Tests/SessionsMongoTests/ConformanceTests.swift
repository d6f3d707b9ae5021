#if Mongo
import Sessions
import SessionsTesting
import Synchronization
import Testing

@testable import SessionsMongo

extension MongoStoreTests {
    @Suite("The store contract")
    struct ConformanceTests {
        static let replicated = Task {
            let scratch = try await Scratch.replicaSet()
            return (scratch, RotatingStore([try await scratch.store(), try await scratch.store()]))
        }
        static let checks = SessionStoreConformance.checks(for: MongoSessionStore.self)

        @Test("one store on a server of its own keeps it", arguments: checks)
        func one(_ check: SessionStoreConformance.Check) async throws {
            let scratch = try await Scratch.standalone { $0.confirmation = .unflushed }
            #expect(try await check.run(rounds: 50) { try await scratch.store() } == .passed)
        }

        @Test("two stores on a replica set of three keep it together, with every default", arguments: checks)
        func replicaSet(_ check: SessionStoreConformance.Check) async throws {
            // Emptied, and not made anew: a majority takes its time to make collections.
            let (scratch, stores) = try await Self.replicated.value
            try await stores.removeAll()
            try await scratch.other(#"{"delete":"@_epochs","deletes":[{"q":{},"limit":0}]}"#)
            #expect(try await check.run(rounds: 3) { stores } == .passed)
        }

        @Test("every check applies but those of sweeping: the server collects by itself")
        func all() {
            let others = SessionStoreConformance.checks.filter { check in
                !Self.checks.contains { $0.name == check.name }
            }
            #expect(
                Set(others.map(\.name)) == [
                    "expiry-touched", "expiry-replaced", "sweep-expired", "sweep-limit", "race-sweep-touch",
                    "owner-swept",
                    "epoch-kept", "epoch-forgotten",
                ]
            )
        }
    }
}

/// Sends each call to the next of several stores on one collection.
final class RotatingStore: OwnerIndexedSessionStore, EnumerableSessionStore {
    private let stores: [MongoSessionStore]
    private let calls = Atomic(0)

    init(_ stores: [MongoSessionStore]) { self.stores = stores }

    private var next: MongoSessionStore {
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
