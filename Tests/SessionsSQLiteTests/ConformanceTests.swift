#if SQLite
import Sessions
import SessionsTesting
import Testing

@testable import SessionsSQLite

extension SQLiteStoreTests {
    @Suite("The store contract")
    struct ConformanceTests {
        static let checks = SessionStoreConformance.checks(for: SQLiteSessionStore.self)

        let scratch: Scratch

        init() throws { scratch = try Scratch() }

        @Test("one store keeps it", arguments: checks)
        func one(_ check: SessionStoreConformance.Check) async throws {
            #expect(try await check.run { try scratch.store() } == .passed)
        }

        @Test("three stores on one file keep it together", arguments: checks)
        func three(_ check: SessionStoreConformance.Check) async throws {
            let outcome = try await check.run(rounds: 20) {
                RotatingSessionStore(try (0..<3).map { _ in try scratch.store { $0.synchronous = .normal } })
            }
            #expect(outcome == .passed)
        }
    }
}
#endif
