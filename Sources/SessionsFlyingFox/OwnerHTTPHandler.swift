#if FlyingFox
public import FlyingFox
public import Sessions

/// Lets only requests through whose session has an owner.
///
/// ```swift
/// var account = RoutedHTTPHandler()
/// account.appendRoute("GET /account/orders") { request in … }
/// routes.appendRoute("/account/*", to: OwnerHTTPHandler(redirectingTo: "/signin", around: account))
/// ```
///
/// It stands inside ``SessionHTTPHandler``, around the routes that need an owner. What needs a recent login gets a second one
/// inside the first, which sends users who are signed in to prove it again:
///
/// ```swift
/// let handler = OwnerHTTPHandler(
///     redirectingTo: "/signin",
///     around: OwnerHTTPHandler(redirectingTo: "/confirm", freshWithin: .seconds(300), around: password)
/// )
/// ```
///
/// A 401 carries the manager's challenge in `WWW-Authenticate`, as RFC 9110 section 11.6.1 asks: `Bearer` for the header
/// transport (RFC 6750 section 3). No scheme is registered for cookies; browsers pass over the one that is named,
/// `Cookie`, and show the response.
///
/// Where several managers are at work, say whose session counts: a user's must not open the administrators' pages.
public struct OwnerHTTPHandler: HTTPHandler {
    private let location: String?
    private let sessions: SessionManager?
    private let age: Duration?
    private let routes: any HTTPHandler

    /// A guard that answers 401 to requests without an owner.
    ///
    /// - Parameters:
    ///   - sessions: the manager whose session counts. By default that of the innermost ``SessionHTTPHandler``; of one
    ///     with several managers, the first's.
    ///   - age: how old the owner's login may be, as `Session.requireFresh(within:)` has it. By default of any age.
    ///   - routes: what answers the requests of owners.
    public init(
        of sessions: SessionManager? = nil,
        freshWithin age: Duration? = nil,
        around routes: some HTTPHandler
    ) {
        location = nil
        self.sessions = sessions
        self.age = age
        self.routes = routes
    }

    /// A guard that redirects requests without an owner, with 303.
    ///
    /// - Parameters:
    ///   - location: where to, as the `Location` field has it.
    ///   - sessions: the manager whose session counts. By default that of the innermost ``SessionHTTPHandler``; of one
    ///     with several managers, the first's.
    ///   - age: how old the owner's login may be; one that is older is sent to `location` too. By default of any age.
    ///   - routes: what answers the requests of owners.
    public init(
        redirectingTo location: String,
        of sessions: SessionManager? = nil,
        freshWithin age: Duration? = nil,
        around routes: some HTTPHandler
    ) {
        self.location = location
        self.sessions = sessions
        self.age = age
        self.routes = routes
    }

    /// Lets the request through if its session has an owner whose login is recent enough.
    ///
    /// - Throws: `SessionError` with the code `loginRequired` or `freshLoginRequired` (401), or (503) if the store
    ///   cannot be asked; `SessionConfigurationError` if no ``SessionHTTPHandler`` is around this one; what the routes
    ///   throw.
    public func handleRequest(_ request: FlyingFox.HTTPRequest) async throws -> FlyingFox.HTTPResponse {
        let session =
            if let sessions { try await request.session(of: sessions) } else { try await request.session }
        do {
            try session.requireOwner()
            if let age { try session.requireFresh(within: age) }
        } catch {
            guard let location else { throw error }
            var response = FlyingFox.HTTPResponse(statusCode: .seeOther)
            response.headers[.location] = location
            return response
        }
        return try await routes.handleRequest(request)
    }
}
#endif
