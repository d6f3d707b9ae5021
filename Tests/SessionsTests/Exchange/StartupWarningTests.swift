import Logging
import SessionsTesting
import Testing

@testable import Sessions

@Suite("Start-up warnings")
struct StartupWarningTests {
    private func warnings(
        ephemeral: Bool = false,
        local: Bool = false,
        release: Bool = true,
        _ configure: (inout SessionConfiguration) -> Void = { _ in }
    ) -> [StartupWarning] {
        var configuration = SessionConfiguration()
        configure(&configuration)
        return StartupWarning.all(
            configuration,
            hasEphemeralKeys: ephemeral,
            storeIsLocal: local,
            isReleaseBuild: release
        )
    }

    @Test("the default configuration on a store that lasts warns of nothing")
    func defaults() {
        #expect(warnings().isEmpty)
    }

    @Test("CF-11: the memory store in a release build, unless the application says that it is meant")
    func memoryStore() {
        #expect(warnings(local: true) == [.memoryStore])
        #expect(warnings(local: true, release: false).isEmpty)
        #expect(warnings(local: true) { $0.sessionsMayEndWithProcess = true }.isEmpty)
    }

    @Test("CF-02: keys that end with the process, unless the application says that it is meant")
    func ephemeralKeys() {
        #expect(warnings(ephemeral: true, local: true) == [.ephemeralKeys, .memoryStore])
        #expect(warnings(ephemeral: true, local: true, release: false) == [.ephemeralKeys])
        #expect(warnings(ephemeral: true, local: true) { $0.sessionsMayEndWithProcess = true }.isEmpty)
    }

    @Test("CK-12: a Domain, and a path that looks like a boundary")
    func scope() {
        #expect(
            warnings { configuration in
                configuration.cookie.name = "__Secure-sid"
                configuration.cookie.domain = "shop.example"
            } == [.sharedDomain("shop.example")]
        )
        #expect(
            warnings { configuration in
                configuration.cookie.name = "__Secure-sid"
                configuration.cookie.path = "/shop"
            } == [.narrowPath("/shop")]
        )
    }

    @Test("CK-13: a cookie without Secure, whatever else is meant")
    func plainHTTP() {
        #expect(
            warnings { configuration in
                configuration.cookie = .plainHTTPForDevelopment()
                configuration.sessionsMayEndWithProcess = true
            } == [.plainHTTP]
        )
    }

    @Test("each is logged once, when the manager is made, and says what to change")
    func logged() async throws {
        let capture = LogCapture()
        var configuration = SessionConfiguration()
        configuration.cookie.name = "__Secure-sid"
        configuration.cookie.domain = "shop.example"
        configuration.cookie.path = "/shop"
        configuration.outsidePath = .serve
        let sessions = try SessionManager(
            store: MemorySessionStore(),
            keys: .ephemeral(),
            configuration: configuration,
            logger: capture.logger
        )
        let lines = capture.lines(.warning)
        for part in ["shop.example", "cookie.domain", "/shop", "cookie.path", "KeyRing(environment:)"] {
            #expect(lines.count { $0.contains(part) } == 1, "\(part)")
        }
        let browser = SessionBrowser()
        for _ in 0..<3 { try await browser.visit(sessions) { $0.set(.visits, to: 1) } }
        #expect(capture.lines(.warning) == lines)
        // Tests are a debug build, as a rule.
        #expect(lines.count == (StartupWarning.isReleaseBuild ? 4 : 3))
    }
}
