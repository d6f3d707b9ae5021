#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What a Compas service takes from its environment: the name of its cookie, its keys, its domain, and whether it runs in
/// production.
///
/// ```swift
/// let sessions = try SessionManager.compas(
///     CompasSettings(),
///     store: try await CompasSessionStore(url),
///     acknowledging: [.concurrentChangesAreLost, .endedSessionsComeBack, .keysAreCredentials]
/// )
/// ```
///
/// | variable | meaning |
/// |---|---|
/// | `NODE_ENV` | `production`, or `development` or `test` |
/// | `APP_NAME` | the cookie is called `<app name>.sess`, in lower case |
/// | `APP_KEYS` | in production, the keys that sign: the first signs, all verify, a comma between two |
/// | `COOKIE_URL` | in production, the cookie's domain; without it, the host alone that sets it |
///
/// In development the one key is the application's name, signed with SHA-1, and the cookie travels over plain HTTP, as with
/// Compas: anybody can make a cookie. Compas takes a `NODE_ENV` that says nothing for development too. Here it is refused,
/// or a forgotten variable would do that to users.
///
/// The values may be given directly, as by the product SessionsConfiguration, which reads them with swift-configuration.
public struct CompasSettings: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    /// `APP_NAME`.
    public let application: String

    /// Whether `NODE_ENV` is `production`.
    public let isProduction: Bool

    /// The cookie's domain; `nil` for the host alone that sets it.
    public let cookieDomain: String?

    /// The keys: the first signs, all verify.
    let keys: [String]

    /// The hash that Compas signs with.
    var signature: KoaSignature { isProduction ? .sha256 : .sha1 }

    /// Takes the settings from environment variables.
    ///
    /// - Parameter environment: `nil`, as by default, for that of the process.
    /// - Throws: ``SessionConfigurationError`` if one that is needed is missing, or if `APP_KEYS` is too short.
    public init(
        environment: [String: String]? = nil
    ) throws(SessionConfigurationError) {
        let environment = environment ?? ProcessInfo.processInfo.environment
        try self.init(
            nodeEnvironment: environment["NODE_ENV"],
            appName: environment["APP_NAME"],
            appKeys: environment["APP_KEYS"],
            cookieURL: environment["COOKIE_URL"]
        )
    }

    /// Takes the settings from values that somebody else has read.
    ///
    /// - Parameters:
    ///   - nodeEnvironment: `NODE_ENV`.
    ///   - appName: `APP_NAME`.
    ///   - appKeys: `APP_KEYS`. In production at least 20 characters, the first key alone.
    ///   - cookieURL: `COOKIE_URL`, a host name.
    /// - Throws: ``SessionConfigurationError`` if one that is needed is missing, or if `appKeys` is too short.
    public init(
        nodeEnvironment: String?,
        appName: String?,
        appKeys: String?,
        cookieURL: String?
    ) throws(SessionConfigurationError) {
        switch nodeEnvironment {
        case "production": isProduction = true
        case "development", "test": isProduction = false
        default:
            throw SessionConfigurationError(
                .missingSecret,
                "NODE_ENV says neither production nor development or test. Compas would take that for development, where "
                    + "cookies are signed with the name of the application. Set it."
            )
        }
        guard let appName, !appName.isEmpty else {
            throw SessionConfigurationError(
                .invalidCookieName,
                "APP_NAME is missing, and the cookie is called after it. Set it as the Node service has it."
            )
        }
        application = appName
        cookieDomain = isProduction ? cookieURL.flatMap { $0.isEmpty ? nil : $0 } : nil
        keys = isProduction ? try Self.keys(appKeys) : [appName]
    }

    private static func keys(_ text: String?) throws(SessionConfigurationError) -> [String] {
        guard let text, !text.isEmpty else {
            throw SessionConfigurationError(
                .missingSecret,
                "APP_KEYS is missing, and production needs keys to sign with. Set it as the Node service has it."
            )
        }
        let keys = text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map {
            String($0) ?? ""
        }
        guard let first = keys.first, first.utf8.count >= shortestKey, !keys.contains("") else {
            throw SessionConfigurationError(
                .weakSecret,
                "The first key of APP_KEYS has fewer than \(shortestKey) characters, or another is empty. Make one with "
                    + "`openssl rand -base64 32`, and put it first in both services; what the others have signed is read on."
            )
        }
        return keys
    }

    private static let shortestKey = 20

    /// The configuration that these settings make.
    ///
    /// - Parameters:
    ///   - maxAge: Compas's `maxAge`, by default 6 days; `nil` for its `'session'`.
    ///   - renewal: Compas's `renew`, by default each 30 seconds.
    ///   - keepPublicCookie: Whether ``SessionCookie/companion`` is `<app name>.sess.public`.
    public func configuration(
        maxAge: Duration? = .seconds(6 * 86_400),
        renewal: KoaRenewal = .each(.seconds(30)),
        keepPublicCookie: Bool = false
    ) -> SessionConfiguration {
        let name = application.lowercased() + ".sess"
        var configuration = SessionConfiguration.koa(name: name, maxAge: maxAge, renewal: renewal)
        if !isProduction {
            let persistence = configuration.cookie.persistence
            configuration.cookie = .plainHTTPForDevelopment(name: name)
            configuration.cookie.persistence = persistence
        }
        configuration.cookie.domain = cookieDomain
        configuration.cookie.companion = keepPublicCookie ? name + ".public" : nil
        return configuration
    }

    /// Nothing of the keys.
    public var description: String { "CompasSettings(\(application), redacted)" }

    /// Nothing of the keys.
    public var customMirror: Mirror {
        Mirror(self, children: ["application": application, "isProduction": isProduction], displayStyle: .struct)
    }
}
