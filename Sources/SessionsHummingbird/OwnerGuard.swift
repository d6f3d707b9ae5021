#if Hummingbird
import HTTPTypes
public import Hummingbird
import Sessions

/// Lets only requests through whose session has an owner.
///
/// ```swift
/// router.group("account")
///     .add(middleware: OwnerGuard(redirectingTo: "/signin"))
///     .get { … }
/// ```
public struct OwnerGuard<Context: SessionRequestContext>: RouterMiddleware {
    private let location: String?

    /// A guard that answers 401 to requests without an owner.
    public init() {
        location = nil
    }

    /// A guard that redirects requests without an owner, with 303.
    public init(redirectingTo location: String) {
        self.location = location
    }

    public func handle(
        _ request: Request,
        context: Context,
        next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        guard try await context.session.owner == nil else { return try await next(request, context) }
        guard let location else { throw HTTPError(.unauthorized) }
        return Response.redirect(to: location, type: .normal)
    }
}
#endif
