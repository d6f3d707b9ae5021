#if Hummingbird
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Sessions
import SessionsHummingbird
import SessionsTesting
import Testing

/// Requests of many sessions on the same connections, with suspensions in between (LC-18).
@Suite("LC-18: no session sees another's values")
struct InterleavingTests {
    static let visitors = 64

    /// Routes that name a session, and that answer with the name after suspending a few times.
    static func routes(_ router: Router<AppContext>) {
        router.post("name/:name") { _, context in
            try await context.session.set(.name, to: context.parameters.get("name"))
            return HTTPResponse.Status.ok
        }
        router.get("name") { request, context in
            let session = try await context.session
            let before = session[.name]
            session.update(.visits) { $0 += 1 }
            for _ in 0..<Int.random(in: 0...5) { await Task.yield() }
            session.update(.cart) { cart in cart = [before ?? "", request.uri.queryParameters.get("me") ?? ""] }
            for _ in 0..<Int.random(in: 0...5) { await Task.yield() }
            return "\(before ?? "nobody") \(session[.name] ?? "nobody") \(context.isStream)"
        }
        router.get("cart") { _, context in
            let session = try await context.session
            return "\(session[.cart].joined(separator: " ")) \(session[.visits])"
        }
    }

    /// Begins a session for each name.
    static func begin(_ client: any TestClientProtocol) async throws -> [SessionBrowser] {
        var browsers: [SessionBrowser] = []
        for name in 0..<visitors {
            let visitor = Visitor(client)
            try await visitor.post("/name/visitor\(name)")
            browsers.append(visitor.browser)
        }
        return browsers
    }

    @Test("over 16 keep-alive connections that the visitors share", .timeLimit(.minutes(30)))
    func connections() async throws {
        // 102 400 requests at the full count (LC-18), 5 120 otherwise.
        for _ in 0..<Counts.of(1, full: 20) { try await pass() }
    }

    private func pass() async throws {
        let clock = ManualSessionClock()
        let rig = try RaceRig([try MemorySessionStore(clock: clock)], clock)
        try await rig.application(0, Self.routes).test(.live) { client in
            let browsers = try await Self.begin(client)
            let port = try #require(client.port)
            let rounds = 5
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<16 {
                    group.addTask {
                        try await TestClient.withClient(
                            host: "localhost",
                            port: port,
                            configuration: .init(timeout: .seconds(240))
                        ) { connection in
                            let order = (0..<rounds).flatMap { _ in Array(0..<Self.visitors) }.shuffled()
                            for name in order {
                                let answer = try await connection.execute(
                                    .init(
                                        "/name?me=visitor\(name)",
                                        method: .get,
                                        authority: "localhost",
                                        headers: browsers[name].request().headerFields
                                    )
                                )
                                let text = answer.body.map { String(buffer: $0) }
                                #expect(text == "visitor\(name) visitor\(name) false")
                                #expect(answer.headers[.setCookie] == nil)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            for (name, browser) in browsers.enumerated() {
                let text = try await Visitor(client, browser).get("/cart").text
                #expect(text == "visitor\(name) visitor\(name) \(16 * rounds)")
            }
        }
    }
}
#endif
