import CoreMetrics
import HTTPTypes
import Logging
import MetricsTestKit
import SessionsTesting
import Testing

@testable import Sessions

@Suite("Metrics")
struct MetricsTests {
    /// Every series: its label and its dimensions.
    private func series(_ metrics: TestMetrics) -> Set<String> {
        let counters = metrics.counters.map { "\($0.label) \($0.dimensions)" }
        let timers = metrics.timers.map { "\($0.label) \($0.dimensions)" }
        let recorders = metrics.recorders.map { "\($0.label) \($0.dimensions)" }
        let meters = metrics.meters.map { "\($0.label) \($0.dimensions)" }
        return Set(counters + timers + recorders + meters)
    }

    @Test("DS-07: however many ids, owners and paths there are, the series are those of one")
    func closedSet() async throws {
        let metrics = TestMetrics()
        let store = try MemorySessionStore()
        let secret = SessionSecret.generate()
        let sessions = try withMetricsFactory(metrics) {
            try SessionManager(
                store: store,
                keys: KeyRing([secret]),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
        }
        let expected = series(metrics)
        #expect(expected.count == 15)
        try await withMetricsFactory(metrics) {
            for number in 0..<200 {
                let browser = SessionBrowser()
                try await browser.visit(sessions) { session in
                    session.logIn("owner-\(number)")
                    session.set(SessionKey<Int>("value-\(number)", default: 0), to: number)
                }
                try await browser.visit(sessions) { $0.rotate() }
                _ = try await sessions.list("owner-\(number)")
                if number.isMultiple(of: 2) { try await sessions.revokeAll(of: "owner-\(number)") }
            }
            // Credentials that are genuine, and whose records are not there.
            let strangers = Counts.of(10_000, full: 100_000)
            for number in 0..<strangers {
                let credential = sessions.codec.mint(handle: .random(), secret: .random())
                let request = HTTPRequest(
                    method: .get,
                    scheme: "https",
                    authority: "host-\(number).example",
                    path: "/path/\(number)",
                    headerFields: [.cookie: "__Host-Http-sid=\(credential)"]
                )
                let exchange = sessions.open(request)
                let isNew = try await exchange.session.isNew
                let changes = try await exchange.commit().changesCookie
                if !isNew || changes { Issue.record("a credential without a record is a session") }
            }
        }
        #expect(series(metrics) == expected)
        #expect(try metrics.expectCounter("sessions.loads").values.count > Counts.of(10_000, full: 100_000))
    }
}
