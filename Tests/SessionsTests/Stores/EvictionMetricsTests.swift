import MetricsTestKit
import SessionsTesting
import Testing

@testable import Sessions

@Suite("Metered evictions")
struct EvictionMetricsTests {
    @Test("ST-08: what the memory store evicts is counted by the manager, those with an owner apart")
    func evictions() async throws {
        let metrics = TestMetrics()
        let clock = ManualSessionClock()
        let store = try MemorySessionStore(limit: 2, clock: clock)
        let sessions = try SessionManager(
            store: store,
            keys: KeyRing([SessionSecret.generate()]),
            configuration: SessionConfiguration(),
            clock: clock,
            logger: .silent,
            observer: nil,
            metrics: SessionMetrics(factory: metrics)
        )
        func count(_ kind: String) throws -> Int64 {
            try metrics.expectCounter("sessions.evictions", [("kind", kind)]).totalValue
        }
        for _ in 0..<3 {
            clock.advance(by: .seconds(1))
            try await SessionBrowser(clock: clock).visit(sessions) { $0.set(.visits, to: 1) }
        }
        #expect(try count("anonymous") == 1)
        #expect(try count("owned") == 0)
        for _ in 0..<3 {
            clock.advance(by: .seconds(1))
            try await SessionBrowser(clock: clock).visit(sessions) { $0.logIn("ada") }
        }
        #expect(try count("anonymous") == 3)
        #expect(try count("owned") == 1)
        #expect(store.evictions == MemorySessionStore.Evictions(anonymous: 3, owned: 1))
    }
}
