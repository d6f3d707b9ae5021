#if Hummingbird
import HTTPTypes
public import Hummingbird
import Logging
public import Sessions

/// Refuses requests that another site makes in a user's name, with 403.
///
/// Put it before the routes that change something; it needs no session and decides before any is loaded.
public struct OriginGuard<Context: RequestContext>: RouterMiddleware {
    private let policy: OriginPolicy
    private let sessions: SessionManager

    /// Creates the guard.
    ///
    /// - Parameters:
    ///   - policy: the origins whose requests are accepted.
    ///   - sessions: the manager whose cookie tells a user's request from a stranger's.
    public init(_ policy: OriginPolicy, sessions: SessionManager) {
        self.policy = policy
        self.sessions = sessions
    }

    /// Lets the request through or refuses it.
    ///
    /// - Throws: `HTTPError` (403) for a request that another site made; what the routes throw.
    public func handle(
        _ request: Request,
        context: Context,
        next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        let carriesSession = sessions.isCookiePresent(in: request.headers)
        guard let refusal = policy.refusal(of: request.head, carriesSession: carriesSession) else {
            return try await next(request, context)
        }
        context.logger.info("request refused", metadata: ["reason": .string(refusal.rawValue)])
        // Caches must not hand the refusal to a request that would be accepted (checklist CS-14).
        throw HTTPError(.forbidden, headers: [.vary: "Sec-Fetch-Site, Origin", .cacheControl: "no-store"])
    }
}
#endif
