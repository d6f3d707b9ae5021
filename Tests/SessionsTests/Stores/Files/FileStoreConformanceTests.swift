import Sessions
import SessionsTesting
import Testing

extension FileStoreTests {
    @Suite("The store contract")
    struct ConformanceTests {
        static let checks = SessionStoreConformance.checks(for: FileSessionStore.self)

        let scratch: FileScratch

        init() throws { scratch = try FileScratch() }

        @Test("one store keeps it, forcing every write to the disk", arguments: checks)
        func one(_ check: SessionStoreConformance.Check) async throws {
            #expect(try await check.run(rounds: 20) { try scratch.store() } == .passed)
        }

        @Test("three stores on one directory keep it together", arguments: checks)
        func three(_ check: SessionStoreConformance.Check) async throws {
            let outcome = try await check.run(rounds: 50) {
                RotatingSessionStore(try (0..<3).map { _ in try scratch.store { $0.synchronous = .off } })
            }
            #expect(outcome == .passed)
        }
    }
}
