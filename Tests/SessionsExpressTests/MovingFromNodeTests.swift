import Foundation
import HTTPTypes
import Logging
import Sessions
import SessionsRedis
import SessionsTesting
import TestServers
import Testing

private struct Passport: Codable, Sendable {
    var user: String
}

extension SessionKey<Passport?> {
    fileprivate static var passport: Self { Self("passport") }
}

#if Redis
/// The steps of the article "Move an Express service to Swift without logging anyone out", on one Redis.
@Suite("Moving from Node on Redis", .serialized, .timeLimit(.minutes(5)))
struct MovingFromNodeTests {
    private static let own = "__Host-Http-sid"
    private static let quiet = Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }

    /// Phase 2 and phase 3 on the server at `url`: one node.
    private struct Phases {
        let moving: SessionManager
        let done: SessionManager

        init(_ url: String, _ secret: SessionSecret = .generate()) throws {
            let keys = try KeyRing([secret])
            let client = try RedisClient.patient(url)
            var configuration = SessionConfiguration()
            // A commit that waits for others on a busy machine is not too late.
            configuration.contentionDeadline = .seconds(240)
            moving = try SessionManager(
                store: RedisSessionStore(client: client),
                keys: keys,
                configuration: configuration,
                movingFrom: .express(
                    secrets: ["keyboard cat"],
                    store: ConnectRedisStore.patient(url),
                    acknowledging: BackAndForth.missing,
                    configuration: .express(maxAge: .seconds(3600)),
                    owner: { session in session[.passport]?.user }
                )
                .until(.oneLifetime(after: SystemSessionClock().now())),
                logger: MovingFromNodeTests.quiet
            )
            done = try SessionManager(
                store: RedisSessionStore(client: client),
                keys: keys,
                logger: MovingFromNodeTests.quiet
            )
        }
    }

    @Test("phase 1, 2, 3: a client that Node has signed in is never signed out")
    func phases() async throws {
        let server = try await RedisServer()
        let url = "redis://127.0.0.1:\(server.port)"
        let node = NodeService(store: "redis", url: url)
        let one = try BackAndForth(node, ConnectRedisStore.patient(url), isPersistent: true)
        let browser = one.browser

        // Phase 1: Node and Swift serve the same session.
        try await one.node(["increment", "visits"], ["set", "passport", .object(["user": "bob"])])
        try await one.swift { session in session.update(.visits) { $0 += 1 } }
        #expect(try await one.node(["increment", "visits"]).session?["visits"] == "3")
        let old = browser.copy()

        // Phase 2: Swift alone. The session goes on, and the first write moves it.
        let phases = try Phases(url)
        #expect(try await browser.visit(phases.moving) { "\($0.owner ?? "") \($0[.visits])" } == "bob 3")
        #expect(browser.cookies["connect.sid"] != nil)
        try await browser.visit(phases.moving) { session in session.update(.visits) { $0 += 1 } }
        #expect(browser.cookies["connect.sid"] == nil)
        #expect(browser.cookies[Self.own] != nil)
        #expect(try await phases.moving.list("bob").count == 1)
        // A client whose reply was lost is led to the same session.
        try await old.visit(phases.moving) { session in session.update(.visits) { $0 += 1 } }
        #expect(old.cookies == browser.cookies)
        #expect(try await phases.moving.list("bob").count == 1)

        // Phase 3: the old format is gone.
        #expect(try await browser.visit(phases.done) { "\($0.owner ?? "") \($0[.visits])" } == "bob 5")
        try await browser.visit(phases.done) { $0.logOut() }
        #expect(try await old.visit(phases.done) { $0.owner } == nil)
        #expect(server.isRunning)
    }

    @Test(
        "I1: fifty requests with one cookie of Node's make one session, with every change in it; I2: a logout ends it"
    )
    func concurrent() async throws {
        let server = try await RedisServer()
        let url = "redis://127.0.0.1:\(server.port)"
        let one = try BackAndForth(
            NodeService(store: "redis", url: url),
            ConnectRedisStore.patient(url),
            isPersistent: true
        )
        try await one.node(["increment", "visits"], ["set", "passport", .object(["user": "bob"])])
        let secret = SessionSecret.generate()
        let nodes = try (0..<2).map { _ in try Phases(url, secret).moving }
        let clients = (0..<50).map { _ in one.browser.copy() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, client) in clients.enumerated() {
                let node = nodes[number % 2]
                group.addTask { try await client.visit(node) { session in session.update(.visits) { $0 += 1 } } }
            }
            try await group.waitForAll()
        }
        #expect(try await nodes[0].list("bob").count == 1)
        #expect(Set(clients.map { $0.cookies[Self.own] }).count == 1)
        #expect(try await clients[0].visit(nodes[0]) { $0[.visits] } == 51)
        // Node, which should not be asked any more, finds nobody in it.
        #expect(try await one.service.serve(one.browser.request().headerFields[.cookie]).session?["passport"] == nil)
        try await clients[0].visit(nodes[0]) { $0.logOut() }
        #expect(try await one.browser.copy().visit(nodes[0]) { $0.owner } == nil)
        #expect(try await nodes[0].list("bob").isEmpty)
        #expect(server.isRunning)
    }
}
#endif
