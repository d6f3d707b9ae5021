#if FlyingFox
import AdapterChecks
import FlyingFox
import FlyingSocks
import Foundation
import HTTPTypes
import Sessions
import SessionsFlyingFox

// Both HTTPTypes and FlyingFox have one.
private typealias HTTPResponse = FlyingFox.HTTPResponse

/// FlyingFox, as the checks of every adapter see it.
struct FlyingFoxSubject: AdapterSubject {
    let answersErrors = true

    func serve(
        _ managers: SessionManagers,
        _ policy: OriginPolicy,
        _ routes: AdapterRoutes,
        report: @escaping @Sendable (ExchangeReport) -> Void,
        _ body: @Sendable (Int) async throws -> Void
    ) async throws {
        let application = ClosureHTTPHandler { request in
            let answer = try await routes.answer(
                AdapterRequest(
                    method: HTTPTypes.HTTPRequest.Method(rawValue: request.method.rawValue) ?? .get,
                    path: request.path,
                    fields: Self.fields(of: request),
                    body: String(decoding: try await request.bodyData, as: UTF8.self),
                    context: request.sessionContext,
                    session: { try await request.session },
                    sessionOf: { try await request.session(of: $0) }
                )
            )
            return HTTPResponse(answer, hasBody: request.method != .HEAD)
        }
        let guarded = ClosureHTTPHandler { request in
            if let policy = routes.tokenGuard(of: request.path) {
                return try await CSRFHTTPHandler(policy, sessions: managers.all[0], around: application)
                    .handleRequest(request)
            }
            guard let check = routes.ownerGuard(of: request.path) else {
                return try await application.handleRequest(request)
            }
            return try await Self.ownerGuard(check, around: application).handleRequest(request)
        }
        try await Self.run(
            OriginHTTPHandler(
                policy,
                sessions: managers.all[0],
                around: SessionHTTPHandler(managers, report: { told, _ in report(told) }, around: guarded)
            ),
            body
        )
    }

    /// As an application has them for the core.
    private static func fields(of request: FlyingFox.HTTPRequest) -> HTTPFields {
        var fields = HTTPFields()
        for (header, value) in request.headers {
            guard let name = HTTPField.Name(header.rawValue) else { continue }
            fields.append(HTTPField(name: name, value: value))
        }
        return fields
    }

    private static func ownerGuard(_ check: AdapterGuard, around routes: some HTTPHandler) -> OwnerHTTPHandler {
        guard let location = check.location else {
            return OwnerHTTPHandler(of: check.sessions, freshWithin: check.age, around: routes)
        }
        return OwnerHTTPHandler(
            redirectingTo: location,
            of: check.sessions,
            freshWithin: check.age,
            around: routes
        )
    }

    /// Runs a server with this handler.
    static func run(
        _ handler: some HTTPHandler,
        timeout: TimeInterval = 60,
        _ body: @Sendable (Int) async throws -> Void
    ) async throws {
        let server = HTTPServer(
            address: try sockaddr_in.inet(ip4: "127.0.0.1", port: 0),
            timeout: timeout,
            logger: .disabled,
            handler: handler
        )
        let running = Task { try await server.run() }
        do {
            try await server.waitUntilListening(timeout: 60)
            guard case .ip4(_, let port) = await server.listeningAddress else {
                throw CheckFailure("The server has no port.")
            }
            try await body(Int(port))
        } catch {
            await server.stop()
            _ = await running.result
            throw error
        }
        await server.stop()
        _ = await running.result
    }
}

extension FlyingFox.HTTPResponse {
    fileprivate init(_ answer: AdapterResponse, hasBody: Bool) {
        let status = HTTPStatusCode(answer.status.code, phrase: answer.status.reasonPhrase)
        if let stream = answer.stream {
            self.init(
                statusCode: status,
                body: HTTPBodySequence(from: LateBytes(prefix: answer.body, write: stream))
            )
        } else {
            self.init(statusCode: status, body: hasBody ? Data(answer.body.utf8) : Data())
        }
        for field in answer.fields { headers.addValue(field.value, for: HTTPHeader(field.name.rawName)) }
    }
}

/// A body that is made when the server asks for it, after the head is sent.
private struct LateBytes: AsyncBufferedSequence {
    typealias Element = UInt8

    let prefix: String
    let write: @Sendable () async throws -> String

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(bytes: self) }

    struct AsyncIterator: AsyncBufferedIteratorProtocol {
        let bytes: LateBytes
        private var pending: ArraySlice<UInt8>?

        init(bytes: LateBytes) {
            self.bytes = bytes
        }

        mutating func next() async throws -> UInt8? {
            try await fill()
            return pending?.popFirst()
        }

        mutating func nextBuffer(suggested count: Int) async throws -> [UInt8]? {
            try await fill()
            guard let found = pending, !found.isEmpty else { return nil }
            pending = []
            return Array(found)
        }

        private mutating func fill() async throws {
            guard pending == nil else { return }
            pending = Array((bytes.prefix + (try await bytes.write())).utf8)[...]
        }
    }
}
#endif
