import Foundation
import Testing

@testable import Sessions

@Suite("What a refusal says")
struct ConfigurationMessageTests {
    private static func configured(_ change: (inout SessionConfiguration) -> Void) throws {
        var configuration = SessionConfiguration()
        change(&configuration)
        _ = try SessionManager(
            store: MemorySessionStore(),
            keys: KeyRing([SessionSecret.generate()]),
            configuration: configuration,
            logger: .silent
        )
    }

    /// One refusal of every kind that this module makes.
    private static let refusals: [@Sendable () throws -> Void] = [
        { _ = try SessionSecret(bytes: []) },
        { _ = try SessionSecret(bytes: Array(repeating: 7, count: 32)) },
        { _ = try SessionSecret(bytes: Array("correct horse battery staple wins".utf8)) },
        { _ = try SessionSecret(encoded: "changeme") },
        { _ = try SessionSecret(encoded: "?") },
        { _ = try KeyRing([]) },
        {
            let secret = SessionSecret.generate()
            _ = try KeyRing([secret, secret])
        },
        { _ = try KeyRing(environment: "SESSIONS_TEST_NOT_SET") },
        { _ = try KeyRing(file: NSTemporaryDirectory() + "sessions-test-not-there") },
        { try configured { $0.application = "" } },
        { try configured { $0.cookie.name = "" } },
        { try configured { $0.cookie.name = "a b" } },
        { try configured { $0.cookie.name = "__host-sid" } },
        { try configured { $0.cookie.name = "Host__sid" } },
        { try configured { $0.cookie.companion = "__Host-Http-sid" } },
        { try configured { $0.cookie.companion = "__Http-public" } },
        { try configured { $0.cookie.path = "/shop" } },
        { try configured { $0.cookie = .plainHTTPForDevelopment(name: "__Secure-sid") } },
        {
            try configured { configuration in
                configuration.cookie.name = "sid"
                configuration.cookie.domain = "shop.example"
            }
        },
        { try configured { $0.cookie.path = "shop" } },
        { try configured { $0.cookie.path = "/a;b" } },
        { try configured { $0.cookie.domain = ".shop.example" } },
        { try configured { $0.cookie.domain = "" } },
        { try configured { $0.cookie.domain = "a b.example" } },
        { try configured { $0.cookie.domain = "localhost" } },
        { try configured { $0.cookie.domain = "127.0.0.1" } },
        {
            try configured { configuration in
                configuration.cookie = .plainHTTPForDevelopment()
                configuration.cookie.sameSite = .none
            }
        },
        {
            try configured { configuration in
                configuration.cookie = .plainHTTPForDevelopment()
                configuration.cookie.partitioned = true
            }
        },
        { try configured { $0.lifetime.idle = .zero } },
        { try configured { $0.lifetime.idle = .seconds(86400) } },
        { try configured { $0.lifetime.absolute = .seconds(401 * 86400) } },
        { try configured { $0.renewalInterval = .seconds(-1) } },
        { try configured { $0.rotationGrace = .seconds(61) } },
        { try configured { $0.rotationInterval = .seconds(1) } },
        {
            try configured { configuration in
                configuration.rotationInterval = .seconds(3600)
                configuration.rotationGrace = .zero
            }
        },
        { try configured { $0.maximumRecordBytes = 0 } },
        { try configured { $0.contentionDeadline = .zero } },
        { try configured { $0.maximumSessionsPerOwner = 0 } },
        { _ = try CompasSettings(environment: [:]) },
        { _ = try CompasSettings(environment: ["NODE_ENV": "test"]) },
        { _ = try CompasSettings(environment: ["NODE_ENV": "production", "APP_NAME": "shop"]) },
        { _ = try CompasSettings(environment: ["NODE_ENV": "production", "APP_NAME": "shop", "APP_KEYS": "short"]) },
        { _ = try MemorySessionStore(limit: 0) },
        { _ = try MemorySessionStore(byteLimit: 0) },
        { _ = try MemorySessionStore(skewAllowance: .seconds(-1)) },
        { _ = try SessionSweeper(store: MemorySessionStore(), interval: .zero) },
        { _ = try SessionSweeper(store: MemorySessionStore(), batch: 0) },
        { _ = try SessionSweeper(store: MemorySessionStore(), skewAllowance: .seconds(-1)) },
        { _ = try CookieLimits(pairs: 0) },
        { _ = try OriginPolicy(origins: []) },
        { _ = try OriginPolicy(origins: ["shop.example"]) },
        { _ = try OriginPolicy(origins: ["http://shop.example"]) },
        { try configured { $0.transport = [] } },
        {
            var configuration = SessionConfiguration.express()
            configuration.transport = .header
            _ = try SessionManager.express(
                secrets: ["x"],
                store: MemorySessionStore(),
                acknowledging: .keysAreCredentials,
                configuration: configuration
            )
        },
        { _ = try CSRFPolicy(OriginPolicy(origins: ["https://shop.example"]), headers: ["Accept"]) },
        { _ = try CSRFPolicy(OriginPolicy(origins: ["https://shop.example"]), headers: [], field: nil) },
    ]

    @Test("CF-01 to CF-12: every refusal is typed, and tells the reader what to do about it")
    func advice() throws {
        let verbs = [
            "add", "begin", "change", "choose", "create", "give", "leave", "lengthen", "make", "name",
            "percent-encoded",
            "raise", "remove", "rename", "set", "shorten", "take", "use", "write",
        ]
        for (index, refusal) in Self.refusals.enumerated() {
            let thrown = #expect(throws: SessionConfigurationError.self, "number \(index)") { try refusal() }
            let message = try #require(thrown).message
            let words = Set(message.lowercased().split { !$0.isLetter && $0 != "-" }.map(String.init))
            #expect(!words.isDisjoint(with: verbs), "\(message)")
            #expect(message.hasSuffix(".") || message.hasSuffix("`"), "\(message)")
        }
    }
}
