#if Hummingbird
import HTTPTypes
public import Hummingbird
import Logging
public import Sessions

/// Refuses requests that another site makes in a user's name, with 403.
///
/// Put it before the routes that change something; it needs no session and no ``SessionMiddleware``, and decides before
/// any session is loaded and any body is read. What other sites may send to, such as a payment provider's callback, is
/// a group of routes without the guard: it then hangs on the route, and no spelling of a path leads around it (checklist
/// CS-03).
///
/// For forms that need a token of the session as well, use ``CSRFGuard``.
public struct OriginGuard<Context: RequestContext>: RouterMiddleware {
    /// Makes the answer to a request that is refused.
    public typealias Answer = @Sendable (OriginPolicy.Refusal, Request, Context) async throws -> Response

    private let policy: OriginPolicy
    private let sessions: SessionManager?
    private let reportsOnly: Bool
    private let answer: Answer?

    /// Creates the guard.
    ///
    /// - Parameters:
    ///   - policy: the origins whose requests are accepted.
    ///   - sessions: the manager whose cookie tells a user's request from a stranger's; without one, any cookie does.
    ///   - reportsOnly: whether a request that would be refused is logged, with level `warning`, and let through: to
    ///     find out what an application would lose (checklist CS-16). Default `false`.
    ///   - answer: makes the answer in place of an empty one with status 403. It is not cached.
    public init(
        _ policy: OriginPolicy,
        sessions: SessionManager? = nil,
        reportsOnly: Bool = false,
        answer: Answer? = nil
    ) {
        self.policy = policy
        self.sessions = sessions
        self.reportsOnly = reportsOnly
        self.answer = answer
    }

    /// Lets the request through or refuses it.
    ///
    /// - Throws: `HTTPError` (403) for a request that another site made; what the routes throw.
    public func handle(
        _ request: Request,
        context: Context,
        next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        guard let refusal = policy.refusal(of: request.head, for: sessions) else {
            return try await next(request, context)
        }
        guard !RefusedRequest.report(refusal.rawValue, reportsOnly, context.logger) else {
            return try await next(request, context)
        }
        guard let answer else { throw RefusedRequest.error }
        return RefusedRequest.uncached(try await answer(refusal, request, context))
    }
}

/// What the guards say of a request that they refuse.
enum RefusedRequest {
    /// Logs the refusal.
    ///
    /// - Returns: whether that is all.
    static func report(_ reason: String, _ reportsOnly: Bool, _ logger: Logger) -> Bool {
        logger.log(
            level: reportsOnly ? .warning : .info,
            reportsOnly ? "request let through that would be refused" : "request refused",
            metadata: ["reason": .string(reason)]
        )
        return reportsOnly
    }

    /// 403, and nothing else.
    static var error: HTTPError { HTTPError(.forbidden, headers: OriginPolicy.refusalFields) }

    /// The application's own answer, which is not cached.
    static func uncached(_ response: Response) -> Response {
        var response = response
        response.headers[.cacheControl] = nil
        response.headers.append(contentsOf: OriginPolicy.refusalFields)
        return response
    }
}
#endif
