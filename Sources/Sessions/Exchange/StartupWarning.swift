/// What a manager logs once, when it is made: it is allowed, and seldom meant.
enum StartupWarning: Sendable, Hashable {
    /// The cookie travels without `Secure` (checklist CK-13).
    case plainHTTP
    /// The cookie travels without `Secure` where the connection is not encrypted (CK-13).
    case automaticSecurity
    /// Every host under a domain gets the cookie, and can replace it (CK-12).
    case sharedDomain(String)
    /// The cookie is kept to a path, as if that kept anybody out (CK-12).
    case narrowPath(String)
    /// The keys die with the process (CF-02).
    case ephemeralKeys
    /// The records die with the process, in a release build (CF-11).
    case memoryStore

    /// What the log says: what is odd about it, and what to change.
    var message: String {
        switch self {
        case .plainHTTP:
            "The session cookie travels without Secure: for development only. Use SessionCookie() in production, "
                + "behind a proxy that terminates TLS too."
        case .automaticSecurity:
            "The session cookie travels without Secure to clients whose connection is not encrypted. Redirect them to "
                + "HTTPS, and use SessionCookie() where all come that way."
        case .sharedDomain(let domain):
            "Every host under \(domain) receives the session cookie and can replace it. Leave cookie.domain out unless "
                + "all of them are yours and need the session."
        case .narrowPath(let path):
            "The session cookie is sent below \(path) only, which protects nothing: pages of other paths on this host "
                + "can still use it. Leave cookie.path at / unless another application on this host uses the same name."
        case .ephemeralKeys:
            "The key ring was made for this process: all sessions end with it. Make a secret with "
                + "`openssl rand -base64 32` and pass KeyRing(environment:) or KeyRing(file:), or set "
                + "sessionsMayEndWithProcess if this is meant."
        case .memoryStore:
            "Sessions are kept in this process's memory: they end with it, and no other process knows them. Use a "
                + "store that lasts, or set sessionsMayEndWithProcess if this is meant."
        }
    }

    /// What is odd about a manager with these parts.
    static func all(
        _ configuration: SessionConfiguration,
        hasEphemeralKeys: Bool,
        storeIsLocal: Bool,
        isReleaseBuild: Bool
    ) -> [StartupWarning] {
        let cookie = configuration.transport.contains(.cookie) ? configuration.cookie : SessionCookie()
        var warnings: [StartupWarning] = []
        switch cookie.security {
        case .always: break
        case .automatic: warnings.append(.automaticSecurity)
        case .plainHTTPForDevelopment: warnings.append(.plainHTTP)
        }
        if let domain = cookie.domain { warnings.append(.sharedDomain(domain)) }
        if cookie.path != "/" { warnings.append(.narrowPath(cookie.path)) }
        guard !configuration.sessionsMayEndWithProcess else { return warnings }
        if hasEphemeralKeys { warnings.append(.ephemeralKeys) }
        if storeIsLocal, isReleaseBuild { warnings.append(.memoryStore) }
        return warnings
    }

    /// Whether this is a build for production, as far as a library can tell.
    static var isReleaseBuild: Bool {
        #if DEBUG
        false
        #else
        true
        #endif
    }
}
