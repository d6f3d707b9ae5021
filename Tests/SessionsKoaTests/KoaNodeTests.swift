#if Postgres
import HTTPTypes
import Logging
import Sessions
import SessionsPostgres
import SessionsTesting
import TestServers
import Testing

extension SessionKey<Int> {
    static var visits: Self { Self("visits", default: 0) }
}

extension SessionKey<[String]> {
    static var cart: Self { Self("cart", default: []) }
}

/// Node and Swift serve the same sessions, on Compas's table: `cookies`, `keygrip` and `pg` there, ours here.
@Suite("koa-session: Node and Swift on the same sessions", .serialized, .timeLimit(.minutes(5)))
struct KoaNodeTests {
    /// One for all tests: it takes some seconds to make.
    private static let server = Task { try await PostgresServer(settings: ["timezone=Asia/Tokyo"]) }

    /// One client of two services.
    struct Pair {
        var service: KoaNode
        let sessions: SessionManager
        let browser = SessionBrowser()

        init(maxAge: Duration? = nil, keys: [String]? = nil, algorithm: String = "sha256", companion: Bool = false)
            async throws
        {
            let url = try await KoaNodeTests.server.value.url
            let table = "t\(UInt64.random(in: .min ... .max))"
            service = KoaNode(
                url: url,
                table: table,
                algorithm: algorithm,
                maxAge: maxAge.map { Int($0.components.seconds) * 1000 },
                keepsPublicCookie: companion
            )
            var configuration = SessionConfiguration.koa(
                name: "compas.sess",
                maxAge: maxAge,
                renewal: .each(.seconds(30))
            )
            // A commit that waits for others on a busy machine is not too late, and neither is a server's answer.
            configuration.contentionDeadline = .seconds(240)
            var patience = PostgresSessionStore.Configuration()
            (patience.connectDeadline, patience.deadline) = (.seconds(60), .seconds(60))
            if companion { configuration.cookie.companion = "compas.sess.public" }
            sessions = try .koa(
                keys: (keys ?? service.keys).map { ForeignSecret($0) },
                signature: algorithm == "sha1" ? .sha1 : .sha256,
                store: try await CompasSessionStore(
                    url,
                    tableName: table,
                    createTableIfMissing: true,
                    configuration: patience
                ),
                acknowledging: [.concurrentChangesAreLost, .endedSessionsComeBack, .keysAreCredentials],
                configuration: configuration,
                logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }
            )
        }

        /// A request of the client to Node.
        @discardableResult
        func node(_ verbs: [String]...) async throws -> KoaNode.Answer {
            let request = KoaNode.Request(cookie: browser.request().headerFields[.cookie], do: verbs)
            let answer = try #require(try await service.serve([request]).first)
            for field in answer.setCookie {
                browser.receive(HTTPResponse(status: .ok, headerFields: [.setCookie: field]))
            }
            return answer
        }

