import Hummingbird
import Sessions
import SessionsHummingbird

extension Session {
    /// Who is signed in: the session's owner, or whom a Node service beside the shop has signed in, which knows no owner.
    var customer: String? { owner ?? self[.passport]?.user }
}

/// Lets people through who are signed in, by the shop or by a Node service beside it, and leads the others to the form.
///
/// Without Node this is the library's `OwnerGuard`.
struct CustomerGuard: RouterMiddleware {
    func handle(
        _ request: Request,
        context: ShopContext,
        next: (Request, ShopContext) async throws -> Response
    ) async throws -> Response {
        guard try await context.session.customer != nil else { return .see(.signIn) }
        return try await next(request, context)
    }
}
