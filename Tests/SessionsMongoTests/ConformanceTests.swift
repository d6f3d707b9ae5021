#if Mongo
import Sessions
import SessionsTesting
import Testing

@testable import SessionsMongo

extension MongoStoreTests {
    @Suite("The store contract")
    struct ConformanceTests {
        static let replicated = Task {
            let scratch = try await Scratch.replicaSet()
            return (scratch, RotatingSessionStore([try await scratch.store(), try await scratch.store()]))
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
#endif