        /// A request of the client to our service.
        @discardableResult
        func swift<Result>(_ handler: (Session) async throws -> Result) async throws -> Result {
            try await browser.visit(sessions, handler)
        }
    }

    @Test("what Keygrip signs is what is signed here", arguments: ["sha256", "sha1"])
    func signatures(algorithm: String) async throws {
        let node = KoaNode(algorithm: algorithm)
        for _ in 0..<3 {
            let store = try MemorySessionStore()
            let sessions = try SessionManager.koa(
                keys: node.keys.map { ForeignSecret($0) },
                signature: algorithm == "sha1" ? .sha1 : .sha256,
                store: store,
                acknowledging: .keysAreCredentials,
                logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }
            )
            let browser = SessionBrowser()
            try await browser.visit(sessions) { $0.set(.visits, to: 1) }
            let id = try #require(browser.cookies["koa.sess"])
            #expect(try await node.sign(["koa.sess=\(id)"]).first == browser.cookies["koa.sess.sig"])
        }
    }

    @Test(
        "Compas, old: what one writes the other reads, logins and ends included",
        arguments: [nil, .seconds(3600)] as [Duration?]
    )
    func both(maxAge: Duration?) async throws {
        let pair = try await Pair(maxAge: maxAge)
        let began = try await pair.node(["increment", "visits"], ["set", "user", "bob \"ü\" €"])
        #expect(began.setCookie.count == 2, "the value and its signature")
        #expect(try await pair.swift { $0[.visits] } == 1)
        try await pair.swift { session in
            session.update(.visits) { $0 += 1 }
            session.set(.cart, to: ["tea", "日本"])
        }
        let second = try await pair.node(["increment", "visits"])
        #expect(second.id == began.id)
        #expect(second.session?["visits"] == "3")
        #expect(second.session?["user"] == #""bob \"ü\" €""#)
        #expect(second.session?["cart"] == #"["tea","日本"]"#)
        #expect(try await pair.swift { $0[.visits] } == 3)

        // Ours log in: a new id, and the data with it. Node knows the new one, and not the old one.
        let before = pair.browser.request().headerFields[.cookie]
        try await pair.swift { $0.logIn("ada", keeping: .all) }
        let third = try await pair.node(["increment", "visits"])
        #expect(third.id != began.id)
        #expect(third.session?["visits"] == "4")
        #expect(try await pair.swift { $0.owner } == "ada")
        let old = try await pair.service.serve(before, ["increment", "visits"])
        #expect(old.session?["visits"] == "1")
        #expect(old.id != began.id, "an id that is over is not adopted")

        // Node takes another object for the session: it is nobody's session here, under the same id.
        let fourth = try await pair.node(["assign"], ["set", "user", "carol"])
        #expect(fourth.id == third.id)
        #expect(try await pair.swift { "\($0.owner ?? "nobody") \($0[.visits])" } == "nobody 0")

        // We end what Node began, and Node what we began.
        let ended = pair.browser.request().headerFields[.cookie]
        try await pair.swift { $0.destroy() }
        #expect(pair.browser.cookies.isEmpty)
        #expect(try await pair.service.serve(ended).session == [:])
        try await pair.swift { $0.set(.visits, to: 7) }
        #expect(try await pair.node(["increment", "visits"]).session?["visits"] == "8")
        try await pair.node(["destroy"])
        #expect(pair.browser.cookies.isEmpty)
        #expect(try await pair.swift { $0[.visits] } == 0)
    }

    @Test("a renewal of ours counts for Node, which goes by _expire")
    func renewal() async throws {
        let pair = try await Pair(maxAge: .seconds(3600))
        try await pair.node(["increment", "visits"])
        // Long enough ago: it would end in ten minutes.
        try await pair.service.query(
            """
            UPDATE public.\(pair.service.table) SET data = data || jsonb_build_object('_expire', \
            floor(extract(epoch FROM now() + interval '10 min') * 1000)::bigint)
            """
        )
        #expect(try await pair.swift { $0[.visits] } == 1)
        let left = try await pair.service.query(
            """
            SELECT (data->>'_expire')::bigint / 1000 - extract(epoch FROM now())::bigint > 3500 \
            AND expires > now() + interval '3500 s' AND data->>'_maxAge' = '3600000' FROM public.\(pair.service.table)
            """
        )
        #expect(left == "true")
        #expect(try await pair.node(["increment", "visits"]).session?["visits"] == "2")
        // What has ended by _expire is over for both, though the row is there.
        try await pair.service.query(
            """
            UPDATE public.\(pair.service.table) SET data = data || jsonb_build_object('_expire', \
            floor(extract(epoch FROM now()) * 1000)::bigint - 1000)
            """
        )
        let cookie = pair.browser.request().headerFields[.cookie]
        #expect(try await pair.swift { $0.isNew })
        #expect(try await pair.service.serve(cookie).session == [:])
    }

    @Test("koa-session, I1: concurrent writes from Swift lose nothing, and nothing of Node's before them")
    func concurrent() async throws {
        let pair = try await Pair(maxAge: .seconds(3600))
        try await pair.node(["increment", "visits"], ["set", "user", "bob"])
        let (browser, sessions) = (pair.browser, pair.sessions)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<40 {
                group.addTask {
                    _ = try await browser.copy().visit(sessions) { session in session.update(.visits) { $0 += 1 } }
                }
            }
            try await group.waitForAll()
        }
        let answer = try await pair.node(["increment", "visits"])
        #expect(answer.session?["visits"] == "42")
        #expect(answer.session?["user"] == #""bob""#)
        #expect(try await pair.swift { $0[.visits] } == 42)
    }

    @Test("I1, I2: what Node writes or ends in between is not written over")
    func interleaved() async throws {
        let pair = try await Pair(maxAge: .seconds(3600))
        try await pair.node(["increment", "visits"])
        let exchange = pair.sessions.open(pair.browser.request())
        try await exchange.session.update(.visits) { $0 += 1 }
        try await pair.node(["increment", "visits"], ["set", "user", "bob"])
        _ = try await exchange.commit()
        let answer = try await pair.node(["increment", "visits"])
        #expect(answer.session?["visits"] == "4")
        #expect(answer.session?["user"] == #""bob""#)
        let late = pair.sessions.open(pair.browser.request())
        try await late.session.update(.visits) { $0 += 1 }
        try await pair.node(["destroy"])
        await #expect(throws: SessionError.self) { try await late.commit() }
        #expect(try await pair.swift { $0[.visits] } == 0)
    }

    @Test("keys: the first signs, all verify, and no others; SHA-1 as in development")
    func keys() async throws {
        let pair = try await Pair(keys: ["a key that Node does not have yet", KoaNode().keys[0]])
        try await pair.node(["increment", "visits"])
        #expect(try await pair.swift { $0[.visits] } == 1)
        var other = pair.service
        other.keys = ["another's"]
        let cookies = try await other.serve(nil, ["increment", "visits"]).setCookie
        let browser = SessionBrowser()
        for field in cookies { browser.receive(HTTPResponse(status: .ok, headerFields: [.setCookie: field])) }
        #expect(try await browser.visit(pair.sessions) { $0[.visits] } == 0)

        let sha1 = try await Pair(algorithm: "sha1")
        try await sha1.node(["increment", "visits"])
        try await sha1.swift { session in session.update(.visits) { $0 += 1 } }
        #expect(try await sha1.node(["increment", "visits"]).session?["visits"] == "3")
    }

    @Test("Node goes on with a session whose signature we have renewed under another key")
    func reissued() async throws {
        var pair = try await Pair(maxAge: .seconds(3600), keys: ["a key that both have by now", KoaNode().keys[0]])
        let began = try await pair.node(["increment", "visits"])
        try await pair.swift { session in session.update(.visits) { $0 += 1 } }
        pair.service.keys = ["a key that both have by now"]
        let answer = try await pair.node(["increment", "visits"])
        #expect(answer.id == began.id && answer.session?["visits"] == "3")
    }

    @Test("Compas, old: keepPublicCookie: three cookies by either, and either takes back all three")
    func publicCookie() async throws {
        let pair = try await Pair(maxAge: .seconds(3600), companion: true)
        let names: Set = ["compas.sess", "compas.sess.sig", "compas.sess.public"]
        #expect(try await pair.node(["increment", "visits"]).setCookie.count == 3)
        #expect(Set(pair.browser.cookies.keys) == names)
        #expect(pair.browser.cookies["compas.sess.public"] == "truthy")
        try await pair.swift { $0.destroy() }
        #expect(pair.browser.cookies.isEmpty)
        try await pair.swift { $0.set(.visits, to: 1) }
        #expect(Set(pair.browser.cookies.keys) == names)
        #expect(pair.browser.cookies["compas.sess.public"] == "truthy")
        try await pair.node(["destroy"])
        #expect(pair.browser.cookies.isEmpty)
    }
}
#endif
