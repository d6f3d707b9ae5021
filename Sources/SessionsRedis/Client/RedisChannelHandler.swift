#if Redis
import NIOCore
import NIOSSL
import Sessions
import SessionsRedisCodec

/// Reads answers off the network for a connection.
final class RedisChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: RedisConnection
    private var decoder = RESPDecoder()

    init(_ connection: RedisConnection) {
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        unwrapInboundIn(data).withUnsafeReadableBytes { decoder.append($0) }
        var replies: [RedisValue] = []
        do {
            while let message = try decoder.next() {
                switch message {
                // RESP2 tells messages as it tells answers.
                case .reply(.array(let values)) where connection.told(values): break
                case .reply(let reply): replies.append(reply)
                // RESP3 answers a subscription as it tells messages.
                case .push(let values) where values.first == .text("subscribe"): replies.append(.array(values))
                case .push(let values): _ = connection.told(values)
                }
            }
        } catch {
            connection.received(replies)
            return connection.fail(connection.unreadable)
        }
        connection.received(replies)
    }

    func channelInactive(context: ChannelHandlerContext) {
        connection.fail(connection.broken(nil))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Some servers close without TLS's farewell; what was answered was answered.
        if case NIOSSLError.uncleanShutdown = error { return connection.fail(connection.broken(nil)) }
        connection.fail(connection.broken(error))
    }
}
#endif
