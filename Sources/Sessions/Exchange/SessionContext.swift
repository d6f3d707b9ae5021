package import HTTPTypes

/// The exchanges that are open for a request.
///
/// An adapter opens them and hands the context on with the request; handlers reach their sessions through it.
public struct SessionContext: Sendable {
    private var exchanges: [SessionExchange] = []
    private let findConnection: (@Sendable () async -> RequestConnection?)?

    /// Creates the context of a request that no adapter has opened an exchange for.
    public init() {
        findConnection = nil
    }

    /// Creates such a context for an adapter that finds the request's connection when it is asked for.
    package init(connection: @escaping @Sendable () async -> RequestConnection?) {
        findConnection = connection
    }

    /// The connection that the request came on, where one of `managers` reads it; `nil` if nobody has told.
    package func connection(for managers: SessionManagers) async -> RequestConnection? {
        managers.all.contains(where: \.readsConnection) ? await findConnection?() : nil
    }

    /// The innermost exchange.
    ///
    /// - Throws: ``SessionConfigurationError`` if there is none.
    public func exchange() throws -> SessionExchange {
        guard let last = exchanges.last else { throw Self.missing }
        return last
    }

    /// The exchange of one of several managers.
    ///
    /// - Throws: ``SessionConfigurationError`` if it has none.
    public func exchange(of sessions: SessionManager) throws -> SessionExchange {
        guard let found = exchanges.first(where: { $0.manager === sessions }) else { throw Self.missing }
        return found
    }

    private static let missing = SessionConfigurationError(
        .middlewareOrder,
        "No session middleware is around this route. Add the adapter's middleware or handler before the routes that use "
            + "the session."
    )

    /// Opens the exchanges of an adapter, inside those that are open already.
    ///
    /// - Parameters:
    ///   - managers: the managers whose sessions the request has. That of the first is the innermost.
    ///   - request: the request's head.
    ///   - connection: the connection it came on, if the adapter knows.
    ///   - options: what is done beside opening and committing.
    /// - Throws: ``SessionConfigurationError`` if an exchange with the same cookie name is open already.
    package mutating func open(
        _ managers: SessionManagers,
        _ request: HTTPRequest,
        over connection: RequestConnection? = nil,
        options: SessionOptions = []
    ) throws -> RequestExchanges {
        var opened: [SessionExchange] = []
        for sessions in managers.all.reversed() {
            // One response cannot set two cookies of one name, whatever their paths (RFC 6265bis section 4.1.1).
            let name = sessions.configuration.cookie.name
            for present in exchanges where present.manager.configuration.cookie.name == name {
                let isSame = present.manager === sessions
                throw SessionConfigurationError(
                    isSame ? .middlewareOrder : .duplicateManager,
                    "Two session middlewares around this route use the cookie \(name). "
                        + (isSame
                            ? "Add the adapter's middleware or handler once."
                            : "Give the second manager a cookie name of its own, and name both in SessionManagers(…): it "
                                + "refuses such a pair when the application starts.")
                )
            }
            let isInHeader = { (manager: SessionManager) in manager.configuration.transport.contains(.header) }
            guard !isInHeader(sessions) || !exchanges.contains(where: { isInHeader($0.manager) }) else {
                throw SessionConfigurationError(
                    .duplicateManager,
                    "Two session middlewares around this route have the header transport, and a request has one "
                        + "Authorization field. Set configuration.transport of one of them to .cookie."
                )
            }
            let exchange = sessions.open(request, over: connection)
            exchanges.append(exchange)
            opened.insert(exchange, at: 0)
        }
        return RequestExchanges(opened, options)
    }
}
