#if Hummingbird
import Sessions
import Testing

/// A kind of store that the races are run on.
struct StoreUnderTest: Sendable, CustomTestStringConvertible {
    let name: String
    private let make: @Sendable (any SessionClock) throws -> (any EnumerableSessionStore, @Sendable () -> Void)

    var testDescription: String { name }

    /// Makes an empty store, hands it to `body`, and clears up.
    func use<Value>(
        _ clock: any SessionClock,
        _ body: (any EnumerableSessionStore) async throws -> Value
    ) async throws -> Value {
        let (store, clear) = try make(clock)
        defer { clear() }
        return try await body(store)
    }

    /// Every kind that this build knows.
    static let all = [
        StoreUnderTest(name: "memory") { clock in (try MemorySessionStore(clock: clock), {}) }
    ]
}
#endif
