package import HTTPTypes
package import Sessions

/// A server with an adapter, as its own tests set it up: the checks are the same for every adapter.
package protocol AdapterSubject: Sendable {
    /// Whether the adapter itself answers an error that makes no response, and so has a place for its session's fields.
    var answersErrors: Bool { get }

    /// Starts a server on a free port of 127.0.0.1, runs `body` with the port, and stops the server.
    ///
    /// The server answers everything with `routes`, inside the adapter's session handler of `managers`, and that inside
    /// its origin guard for the first manager. Around what `routes` name an ``AdapterGuard`` for it puts its owner guard,
    /// and around what they name a policy of tokens for its guard of forms.
    func serve(
        _ managers: SessionManagers,
        _ policy: OriginPolicy,
        _ routes: AdapterRoutes,
        report: @escaping @Sendable (ExchangeReport) -> Void,
        _ body: @Sendable (Int) async throws -> Void
    ) async throws
}

/// A request, in no framework's words.
package struct AdapterRequest: Sendable {
    package let method: HTTPRequest.Method
    package let path: String
    package let fields: HTTPFields
    package let body: String
    /// The exchanges that the adapter has opened.
    package let context: SessionContext
    /// What the adapter gives to handlers.
    package let session: @Sendable () async throws -> Session
    /// The same, of one of several managers.
    package let sessionOf: @Sendable (SessionManager) async throws -> Session

    package init(
        method: HTTPRequest.Method,
        path: String,
        fields: HTTPFields,
        body: String,
        context: SessionContext,
        session: @escaping @Sendable () async throws -> Session,
        sessionOf: @escaping @Sendable (SessionManager) async throws -> Session
    ) {
        self.method = method
        self.path = path
        self.fields = fields
        self.body = body
        self.context = context
        self.session = session
        self.sessionOf = sessionOf
    }
}

/// A response, in no framework's words.
package struct AdapterResponse: Sendable {
    package var status: HTTPResponse.Status
    package var fields: HTTPFields
    package var body: String
    /// What is written after the head is sent, behind `body`. The length of such a response is not known before.
    package var stream: (@Sendable () async throws -> String)?

    package init(
        _ body: String = "",
        status: HTTPResponse.Status = .ok,
        fields: HTTPFields = [:],
        stream: (@Sendable () async throws -> String)? = nil
    ) {
        self.status = status
        self.fields = fields
        self.body = body
        self.stream = stream
    }
}
