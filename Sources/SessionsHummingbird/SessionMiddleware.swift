#if Hummingbird
import HTTPTypes
public import Hummingbird
import Logging
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
/// Whatever a handler throws keeps its status; an error that makes a response (`HTTPResponseError`) carries the session's
/// cookie too. Add the middleware to the router, before the routes: then it covers what no route answers as well.
public struct SessionMiddleware<Context: SessionRequestContext>: RouterMiddleware {
    private let sessions: SessionManager
    private let report: (@Sendable (ExchangeReport, Request) -> Void)?

    /// Creates the middleware.
    ///
    /// - Parameters:
    ///   - sessions: the manager whose sessions the requests have.
    ///   - report: is called at the end of each request with what its session life was, for a log. It holds nothing
    ///     that authenticates.
    public init(_ sessions: SessionManager, report: (@Sendable (ExchangeReport, Request) -> Void)? = nil) {
        self.sessions = sessions
        self.report = report
    }

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
            response = try await next(request, context)
        } catch {
            throw try await commit(exchange, after: error)
        }
        let fields = try await exchange.commit()
        fields.apply(to: &response)
        return response
    }

    /// Commits what survives a throw, and puts the fields on the error.
    private func commit(_ exchange: SessionExchange, after error: any Error) async throws -> any Error {
        let isResponse = error is any HTTPResponseError
        let fields = try await exchange.commit(.threw(carriesFields: isResponse))
        guard isResponse || fields.changesCookie else { return error }
        return SessionResponseError(underlying: error, fields: fields)
    }
}

/// An error with the session's fields on its response.
///
/// Middlewares outside ``SessionMiddleware`` meet this instead of the error that a handler threw.
public struct SessionResponseError: HTTPResponseError {
    /// What the handler threw.
    public let underlying: any Error

    let fields: SessionFields

    public var status: HTTPResponse.Status {
        (underlying as? any HTTPResponseError)?.status ?? .internalServerError
    }

    public func response(from request: Request, context: some RequestContext) throws -> Response {
        var response = Response(status: .internalServerError)
        if let error = underlying as? any HTTPResponseError {
            response = try error.response(from: request, context: context)
        } else {
            context.logger.error("The handler threw an error that makes no response.", metadata: ["error": "\(underlying)"])
        }
        fields.apply(to: &response)
        return response
    }
}

extension SessionError: HTTPResponseError {
    /// The status that the error is answered with.
    public var status: HTTPResponse.Status { HTTPResponse.Status(code: code.httpStatus) }

    /// An empty response with the error's status, and with what the exchange had earned. The reason is for the log.
    public func response(from request: Request, context: some RequestContext) throws -> Response {
        context.logger.error("session: \(self)")
        var response = Response(status: status)
        if status == .serviceUnavailable { response.headers[.retryAfter] = "1" }
        fields.apply(to: &response)
        return response
    }
}

extension SessionFields {
    /// Puts the fields into a Hummingbird response.
    func apply(to response: inout Response) {
        guard !isEmpty else { return }
        var head = HTTPResponse(status: response.status, headerFields: response.headers)
        apply(to: &head)
        response.headers = head.headerFields
    }
}
#endif
