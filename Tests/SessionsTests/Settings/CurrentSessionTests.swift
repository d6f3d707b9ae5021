import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

@Suite("Primate: the session of the task")
struct CurrentSessionTests {
    /// Far from any handler.
    private func count() async throws {
        try await Session.current.update(.visits) { $0 += 1 }
    }

    @Test("code that has neither request nor context reaches the session, and so do child tasks")
    func current() async throws {
        let site = try SettingsSite()
        let exchange = site.sessions.open(site.browser.request())
        try await exchange.asCurrent {
            try await count()
            async let other: Void = count()
            try await other
        }
        #expect(try await exchange.session[.visits] == 2)
        #expect(try await exchange.commit().changesCookie)
    }

    @Test("outside a request it is a typed error")
    func outside() async throws {
        let error = await #expect(throws: SessionError.self) { try await Session.current }
        #expect(error?.code == .noRequest)
        #expect(error?.code.httpStatus == 500)
    }

    @Test("a request that never asks costs nothing, current or not")
    func untouched() async throws {
        let site = try SettingsSite()
        let exchange = site.sessions.open(site.browser.request())
        await exchange.asCurrent {}
        #expect(exchange.report.arrival == nil)
        #expect(try await exchange.commit().isEmpty)
    }

    @Test("of two requests in one task tree each has its own")
    func nested() async throws {
        let (first, second) = (try SettingsSite(), try SettingsSite())
        let (outer, inner) = (first.sessions.open([:]), second.sessions.open([:]))
        try await outer.asCurrent {
            try await inner.asCurrent { try await Session.current.set(.visits, to: 5) }
            #expect(try await Session.current[.visits] == 0)
        }
        #expect(try await inner.session[.visits] == 5)
    }
}
