import ArgumentParser
import Logging
import Sessions
import SessionsRedis

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// How far the shop has come with the sessions of a Node service on express-session.
enum ExpressPhase: String, ExpressibleByArgument, CaseIterable {
    /// Node and the shop serve the same sessions, and these are Node's.
    case beside
    /// Node has stopped, and the shop takes its sessions over as they are used.
    case moving
}

/// The sessions of a Node service on express-session at its defaults, and connect-redis.
struct ExpressSessions {
    private static let missing: MissingGuarantees = [
        .concurrentChangesAreLost, .endedSessionsComeBack, .keysAreCredentials,
    ]

    private let secrets: [ForeignSecret]
    private let store: ConnectRedisStore
    private let configuration: SessionConfiguration

    init(_ store: ConnectRedisStore, _ options: ShopOptions) throws {
        self.store = store
        secrets = try Self.secrets(of: "EXPRESS_SECRETS")
        var configuration = SessionConfiguration.express()
        if options.plainHTTP { configuration.cookie = .plainHTTPForDevelopment(name: configuration.cookie.name) }
        self.configuration = configuration
    }

    /// The manager of phase 1.
    func beside(_ logger: Logger) throws -> SessionManager {
        try .express(
            secrets: secrets,
            store: store,
            acknowledging: Self.missing,
            configuration: configuration,
            logger: logger
        )
    }

    /// What the manager of phase 2 moves from. Whom Node has signed in owns the session from then on.
    var old: OldSessions {
        .express(
            secrets: secrets,
            store: store,
            acknowledging: Self.missing,
            configuration: configuration,
            owner: { session in session[.passport]?.user }
        )
    }

    /// express-session's `secret`, or several between commas, the signing one first.
    private static func secrets(of variable: String) throws -> [ForeignSecret] {
        let text = getenv(variable).map { String(cString: $0) } ?? ""
        let secrets = text.split(separator: ",").map { ForeignSecret(String($0)) }
        guard !secrets.isEmpty else {
            throw StartFailure(
                description: "The environment variable \(variable) is empty. Set it to express-session's secret, or to "
                    + "several with commas between them, the signing one first."
            )
        }
        return secrets
    }
}
