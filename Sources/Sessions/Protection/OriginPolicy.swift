public import HTTPTypes

/// Refuses requests that another site makes in a user's name (cross-site request forgery).
///
/// A request that may change something must come from the application itself. The browser says so in `Sec-Fetch-Site`,
/// older ones in `Origin` (checklist CS-01 to CS-04, CS-11). So must one that opens a WebSocket, although it is a GET
/// (LC-15). Nothing that a page can choose freely counts: no content type, no accepted type, no method override.
public struct OriginPolicy: Sendable {
    /// Why a request was refused.
    public enum Refusal: String, Sendable, Hashable {
        /// `Sec-Fetch-Site` says that another site, or a sibling of this one, made the request.
        case crossSite
        /// `Origin` names another origin.
        case foreignOrigin
        /// Neither field came, and the request carries a session cookie.
        case unknownOrigin
    }

    private let origins: Set<[UInt8]>

    /// Creates a policy.
    ///
    /// - Parameter origins: the origins whose requests are accepted: the application's own, such as
    ///   `https://shop.example`, and any it trusts. Exactly scheme, host and port; an IPv6 address in brackets; `http`
    ///   only for `localhost`, `127.0.0.1` and `[::1]`. Upper case and the scheme's own port make no difference.
    /// - Throws: ``SessionConfigurationError`` for anything else (checklist CF-10).
    public init(origins: [String]) throws(SessionConfigurationError) {
        var accepted: Set<[UInt8]> = []
        for origin in origins { accepted.insert(try Origin(origin).bytes) }
        guard !accepted.isEmpty else {
            throw SessionConfigurationError(
                .trustedOrigin,
                "There is no origin. Name the application's own, such as https://shop.example."
            )
        }
        self.origins = accepted
    }

    /// Why `request` is refused; `nil` if it is accepted.
    ///
    /// - Parameters:
    ///   - request: the request, before anything of it has been acted on.
    ///   - carriesSession: whether it brings the session cookie: a request without `Sec-Fetch-Site` and `Origin` is then
    ///     refused, as no browser of today sends one.
    public func refusal(of request: HTTPRequest, carriesSession: Bool) -> Refusal? {
        switch request.method {
        case .get where Self.asksForWebSocket(request): break
        case .get, .head, .options: return nil
        default: break
        }
        let origin = request.headerFields[.origin]
        if let site = request.headerFields[.secFetchSite] {
            if site == "same-origin" || site == "none" { return nil }
            return isAccepted(origin) ? nil : .crossSite
        }
        if origin != nil { return isAccepted(origin) ? nil : .foreignOrigin }
        return carriesSession ? .unknownOrigin : nil
    }

    /// Whether the request would open a WebSocket.
    ///
    /// A page of any site may send it, cookies included: no same-origin policy and no preflight stands before it
    /// (checklist LC-15).
    private static func asksForWebSocket(_ request: HTTPRequest) -> Bool {
        request.headerFields[fields: .upgrade].contains { CacheProtection.members($0.value).contains("websocket") }
    }

    private func isAccepted(_ origin: String?) -> Bool {
        origin.map { origins.contains(Array($0.utf8)) } ?? false
    }
}

extension HTTPField.Name {
    // swift-format-ignore: NeverForceUnwrap
    // The name is a token.
    fileprivate static let secFetchSite = HTTPField.Name("Sec-Fetch-Site")!
}
