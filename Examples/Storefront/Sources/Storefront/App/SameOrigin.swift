import HTTPTypes
import Hummingbird
import Sessions
import SessionsHummingbird
import Synchronization

/// The shop's own origins, and those that may use its API. They are known when the server listens, as the port may be a
/// free one.
final class ShopOrigins: Sendable {
    private let own: [String]
    /// The origins, in a browser's spelling, whose pages may use the API.
    let api: Set<String>
    private let policies = Mutex<Policies?>(nil)

    fileprivate struct Policies {
        let pages, api: OriginPolicy
    }

    /// - Parameters:
    ///   - trusted: further origins of the shop, from the command line.
    ///   - api: origins of the API's clients, from the command line.
    init(trusted: [String], forAPI api: [String]) throws {
        // Refused when the shop starts, not when it listens.
        for origin in trusted { _ = try OriginPolicy(origins: [origin]) }
        for origin in api { try Self.requireSpelling(of: origin) }
        own = trusted
        self.api = Set(api)
    }

    func listen(on port: Int) throws(SessionConfigurationError) {
        let own = self.own + ["localhost", "127.0.0.1", "[::1]"].map { "http://\($0):\(port)" }
        let policies = Policies(pages: try OriginPolicy(origins: own), api: try OriginPolicy(origins: own + api))
        self.policies.withLock { $0 = policies }
    }

    fileprivate func current() throws -> Policies {
        guard let policies = policies.withLock({ $0 }) else { throw HTTPError(.serviceUnavailable) }
        return policies
    }

    /// The answer repeats what the browser says, so both have to be the same text.
    private static func requireSpelling(of origin: String) throws {
        let policy = try OriginPolicy(origins: [origin])
        let fields: HTTPFields = [.origin: origin]
        let request = HTTPRequest(method: .post, scheme: nil, authority: nil, path: "/", headerFields: fields)
        guard policy.refusal(of: request, carriesSession: true) != nil else { return }
        throw StartFailure(
            description: "\(origin) is not what a browser calls it. Write --api-origin in lower case, and without "
                + "the scheme's own port."
        )
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
        try await OriginGuard(origins.current().pages, sessions: sessions).handle(request, context: context, next: next)
    }
}

/// Refuses what another site sends to the API from a visitor's browser, and lets scripts through.
///
/// Pages of the origins in `--api-origin` are let through too; ``APICrossOrigin`` lets them read the answers.
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
        guard try origins.current().api.refusal(of: request.head, carriesSession: false) == nil else {
            throw HTTPError(
                .forbidden,
                headers: [.vary: "Sec-Fetch-Site, Origin", .cacheControl: "no-store"],
                message: "Requests from other sites are refused."
            )
        }
        return try await next(request, context)
    }
}
