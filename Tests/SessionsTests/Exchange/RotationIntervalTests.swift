import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

@Suite("Rotation by age")
struct RotationIntervalTests {
    private static let day = SessionLifetime(idle: .seconds(86400), absolute: .seconds(30 * 86400))

    private func fixture(_ configure: (inout SessionConfiguration) -> Void = { _ in }) throws -> SessionFixture {
        try SessionFixture { configuration in
            configuration.anonymousLifetime = Self.day
            configuration.lifetime = Self.day
            configuration.rotationInterval = .seconds(4 * 3600)
            configure(&configuration)
        }
    }

    @Test("is off by default")
    func off() async throws {
        let fixture = try SessionFixture { $0.anonymousLifetime = Self.day }
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 1) }
        fixture.clock.advance(by: .seconds(20 * 3600))
        #expect(try await fixture.respond { _ in }.setCookies.isEmpty)
        #expect(!fixture.events.kinds.contains(.rotated))
    }

    @Test("a request that only reads rotates a credential of that age, once; inside the age nothing is written (I8)")
    func reading() async throws {
        let fixture = try fixture { $0.renewalInterval = .seconds(20 * 3600) }
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 1) }
        fixture.clock.advance(by: .seconds(4 * 3600) - .microseconds(1))
        fixture.faults.forgetCalls()
        #expect(try await fixture.respond { _ in }.setCookies.isEmpty)
        #expect(fixture.faults.operations == [.load])
        fixture.clock.advance(by: .microseconds(1))
        fixture.faults.forgetCalls()
        let before = fixture.browser.cookies
        #expect(try await fixture.respond { _ in }.setCookies.count == 1)
        #expect(fixture.faults.operations == [.load, .replace])
        #expect(fixture.browser.cookies != before)
        #expect(fixture.events.kinds.filter { $0 == .rotated }.count == 1)
        fixture.faults.forgetCalls()
        let read = try await fixture.respond { #expect($0[.visits] == 1) }
        #expect(read.setCookies.isEmpty)
        #expect(fixture.faults.operations == [.load])
        #expect(fixture.events.kinds.filter { $0 == .rotated }.count == 1)
    }

    @Test("the old credential counts on for the grace and gets the same successor; then it is superseded (LC-09, I4)")
    func grace() async throws {
        let fixture = try fixture()
        let (browser, sessions) = (fixture.browser, fixture.sessions)
        try await browser.visit(sessions) { $0.set(.visits, to: 1) }
        let tab = browser.copy()
        let late = browser.copy()
        fixture.clock.advance(by: .seconds(4 * 3600))
        try await browser.visit(sessions) { _ in }
        fixture.clock.advance(by: .seconds(29))
        #expect(try await tab.visit(sessions) { $0[.visits] } == 1)
        #expect(tab.cookies == browser.cookies)
        fixture.clock.advance(by: .seconds(1))
        #expect(try await late.visit(sessions) { $0.isNew })
        #expect(try await browser.visit(sessions) { $0[.visits] } == 1)
    }

    @Test("inside the grace a read gets the successor too, where another request changes the session meanwhile")
    func readingBesideAChange() async throws {
        let fixture = try fixture()
        let (browser, sessions) = (fixture.browser, fixture.sessions)
        try await browser.visit(sessions) { $0.set(.visits, to: 0) }
        fixture.clock.advance(by: .seconds(4 * 3600))
        let tab = browser.copy()
        try await browser.visit(sessions) { _ in }
        let gate = fixture.faults.hold(.touch, next: 1)
        async let read: Void = tab.visit(sessions) { _ in }
        try await gate.waitForArrival()
        try await browser.visit(sessions) { $0.update(.visits) { $0 += 1 } }
        gate.open()
        try await read
        #expect(tab.cookies == browser.cookies)
    }

    @Test("requests that find it due at the same time rotate it once, and all end with one cookie")
    func racing() async throws {
        let fixture = try fixture()
        let (browser, sessions) = (fixture.browser, fixture.sessions)
        try await browser.visit(sessions) { $0.set(.visits, to: 0) }
        fixture.clock.advance(by: .seconds(5 * 3600))
        let tabs = (0..<20).map { _ in browser.copy() }
        try await withThrowingTaskGroup { group in
            for (index, tab) in tabs.enumerated() {
                group.addTask {
                    try await tab.visit(sessions) { session in
                        if index.isMultiple(of: 2) { session.update(.visits) { $0 += 1 } }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(fixture.events.kinds.filter { $0 == .rotated }.count == 1)
        #expect(Set(tabs.map { $0.cookies }).count == 1)
        #expect(try await tabs[0].visit(sessions) { $0[.visits] } == 10)
    }

    @Test(
        "one Set-Cookie, the application's own survive, and a checkpoint in the request leaves it to the commit (I10)"
    )
    func oneCookie() async throws {
        let fixture = try fixture()
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 1) }
        fixture.clock.advance(by: .seconds(5 * 3600))
        let exchange = fixture.sessions.open(fixture.browser.request())
        let session = try await exchange.session
        session.update(.visits) { $0 += 1 }
        try await session.save()
        #expect(!exchange.fields.changesCookie)
        session.rotate()
        try await session.save()
        #expect(exchange.fields.changesCookie)
        session.update(.visits) { $0 += 1 }
        var response = HTTPResponse(status: .ok)
        response.headerFields.append(HTTPField(name: .setCookie, value: "own=1"))
        try await exchange.commit().apply(to: &response)
        #expect(response.setCookies.count == 2)
        #expect(response.setCookies.contains("own=1"))
        #expect(fixture.events.kinds.filter { $0 == .rotated }.count == 1)
    }

    @Test("after the response's head is sent nothing rotates: the cookie could not travel")
    func late() async throws {
        let fixture = try fixture()
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 1) }
        let exchange = fixture.sessions.open(fixture.browser.request())
        let session = try await exchange.session
        _ = try await exchange.commit()
        fixture.clock.advance(by: .seconds(5 * 3600))
        session.update(.visits) { $0 += 1 }
        try await session.save()
        #expect(!fixture.events.kinds.contains(.rotated))
        #expect(!exchange.fields.changesCookie)
    }

    @Test("a handler that threw rotates nothing", arguments: [true, false])
    func thrown(carriesFields: Bool) async throws {
        let fixture = try fixture()
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 1) }
        fixture.clock.advance(by: .seconds(5 * 3600))
        #expect(try await fixture.respond(.threw(carriesFields: carriesFields)) { _ in }.setCookies.isEmpty)
        #expect(!fixture.events.kinds.contains(.rotated))
    }

    @Test("a reader whose session ends or logs in meanwhile is answered, without a cookie", arguments: [true, false])
    func endedMeanwhile(isLogin: Bool) async throws {
        let fixture = try fixture()
        let (browser, sessions) = (fixture.browser, fixture.sessions)
        try await browser.visit(sessions) { $0.set(.visits, to: 1) }
        fixture.clock.advance(by: .seconds(5 * 3600))
        let reader = sessions.open(browser.request())
        _ = try await reader.session
        try await browser.copy().visit(sessions) { isLogin ? $0.logIn("ada") : $0.destroy() }
        let fields = try await reader.commit()
        #expect(!fields.changesCookie)
    }

    @Test("a store that fails to rotate costs a reader nothing, and the next request tries again")
    func storeFails() async throws {
        let fixture = try fixture()
        let (browser, sessions) = (fixture.browser, fixture.sessions)
        try await browser.visit(sessions) { $0.set(.visits, to: 1) }
        fixture.clock.advance(by: .seconds(5 * 3600))
        fixture.faults.failBefore(.replace, next: 10)
        let read = try await fixture.respond { #expect($0[.visits] == 1) }
        #expect(read.setCookies.isEmpty)
        #expect(fixture.events.kinds.contains(.storeFailed))
        fixture.faults.clear()
        #expect(try await fixture.respond { _ in }.setCookies.count == 1)
        #expect(try await browser.visit(sessions) { $0[.visits] } == 1)
    }

    @Test("a login begins the age anew")
    func login() async throws {
        let fixture = try fixture()
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 1) }
        fixture.clock.advance(by: .seconds(3 * 3600))
        try await fixture.browser.visit(fixture.sessions) { $0.logIn("ada") }
        fixture.clock.advance(by: .seconds(3 * 3600))
        #expect(try await fixture.respond { _ in }.setCookies.isEmpty)
        fixture.clock.advance(by: .seconds(3600))
        #expect(try await fixture.respond { _ in }.setCookies.count == 1)
    }

    @Test("the plan: a change and a rotation that is due are one write")
    func plan() throws {
        var fixture = try PlanFixture()
        fixture.configuration.rotationInterval = .seconds(300)
        fixture.request.operations = [.set("a", 1)]
        #expect(try fixture.plan().sent == nil)
        fixture.request.rotatesWhenDue = true
        let plan = try fixture.plan()
        #expect(plan.reason == .rotated)
        #expect(plan.written?.value("a") == 1)
        #expect(plan.written?.content.grace?.until == fixture.now + .seconds(30))
        #expect(plan.written?.content.csrfNonce == fixture.record.content.csrfNonce)
    }
}
