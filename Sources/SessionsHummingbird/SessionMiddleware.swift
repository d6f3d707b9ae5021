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
/// before it: the response to an upgrade that is declined never reaches the client, and neither would a new cookie on it.
public struct SessionMiddleware<Context: SessionRequestContext>: RouterMiddleware {
    private let sessions: SessionManager
    /// The managers whose exchanges are opened inside that of `sessions`, the outermost first.
    private let inner: [SessionManager]
    private let report: (@Sendable (ExchangeReport, Request) -> Void)?

    /// Creates the middleware.
    ///
    /// - Parameters:
    ///   - sessions: the manager whose sessions the requests have.
    ///   - report: is called when the handler has ended and its session is committed, with what the session's life was
    ///     so far, for a log. It holds nothing that authenticates.
    public init(_ sessions: SessionManager, report: (@Sendable (ExchangeReport, Request) -> Void)? = nil) {
        self.init(sessions, inner: [], report)
    }

    /// Creates the middleware of an application with several managers.
    ///
    /// Handlers reach the session of each with ``SessionRequestContext/session(of:)``.
    /// ``SessionRequestContext/session`` is that of the first.
    ///
    /// - Parameters:
    ///   - managers: the managers whose sessions the requests have.
    ///   - report: is called for each of them, the first manager's first.
    public init(_ managers: SessionManagers, report: (@Sendable (ExchangeReport, Request) -> Void)? = nil) {
        let first = managers.all[0]
        let others = managers.all.dropFirst().reversed()
        self.init(others.first ?? first, inner: others.isEmpty ? [] : others.dropFirst() + [first], report)
    }

    private init(
        _ sessions: SessionManager,
        inner: [SessionManager],
        _ report: (@Sendable (ExchangeReport, Request) -> Void)?
    ) {
        self.sessions = sessions
        self.inner = inner
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
        let exchange = try context.sessionContext.open(sessions, request)
        defer { report?(exchange.report, request) }
        var response: Response
        do {
            response =
                if let first = inner.first {
                    try await Self(first, inner: Array(inner.dropFirst()), report)
                        .handle(request, context: context, next: next)
                } else {
                    try await next(request, context)
                }
        } catch {
            throw Self.error(error, with: try await commit(exchange, after: error, context.logger))
        }
        let fields: SessionFields
        do {
            fields = try await exchange.commit()
        } catch let error as SessionError {
            throw error
        } catch {
            // The application's own, from an update that ran again.
            throw Self.error(error, with: exchange.fields)
        }
        fields.apply(to: &response)
        return response
    }

    /// Commits what survives a throw.
    private func commit(
        _ exchange: SessionExchange,
        after error: any Error,
        _ logger: Logger
    ) async throws -> SessionFields {
        // Whether the middlewares outside are known to send this error's own response.
        let thrown = (error as? SessionResponseError)?.underlying ?? error
        do {
            return try await exchange.commit(.threw(carriesFields: thrown is any HTTPResponseError))
        } catch let failure {
            // The client hears that the session failed. What the handler threw would otherwise be told to nobody.
            logger.error("The handler threw, and its session was not committed.", metadata: ["error": "\(error)"])
            throw failure
        }
    }

    /// The error with the session's fields on its response; as it is where the session adds nothing to that.
    ///
    /// An error of the HTTP parser is not the application's, and means that the connection is at its end: the server
    /// has to see it.
    private static func error(_ error: any Error, with fields: SessionFields) -> any Error {
        guard !fields.isEmpty, !(error is HTTPParserError) else { return error }
        return SessionResponseError(error, fields)
    }
}
#endif
