import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

@Suite("Koa and Compas: autoCommit off")
struct ExplicitCommitTests {
    /// One request whose exchange is closed, and the `Set-Cookie` fields of its response.
    private func request(
        _ site: SettingsSite,
        _ handler: (Session) async throws -> Void
    ) async throws -> [String] {
        let exchange = site.sessions.open(site.browser.request())
        try await handler(exchange.session)
        var response = HTTPResponse(status: .ok)
        try await exchange.close().apply(to: &response)
        site.browser.receive(response)
        return response.setCookies
    }

    @Test("what the handler saved is kept, with its one cookie; what it did not save is dropped and logged (I10)")
    func saved() async throws {
        let site = try SettingsSite()
        let cookies = try await request(site) { session in
            session.set(.visits, to: 1)
            try await session.save()
            session.set(.visits, to: 2)
        }
        #expect(cookies.count == 1)
        #expect(site.events.kinds == [.began, .uncommitted])
        try await site.visit { #expect($0[.visits] == 1) }
    }

    @Test("nothing saved, nothing stored", arguments: 0..<4)
    func unsaved(index: Int) async throws {
        let verbs: [(Session) -> Void] = [
            { $0.set(.visits, to: 1) }, { $0.logIn("ada") }, { $0.flash(.notice, "hello") }, { $0.restart() },
        ]
        let site = try SettingsSite()
        #expect(try await request(site, verbs[index]).isEmpty)
        #expect(site.store.count() == 0)
        #expect(site.events.kinds == [.uncommitted])
    }

    @Test("reading alone is no loss")
    func reading() async throws {
        let site = try SettingsSite()
        try await site.begin()
        let cookies = try await request(site) { #expect($0[.visits] == 1) }
        #expect(cookies.isEmpty)
        #expect(site.events.kinds == [.began])
    }

    @Test("I2: an end is carried out though nobody saved it, and what else was done is not", arguments: [false, true])
    func ending(restarts: Bool) async throws {
        let site = try SettingsSite()
        try await site.begin()
        let cookies = try await request(site) { session in
            restarts ? session.restart() : session.destroy()
            session.set(.visits, to: 9)
        }
        #expect(cookies.have("Max-Age=0"))
        #expect(site.store.count() == 0)
        #expect(site.events.kinds.contains(.uncommitted) == restarts)
    }

    @Test("LC-09: a rotation that is due is not lost because nobody saves; a handler that threw puts it off")
    func rotation() async throws {
        let site = try SettingsSite { $0.rotationInterval = .seconds(600) }
        try await site.begin()
        let thief = site.browser.copy()
        site.clock.advance(by: .seconds(599))
        let early = try await request(site) { _ = $0[.visits] }
        #expect(early.isEmpty)
        site.clock.advance(by: .seconds(1))
        let failed = site.sessions.open(site.browser.request())
        _ = try await failed.session
        #expect(try await !failed.close(.threw(carriesFields: true)).changesCookie)
        let cookies = try await request(site) { $0.set(.visits, to: 9) }
        #expect(cookies.count == 1)
        #expect(site.events.kinds == [.began, .uncommitted, .rotated])
        site.clock.advance(by: .seconds(31))
        #expect(try await thief.visit(site.sessions) { $0.isNew })
        try await site.visit { #expect($0[.visits] == 1, "what was not saved is not written along") }
    }

    @Test("an exchange is closed or committed, once, and costs nothing if nobody asked for its session")
    func once() async throws {
        let site = try SettingsSite()
        let exchange = site.sessions.open(site.browser.request())
        #expect(try await exchange.close().isEmpty)
        await #expect(throws: SessionError.self) { try await exchange.close() }
        await #expect(throws: SessionError.self) { try await exchange.commit() }
        #expect(site.events.kinds.isEmpty)
    }
}
