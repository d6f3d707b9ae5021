#if FlyingFox
public import FlyingFox
import HTTPTypes
public import Sessions

/// Gives every request to the routes inside it a session.
///
/// ```swift
/// var routes = RoutedHTTPHandler()
/// routes.appendRoute("GET /") { request in
///     let session = try await request.session
///     session.update(.visits) { $0 += 1 }
///     return HTTPResponse(statusCode: .ok, body: Data("Visits: \(session[.visits])".utf8))
/// }
/// let server = HTTPServer(port: 8080, handler: SessionHTTPHandler(sessions, around: routes))
/// try await server.run()
/// ```
///
/// A request whose handler never asks for the session costs no store call and gets no field. The session is committed
/// when the handler has returned or thrown, before the response's head is sent. Bodies and sockets are written after that,
/// and outside the request: take the session in the handler and hand it on. What changes it there calls `save()`.
///
/// FlyingFox answers whatever is thrown with an empty 500, or with 404 where no route was found. This handler makes these
/// answers itself as soon as a session was asked for, with the session's fields, and tells the manager's log of the error. A
/// `SessionError` is answered with its own status. What an untouched route throws passes as it is. A handler that answers
/// the application's errors stands inside; outside it would meet responses.
///
/// Put it around all routes. Around one of several it would answer where that one leaves a request to the next.
///
/// When a handler has taken longer than the server's timeout, FlyingFox sends 500 whatever it returns. The session is
/// then committed as if the handler had thrown.
public struct SessionHTTPHandler: HTTPHandler {
    private let managers: SessionManagers
    private let options: SessionOptions
    private let routes: any HTTPHandler
    private let report: (@Sendable (ExchangeReport, FlyingFox.HTTPRequest) -> Void)?

    /// Creates the handler.
    ///
    /// - Parameters:
    ///   - sessions: the manager whose sessions the requests have.
    ///   - options: what it does beside opening and committing. Default: nothing.
    ///   - report: is called when the handler has ended and its session is committed, with what the session's life was
    ///     so far, for a log. It holds nothing that authenticates.
    ///   - routes: what answers the requests.
    public init(
        _ sessions: SessionManager,
        options: SessionOptions = [],
        report: (@Sendable (ExchangeReport, FlyingFox.HTTPRequest) -> Void)? = nil,
        around routes: some HTTPHandler
    ) {
        self.init(SessionManagers(only: sessions), options: options, report: report, around: routes)
    }

    /// Creates the handler of an application with several managers.
    ///
    /// Handlers reach the session of each with `request.session(of:)`; `request.session` is that of the first.
    ///
    /// - Parameters:
    ///   - managers: the managers whose sessions the requests have.
    ///   - options: what it does beside opening and committing. Default: nothing.
    ///   - report: is called for each of them, the first manager's first.
    ///   - routes: what answers the requests.
    public init(
        _ managers: SessionManagers,
        options: SessionOptions = [],
        report: (@Sendable (ExchangeReport, FlyingFox.HTTPRequest) -> Void)? = nil,
        around routes: some HTTPHandler
    ) {
        self.managers = managers
        self.options = options
        self.report = report
        self.routes = routes
    }

    /// Opens the request's exchange, runs the routes, and commits.
    ///
    /// - Throws: what the routes throw that have not asked for a session.
    public func handleRequest(_ request: FlyingFox.HTTPRequest) async throws -> FlyingFox.HTTPResponse {
        var context = SessionContext.ofRequest ?? SessionContext()
        let exchanges: RequestExchanges
        do {
            exchanges = try context.open(
                managers,
                HTTPTypes.HTTPRequest(request),
                // The server itself speaks no TLS.
                over: RequestConnection(isEncrypted: false, peerAddress: Self.peer(of: request)),
                options: options
            )
        } catch let error as SessionConfigurationError {
            return FlyingFox.HTTPResponse(RequestOutcome(error: error).answer(managers.all[0].logger))
        }
        defer { if let report { exchanges.reports.forEach { report($0, request) } } }
        let outcome: RequestOutcome
        var response = FlyingFox.HTTPResponse(statusCode: .notFound)
        do {
            response = try await exchanges.run {
                try await SessionContext.$ofRequest.withValue(context) { try await routes.handleRequest(request) }
            }
            // The server cancels a handler that is late, and sends 500 whatever it returns.
            try Task.checkCancellation()
            outcome = await exchanges.commit()
        } catch {
            let isHeard = !Task.isCancelled
            outcome = await exchanges.commit(after: error) { _ in isHeard }
        }
        switch outcome.error {
        case nil:
            break
        case is SessionError, is SessionConfigurationError:
            return FlyingFox.HTTPResponse(outcome.answer(exchanges.logger))
        case let error? where outcome.isEmpty:
            throw error
        case is HTTPUnhandledError:
            // What the server would send, with the sessions' fields.
            response = FlyingFox.HTTPResponse(statusCode: .notFound)
        default:
            return FlyingFox.HTTPResponse(outcome.answer(exchanges.logger))
        }
        outcome.apply(to: &response)
        return response
    }

    /// Who is at the other end of the connection. (The library's own `remoteIPAddress` believes `X-Forwarded-For`.)
    private static func peer(of request: FlyingFox.HTTPRequest) -> String? {
        switch request.remoteAddress {
        case .ip4(let address, port: _), .ip6(let address, port: _): address
        default: nil
        }
    }
}
#endif
