#if Hummingbird
public import Hummingbird
import NIOCore
import NIOSSL
public import Sessions

/// A request context through which handlers reach the request's session.
///
/// ```swift
/// struct AppContext: SessionRequestContext {
///     var coreContext: CoreRequestContextStorage
///     var sessionContext = SessionContext()
///     init(source: Source) { coreContext = .init(source: source) }
/// }
/// ```
///
/// Where the cookie's settings depend on the client's connection (`SessionConfiguration.proxies`), the context has to know
/// that: `sessionContext = SessionContext(source)`.
///
/// A child context copies ``sessionContext`` from its parent; both then speak of one session.
public protocol SessionRequestContext: RequestContext {
    /// What the session middlewares around this request have opened.
    var sessionContext: SessionContext { get set }
}

extension SessionRequestContext {
    /// The request's session, loaded from the store when first asked for.
    ///
    /// Where several managers are at work, it is that of the innermost middleware; of one middleware with several
    /// managers, that of the first.
    ///
    /// - Throws: `SessionError` (503) if the store cannot be asked; `SessionConfigurationError` if no
    ///   ``SessionMiddleware`` is around this route (checklist CF-14).
    public var session: Session {
        get async throws { try await sessionContext.exchange().session }
    }

    /// The request's session with one of several managers.
    ///
    /// - Throws: as ``session``.
    public func session(of sessions: SessionManager) async throws -> Session {
        try await sessionContext.exchange(of: sessions).session
    }
}

extension SessionContext {
    /// Creates the context of a request that has met no session middleware yet, and whose connection can be asked for.
    public init(_ source: ApplicationRequestContextSource) {
        let channel = source.channel
        self.init {
            // TLS is found where SwiftNIO's own library speaks it, as Hummingbird's servers have it. A stream of HTTP/2 has
            // a channel of its own, below that of its connection.
            guard let connection = channel.parent?.parent == nil ? channel : channel.parent else { return nil }
            let tls: Void? = try? await connection.pipeline.containsHandler(type: NIOSSLServerHandler.self).get()
            return RequestConnection(isEncrypted: tls != nil, peerAddress: connection.remoteAddress?.ipAddress)
        }
    }
}
#endif
