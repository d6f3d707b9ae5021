#if Hummingbird
public import Hummingbird
public import Sessions

/// A request context through which handlers reach the request's session.
///
/// ```swift
/// struct AppContext: SessionRequestContext {
///     var coreContext: CoreRequestContextStorage
///     var sessionContext = SessionContext()
///     init(source: Source) { coreContext = .init(source: source) }
/// }
/// ```
///
/// A child context copies ``sessionContext`` from its parent; both then speak of one session.
public protocol SessionRequestContext: RequestContext {
    /// What the session middlewares around this request have opened.
    var sessionContext: SessionContext { get set }
}

extension SessionRequestContext {
    /// The request's session, loaded from the store when first asked for.
    ///
    /// Where several managers are at work, it is that of the innermost middleware; of one middleware with several
    /// managers, that of the first.
    ///
    /// - Throws: `SessionError` (503) if the store cannot be asked; `SessionConfigurationError` if no
    ///   ``SessionMiddleware`` is around this route (checklist CF-14).
    public var session: Session {
        get async throws { try await sessionContext.exchange().session }
    }

    /// The request's session with one of several managers.
    ///
    /// - Throws: as ``session``.
    public func session(of sessions: SessionManager) async throws -> Session {
        try await sessionContext.exchange(of: sessions).session
    }
}

/// The exchanges that the session middlewares around a request have opened.
public struct SessionContext: Sendable {
    private var exchanges: [(sessions: SessionManager, exchange: SessionExchange)] = []

    /// Creates the context of a request that has met no session middleware yet.
    public init() {}

    /// The exchange of the innermost middleware.
    ///
    /// - Throws: `SessionConfigurationError` if there is none.
    public func exchange() throws -> SessionExchange {
        guard let last = exchanges.last else { throw Self.missing }
        return last.exchange
    }

    /// The exchange of one of several managers.
    ///
    /// - Throws: `SessionConfigurationError` if it has no middleware around this route.
    public func exchange(of sessions: SessionManager) throws -> SessionExchange {
        guard let found = exchanges.first(where: { $0.sessions === sessions }) else { throw Self.missing }
        return found.exchange
    }

    private static let missing = SessionConfigurationError(
        .middlewareOrder,
        "No SessionMiddleware is around this route. Add it to the router before the routes that use the session."
    )

    /// Opens the exchange of a middleware.
    mutating func open(_ sessions: SessionManager, _ request: Request) throws -> SessionExchange {
        // One response cannot set two cookies of one name, whatever their paths (RFC 6265bis section 4.1.1).
        let cookie = sessions.configuration.cookie
        for present in exchanges where present.sessions.configuration.cookie.name == cookie.name {
            let isSame = present.sessions === sessions
            throw SessionConfigurationError(
                isSame ? .middlewareOrder : .duplicateManager,
                "Two session middlewares around this route use the cookie \(cookie.name). "
                    + (isSame
                        ? "Add the middleware once."
                        : "Give the second manager a cookie name of its own, and name both in SessionManagers(…): it "
                            + "refuses such a pair when the application starts.")
            )
        }
        let exchange = sessions.open(request.head)
        exchanges.append((sessions, exchange))
        return exchange
    }
}
#endif
