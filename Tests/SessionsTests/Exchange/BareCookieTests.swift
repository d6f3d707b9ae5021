import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

/// A service with nothing but a cookie's value.
@Suite("A cookie's value without header fields")
struct BareCookieTests {
    @discardableResult
    private func request<Result>(
        _ fixture: SessionFixture,
        _ cookie: String?,
        _ handler: (Session) async throws -> Result
    ) async throws -> (result: Result, cookie: String?) {
        let exchange = fixture.sessions.open(cookieValue: cookie)
        let result = try await handler(exchange.session)
        return (result, try await exchange.commit().cookieValue)
    }

    @Test("a session begins, goes on, is only read, rotates and ends: a value, none, none, a value, empty")
    func life() async throws {
        let fixture = try SessionFixture()
        #expect(try await request(fixture, nil) { $0[.visits] }.cookie == nil)
        let cookie = try #require(try await request(fixture, nil) { $0.set(.visits, to: 1) }.cookie)
        let changed = try await request(fixture, cookie) { session in
            session.update(.visits) { $0 += 1 }
            return session[.visits]
        }
        #expect(changed.result == 2 && changed.cookie == nil)
        let next = try #require(try await request(fixture, cookie) { $0.rotate() }.cookie)
        #expect(next != cookie)
        #expect(try await request(fixture, next) { $0[.visits] }.result == 2)
        #expect(try await request(fixture, next) { $0.destroy() }.cookie == "")
        #expect(try await request(fixture, next) { $0.isNew }.result)
    }

    @Test("it is the same credential that travels in fields, and the fields say the same")
    func fields() async throws {
        let fixture = try SessionFixture()
        let exchange = fixture.sessions.open(cookieValue: nil)
        try await exchange.session.set(.visits, to: 1)
        let fields = try await exchange.commit()
        var response = HTTPResponse(status: .ok)
        fields.apply(to: &response)
        fixture.browser.receive(response)
        #expect(fixture.browser.cookies["__Host-Http-sid"] == fields.cookieValue)
        #expect(try await fixture.browser.visit(fixture.sessions) { $0[.visits] } == 1)
    }

    @Test(
        "PR-08: a value brings no second cookie, no line and no field",
        arguments: [
            "; __Host-Http-sid=", "\r\nCookie: __Host-Http-sid=", "\u{0};__Host-Http-sid=", ";\u{301} __Host-Http-sid=",
        ]
    )
    func injected(text: String) async throws {
        let fixture = try SessionFixture()
        let cookie = try #require(try await request(fixture, nil) { $0.set(.visits, to: 1) }.cookie)
        for value in [text + cookie, "x" + text + cookie, cookie + text] {
            let exchange = fixture.sessions.open(cookieValue: value)
            #expect(try await exchange.session.isNew)
            #expect(exchange.report.arrival == .malformed)
        }
    }

    @Test("an empty value is no cookie, and one that is not ours is taken away")
    func strange() async throws {
        let fixture = try SessionFixture()
        #expect(try await request(fixture, "") { $0.isNew }.cookie == nil)
        #expect(try await request(fixture, "strange") { $0.isNew }.cookie == "")
    }
}
