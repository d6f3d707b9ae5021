public import HTTPTypes
package import Logging

extension SessionError {
    /// The head of the response that answers the error.
    ///
    /// It has the error's status, for a 401 the challenge, for a 503 the advice to try again after a second, and what the
    /// exchange had earned. It goes without a body: the reason is for the log (checklist ER-03).
    public var response: HTTPResponse {
        var response = HTTPResponse(status: HTTPResponse.Status(code: code.httpStatus))
        if let challenge { response.headerFields[.wwwAuthenticate] = challenge }
        if response.status == .serviceUnavailable { response.headerFields[.retryAfter] = "1" }
        fields.apply(to: &response)
        return response
    }

    /// Tells the log why the request failed.
    package func log(to logger: Logger) {
        var metadata: Logger.Metadata = [:]
        // A store's own error holds no key and no payload, by contract. Of any other, the type has to do.
        if let cause = underlying as? SessionStoreError {
            metadata["cause"] = "\(cause)"
        } else if let underlying {
            metadata["cause"] = "\(type(of: underlying))"
        }
        let level: Logger.Level =
            switch code.httpStatus {
            // Asked to log in, as many a request is.
            case 401: .debug
            // A session that ended while a request held it is nobody's fault.
            case 409: .info
            default: .error
            }
        logger.log(level: level, "session: \(self)", metadata: metadata)
    }
}

extension SessionConfigurationError {
    /// Tells the log what to change, where the error is met by a request (checklist CF-14).
    package func log(to logger: Logger) {
        logger.error("session: \(self)")
    }
}
