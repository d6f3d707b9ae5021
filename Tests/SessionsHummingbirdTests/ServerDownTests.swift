#if Hummingbird
import Hummingbird
import HummingbirdTesting
import Logging
import Sessions
import SessionsHummingbird
import SessionsTesting
import TestServers
import Testing

#if Mongo
import SessionsMongo
#endif
#if Postgres
import SessionsPostgres
#endif
#if Redis
import SessionsRedis
#endif

/// Real servers that are down, as a client of the application sees it.
@Suite("With the store's server down", .serialized, .timeLimit(.minutes(5)))
struct ServerDownTests {
    /// A way of being down.
    private struct Outage: Sendable {
        let name: String
        let begin: @Sendable () async throws -> Void
        let end: @Sendable () async throws -> Void
    }

    /// During each outage every request that needs its session is answered with 503, and no cookie is touched; afterwards
    /// the old session works. That an answer comes at all while the server is down shows that the wait is bounded.
    private func check(_ name: String, _ store: any SessionStore, _ outages: [Outage]) async throws {
        let quiet = Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }
        let sessions = try SessionManager(store: store, keys: KeyRing([SessionSecret.generate()]), logger: quiet)
        let router = Router(context: AppContext.self)
        router.add(middleware: SessionMiddleware(sessions))
        router.withVisits()
        router.get("static") { _, _ in "static" }
        try await Application(router: router, logger: quiet).test(.router) { client in
            let visitor = try await signedIn(client)
            var count = 1
            for outage in outages {
                let cookies = visitor.browser.cookies
                try await outage.begin()
                var longest = Duration.zero
                for (visitor, method, path) in [
                    (visitor, HTTPRequest.Method.get, "/visits"), (visitor, .post, "/visits"),
                    (visitor, .post, "/logout"), (Visitor(client), .post, "/login"),
                ] {
                    let began = ContinuousClock.now
                    let answer = try await visitor.send(method, path)
                    longest = max(longest, ContinuousClock.now - began)
                    #expect(answer.status == .serviceUnavailable, "\(outage.name): \(method) \(path)")
                    #expect(answer.headers[.retryAfter] == "1")
                    #expect(answer.setCookies.isEmpty, "\(outage.name): \(method) \(path)")
                }
                #expect(try await visitor.get("/static").text == "static")
                #expect(visitor.browser.cookies == cookies)
                try await outage.end()
                let back = ContinuousClock.now
                let answer = try await untilServed { try await visitor.get("/visits") }
                #expect(answer.text == "\(count)", "\(outage.name)")
                print(
                    "\(name) \(outage.name): 503 within \(longest), the old session again \(ContinuousClock.now - back) after"
                )
                // A write on a connection that the outage has broken may be kept or not, and is not sent twice.
                var tries = 0
                let next = try await untilServed {
                    tries += 1
                    return try await visitor.post("/visits")
                }
                let said = try #require(Int(next.text))
                try #require((count + 1...count + tries).contains(said), "\(outage.name)")
                // What was kept late may have come between what the last one has read and its own write.
                let kept = try await untilServed { try await visitor.get("/visits") }
                let number = try #require(Int(kept.text))
                #expect((said...count + tries).contains(number), "\(outage.name)")
                count = number
                #expect(visitor.browser.cookies == cookies)
            }
            _ = try await untilServed { try await visitor.post("/logout") }
            let last = try await untilServed { try await visitor.get("/visits") }
            #expect(last.text == "new")
        }
    }

    /// Somebody who has been here once and has signed in.
    ///
    /// The deadlines are so short that a busy machine misses them, and a login that was not answered may have taken place:
    /// then it is somebody else who tries.
    private func signedIn(_ client: any TestClientProtocol) async throws -> Visitor {
        let end = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < end {
            let visitor = Visitor(client)
            guard try await visitor.post("/visits").status != .serviceUnavailable else { continue }
            if try await visitor.post("/login").status != .serviceUnavailable { return visitor }
        }
        throw TestServerError("the store never answers in time")
    }

    /// What `open` makes, which may miss its deadlines as often as a busy machine has it.
    private func opened<Store>(_ open: () async throws -> Store) async throws -> Store {
        let end = ContinuousClock.now + .seconds(60)
        while true {
            do {
                return try await open()
            } catch let error as SessionStoreError where error.code == .unavailable || error.code == .timedOut {
                guard ContinuousClock.now < end else { throw error }
            }
        }
    }

    private func untilServed(_ request: () async throws -> TestResponse) async throws -> TestResponse {
        let end = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < end {
            let answer = try await request()
            if answer.status != .serviceUnavailable { return answer }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw TestServerError("the store does not come back")
    }

    #if Redis
    @Test("ER-01 Redis: 503 in bounded time and no cookie; when it is back the old session works")
    func redis() async throws {
        let server = try await RedisServer(["--appendonly", "yes", "--appendfsync", "always"])
        var configuration = RedisClient.Configuration(.standalone(.host("127.0.0.1", port: server.port)))
        (configuration.connectDeadline, configuration.callDeadline) = (.milliseconds(800), .milliseconds(800))
        let store = try RedisSessionStore(client: RedisClient(configuration))
        try await check(
            "Redis",
            store,
            [
                Outage(name: "killed", begin: { await server.crash() }, end: { try await server.restart() }),
                Outage(name: "paused", begin: { server.pause() }, end: { server.resume() }),
            ]
        )
    }
    #endif

    #if Postgres
    @Test("ER-01 PostgreSQL: 503 in bounded time and no cookie; when it is back the old session works")
    func postgres() async throws {
        let server = try await PostgresServer()
        var configuration = PostgresSessionStore.Configuration()
        (configuration.connectDeadline, configuration.deadline) = (.seconds(2), .milliseconds(800))
        let store = try await opened { try await PostgresSessionStore(server.url, configuration: configuration) }
        try await check(
            "PostgreSQL",
            store,
            [
                Outage(name: "killed", begin: { try await server.crash() }, end: { try await server.start() }),
                Outage(name: "paused", begin: { try await server.pause() }, end: { try await server.resume() }),
            ]
        )
        try await server.stop()
    }
    #endif

    #if Mongo
    @Test("ER-01 MongoDB: 503 in bounded time and no cookie; when it is back the old session works")
    func mongo() async throws {
        let server = try await MongoServer()
        var configuration = MongoSessionStore.Configuration()
        (configuration.connectDeadline, configuration.deadline) = (.seconds(1), .seconds(1))
        let store = try await opened { try await MongoSessionStore(server.url, configuration: configuration) }
        try await check(
            "MongoDB",
            store,
            [
                Outage(name: "killed", begin: { try await server.crash() }, end: { try await server.start() }),
                Outage(name: "paused", begin: { try server.pause() }, end: { try server.resume() }),
            ]
        )
        try await server.stop()
    }
    #endif
}
#endif
