import Sessions

/// Sealed cookies without revocations: nothing is sent to a server, and what a session holds goes with each request.
package struct SealedCosts {
    private let request: CostRequest

    package init() throws {
        request = try CostRequest { keys, clock in
            try SessionManager(
                sealedCookies: SealedCookies(),
                acknowledging: [
                    .concurrentChangesAreLost, .earlierStatesComeBack, .nothingIsConsumedOnce, .logoutReachesOneClient,
                ],
                keys: keys,
                clock: clock
            )
        }
    }

    /// What the client carries; `nil` for what a session in a cookie cannot do.
    package func answer(to kind: CostKind) async throws -> CostAnswer? {
        switch kind {
        case .consumed, .listed, .othersRevoked, .destroyedAll: return nil
        default: return try await request.run(kind) { try await $0() }
        }
    }
}
