package import HTTPTypes
package import Logging

/// How a request ended: what its sessions add to its response, and the error that is answered in the response's place.
package struct RequestOutcome: Sendable {
    /// What each session adds.
    package internal(set) var fields: [SessionFields] = []

    /// What the handler or a commit threw; `nil` if the handler's response is sent.
    package private(set) var error: (any Error)?

    package init(error: (any Error)?) {
        self.error = error
    }

    /// Puts another error in the place of ``error``, and keeps what that one has brought for the response.
    package mutating func fail(with error: any Error) {
        if let earlier = self.error as? SessionError { fields.append(earlier.fields) }
        self.error = error
    }

    /// Whether the sessions add nothing.
    package var isEmpty: Bool { fields.allSatisfy(\.isEmpty) }

    /// Puts what the sessions add onto a response.
    package func apply(to response: inout HTTPResponse) {
        if let error = error as? SessionError { error.fields.apply(to: &response) }
        for fields in fields { fields.apply(to: &response) }
    }

    /// Puts what the sessions add onto the fields of a final response.
    package func apply(to fields: inout HTTPFields) {
        for added in self.fields { added.apply(to: &fields) }
    }

    /// The head that answers ``error``, without a body: the reason is for the log (checklist ER-03).
    ///
    /// For adapters to servers that know of no error with a response of its own.
    package func answer(_ logger: Logger) -> HTTPResponse {
        var response = HTTPResponse(status: .internalServerError)
        switch error {
        case nil: break
        case let error as SessionError:
            error.log(to: logger)
            response = error.response
        case let error as SessionConfigurationError:
            error.log(to: logger)
        case let error?:
            logger.error("The handler threw.", metadata: ["error": "\(error)"])
        }
        apply(to: &response)
        return response
    }
}
