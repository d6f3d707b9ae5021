import Hummingbird
import Sessions
import SessionsHummingbird
import Synchronization

/// The shop's own origins. They are known when the server listens, as the port may be a free one.
final class ShopOrigins: Sendable {
    private let trusted: [String]
    private let policy = Mutex<OriginPolicy?>(nil)

    /// - Parameter trusted: further origins, from the command line.
    init(trusted: [String]) throws(SessionConfigurationError) {
        // Refused when the shop starts, not when it listens.
        _ = try trusted.isEmpty ? nil : OriginPolicy(origins: trusted)
        self.trusted = trusted
    }

    func listen(on port: Int) throws(SessionConfigurationError) {
        let hosts = ["localhost", "127.0.0.1", "[::1]"]
        let own = try OriginPolicy(origins: trusted + hosts.map { "http://\($0):\(port)" })
        policy.withLock { $0 = own }
    }

    fileprivate func current() throws -> OriginPolicy {
        guard let policy = policy.withLock({ $0 }) else { throw HTTPError(.serviceUnavailable) }
        return policy
    }
}

/// Refuses what another site sends to a page in the visitor's name.
struct PageOriginGuard: RouterMiddleware {
    let origins: ShopOrigins
    let sessions: SessionManager

    func handle(
        _ request: Request,
        context: ShopContext,
        next: (Request, ShopContext) async throws -> Response
    ) async throws -> Response {
        try await OriginGuard(origins.current(), sessions: sessions).handle(request, context: context, next: next)
    }
}

/// Refuses what another site sends to the API from a visitor's browser, and lets scripts through.
///
/// Every browser of today says where a request comes from; `curl` and load generators say nothing, and carry no
/// cookie that somebody else could have used.
struct APIOriginGuard: RouterMiddleware {
    let origins: ShopOrigins

    func handle(
        _ request: Request,
        context: ShopContext,
        next: (Request, ShopContext) async throws -> Response
    ) async throws -> Response {
        guard try origins.current().refusal(of: request.head, carriesSession: false) == nil else {
            throw HTTPError(
                .forbidden,
                headers: [.vary: "Sec-Fetch-Site, Origin", .cacheControl: "no-store"],
                message: "Requests from other sites are refused."
            )
        }
        return try await next(request, context)
    }
}
