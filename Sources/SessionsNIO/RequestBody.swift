#if NIO
import HTTPTypes
public import NIOCore
import NIOHTTPTypes

/// The body of a request, in the pieces it comes in. It is read once.
public struct RequestBody: AsyncSequence {
    /// A piece of the body.
    public typealias Element = ByteBuffer

    private let parts: RequestParts

    init(_ parts: RequestParts) {
        self.parts = parts
    }

    /// Reads on where reading has stopped.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(parts: parts) }

    /// Reads the body.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let parts: RequestParts

        /// The next piece; `nil` after the last.
        ///
        /// - Throws: `ChannelError.eof`, or what NIO reports, if the connection ends before the body does.
        public func next() async throws -> ByteBuffer? { try await parts.nextBody() }
    }
}

/// The parts of a connection's requests. Handlers read those of their own request, and the connection what they leave.
final class RequestParts {
    private var iterator: NIOAsyncChannelInboundStream<HTTPRequestPart>.AsyncIterator
    private var isInRequest = false

    /// Whether the connection has ended in the middle of a request.
    private(set) var isBroken = false

    init(_ inbound: NIOAsyncChannelInboundStream<HTTPRequestPart>) {
        iterator = inbound.makeAsyncIterator()
    }

    /// The head of the next request, past whatever is left of the one before; `nil` if no more comes.
    func nextHead() async throws -> HTTPRequest? {
        while let part = try await iterator.next() {
            guard case .head(let head) = part else { continue }
            isInRequest = true
            return head
        }
        return nil
    }

    /// The next piece of the current request's body; `nil` after the last.
    func nextBody() async throws -> ByteBuffer? {
        guard isInRequest else { return nil }
        do {
            switch try await iterator.next() {
            case .body(let piece): return piece
            case .end:
                isInRequest = false
                return nil
            case .head, nil: throw ChannelError.eof
            }
        } catch {
            // A task that is cancelled is no end of the connection.
            isBroken = !(error is CancellationError)
            throw error
        }
    }
}
#endif
