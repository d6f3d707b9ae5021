import HTTPTypes
import Hummingbird

/// Lets pages of the origins in `--api-origin` use the API with the visitor's session: CORS with credentials.
///
/// The answer names the one origin that asks, never `*`, and only if it is one of them. Everything else is as without it:
/// a page of another origin cannot read an answer, and ``APIOriginGuard`` refuses what it would change.
///
/// It stands around what answers errors, so that a page can read those too, and it answers preflights itself.
struct APICrossOrigin: RouterMiddleware {
    let origins: ShopOrigins

    func handle(
        _ request: Request,
        context: ShopContext,
        next: (Request, ShopContext) async throws -> Response
    ) async throws -> Response {
        guard request.isForAPI, !origins.api.isEmpty else { return try await next(request, context) }
        guard let origin = request.headers[.origin], origins.api.contains(origin) else {
            var response = try await next(request, context)
            // A cache must not hand this answer to a page that may read the other one.
            response.headers[values: .vary].append("Origin")
            return response
        }
        let cors = CORSMiddleware<ShopContext>(
            allowOrigin: .oneOf(origin),
            allowHeaders: [.contentType],
            allowMethods: [.get, .post, .put, .delete],
            allowCredentials: true,
            maxAge: .seconds(600)
        )
        return try await cors.handle(request, context: context, next: next)
    }
}
