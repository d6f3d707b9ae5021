#if NIO
import AdapterChecks
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1
import NIOPosix
import NIOWebSocket
import Sessions
import SessionsTesting
import Testing

/// A WebSocket upgrade is answered before there is a connection of parts: with open, use, commit.
@Suite("SessionsNIO: WebSocket upgrades", .timeLimit(.minutes(10)))
struct UpgradeTests {
    /// What `SessionsNIO.md` has in `shouldUpgrade`.
    private static func upgrade(_ head: HTTPRequestHead, _ sessions: SessionManager) async throws -> HTTPHeaders? {
        let exchange = sessions.open(try HTTPRequest(head, secure: true, splitCookie: false))
        let session = try await exchange.session
        session.update(.visits) { $0 += 1 }
        // Declined: the exchange is abandoned, uncommitted.
        guard session.owner != nil else { return nil }
        var response = HTTPResponse(status: .switchingProtocols)
        try await exchange.commit().apply(to: &response)
        return HTTPHeaders(response.headerFields)
    }

    @Test("LC-15: a declined upgrade leaves the session as it is; one that is granted is committed")
    func upgrades() async throws {
        let store = try MemorySessionStore()
        let sessions = try SessionManager(store: store, keys: KeyRing([SessionSecret.generate()]))
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let upgrader = NIOWebSocketServerUpgrader(
                        shouldUpgrade: { channel, head in
                            channel.eventLoop.makeFutureWithTask { try await Self.upgrade(head, sessions) }
                        },
                        upgradePipelineHandler: { channel, _ in channel.eventLoop.makeSucceededVoidFuture() }
                    )
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(
                        withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in })
                    )
                    try channel.pipeline.syncOperations.addHandler(Refusal())
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        let port = try #require(server.localAddress?.port)
        let fields: HTTPFields = [
            .upgrade: "websocket", .connection: "Upgrade", .secWebSocketVersion: "13",
            .secWebSocketKey: "dGhlIHNhbXBsZSBub25jZQ==",
        ]
        let visitor = WireVisitor(port)
        try await visitor.browser.visit(sessions) { $0.set(.visits, to: 1) }
        let declined = try await visitor.get("/", fields)
        #expect(declined.status == 403)
        #expect(declined.setCookies.isEmpty)
        #expect(try await visitor.browser.visit(sessions) { $0[.visits] } == 1)
        try await visitor.browser.visit(sessions) { $0.logIn("ada", keeping: .all) }
        let granted = try await visitor.get("/", fields)
        #expect(granted.status == 101)
        #expect(granted.members(of: .vary) == ["cookie"])
        #expect(try await visitor.browser.visit(sessions) { $0[.visits] } == 2)
        try await server.close()
    }

    /// Answers what is no upgrade.
    private final class Refusal: ChannelInboundHandler, Sendable {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard case .end = unwrapInboundIn(data) else { return }
            let head = HTTPResponseHead(version: .http1_1, status: .forbidden, headers: ["content-length": "0"])
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}

extension SessionKey<Int> {
    fileprivate static var visits: Self { Self("visits", default: 0) }
}
#endif
