#if FlyingFox
public import FlyingFox
public import Sessions

extension FlyingFox.HTTPRequest {
    /// The request's session, loaded from the store when first asked for.
    ///
    /// It is found while the handler runs, as FlyingFox finds a route's parameters. A body that is streamed, a socket and
    /// a detached task run outside: take the session in the handler and hand it on.
    ///
    /// Where several managers are at work, it is that of the innermost ``SessionHTTPHandler``; of one handler with
    /// several managers, that of the first.
    ///
    /// - Throws: `SessionError` (503) if the store cannot be asked; `SessionConfigurationError` if no
    ///   ``SessionHTTPHandler`` is around this route (checklist CF-14).
    public var session: Session {
        get async throws { try await sessionContext.exchange().session }
    }

    /// The request's session with one of several managers.
    ///
    /// - Throws: as ``session``.
    public func session(of sessions: SessionManager) async throws -> Session {
        try await sessionContext.exchange(of: sessions).session
    }

    /// The exchanges that are open for the request; none where no ``SessionHTTPHandler`` is around.
    public var sessionContext: SessionContext { SessionContext.ofRequest ?? SessionContext() }
}

extension SessionContext {
    /// That of the request whose handler runs. FlyingFox's request has no room for it.
    @TaskLocal static var ofRequest: SessionContext?
}
#endif
