#if FlyingFox
public import FlyingFox
import HTTPTypes
public import Sessions

/// Refuses requests that another site makes in a user's name, with 403.
///
/// ```swift
/// let server = HTTPServer(
///     port: 8080,
///     handler: OriginHTTPHandler(
///         try OriginPolicy(origins: ["https://shop.example"]),
///         sessions: sessions,
///         around: SessionHTTPHandler(sessions, around: routes)
///     )
/// )
/// ```
///
/// Put it around the routes that change something or open a socket; it needs no session and decides before any is loaded.
public struct OriginHTTPHandler: HTTPHandler {
    private let policy: OriginPolicy
    private let sessions: SessionManager
    private let routes: any HTTPHandler

    /// Creates the guard.
    ///
    /// - Parameters:
    ///   - policy: the origins whose requests are accepted.
    ///   - sessions: the manager whose cookie tells a user's request from a stranger's.
    ///   - routes: what answers the requests that are accepted.
    public init(_ policy: OriginPolicy, sessions: SessionManager, around routes: some HTTPHandler) {
        self.policy = policy
        self.sessions = sessions
        self.routes = routes
    }

    /// Lets the request through or refuses it.
    ///
    /// - Throws: what the routes throw.
    public func handleRequest(_ request: FlyingFox.HTTPRequest) async throws -> FlyingFox.HTTPResponse {
        if let refusal = policy.answer(to: HTTPTypes.HTTPRequest(request), sessions: sessions) {
            return FlyingFox.HTTPResponse(refusal)
        }
        return try await routes.handleRequest(request)
    }
}
#endif
