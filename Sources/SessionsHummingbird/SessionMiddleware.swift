#if Hummingbird
import HTTPTypes
public import Hummingbird
import Logging
import NIOHTTP1
public import Sessions

/// Gives every request behind it a session.
///
/// ```swift
/// let router = Router(context: AppContext.self)
/// router.add(middleware: SessionMiddleware(sessions))
/// router.get("/") { _, context in
///     let session = try await context.session
///     session.update(.visits) { $0 += 1 }
///     return "Visits: \(session[.visits])"
/// }
/// ```
///
/// A request whose handler never asks for the session costs no store call and gets no header. The session is committed
/// when the handler has returned or thrown, before the response's head is sent. Bodies are written after that: a stream
/// or a socket that changes its session calls `save()`.
///
/// Whatever a handler throws keeps its status and carries the session's fields, its cookie among them, inside a
/// ``SessionResponseError``. Add the middleware to the router, before the routes: then it covers what no route answers
/// as well. A middleware that answers errors is best added after it.
///
/// An application with several managers names them once, and serves them with one middleware:
///
/// ```swift
/// router.add(middleware: SessionMiddleware(try SessionManagers(users, administrators)))
/// ```
///
/// Around a WebSocket route it works the same way: the cookie travels on the response that switches protocols, and the
/// session stays at hand in the context. Decide on the upgrade by reading the session only, and put an ``OriginGuard``
/// before it: the response to an upgrade that is declined never reaches the client, and neither would a new cookie on
/// it, though the session is committed with it as with any other.
public struct SessionMiddleware<Context: SessionRequestContext>: RouterMiddleware {
    private let managers: SessionManagers
    private let options: SessionOptions
    private let report: (@Sendable (ExchangeReport, Request) -> Void)?

    /// Creates the middleware.
    ///
    /// - Parameters:
    ///   - sessions: the manager whose sessions the requests have.
    ///   - options: what it does beside opening and committing. Default: nothing.
    ///   - report: is called when the handler has ended and its session is committed, with what the session's life was
    ///     so far, for a log. It holds nothing that authenticates.
    public init(
        _ sessions: SessionManager,
        options: SessionOptions = [],
        report: (@Sendable (ExchangeReport, Request) -> Void)? = nil
    ) {
        self.init(SessionManagers(only: sessions), options: options, report: report)
    }

    /// Creates the middleware of an application with several managers.
    ///
    /// Handlers reach the session of each with ``SessionRequestContext/session(of:)``.
    /// ``SessionRequestContext/session`` is that of the first.
    ///
    /// - Parameters:
    ///   - managers: the managers whose sessions the requests have.
    ///   - options: what it does beside opening and committing. Default: nothing.
    ///   - report: is called for each of them, the first manager's first.
    public init(
        _ managers: SessionManagers,
        options: SessionOptions = [],
        report: (@Sendable (ExchangeReport, Request) -> Void)? = nil
    ) {
        self.managers = managers
        self.options = options
        self.report = report
    }

    /// Opens the request's exchange, runs the routes, and commits.
    ///
    /// - Throws: `SessionError` if the commit is refused or fails; `SessionConfigurationError` if the middleware is
    ///   around this route twice (checklist CF-14), or another with the same cookie name (CF-07); what the routes
    ///   throw, with the session's fields, as ``SessionResponseError``.
    public func handle(
        _ request: Request,
        context: Context,
        next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        var context = context
        let connection = await context.sessionContext.connection(for: managers)
        let exchanges = try context.sessionContext.open(managers, request.head, over: connection, options: options)
        defer { if let report { exchanges.reports.forEach { report($0, request) } } }
        let outcome: RequestOutcome
        var response = Response(status: .internalServerError)
        do {
            response = try await exchanges.run { [context] in try await next(request, context) }
            outcome = await exchanges.commit(logger: context.logger)
        } catch {
            outcome = await exchanges.commit(after: error, logger: context.logger) { error in
                // Whether the middlewares outside are known to send this error's own response.
                ((error as? SessionResponseError)?.underlying ?? error) is any HTTPResponseError
            }
        }
        if let error = outcome.error { throw Self.error(error, with: outcome) }
        for fields in outcome.fields { fields.apply(to: &response) }
        return response
    }

    /// The error with the session's fields on its response; as it is where the session adds nothing to that.
    ///
    /// An error of the HTTP parser is not the application's, and means that the connection is at its end: the server
    /// has to see it.
    private static func error(_ error: any Error, with outcome: RequestOutcome) -> any Error {
        guard !outcome.isEmpty, !(error is HTTPParserError) else { return error }
        return SessionResponseError(error, outcome.fields)
    }
}
#endif
