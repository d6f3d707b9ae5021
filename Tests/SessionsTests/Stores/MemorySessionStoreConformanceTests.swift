import Sessions
import SessionsTesting
import Testing

@Suite struct MemorySessionStoreConformanceTests {
    private static let checks = SessionStoreConformance.checks(for: MemorySessionStore.self)

    @Test(
        "The memory store keeps the contract, small (one lock) and large (many)",
        arguments: checks,
        [1000, 1_000_000]
    )
    func conforms(_ check: SessionStoreConformance.Check, limit: Int) async throws {
        #expect(try await check.run { clock in try MemorySessionStore(limit: limit, clock: clock) } == .passed)
        #expect(try await check.run { try MemorySessionStore(limit: limit) } == .passed)
    }

    @Test("It keeps the contract without an allowance for skew too", arguments: checks)
    func withoutAllowance(_ check: SessionStoreConformance.Check) async throws {
        try await check.run { clock in try MemorySessionStore(skewAllowance: .zero, clock: clock) }
    }

    @Test(
        "LC-06, LC-07: ten thousand races never show a deleted record again",
        arguments: checks.filter { $0.name.hasPrefix("race-touch") || $0.name.hasPrefix("race-replace-delete") }
    )
    func races(_ check: SessionStoreConformance.Check) async throws {
        try await check.run(rounds: 10_000) { try MemorySessionStore() }
    }
}
