#if Hummingbird
import HTTPTypes
public import Hummingbird
import NIOCore
public import Sessions

/// Refuses forms that another site makes in a user's name, with 403: by where they come from, then by the session's
/// token.
///
/// ```swift
/// let csrf = try CSRFPolicy(OriginPolicy(origins: ["https://shop.example"]))
/// router.add(middleware: SessionMiddleware(sessions))
/// router.add(middleware: CSRFGuard(csrf, sessions: sessions))
/// ```
///
/// Pages put `Session.csrfToken` into their forms, or into a header of the requests that their scripts make. Requests
/// that only read are let through as they are: nothing is loaded, and no session begins.
///
/// If no header holds the token, and the body is a form (`application/x-www-form-urlencoded`), it is read, up to the
/// context's `maxUploadSize`, and handed on whole: the route decodes it as if nobody had looked. A body of another type,
/// `multipart/form-data` among them, is never read here: send the header with it, or say where the token is.
public struct CSRFGuard<Context: SessionRequestContext>: RouterMiddleware {
    /// Makes the answer to a request that is refused.
    public typealias Answer = @Sendable (CSRFPolicy.Refusal, Request, Context) async throws -> Response
    /// Finds the token of a request. If it reads the body, it puts it back, as `Request.collectBody(upTo:)` does.
    public typealias FindToken = @Sendable (_ request: inout Request, Context) async throws -> String?

    private let policy: CSRFPolicy
    private let sessions: SessionManager
    private let reportsOnly: Bool
    private let findToken: FindToken?
    private let answer: Answer?

    /// Creates the guard.
    ///
    /// - Parameters:
    ///   - policy: where requests may come from, and where their token is.
    ///   - sessions: the manager whose session the token belongs to.
    ///   - reportsOnly: whether a request that would be refused is logged, with level `warning`, and let through: to
    ///     find out what an application would lose (checklist CS-16). So is one that cannot be judged: if the store
    ///     cannot be asked, and if the form is larger than `maxUploadSize` or has no `Content-Length`, which is then not
    ///     read. Default `false`.
    ///   - token: finds the token in place of the policy's headers and field. Never take it from a query or a cookie
    ///     (CS-05).
    ///   - answer: makes the answer in place of an empty one with status 403. It is not cached.
    public init(
        _ policy: CSRFPolicy,
        sessions: SessionManager,
        reportsOnly: Bool = false,
        token: FindToken? = nil,
        answer: Answer? = nil
    ) {
        self.policy = policy
        self.sessions = sessions
        self.reportsOnly = reportsOnly
        findToken = token
        self.answer = answer
    }

    /// Lets the request through or refuses it.
    ///
    /// - Throws: `HTTPError` (403) for a request that is refused, and (413) for a form that is larger than
    ///   `maxUploadSize`; `SessionError` (503) if the store cannot be asked; none of these where it only reports.
    ///   `SessionConfigurationError` if no ``SessionMiddleware`` is around this route (checklist CF-14); what the
    ///   application's own `token` and the routes throw.
    public func handle(
        _ request: Request,
        context: Context,
        next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        var request = request
        // Also where no token is asked for: a guard that would fail with the first form fails with the first page.
        let exchange = try context.sessionContext.exchange(of: sessions)
        let refusal: CSRFPolicy.Refusal?
        do {
            refusal = try await policy.refusal(of: request.head, in: exchange) {
                try await token(of: &request, context)
            }
        } catch let error where reportsOnly && (error is UnreadForm || error is SessionError) {
            let reason = (error as? SessionError)?.code.description ?? "unreadForm"
            _ = RefusedRequest.report(reason, true, context.logger)
            return try await next(request, context)
        }
        guard let refusal, !RefusedRequest.report(refusal.description, reportsOnly, context.logger) else {
            return try await next(request, context)
        }
        guard let answer else { throw RefusedRequest.error }
        return RefusedRequest.uncached(try await answer(refusal, request, context))
    }

    private func token(of request: inout Request, _ context: Context) async throws -> String? {
        if let findToken { return try await findToken(&request, context) }
        return try await policy.token(of: request.head) {
            guard !reportsOnly || Self.fits(request, context) else { throw UnreadForm() }
            return try await request.collectBody(upTo: context.maxUploadSize).readableBytesView
        }
    }

    /// Whether a body can be read and handed on whole, as far as can be told before it is read.
    private static func fits(_ request: Request, _ context: Context) -> Bool {
        guard let length = request.headers[.contentLength].flatMap({ Int($0) }) else { return false }
        return length <= context.maxUploadSize
    }
}

/// A form that is not read for a report, as it could not be handed on whole.
private struct UnreadForm: Error {}
#endif
