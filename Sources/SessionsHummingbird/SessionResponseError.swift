#if Hummingbird
import HTTPTypes
public import Hummingbird
import Logging
public import Sessions

/// An error with the session's fields on its response.
///
/// Middlewares outside ``SessionMiddleware`` meet this instead of what a handler threw, where the session has fields for
/// the response: ``underlying`` is what they look for.
public struct SessionResponseError: HTTPResponseError, CustomStringConvertible {
    /// What the handler threw.
    public let underlying: any Error

    let fields: SessionFields

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
        fields.apply(to: &response)
        return response
    }
}

extension SessionError: HTTPResponseError {
    /// The status that the error is answered with.
    public var status: HTTPResponse.Status { HTTPResponse.Status(code: code.httpStatus) }

    /// An empty response with the error's status, and with what the exchange had earned.
    ///
    /// The reason is for the log.
    public func response(from request: Request, context: some RequestContext) throws -> Response {
        var metadata: Logger.Metadata = [:]
        // A store's own error holds no key and no payload, by contract. Of any other, the type has to do.
        if let cause = underlying as? SessionStoreError {
            metadata["cause"] = "\(cause)"
        } else if let underlying {
            metadata["cause"] = "\(type(of: underlying))"
        }
        // A session that ended while a request held it is nobody's fault.
        context.logger.log(level: status == .conflict ? .info : .error, "session: \(self)", metadata: metadata)
        var response = Response(status: status)
        if status == .serviceUnavailable { response.headers[.retryAfter] = "1" }
        fields.apply(to: &response)
        return response
    }
}

extension SessionConfigurationError: HTTPResponseError {
    /// 500: the application is put together in the wrong way.
    public var status: HTTPResponse.Status { .internalServerError }

    /// An empty response with status 500.
    ///
    /// What to change is for the log, where an error that makes no response would not show up (checklist CF-14).
    public func response(from request: Request, context: some RequestContext) throws -> Response {
        context.logger.error("session: \(self)")
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
