#if Postgres
import Sessions
import SessionsTesting
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
                RotatingSessionStore([try await scratch.store(), try await scratch.store(), try await scratch.store()])
            }
            #expect(outcome == .passed)
        }

        @Test("every check applies")
        func all() {
            #expect(Self.checks.count == SessionStoreConformance.checks.count)
        }
    }
}
#endif
