#if NIO
public import HTTPTypes
import Logging
public import NIOCore
public import NIOHTTPTypes
import Sessions
import Synchronization

/// Writes the response to a request that has a session.
///
/// It commits the session when the head of the final response is written, and sends the head with the session's fields.
/// Everything else passes as it is: a plain NIO server says itself how long a body is, and sends none where HTTP has none.
public final class SessionResponseWriter: Sendable {
    /// A response in the wrong order. It is the handler's mistake.
    public enum OrderError: Error, Sendable, Hashable {
        /// A second final head was written.
        case headAfterHead
        /// A body came before its head.
        case bodyBeforeHead
        /// The handler returned before the end of its response.
        case unfinished
    }

    private enum Phase {
        /// No final head was written.
        case open
        /// The session is committed, or about to be; the head is not sent. An earlier commit may have failed.
        case committed(RequestOutcome?)
        case headSent
        case ended
    }

    private struct State {
        var phase = Phase.open
        var endsConnection: Bool
    }

    private let exchanges: RequestExchanges
    private let request: HTTPRequest
    private let outbound: NIOAsyncChannelOutboundWriter<HTTPResponsePart>
    private let state: Mutex<State>

    init(
        _ exchanges: RequestExchanges,
        _ request: HTTPRequest,
        _ outbound: NIOAsyncChannelOutboundWriter<HTTPResponsePart>
    ) {
        self.exchanges = exchanges
        self.request = request
        self.outbound = outbound
        state = Mutex(State(endsConnection: Self.hasClose(request.headerFields)))
    }

    /// Writes one part.
    ///
    /// - Throws: `SessionError` if the commit is refused or fails, before anything of the head is sent: a handler may answer
    ///   it with another head, and the one who does not leaves that to the connection; ``OrderError``; what NIO throws if
    ///   the client is gone.
    public func write(_ part: HTTPResponsePart) async throws {
        switch part {
        case .head(let head) where head.status.kind == .informational && head.status != .switchingProtocols:
            try await outbound.write(part)
        case .head(let head):
            try await write(head)
        case .body:
            guard case .headSent = phase else { throw OrderError.bodyBeforeHead }
            try await outbound.write(part)
        case .end:
            guard case .headSent = phase else { throw OrderError.bodyBeforeHead }
            try await outbound.write(part)
            state.withLock { $0.phase = .ended }
        }
    }

    /// Writes a whole response.
    ///
    /// `Content-Length` says how long the body is, unless `head` says it itself. The body is not sent where HTTP has
    /// none: for a HEAD request, with 204 and with 304 (RFC 9110 sections 9.3.2, 15.3.5 and 15.4.5).
    ///
    /// - Throws: as ``write(_:)``.
    public func send(_ head: HTTPResponse, _ body: ByteBuffer = ByteBuffer()) async throws {
        var head = head
        let hasLength = head.status != .noContent && head.status != .notModified
        if hasLength, !head.headerFields.contains(.contentLength) {
            head.headerFields[.contentLength] = "\(body.readableBytes)"
        }
        try await write(.head(head))
        if hasLength, request.method != .head, body.readableBytes > 0 { try await write(.body(body)) }
        try await write(.end(nil))
    }

    private var phase: Phase { state.withLock { $0.phase } }

    /// Commits, and writes the final head.
    private func write(_ head: HTTPResponse) async throws {
        let committed: RequestOutcome? = try state.withLock { state in
            switch state.phase {
            case .open:
                state.phase = .committed(nil)
                return nil
            case .committed(let outcome?): return outcome
            case .committed(nil), .headSent, .ended: throw OrderError.headAfterHead
            }
        }
        let outcome: RequestOutcome
        if let committed {
            outcome = committed
        } else {
            outcome = await exchanges.commit()
            if let error = outcome.error {
                state.withLock { $0.phase = .committed(outcome) }
                throw error
            }
        }
        var head = head
        outcome.apply(to: &head)
        try await sendHead(head)
    }

    /// Sends a final head that is complete.
    private func sendHead(_ head: HTTPResponse) async throws {
        state.withLock { state in
            state.phase = .headSent
            if Self.hasClose(head.headerFields) { state.endsConnection = true }
        }
        try await outbound.write(.head(head))
    }

    // MARK: For the connection

    /// Whether this response is the connection's last.
    var endsConnection: Bool { state.withLock { $0.endsConnection } }

    /// Checks that the handler has answered.
    func checkEnd() throws {
        guard case .ended = phase else { throw OrderError.unfinished }
    }

    /// Answers what the handler threw.
    ///
    /// - Parameter isLost: whether the connection broke while the request was read.
    /// - Throws: what the handler threw, if that cannot be answered.
    func answer(_ error: any Error, isLost: Bool) async throws {
        switch phase {
        case .ended:
            exchanges.logger.error("The handler threw after its response.", metadata: ["error": "\(error)"])
        case .headSent, .committed(nil):
            throw error
        case .open:
            let outcome = await exchanges.commit(after: error) { _ in !isLost }
            if isLost { throw error }
            try await answer(outcome)
        case .committed(var outcome?):
            outcome.fail(with: error)
            try await answer(outcome)
        }
    }

    private func answer(_ outcome: RequestOutcome) async throws {
        var head = outcome.answer(exchanges.logger)
        head.headerFields[.contentLength] = "0"
        try await sendHead(head)
        try await write(.end(nil))
    }

    /// Whether a message is its connection's last (RFC 9112 section 9.6).
    private static func hasClose(_ fields: HTTPFields) -> Bool {
        fields[values: .connection].contains { value in
            value.split(separator: ",").contains { $0.filter { $0 != " " }.lowercased() == "close" }
        }
    }
}
#endif
