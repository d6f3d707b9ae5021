import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

/// Options of other systems that are settings here under another name; `docs/coming-from.md` has the table.
@Suite("Options by their original names")
struct OptionNameTests {
    @Test("express unset keep: what a request does to its session is dropped, and the store is left alone (express 93)")
    func unsetKeep() async throws {
        let site = try SettingsSite()
        try await site.begin()
        let before = site.payload
        let cookies = try await site.visit { session in
            session.update(.visits) { $0 += 1 }
            session.destroy()
            session.discard()
            #expect(session[.visits] == 1 && !session.isEnded)
        }
        #expect(cookies.isEmpty)
        #expect(site.payload == before)
    }

    @Test("discard: what was saved stays, and what comes after it counts")
    func discard() async throws {
        let site = try SettingsSite()
        try await site.visit { session in
            session.set(.visits, to: 1)
            try await session.save()
            session.set(.visits, to: 2)
            session.logIn("ada")
            session.discard()
            session.set(.notice, to: "kept")
        }
        try await site.visit { session in
            #expect(session[.visits] == 1 && session[.notice] == "kept" && session.owner == nil)
        }
    }

    @Test("express unset destroy: the session is over, and one that never began leaves nothing (express 94, 95)")
    func unsetDestroy() async throws {
        let site = try SettingsSite()
        try await site.begin()
        #expect(try await site.visit { $0.destroy() }.have("Max-Age=0"))
        #expect(try await site.visit { $0.destroy() }.isEmpty)
        #expect(site.store.count() == 0)
    }

    @Test("Curveball: a session that is emptied is wiped")
    func wiping() async throws {
        let site = try SettingsSite { $0.deletesEmptied = true }
        try await site.begin()
        #expect(try await site.visit { $0.remove(.visits) }.have("Max-Age=0"))
        #expect(site.store.count() == 0)
    }

    @Test("Curveball newSessionId: a new id, the same data, and the old id opens nothing")
    func newSessionID() async throws {
        let site = try SettingsSite()
        try await site.begin()
        let thief = site.browser.copy()
        var id = ""
        let cookies = try await site.visit { session in
            id = session.id
            session.rotate(grace: .zero)
        }
        #expect(cookies.count == 1)
        try await site.visit { session in
            #expect(session[.visits] == 1)
            #expect(session.id != id)
        }
        #expect(try await thief.visit(site.sessions) { $0.isNew })
    }

    @Test("Curveball: lazy start: a page that only looks stores nothing, and sets nothing")
    func lazyStart() async throws {
        let site = try SettingsSite()
        let cookies = try await site.visit { #expect($0[.visits] == 0) }
        #expect(cookies.isEmpty)
        #expect(site.store.count() == 0)
    }

    @Test("Curveball: the session slides on in the store alone: used, it lives on, and no cookie is sent")
    func slidingInStore() async throws {
        let site = try SettingsSite()
        try await site.begin()
        for _ in 0..<3 {
            site.clock.advance(by: .seconds(29 * 60))
            let cookies = try await site.visit { #expect($0[.visits] == 1) }
            #expect(cookies.isEmpty)
        }
    }

    @Test("Compas renew: after the interval a request that reads has the deadline moved and the cookie sent again")
    func renew() async throws {
        let site = try SettingsSite { configuration in
            configuration.renewalInterval = .seconds(30)
            configuration.rolling = true
            configuration.cookie.persistence = .persistent
        }
        try await site.begin()
        site.clock.advance(by: .seconds(29))
        #expect(try await site.visit { _ = $0[.visits] }.isEmpty)
        site.clock.advance(by: .seconds(1))
        #expect(try await site.visit { _ = $0[.visits] }.have("Max-Age=1800"))
    }

    @Test("Koa overwrite: of two cookies of our name on one response the session's own stays (I10)")
    func overwrite() async throws {
        let site = try SettingsSite()
        let exchange = site.sessions.open(site.browser.request())
        try await exchange.session.set(.visits, to: 1)
        var response = HTTPResponse(status: .ok)
        response.headerFields.append(HTTPField(name: .setCookie, value: "theme=dark"))
        response.headerFields.append(HTTPField(name: .setCookie, value: "__Host-Http-sid=stale; Path=/; Secure"))
        try await exchange.commit().apply(to: &response)
        #expect(response.setCookies.count == 2)
        #expect(response.setCookies.contains("theme=dark") && !response.setCookies.contains { $0.contains("stale") })
    }

    @Test("Primate: an id on the session from the first request, and Set-Cookie only when the id changes")
    func idFromFirstRequest() async throws {
        let site = try SettingsSite { $0.saveUninitialized = true }
        var ids: [String] = []
        let first = try await site.visit { ids.append($0.id) }
        let second = try await site.visit { ids.append($0.id) }
        #expect(first.count == 1 && second.isEmpty)
        #expect(ids.count == 2 && ids[0] == ids[1])
    }

    @Test("Koa isNew; express resave and rolling: each is a setting, and off")
    func others() async throws {
        let site = try SettingsSite()
        try await site.visit { session in
            #expect(session.isNew)
            session.set(.visits, to: 1)
        }
        try await site.visit { #expect(!$0.isNew) }
        let eager = try SettingsSite { configuration in
            configuration.resave = true
            configuration.rolling = true
        }
        try await eager.begin()
        let version = eager.store.entries(after: nil, limit: 1).first?.record.version
        #expect(try await eager.visit { _ in }.count == 1, "express 70")
        #expect(eager.store.entries(after: nil, limit: 1).first?.record.version != version, "express 74")
    }
}
