#if Hummingbird
import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
import HummingbirdTesting
import Sessions
import SessionsHummingbird
import SessionsTesting
import Testing

/// HTTP/2 over TLS: a browser sends each cookie in a field of its own (RFC 9113 section 8.2.3), and many requests at once
/// over one connection.
@Suite("HTTP/2")
struct HTTP2Tests {
    @Test("PR-01: the cookie is found among the crumbs, and Set-Cookie fields stay apart", .timeLimit(.minutes(5)))
    func crumbs() async throws {
        let rig = try Rig()
        let router = rig.router().withVisits()
        router.get("fields") { request, context in
            let session = try await context.session
            session.rotate()
            var response = Response(
                status: .ok,
                body: .init(
                    byteBuffer: ByteBuffer(
                        string: "\(context.isStream) \(request.headers[values: .cookie].count) \(session[.visits])"
                    )
                )
            )
            response.headers.append(HTTPField(name: .setCookie, value: "own=1"))
            return response
        }
        let server = try HTTPServerBuilder.http2Upgrade(tlsConfiguration: TestCertificate.serverConfiguration())
        try await rig.test(router, .ahc(.https), server: server) { client in
            let visitor = Visitor(client)
            try await visitor.post("/visits")
            let credential = try #require(visitor.credential)
            var headers: HTTPFields = [:]
            for cookie in ["a=1", "__Host-Http-sid=\(credential)", "b=2"] {
                headers.append(HTTPField(name: .cookie, value: cookie))
            }
            let answer = try await client.execute(uri: "/fields", method: .get, headers: headers)
            #expect(answer.text == "true 3 1")
            #expect(answer.setCookies.count == 2)
            #expect(answer.sessionCookies.count == 1)
            #expect(answer.headers[values: .cacheControl] == ["no-store"])
        }
    }

    @Test("LC-18: many streams of one connection, each with a session of its own", .timeLimit(.minutes(30)))
    func streams() async throws {
        // 102 400 requests at the full count (LC-18), 640 otherwise.
        for _ in 0..<Counts.of(1, full: 16) { try await pass(rounds: Counts.of(10, full: 100)) }
    }

    private func pass(rounds: Int) async throws {
        let clock = ManualSessionClock()
        let rig = try RaceRig([try MemorySessionStore(clock: clock)], clock)
        let server = try HTTPServerBuilder.http2Upgrade(tlsConfiguration: TestCertificate.serverConfiguration())
        try await rig.application(server: server, InterleavingTests.routes).test(.ahc(.https)) { client in
            let browsers = try await InterleavingTests.begin(client)
            for _ in 0..<rounds {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for (name, browser) in browsers.enumerated() {
                        group.addTask {
                            let answer = try await Visitor(client, browser).get("/name?me=visitor\(name)")
                            #expect(answer.text == "visitor\(name) visitor\(name) true")
                        }
                    }
                    try await group.waitForAll()
                }
            }
            for (name, browser) in browsers.enumerated() {
                let text = try await Visitor(client, browser).get("/cart").text
                #expect(text == "visitor\(name) visitor\(name) \(rounds)")
            }
        }
    }
}
#endif
