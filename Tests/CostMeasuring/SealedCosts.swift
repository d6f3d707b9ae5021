import Sessions
import SessionsTesting

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

    /// How many bytes the cookie has when the request comes, and when its answer has set it anew; `nil` for what a session in a
    /// cookie cannot do.
    package func cookieBytes(of kind: CostKind) async throws -> (received: Int, set: Int)? {
        switch kind {
        case .consumed, .destroyedAll: return nil
        default: break
        }
        let received = try await bytes(before: kind)
        let browser = try await request.run(kind) { try await $0() }
        let after = browser.cookies.values.reduce(0) { $0 + $1.utf8.count }
        let isSet: Bool
        switch kind {
        case .untouched, .none, .read, .destroyed, .loggedOut: isSet = false
        default: isSet = true
        }
        return (received, isSet ? after : 0)
    }

    private func bytes(before kind: CostKind) async throws -> Int {
        switch kind {
        case .none, .begun, .loggedInNew: return 0
        case .loggedOut:
            let browser = try await request.run(.loggedIn) { try await $0() }
            return browser.cookies.values.reduce(0) { $0 + $1.utf8.count }
        default:
            let browser = try await request.run(.untouched) { try await $0() }
            return browser.cookies.values.reduce(0) { $0 + $1.utf8.count }
        }
    }
}
