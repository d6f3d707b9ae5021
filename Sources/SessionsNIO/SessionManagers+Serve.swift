#if NIO
public import HTTPTypes
public import NIOCore
public import NIOHTTPTypes
public import Sessions

extension SessionManager {
    /// Serves the requests of one connection, one after the other, each with a session.
    ///
    /// ```swift
    /// try await connection.executeThenClose { inbound, outbound in
    ///     try await sessions.serve(inbound, outbound) { request, response in
    ///         let session = try await request.session
    ///         session.update(.visits) { $0 += 1 }
    ///         try await response.send(HTTPResponse(status: .ok), ByteBuffer(string: "Visits: \(session[.visits])"))
    ///     }
    /// }
    /// ```
    ///
    /// The session is committed when the handler writes the head of its final response, before that is sent. Interim
    /// responses (100, 103) pass before it. A handler that throws before then is answered with the error's status if it is a
    /// `SessionError`, and with 500 if not; the session keeps what takes rights away, and the answer has its fields.
    /// The manager's log is told of the error. Once the head is sent, what the handler throws ends the connection, so that the
    /// client sees that the response is cut off.
    ///
    /// It returns when the client has closed the connection, or after a response to a request that asked for that.
    ///
    /// - Parameters:
    ///   - inbound: the connection's requests, as `HTTP1ToHTTPServerCodec` makes them.
    ///   - outbound: where the responses go.
    ///   - connection: whether this connection is encrypted, and who is at its other end, for managers that ask
    ///     (`readsConnection`).
    ///   - options: what is done beside opening and committing. Default: nothing.
    ///   - report: is called when a request has ended, with what its session's life was so far, for a log. It holds
    ///     nothing that authenticates.
    ///   - handler: answers a request. What it does not read of the request's body is thrown away.
    /// - Throws: what reading and writing throws, and what `handler` throws in the middle of a response. Close the
    ///   connection then, as `executeThenClose` does.
    public func serve(
        _ inbound: NIOAsyncChannelInboundStream<HTTPRequestPart>,
        _ outbound: NIOAsyncChannelOutboundWriter<HTTPResponsePart>,
        connection: RequestConnection? = nil,
        options: SessionOptions = [],
        report: (@Sendable (ExchangeReport, HTTPRequest) -> Void)? = nil,
        _ handler: @Sendable (SessionRequest, SessionResponseWriter) async throws -> Void
    ) async throws {
        try await SessionManagers(only: self)
            .serve(inbound, outbound, connection: connection, options: options, report: report, handler)
    }
}

extension SessionManagers {
    /// Serves the requests of one connection, one after the other, each with a session of every manager.
    ///
    /// Handlers reach the session of each with ``SessionRequest/session(of:)``; ``SessionRequest/session`` is that of the
    /// first. All else is as with one manager.
    ///
    /// - Parameters:
    ///   - inbound: the connection's requests, as `HTTP1ToHTTPServerCodec` makes them.
    ///   - outbound: where the responses go.
    ///   - connection: whether this connection is encrypted, and who is at its other end, for managers that ask
    ///     (`readsConnection`).
    ///   - options: what is done beside opening and committing. Default: nothing.
    ///   - report: is called for each manager when a request has ended, the first manager's first.
    ///   - handler: answers a request. What it does not read of the request's body is thrown away.
    /// - Throws: what reading and writing throws, and what `handler` throws in the middle of a response.
    public func serve(
        _ inbound: NIOAsyncChannelInboundStream<HTTPRequestPart>,
        _ outbound: NIOAsyncChannelOutboundWriter<HTTPResponsePart>,
        connection: RequestConnection? = nil,
        options: SessionOptions = [],
        report: (@Sendable (ExchangeReport, HTTPRequest) -> Void)? = nil,
        _ handler: @Sendable (SessionRequest, SessionResponseWriter) async throws -> Void
    ) async throws {
        let parts = RequestParts(inbound)
        while let head = try await parts.nextHead() {
            var context = SessionContext()
            let exchanges = try context.open(self, head, over: connection, options: options)
            let response = SessionResponseWriter(exchanges, head, outbound)
            defer { if let report { exchanges.reports.forEach { report($0, head) } } }
            do {
                let request = SessionRequest(head: head, body: RequestBody(parts), context: context)
                try await exchanges.run { try await handler(request, response) }
                try response.checkEnd()
            } catch {
                try await response.answer(error, isLost: parts.isBroken)
            }
            if response.endsConnection { return }
        }
    }
}
#endif
