#if Postgres
import HTTPTypes
import Logging
import Sessions
import SessionsTesting
import Testing

/// Node and Swift serve the same sessions, which live in their cookies: `cookies` and `keygrip` there, ours here.
@Suite("koa-session: Node and Swift on the same cookies", .serialized, .timeLimit(.minutes(5)))
struct KoaCookieNodeTests {
    @Test(
        "koa-session without a store: what one writes the other reads, logins and ends included",
        arguments: [nil, .seconds(3600)] as [Duration?],
        ["sha256", "sha1"]
    )
    func both(maxAge: Duration?, algorithm: String) async throws {
        let node = KoaNode(
            algorithm: algorithm,
            maxAge: maxAge.map { Int($0.components.seconds) * 1000 },
            isInCookie: true
        )
        let sessions = try SessionManager.koaCookies(
            keys: node.keys.map { ForeignSecret($0) },
            signature: algorithm == "sha1" ? .sha1 : .sha256,
            acknowledging: [
                .concurrentChangesAreLost, .earlierStatesComeBack, .nothingIsConsumedOnce, .logoutReachesOneClient,
                .valuesAreReadable, .deadlinesAreUnknown,
            ],
            configuration: .koa(name: "compas.sess", maxAge: maxAge, renewal: .each(.seconds(30))),
            logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }
        )
        let browser = SessionBrowser()
        func serve(_ verbs: [String]...) async throws -> KoaNode.Answer {
            let request = KoaNode.Request(cookie: browser.request().headerFields[.cookie], do: verbs)
            let answer = try #require(try await node.serve([request]).first)
            for field in answer.setCookie {
                browser.receive(HTTPResponse(status: .ok, headerFields: [.setCookie: field]))
            }
            return answer
        }

        let began = try await serve(["increment", "visits"], ["set", "user", "bob \"ü\" €"])
        #expect(began.setCookie.count == 2, "the value and its signature")
        #expect(try await browser.visit(sessions) { $0[.visits] } == 1)
        try await browser.visit(sessions) { session in
            session.update(.visits) { $0 += 1 }
            session.set(.cart, to: ["tea", "日本"])
        }
        let second = try await serve(["increment", "visits"])
        #expect(second.session?["visits"] == "3")
        #expect(second.session?["user"] == #""bob \"ü\" €""#)
        #expect(second.session?["cart"] == #"["tea","日本"]"#)
        #expect(try await browser.visit(sessions) { $0[.visits] } == 3)

        // Ours log in, and Node carries along who that is.
        try await browser.visit(sessions) { $0.logIn("ada", keeping: .all) }
        #expect(try await serve(["increment", "visits"]).session?["visits"] == "4")
        #expect(try await browser.visit(sessions) { "\($0.owner ?? "nobody") \($0[.visits])" } == "ada 4")

        // We end what Node began, and Node what we began.
        try await browser.visit(sessions) { $0.destroy() }
        #expect(browser.cookies.isEmpty)
        try await browser.visit(sessions) { $0.set(.visits, to: 7) }
        #expect(try await serve(["increment", "visits"]).session?["visits"] == "8")
        _ = try await serve(["destroy"])
        #expect(browser.cookies.isEmpty)
        #expect(try await browser.visit(sessions) { $0[.visits] } == 0)
    }
}
#endif
