import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

@Suite("Moving from another system's sessions: the cookies that go")
struct MovingCookieTests {
    private static let own = "__Host-Http-sid"

    @Test("the old cookie expires with the attributes that its session's record says, also after a checkpoint")
    func attributes() async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites(
            #"{"cookie":{"originalMaxAge":1209600000,"expires":"2026-01-15T00:00:00.000Z","httpOnly":true,"#
                + #""domain":".shop.example","path":"/cart"},"visits":3}"#
        )
        let fields = try await fixture.respond { session in
            session.set(.visits, to: 4)
            try await session.save()
            session.rotate(grace: .zero)
        }.setCookies
        #expect(fields.count == 2)
        let expired = try #require(fields.first { $0.hasPrefix("connect.sid=;") })
        #expect(expired.contains("Max-Age=0"))
        #expect(expired.contains("Domain=shop.example") && expired.contains("Path=/cart"))
    }

    /// A manager that moves from a service that had a companion.
    private func manager(_ fixture: MovingFixture, companion: String?) throws -> SessionManager {
        var old = SessionConfiguration.express(maxAge: MovingFixture.maxAge)
        old.cookie.companion = "sid.public"
        var configuration = SessionConfiguration()
        configuration.cookie.companion = companion
        return try SessionManager(
            store: fixture.new.base,
            keys: fixture.keys,
            configuration: configuration,
            movingFrom: .express(
                secrets: ["keyboard cat"],
                store: fixture.old.base,
                acknowledging: .keysAreCredentials,
                configuration: old
            ),
            clock: fixture.clock,
            logger: .silent
        )
    }

    @Test(
        "the old companion goes with the old cookie, unless ours takes its place",
        arguments: [nil, "sid.public"] as [String?]
    )
    func companion(name: String?) async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites()
        let exchange = try manager(fixture, companion: name).open(fixture.browser.request())
        try await exchange.session.set(.visits, to: 4)
        var response = HTTPResponse(status: .ok)
        try await exchange.commit().apply(to: &response)
        let companions = response.setCookies.filter { $0.hasPrefix("sid.public=") }
        #expect(companions.count == 1 && response.setCookies.count == 3)
        #expect(companions.allSatisfy { $0.hasPrefix(name == nil ? "sid.public=; Max-Age=0;" : "sid.public=truthy;") })
    }

    private func code(_ body: () throws -> Void) -> SessionConfigurationError.Code? {
        do { try body() } catch { return (error as? SessionConfigurationError)?.code }
        return nil
    }

    @Test("I10: a companion with the old cookie's name is refused, and so is an old one with the name of ours")
    func names() throws {
        #expect(code { _ = try MovingFixture(configure: { $0.cookie.companion = "connect.sid" }) } == .duplicateManager)
        #expect(code { _ = try MovingFixture(configure: { $0.cookie.companion = "sid.public" }) } == nil)
        let fixture = try MovingFixture()
        #expect(code { _ = try manager(fixture, companion: nil) } == nil)
        let same = code {
            var old = SessionConfiguration.express()
            old.cookie.companion = "sid"
            var configuration = SessionConfiguration()
            configuration.cookie.name = "sid"
            _ = try SessionManager(
                store: fixture.new.base,
                keys: fixture.keys,
                configuration: configuration,
                movingFrom: .express(
                    secrets: ["keyboard cat"],
                    store: fixture.old.base,
                    acknowledging: .keysAreCredentials,
                    configuration: old
                ),
                logger: .silent
            )
        }
        #expect(same == .duplicateManager)
    }

    @Test("a manager that looks at no cookie is refused: it would move nobody's session")
    func headerOnly() {
        #expect(code { _ = try MovingFixture(configure: { $0.transport = .header }) } == .transport)
        #expect(code { _ = try MovingFixture(configure: { $0.transport = [.cookie, .header] }) } == nil)
    }
}
