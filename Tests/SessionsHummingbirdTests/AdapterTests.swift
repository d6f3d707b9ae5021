#if Hummingbird
import AdapterChecks
import Testing

/// What every adapter does, on Hummingbird.
@Suite("SessionsHummingbird", .timeLimit(.minutes(10)))
struct AdapterTests {
    @Test("does what every adapter does", arguments: AdapterCheck.all)
    func check(_ check: AdapterCheck) async throws {
        try await check.run(HummingbirdSubject())
    }
}
#endif
