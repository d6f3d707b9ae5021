import Sessions
import SessionsTesting
import Testing

@Suite("Memory store conformance")
struct MemoryConformanceTests {
    @Test(arguments: SessionStoreConformance.checks(for: MemorySessionStore.self))
    func conforms(_ check: SessionStoreConformance.Check) async throws {
        try await check.run { clock in try MemorySessionStore(clock: clock) }
    }
}
