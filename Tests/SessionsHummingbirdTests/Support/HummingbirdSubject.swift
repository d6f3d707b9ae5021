#if Hummingbird
import AdapterChecks
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Sessions
import SessionsHummingbird

/// Hummingbird, as the checks of every adapter see it.
struct HummingbirdSubject: AdapterSubject {
    /// A middleware outside may answer such an error.
    let answersErrors = false

    func serve(
        _ managers: SessionManagers,
        _ policy: OriginPolicy,
        _ routes: AdapterRoutes,
        report: @escaping @Sendable (ExchangeReport) -> Void,
        _ body: @Sendable (Int) async throws -> Void
    ) async throws {
        let sessions = managers.all[0]
        let router = Router(context: AppContext.self)
        router.add(middleware: OriginGuard(policy, sessions: sessions))
        router.add(middleware: SessionMiddleware(managers) { told, _ in report(told) })
        for method in [HTTPRequest.Method.get, .head, .post] {
            router.on("**", method: method) { request, context -> Response in
                if let policy = routes.tokenGuard(of: request.uri.path) {
                    return try await CSRFGuard<AppContext>(policy, sessions: sessions)
                        .handle(request, context: context) { request, context in
                            try await Self.answer(request, context, routes)
                        }
                }
                guard let check = routes.ownerGuard(of: request.uri.path) else {
                    return try await Self.answer(request, context, routes)
                }
                return try await Self.ownerGuard(check).handle(request, context: context) { request, context in
                    try await Self.answer(request, context, routes)
                }
            }
        }
        let application = Application(
            router: router,
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            logger: sessions.logger
        )
        try await application.test(.live) { client in
            guard let port = client.port else { throw CheckFailure("The server has no port.") }
            try await body(port)
        }
    }
}

extension HummingbirdSubject {
    private static func answer(
        _ request: Request,
        _ context: AppContext,
        _ routes: AdapterRoutes
    ) async throws -> Response {
        let text = String(buffer: try await request.body.collect(upTo: 65_536))
        let answer = try await routes.answer(
            AdapterRequest(
                method: request.method,
                path: request.uri.path,
                fields: request.headers,
                body: text,
                context: context.sessionContext,
                session: { try await context.session },
                sessionOf: { try await context.session(of: $0) }
            )
        )
        return Response(answer, hasBody: request.method != .head)
    }

    private static func ownerGuard(_ check: AdapterGuard) -> OwnerGuard<AppContext> {
        guard let location = check.location else {
            return OwnerGuard(of: check.sessions, freshWithin: check.age)
        }
        return OwnerGuard(redirectingTo: location, of: check.sessions, freshWithin: check.age)
    }
}

extension Response {
    fileprivate init(_ answer: AdapterResponse, hasBody: Bool) {
        self.init(
            status: answer.status,
            headers: answer.fields,
            body: answer.stream.map { stream in
                ResponseBody { writer in
                    try await writer.write(ByteBuffer(string: answer.body))
                    try await writer.write(ByteBuffer(string: try await stream()))
                    try await writer.finish(nil)
                }
            } ?? ResponseBody(byteBuffer: ByteBuffer(string: hasBody ? answer.body : ""))
        )
    }
}
#endif
