import HTTPTypes
import SessionsTesting
import Synchronization
import Testing

@testable import Sessions

@Suite("express-session: genid as a function of the request")
struct IDForRequestTests {
    /// A manager in express-session's format whose ids follow from the request, and what has been asked.
    private struct Site {
        let store: MemorySessionStore
        let sessions: SessionManager
        let browser = SessionBrowser()

        init(_ id: @escaping @Sendable (CookieRequest) -> String) throws {
            store = try MemorySessionStore()
            sessions = try .express(
                secrets: ["keyboard cat"],
                store: store,
                acknowledging: .keysAreCredentials,
                generateIDForRequest: id,
                logger: .silent
            )
        }

        var keys: Set<String> { Set(store.entries(after: nil, limit: 10).map(\.key.text)) }

        func visit<Result>(
            _ path: String,
            over connection: RequestConnection? = nil,
            _ handler: (Session) async throws -> Result
        ) async throws -> Result {
            let exchange = sessions.open(browser.request(.get, path), over: connection)
            let result = try await handler(exchange.session)
            var response = HTTPResponse(status: .ok)
            try await exchange.commit().apply(to: &response)
            browser.receive(response)
            return result
        }
    }

    private final class Asked: Sendable {
        let paths = Mutex<[String]>([])
        var all: [String] { paths.withLock { $0 } }

        func id(_ request: CookieRequest) -> String {
            paths.withLock { paths in
                paths.append(request.head.path ?? "")
                return "id-\(paths.count)"
            }
        }
    }

    @Test("express genid: one call for each new credential, with the request that begins it, and none for any other")
    func calls() async throws {
        let asked = Asked()
        let site = try Site(asked.id)
        try await site.visit("/a") { session in
            #expect(session.isNew)
            session.set(.visits, to: 1)
            try await session.save()
            session.set(.visits, to: 2)
        }
        #expect(asked.all == ["/a"] && site.keys == ["id-1"])
        #expect(try await site.visit("/b") { $0[.visits] } == 2)
        #expect(try await site.sessions.open(site.browser.request(.get, "/c")).commit().isEmpty)
        #expect(asked.all == ["/a"])
        try await site.visit("/d") { $0.logIn("ada", keeping: .all) }
        #expect(asked.all == ["/a", "/d"] && site.keys == ["id-2"])
        #expect(try await site.visit("/e") { $0.owner } == "ada")
    }

    @Test("express genid: it gets the fields and the connection of its request")
    func request() async throws {
        let site = try Site { request in
            "\(request.isSecure)-\(request.connection?.peerAddress ?? "")-\(request.head.authority ?? "")"
        }
        #expect(site.sessions.readsConnection)
        try await site.visit("/", over: .encrypted) { $0.set(.visits, to: 1) }
        #expect(site.keys == ["true-192.0.2.7-app.example"])
    }

    @Test("express genid: an id that can be none gives way to a random one, also for a request", arguments: [0, 1000])
    func unusable(count: Int) async throws {
        let site = try Site { _ in String(repeating: "a", count: count) }
        try await site.visit("/") { $0.set(.visits, to: 1) }
        #expect(site.keys.map(\.utf8.count) == [32])
        #expect(try await site.visit("/") { $0[.visits] } == 1)
    }

    @Test("ID-08: an id that a request makes twice does not open or replace the session that has it")
    func taken() async throws {
        let site = try Site { $0.head.path ?? "" }
        try await site.visit("/a") { $0.set(.visits, to: 1) }
        let other = SessionBrowser()
        let exchange = site.sessions.open(other.request(.get, "/a"))
        try await exchange.session.set(.visits, to: 9)
        await #expect(throws: SessionError.self) { try await exchange.commit() }
        #expect(try await site.visit("/a") { $0[.visits] } == 1)
    }

    @Test("koa genid: the id follows from the request too")
    func koa() async throws {
        let store = try MemorySessionStore()
        let sessions = try SessionManager.koa(
            keys: [KoaService.key],
            store: store,
            acknowledging: .keysAreCredentials,
            generateIDForRequest: { "shop-" + ($0.head.path?.dropFirst() ?? "") },
            logger: .silent
        )
        let browser = SessionBrowser()
        let exchange = sessions.open(browser.request(.get, "/7"))
        try await exchange.session.set(.visits, to: 1)
        var response = HTTPResponse(status: .ok)
        try await exchange.commit().apply(to: &response)
        browser.receive(response)
        #expect(browser.cookies["koa.sess"] == "shop-7")
        #expect(try await browser.visit(sessions) { $0[.visits] } == 1)
    }
}
