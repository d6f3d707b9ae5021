import HTTPTypes
import Logging
import Sessions
import SessionsTesting
import Testing

extension SessionKey<Int> {
    static var visits: Self { Self("visits", default: 0) }
}

extension SessionKey<[String]> {
    static var cart: Self { Self("cart", default: []) }
}

/// One client of two services, Node's and ours, which keep its session in one place.
struct BackAndForth {
    let service: NodeService
    let sessions: SessionManager
    let browser = SessionBrowser()

    static let missing: MissingGuarantees = [.concurrentChangesAreLost, .endedSessionsComeBack, .keysAreCredentials]

    /// Both at the defaults, or with sessions of an hour.
    init(_ node: NodeService, _ store: some SessionStore, isPersistent: Bool = false, _ secrets: [String]? = nil) throws
    {
        service = NodeService(
            store: node.store,
            url: node.url,
            secrets: node.secrets,
            maxAge: isPersistent ? 3_600_000 : nil
        )
        var configuration = SessionConfiguration.express(maxAge: isPersistent ? .seconds(3600) : nil)
        // A commit that waits for others on a busy machine is not too late.
        configuration.contentionDeadline = .seconds(240)
        sessions = try .express(
            secrets: (secrets ?? node.secrets).map { ForeignSecret($0) },
            store: store,
            acknowledging: Self.missing,
            configuration: configuration,
            logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    /// A request of the client to Node.
    @discardableResult
    func node(_ verbs: [NodeService.JSON]...) async throws -> NodeService.Answer {
        let request = NodeService.Request(cookie: browser.request().headerFields[.cookie], do: verbs)
        let answer = try #require(try await service.serve([request]).first)
        if let setCookie = answer.setCookie {
            browser.receive(HTTPResponse(status: .ok, headerFields: [.setCookie: setCookie]))
        }
        return answer
    }

    /// A request of the client to our service.
    @discardableResult
    func swift<Result>(_ handler: (Session) async throws -> Result) async throws -> Result {
        try await browser.visit(sessions, handler)
    }

    // MARK: What is to hold

    /// What one has written the other reads, ids and logins included.
    func run() async throws {
        let began = try await node(["increment", "visits"], ["set", "user", "bob \"ü\" €"])
        #expect(try await swift { $0[.visits] } == 1)
        try await swift { session in
            session.update(.visits) { $0 += 1 }
            session.set(.cart, to: ["tea", "日本"])
        }
        let second = try await node(["increment", "visits"])
        #expect(second.id == began.id)
        #expect(second.session?["visits"] == "3")
        #expect(second.session?["user"] == #""bob \"ü\" €""#)
        #expect(second.session?["cart"] == #"["tea","日本"]"#)
        #expect(try await swift { $0[.visits] } == 3)

        // Ours log in: a new id, and the data with it. Node knows the new one, and not the old one.
        let before = browser.request().headerFields[.cookie]
        try await swift { $0.logIn("ada", keeping: .all) }
        let third = try await node(["increment", "visits"])
        #expect(third.id != began.id)
        #expect(third.session?["visits"] == "4")
        #expect(try await swift { $0.owner } == "ada")
        let old = try await service.serve(before, ["increment", "visits"])
        #expect(old.session?["visits"] == "1")
        #expect(old.id != began.id, "an id that is over is not adopted")

        // Node logs in anew: it is nobody's session here.
        let fourth = try await node(["regenerate"], ["set", "passport", "carol"])
        #expect(fourth.id != third.id)
        #expect(try await swift { "\($0.owner ?? "nobody") \($0[.visits])" } == "nobody 0")

        // We end what Node began, and Node what we began.
        let ended = browser.request().headerFields[.cookie]
        try await swift { $0.destroy() }
        #expect(browser.cookies["connect.sid"] == nil)
        #expect(try await service.serve(ended).id != fourth.id)
        try await swift { $0.set(.visits, to: 7) }
        #expect(try await node(["increment", "visits"]).session?["visits"] == "8")
        try await node(["destroy"])
        #expect(try await swift { $0[.visits] } == 0)
    }

    /// I1: of many requests to our service at the same time, on a session that Node began, none loses its change.
    func concurrent() async throws {
        try await node(["increment", "visits"], ["set", "user", "bob"])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<40 {
                group.addTask {
                    _ = try await browser.copy().visit(sessions) { session in session.update(.visits) { $0 += 1 } }
                }
            }
            try await group.waitForAll()
        }
        let answer = try await node(["increment", "visits"])
        #expect(answer.session?["visits"] == "42")
        #expect(answer.session?["user"] == #""bob""#)
        #expect(try await swift { $0[.visits] } == 42)
    }

    /// Where Node writes between our reading and our writing, our change is made again on what Node wrote.
    func interleaved() async throws {
        try await node(["increment", "visits"])
        let exchange = sessions.open(browser.request())
        try await exchange.session.update(.visits) { $0 += 1 }
        try await node(["increment", "visits"], ["set", "user", "bob"])
        _ = try await exchange.commit()
        let answer = try await node(["increment", "visits"])
        #expect(answer.session?["visits"] == "4")
        #expect(answer.session?["user"] == #""bob""#)
        // What Node has ended meanwhile is over.
        let late = sessions.open(browser.request())
        try await late.session.update(.visits) { $0 += 1 }
        try await node(["destroy"])
        await #expect(throws: SessionError.self) { try await late.commit() }
        #expect(try await swift { $0[.visits] } == 0)
    }

    /// A client in the clear behind a proxy that both trust is given no cookie, as it would be Secure.
    static func proxied(_ node: NodeService, _ store: some SessionStore, scheme: String) async throws {
        var configuration = SessionConfiguration.express()
        configuration.proxies = .hops(1)
        let sessions = try SessionManager.express(
            secrets: node.secrets.map { ForeignSecret($0) },
            store: store,
            acknowledging: missing,
            configuration: configuration,
            logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }
        )
        let request = NodeService.Request(scheme: scheme, do: [["increment", "visits"]])
        let answer = try #require(try await node.serve([request]).first)
        #expect(answer.setCookie?.contains("; Secure") == (scheme == "https" ? true : nil))

        var head = HTTPRequest(method: .get, scheme: "http", authority: "app.example", path: "/")
        head.headerFields[try #require(HTTPField.Name("X-Forwarded-Proto"))] = scheme
        let exchange = sessions.open(head, over: RequestConnection(isEncrypted: false))
        try await exchange.session.update(.visits) { $0 += 1 }
        var response = HTTPFields()
        try await exchange.commit().apply(to: &response)
        #expect(response[.setCookie]?.contains("; Secure") == (scheme == "https" ? true : nil))
    }

    /// A cookie under an old secret is read by both; one under a secret that only the other has, by none.
    func secrets() async throws {
        var (old, other) = (service, service)
        old.secrets = ["older"]
        other.secrets = ["another's"]
        let known = try await old.serve(nil, ["increment", "visits"])
        let unknown = try await other.serve(nil, ["increment", "visits"])
        for (answer, expected) in [(known, 1), (unknown, 0)] {
            let setCookie = try #require(answer.setCookie)
            let browser = SessionBrowser()
            browser.receive(HTTPResponse(status: .ok, headerFields: [.setCookie: setCookie]))
            #expect(try await browser.visit(sessions) { $0[.visits] } == expected)
        }
    }
}
