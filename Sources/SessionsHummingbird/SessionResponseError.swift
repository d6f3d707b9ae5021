#if Hummingbird
import HTTPTypes
public import Hummingbird
import Logging
public import Sessions

/// An error with the session's fields on its response.
///
/// Middlewares outside ``SessionMiddleware`` meet this instead of what a handler threw, if the handler had asked for
/// its session: ``underlying`` is what they look for. One that answers the error with a response of its own puts the
/// session's fields on it, or the client misses its cookie and a cache does not learn that the response depends on it
/// (checklist CA-03):
///
/// ```swift
/// do {
///     return try await next(request, context)
/// } catch let error as SessionResponseError {
///     var response = page(for: error.underlying)
///     error.apply(to: &response)
///     return response
/// }
/// ```
///
/// Simpler is to add such a middleware to the router after ``SessionMiddleware``: it then stands inside, meets what the
/// handler threw, and its response gets the fields like every other.
public struct SessionResponseError: HTTPResponseError, CustomStringConvertible {
    /// What the handler threw.
    public let underlying: any Error

    /// What each session around the handler adds.
    private let fields: [SessionFields]

    /// The error with the fields of more sessions: still one error, around what the handler threw.
    init(_ error: any Error, _ fields: [SessionFields]) {
        let inner = error as? SessionResponseError
        underlying = inner?.underlying ?? error
        self.fields = (inner?.fields ?? []) + fields
    }

    /// What the handler threw, as text.
    public var description: String { "\(underlying)" }

    /// The status of the underlying error; 500 if that makes no response.
    public var status: HTTPResponse.Status {
        (underlying as? any HTTPResponseError)?.status ?? .internalServerError
    }

    /// The response of the underlying error, with the session's fields; an empty one with status 500 if that makes none.
    public func response(from request: Request, context: some RequestContext) throws -> Response {
        var response = Response(status: .internalServerError)
        do {
            guard let error = underlying as? any HTTPResponseError else { throw underlying }
            response = try error.response(from: request, context: context)
        } catch {
            context.logger.error("The handler threw an error that makes no response.", metadata: ["error": "\(error)"])
        }
        apply(to: &response)
        return response
    }

    /// Puts the session's fields on a response that is sent in place of this error's own.
    public func apply(to response: inout Response) {
        for fields in fields { fields.apply(to: &response) }
    }
}

extension SessionError: HTTPResponseError {
    /// The status that the error is answered with.
    public var status: HTTPResponse.Status { HTTPResponse.Status(code: code.httpStatus) }

    /// An empty response with the error's status, and with what the exchange had earned.
    ///
    /// The reason is for the log.
    public func response(from request: Request, context: some RequestContext) throws -> Response {
        log(to: context.logger)
        let head = response
        return Response(status: head.status, headers: head.headerFields)
    }
}

extension SessionConfigurationError: HTTPResponseError {
    /// 500: the application is put together in the wrong way.
    public var status: HTTPResponse.Status { .internalServerError }

    /// An empty response with status 500.
    ///
    /// What to change is for the log, where an error that makes no response would not show up (checklist CF-14).
    public func response(from request: Request, context: some RequestContext) throws -> Response {
        log(to: context.logger)
        return Response(status: status)
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
