#if Hummingbird
import HTTPTypes
public import Hummingbird
public import Sessions

/// Lets only requests through whose session has an owner.
///
/// ```swift
/// router.group("account")
///     .add(middleware: OwnerGuard(redirectingTo: "/signin"))
///     .get { … }
/// ```
///
/// Where several managers are at work, say whose session counts: a user's must not open the administrators' pages.
public struct OwnerGuard<Context: SessionRequestContext>: RouterMiddleware {
    private let location: String?
    private let sessions: SessionManager?

    /// A guard that answers 401 to requests without an owner.
    ///
    /// - Parameter sessions: the manager whose session counts. By default that of the innermost ``SessionMiddleware``.
    public init(of sessions: SessionManager? = nil) {
        location = nil
        self.sessions = sessions
    }

    /// A guard that redirects requests without an owner, with 303.
    ///
    /// - Parameters:
    ///   - location: where to, as the `Location` field has it.
    ///   - sessions: the manager whose session counts. By default that of the innermost ``SessionMiddleware``.
    public init(redirectingTo location: String, of sessions: SessionManager? = nil) {
        self.location = location
        self.sessions = sessions
    }

    /// Lets the request through if its session has an owner.
    ///
    /// - Throws: `HTTPError` (401); `SessionError` (503) if the store cannot be asked; what the routes throw.
    public func handle(
        _ request: Request,
        context: Context,
        next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        let session =
            if let sessions { try await context.session(of: sessions) } else { try await context.session }
        guard session.owner == nil else { return try await next(request, context) }
        guard let location else { throw HTTPError(.unauthorized) }
        return Response.redirect(to: location, type: .normal)
    }
}
#endif
