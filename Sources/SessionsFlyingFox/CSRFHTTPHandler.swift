#if FlyingFox
public import FlyingFox
import Foundation
import HTTPTypes
public import Sessions

/// Refuses forms that another site makes in a user's name, with 403: by where they come from, then by the session's
/// token.
///
/// ```swift
/// let csrf = try CSRFPolicy(OriginPolicy(origins: ["https://shop.example"]))
/// let handler = SessionHTTPHandler(sessions, around: CSRFHTTPHandler(csrf, sessions: sessions, around: routes))
/// ```
///
/// It stands inside ``SessionHTTPHandler``. Pages put `Session.csrfToken` into their forms, or into a header of the
/// requests that their scripts make. Requests that only read are let through as they are: nothing is loaded, and no
/// session begins.
///
/// If no header holds the token, and the body is a form (`application/x-www-form-urlencoded`), it is read, up to a limit,
/// and handed on whole. A body of another type, `multipart/form-data` among them, is never read here: send the header with
/// it.
public struct CSRFHTTPHandler: HTTPHandler {
    private let policy: CSRFPolicy
    private let sessions: SessionManager
    private let formLimit: Int
    private let routes: any HTTPHandler

    /// Creates the guard.
    ///
    /// - Parameters:
    ///   - policy: where requests may come from, and where their token is.
    ///   - sessions: the manager whose session the token belongs to.
    ///   - formLimit: how many bytes of a form are read for its token. A larger form is answered with 413. Default
    ///     1,048,576.
    ///   - routes: what answers the requests that are accepted.
    public init(
        _ policy: CSRFPolicy,
        sessions: SessionManager,
        formLimit: Int = 1_048_576,
        around routes: some HTTPHandler
    ) {
        self.policy = policy
        self.sessions = sessions
        self.formLimit = formLimit
        self.routes = routes
    }

    /// Lets the request through or refuses it.
    ///
    /// - Throws: `SessionError` (503) if the store cannot be asked; `SessionConfigurationError` if no
    ///   ``SessionHTTPHandler`` is around this one; what reading the body and the routes throw.
    public func handleRequest(_ request: FlyingFox.HTTPRequest) async throws -> FlyingFox.HTTPResponse {
        var request = request
        let exchange = try request.sessionContext.exchange(of: sessions)
        do {
            let refusal = try await policy.answer(to: HTTPTypes.HTTPRequest(request), in: exchange) {
                let form = try await Self.collect(request.bodySequence, upTo: formLimit)
                request.setBodyData(form)
                return form
            }
            if let refusal { return FlyingFox.HTTPResponse(refusal) }
        } catch is TooLarge {
            return FlyingFox.HTTPResponse(statusCode: .payloadTooLarge)
        }
        return try await routes.handleRequest(request)
    }

    private static func collect(_ body: HTTPBodySequence, upTo limit: Int) async throws -> Data {
        var form = Data()
        for try await piece in body {
            guard piece.count <= limit - form.count else { throw TooLarge() }
            form += piece
        }
        return form
    }

    private struct TooLarge: Error {}
}
#endif
