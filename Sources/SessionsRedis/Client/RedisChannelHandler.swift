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
                if case .reply(let reply) = message { replies.append(reply) }
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
