#if NIO
public import HTTPTypes
public import Sessions

/// A request that has a session.
public struct SessionRequest {
    /// The request's head.
    public let head: HTTPRequest

    /// The request's body, as it comes.
    public let body: RequestBody

    /// The exchanges that are open for the request.
    public let sessionContext: SessionContext

    init(head: HTTPRequest, body: RequestBody, context: SessionContext) {
        self.head = head
        self.body = body
        sessionContext = context
    }

    /// The request's session, loaded from the store when first asked for; of several managers, that of the first.
    ///
    /// - Throws: `SessionError` (503) if the store cannot be asked.
    public var session: Session {
        get async throws { try await sessionContext.exchange().session }
    }

    /// The request's session with one of several managers.
    ///
    /// - Throws: as ``session``; `SessionConfigurationError` if the connection is not served with this manager.
    public func session(of sessions: SessionManager) async throws -> Session {
        try await sessionContext.exchange(of: sessions).session
    }
}
#endif
