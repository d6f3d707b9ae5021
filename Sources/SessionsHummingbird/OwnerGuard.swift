#if Hummingbird
import HTTPTypes
public import Hummingbird
public import Sessions

/// Lets only requests through whose session has an owner.
///
/// ```swift
/// router.group("account")
///     .add(middleware: OwnerGuard(redirectingTo: "/signin"))
///     .get { _, context in try await context.session.owner ?? "" }
/// ```
///
/// Routes that need a recent login get a second one, which sends users who are signed in to prove it again:
///
/// ```swift
/// router.group("account/password")
///     .add(middleware: OwnerGuard(redirectingTo: "/signin"))
///     .add(middleware: OwnerGuard(redirectingTo: "/confirm", freshWithin: .seconds(300)))
/// ```
///
/// A 401 carries the manager's challenge in `WWW-Authenticate`, as RFC 9110 section 11.6.1 asks: `Bearer` for the header
/// transport (RFC 6750 section 3). No scheme is registered for cookies; browsers pass over the one that is named,
/// `Cookie`, and show the response.
///
/// Where several managers are at work, say whose session counts: a user's must not open the administrators' pages.
public struct OwnerGuard<Context: SessionRequestContext>: RouterMiddleware {
    private let location: String?
    private let sessions: SessionManager?
    private let age: Duration?

    /// A guard that answers 401 to requests without an owner.
    ///
    /// - Parameters:
    ///   - sessions: the manager whose session counts. By default that of the innermost ``SessionMiddleware``.
    ///   - age: how old the owner's login may be, as `Session.requireFresh(within:)` has it. By default of
    ///     any age.
    public init(of sessions: SessionManager? = nil, freshWithin age: Duration? = nil) {
        location = nil
        self.sessions = sessions
        self.age = age
    }

    /// A guard that redirects requests without an owner, with 303.
    ///
    /// - Parameters:
    ///   - location: where to, as the `Location` field has it.
    ///   - sessions: the manager whose session counts. By default that of the innermost ``SessionMiddleware``.
    ///   - age: how old the owner's login may be; one that is older is sent to `location` too. By default of any age.
    public init(redirectingTo location: String, of sessions: SessionManager? = nil, freshWithin age: Duration? = nil) {
        self.location = location
        self.sessions = sessions
        self.age = age
    }

    /// Lets the request through if its session has an owner whose login is recent enough.
    ///
    /// - Throws: `SessionError` with the code `loginRequired` or `freshLoginRequired` (401), or (503) if the store
    ///   cannot be asked; what the routes throw.
    public func handle(
        _ request: Request,
        context: Context,
        next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        let session =
            if let sessions { try await context.session(of: sessions) } else { try await context.session }
        do {
            try session.requireOwner()
            if let age { try session.requireFresh(within: age) }
        } catch {
            guard let location else { throw error }
            return Response.redirect(to: location, type: .normal)
        }
        return try await next(request, context)
    }
}
#endif
