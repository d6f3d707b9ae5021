#if NIO
import AdapterChecks
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOPosix
import Sessions
import SessionsNIO

/// A plain NIO server, as the checks of every adapter see it.
struct NIOSubject: AdapterSubject {
    let answersErrors = true

    func serve(
        _ managers: SessionManagers,
        _ policy: OriginPolicy,
        _ routes: AdapterRoutes,
        report: @escaping @Sendable (ExchangeReport) -> Void,
        _ body: @Sendable (Int) async throws -> Void
    ) async throws {
        try await Self.run { inbound, outbound in
            try await managers.serve(inbound, outbound, report: { told, _ in report(told) }) { request, response in
                if let refusal = policy.answer(to: request.head, sessions: managers.all[0]) {
                    return try await response.send(refusal)
                }
                if let check = routes.ownerGuard(of: request.head.path ?? "/"),
                    let refusal = try await request.refusalWithoutOwner(
                        redirectingTo: check.location,
                        of: check.sessions,
                        freshWithin: check.age
                    )
                {
                    return try await response.send(refusal)
                }
                try await Self.answer(request, response, routes, of: managers.all[0])
            }
        } body: { port in
            try await body(port)
        }
    }

    private static func answer(
        _ request: SessionRequest,
        _ response: SessionResponseWriter,
        _ routes: AdapterRoutes,
        of sessions: SessionManager
    ) async throws {
        let body = try await request.body.collect(upTo: 65_536)
        if let policy = routes.tokenGuard(of: request.head.path ?? "/"),
            let refusal = try await request.refusalWithoutToken(policy, form: body.readableBytesView, of: sessions)
        {
            return try await response.send(refusal)
        }
        let context = request.sessionContext
        let answer = try await routes.answer(
            AdapterRequest(
                method: request.head.method,
                path: request.head.path ?? "/",
                fields: request.head.headerFields,
                body: String(buffer: body),
                context: context,
                session: { try await context.exchange().session },
                sessionOf: { try await context.exchange(of: $0).session }
            )
        )
        let head = HTTPResponse(status: answer.status, headerFields: answer.fields)
        guard let stream = answer.stream else {
            return try await response.send(head, ByteBuffer(string: answer.body))
        }
        try await response.write(.head(head))
        try await response.write(.body(ByteBuffer(string: answer.body)))
        try await response.write(.body(ByteBuffer(string: try await stream())))
        try await response.write(.end(nil))
    }

    typealias Inbound = NIOAsyncChannelInboundStream<HTTPRequestPart>
    typealias Outbound = NIOAsyncChannelOutboundWriter<HTTPResponsePart>

    /// Runs a server that hands each connection to `serve`.
    static func run(
        _ serve: @escaping @Sendable (Inbound, Outbound) async throws -> Void,
        body: @Sendable (Int) async throws -> Void
    ) async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 256)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(HTTP1ToHTTPServerCodec(secure: false))
                    return try NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>(
                        wrappingChannelSynchronously: channel
                    )
                }
            }
        guard let port = server.channel.localAddress?.port else { throw CheckFailure("The server has no port.") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await withThrowingDiscardingTaskGroup { connections in
                    try await server.executeThenClose { inbound in
                        for try await connection in inbound {
                            connections.addTask {
                                // What breaks one connection is nothing to the others.
                                try? await connection.executeThenClose { try await serve($0, $1) }
                            }
                        }
                    }
                }
            }
            try await body(port)
            group.cancelAll()
            // The server ends with whatever its cancellation makes of it.
            while await group.nextResult() != nil {}
        }
    }
}
#endif
