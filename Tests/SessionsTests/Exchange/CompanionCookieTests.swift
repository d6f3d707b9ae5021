import HTTPTypes
import Logging
import SessionsTesting
import Testing

@testable import Sessions

/// The cookie that scripts can read (Compas: keepPublicCookie).
@Suite("the companion cookie")
struct CompanionCookieTests {
    private struct Service {
        let clock = ManualSessionClock()
        let sessions: SessionManager
        let browser: SessionBrowser

        init(isPersistent: Bool = true, isSealed: Bool = false) throws {
            var configuration = SessionConfiguration()
            configuration.cookie.companion = "sid.public"
            configuration.cookie.persistence = isPersistent ? .persistent : .browserSession
            configuration.rolling = true
            configuration.sessionsMayEndWithProcess = true
            sessions =
                isSealed
                ? try SessionManager(
                    sealedCookies: SealedCookies(),
                    acknowledging: SealedCookies().missing,
                    keys: .ephemeral(),
                    configuration: configuration,
                    clock: clock,
                    logger: .silent
                )
                : try SessionManager(
                    store: MemorySessionStore(clock: clock),
                    keys: .ephemeral(),
                    configuration: configuration,
                    clock: clock,
                    logger: .silent
                )
            browser = SessionBrowser(clock: clock)
        }

        func setCookies(_ handler: (Session) async throws -> Void) async throws -> [String] {
            let exchange = sessions.open(browser.request())
            try await handler(exchange.session)
            var response = HTTPResponse(status: .ok)
            try await exchange.commit().apply(to: &response)
            browser.receive(response)
            return response.headerFields[fields: .setCookie].map(\.value)
        }

        /// The Set-Cookie fields of a request that reads, and is to find so many visits.
        func look(_ visits: Int) async throws -> [String] {
            try await setCookies { session in #expect(session[.visits] == visits) }
        }
    }

    @Test(
        "I10: one Set-Cookie for each name; the companion has the same age and attributes, no HttpOnly, and no information",
        arguments: [false, true],
        [false, true]
    )
    func set(isPersistent: Bool, isSealed: Bool) async throws {
        let service = try Service(isPersistent: isPersistent, isSealed: isSealed)
        let fields = try await service.setCookies { $0.set(.visits, to: 1) }
        #expect(fields.count == 2)
        let session = try #require(fields.first { $0.hasPrefix("__Host-Http-sid=") })
        let companion = try #require(fields.first { $0.hasPrefix("sid.public=") })
        #expect(companion.hasPrefix("sid.public=truthy; "))
        #expect(companion.contains("; HttpOnly") == false)
        let attributes = { (text: String) in
            Set(text.split(separator: "; ").dropFirst()).subtracting(["HttpOnly"])
        }
        #expect(attributes(session) == attributes(companion))
        #expect(attributes(companion).contains { $0.hasPrefix("Max-Age=") } == isPersistent)
    }

    @Test(
        "it is there as long as the session's cookie: kept where that is kept, rolled where it rolls, gone where it goes"
    )
    func inStep() async throws {
        let service = try Service()
        _ = try await service.setCookies { $0.set(.visits, to: 1) }
        #expect(try await service.look(1).isEmpty)
        service.clock.advance(by: .seconds(120))
        let rolled = try await service.look(1)
        #expect(rolled.count == 2 && rolled.allSatisfy { $0.contains("; Max-Age=1800; ") })
        let login = try await service.setCookies { $0.logIn("ada") }
        #expect(login.count == 2 && login.contains { $0.hasPrefix("sid.public=truthy; ") })
        let gone = try await service.setCookies { $0.destroy() }
        #expect(gone.count == 2)
        #expect(gone.contains { $0.hasPrefix("sid.public=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT") })
        #expect(service.browser.cookies.isEmpty)
    }

    @Test("it is never read: alone it opens nothing, and stays")
    func notRead() async throws {
        let service = try Service()
        service.browser.plant("sid.public", "truthy")
        #expect(try await service.look(0).isEmpty)
    }

    @Test("a junk cookie of the session takes it along")
    func malformed() async throws {
        let service = try Service()
        service.browser.plant("__Host-Http-sid", "junk")
        #expect(try await service.look(0).count == 2)
        #expect(service.browser.cookies.isEmpty)
    }

    @Test("Compas, old: keepPublicCookie sets three cookies, and a destroyed session takes back all three")
    func koa() async throws {
        let service = try KoaService(companion: "compas.sess.public")
        let fields = try await service.setCookies { $0.set(.visits, to: 1) }
        #expect(fields.count == 3)
        let companion = try #require(fields.first { $0.hasPrefix("compas.sess.public=truthy; ") })
        #expect(!companion.contains("HttpOnly"))
        let gone = try await service.setCookies { $0.destroy() }
        #expect(gone.count == 3 && gone.allSatisfy { $0.contains("=; Max-Age=0; Expires=Thu, 01 Jan 1970") })
        #expect(service.browser.cookies.isEmpty)
    }

    @Test(
        "a name that is the session's own, that only HTTP may set, or that is none, is refused",
        arguments: ["__Host-Http-sid", "__Host-Http-public", "__Http-public", "a b", ""]
    )
    func refused(name: String) throws {
        var configuration = SessionConfiguration()
        configuration.cookie.companion = name
        #expect(throws: SessionConfigurationError.self) {
            try SessionManager(
                store: MemorySessionStore(),
                keys: .ephemeral(),
                configuration: configuration,
                logger: .silent
            )
        }
    }

    @Test("where a record says its cookie's own attributes, the companion has them too")
    func ownAttributes() async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites(
            #"{"cookie":{"originalMaxAge":1209600000,"httpOnly":true,"domain":"shop.example","path":"/cart"},"visits":3}"#
        )
        var configuration = SessionConfiguration.express(maxAge: MovingFixture.maxAge)
        configuration.cookie.companion = "sid.public"
        let sessions = try SessionManager.express(
            secrets: ["keyboard cat"],
            store: fixture.old.base,
            acknowledging: .keysAreCredentials,
            configuration: configuration,
            clock: fixture.clock,
            logger: .silent
        )
        let exchange = sessions.open(fixture.browser.request())
        try await exchange.session.destroy()
        var response = HTTPResponse(status: .ok)
        try await exchange.commit().apply(to: &response)
        let fields = response.headerFields[fields: .setCookie].map(\.value)
        #expect(fields.count == 2)
        #expect(fields.allSatisfy { $0.contains("Domain=shop.example") && $0.contains("Path=/cart") })
    }

    @Test("a name that is that of a format's other cookie is refused")
    func signatureName() {
        #expect(throws: SessionConfigurationError(.invalidCookieName, "")) {
            try KoaService(companion: "compas.sess.sig")
        }
    }

    @Test("two managers whose companions have one name are refused")
    func managers() throws {
        func manager(_ name: String, _ companion: String) throws -> SessionManager {
            var configuration = SessionConfiguration()
            configuration.cookie.name = name
            configuration.cookie.companion = companion
            return try SessionManager(
                store: MemorySessionStore(),
                keys: .ephemeral(),
                configuration: configuration,
                logger: .silent
            )
        }
        #expect(throws: SessionConfigurationError(.duplicateManager, "")) {
            try SessionManagers(manager("__Host-a", "public"), manager("__Host-b", "public"))
        }
        #expect(throws: SessionConfigurationError(.duplicateManager, "")) {
            try SessionManagers(manager("__Host-a", "public"), manager("public", "other"))
        }
        _ = try SessionManagers(manager("__Host-a", "public-a"), manager("__Host-b", "public-b"))
    }
}
