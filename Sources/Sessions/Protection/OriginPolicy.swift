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

    /// What becomes of a request that may change something and says in neither field where it comes from.
    ///
    /// Every browser of today says it. Programs do not, and very old browsers.
    public enum MissingOrigin: Sendable, Hashable {
        /// It is refused if it carries a session: nobody else's page can then use that.
        case refusedWithSession
        /// It is refused.
        case refused
        /// It is accepted, as others do by default: the session cookie's `SameSite` is then all that stands before a
        /// browser that says nothing.
        case accepted
    }

    private let origins: Set<[UInt8]>
    private let missingOrigin: MissingOrigin
    private let trusts: (@Sendable (String) -> Bool)?

    /// Creates a policy.
    ///
    /// - Parameters:
    ///   - origins: the origins whose requests are accepted: the application's own, such as `https://shop.example`, and
    ///     any it trusts. Exactly scheme, host and port; an IPv6 address in brackets; `http` only for `localhost`,
    ///     `127.0.0.1` and `[::1]`. Upper case and the scheme's own port make no difference. The request's `Host` is
    ///     never asked: whoever sends it chooses that (checklist CS-04).
    ///   - missingOrigin: what becomes of a request that does not say where it comes from.
    ///   - trusts: whether to accept another origin, where not all are known when the application starts. It is asked
    ///     about nothing but an origin that could stand in `origins`, in a browser's spelling; compare it whole.
    /// - Throws: ``SessionConfigurationError`` for anything else (checklist CF-10).
    public init(
        origins: [String],
        missingOrigin: MissingOrigin = .refusedWithSession,
        trusts: (@Sendable (_ origin: String) -> Bool)? = nil
    ) throws(SessionConfigurationError) {
        var accepted: Set<[UInt8]> = []
        for origin in origins { accepted.insert(try Origin(origin).bytes) }
        guard !accepted.isEmpty || trusts != nil else {
            throw SessionConfigurationError(
                .trustedOrigin,
                "There is no origin. Name the application's own, such as https://shop.example."
            )
        }
        self.origins = accepted
        self.missingOrigin = missingOrigin
        self.trusts = trusts
    }

    /// Why `request` is refused; `nil` if it is accepted.
    ///
    /// One whose credential comes over ``SessionTransport/header``, and not in a cookie as well, is accepted wherever it
    /// comes from: no page of another site can have a browser send it.
    ///
    /// - Parameters:
    ///   - request: the request, before anything of it has been acted on.
    ///   - sessions: the manager whose session cookie tells a user's request from a stranger's. Without one, any cookie
    ///     does, and any `Authorization`: browsers send passwords along uninvited too.
    public func refusal(of request: HTTPRequest, for sessions: SessionManager?) -> Refusal? {
        let fields = request.headerFields
        guard let sessions else { return refusal(of: request, carriesSession: fields.carriesCredential) }
        let transport = sessions.transport(of: fields)
        return transport == .header ? nil : refusal(of: request, carriesSession: !transport.isEmpty)
    }

    /// Why `request` is refused; `nil` if it is accepted.
    ///
    /// - Parameters:
    ///   - request: the request, before anything of it has been acted on.
    ///   - carriesSession: whether it brings the session cookie: a request without `Sec-Fetch-Site` and `Origin` is then
    ///     refused, as no browser of today sends one, unless ``MissingOrigin`` says otherwise.
    public func refusal(of request: HTTPRequest, carriesSession: Bool) -> Refusal? {
        guard !Self.isSafe(request) || Self.asksForWebSocket(request) else { return nil }
        let origin = request.headerFields[.origin]
        if let site = request.headerFields[.secFetchSite] {
            if site == "same-origin" || site == "none" { return nil }
            return isAccepted(origin) ? nil : .crossSite
        }
        if origin != nil { return isAccepted(origin) ? nil : .foreignOrigin }
        switch missingOrigin {
        case .refusedWithSession: return carriesSession ? .unknownOrigin : nil
        case .refused: return .unknownOrigin
        case .accepted: return nil
        }
    }

    /// Whether the request may change nothing, by its method: exactly these three (checklist CS-11).
    static func isSafe(_ request: HTTPRequest) -> Bool {
        switch request.method {
        case .get, .head, .options: true
        default: false
        }
    }

    /// Whether the request would open a WebSocket.
    ///
    /// A page of any site may send it, cookies included: no same-origin policy and no preflight stands before it
    /// (checklist LC-15).
    private static func asksForWebSocket(_ request: HTTPRequest) -> Bool {
        request.method == .get
            && request.headerFields[fields: .upgrade].contains {
                CacheProtection.members($0.value).contains("websocket")
            }
    }

    private func isAccepted(_ origin: String?) -> Bool {
        guard let origin else { return false }
        let bytes = Array(origin.utf8)
        if origins.contains(bytes) { return true }
        // Nothing of a page's choice reaches the application's closure but an origin, spelled in the one way.
        guard let trusts, let parsed = try? Origin(origin), parsed.bytes == bytes else { return false }
        return trusts(origin)
    }
}

extension HTTPFields {
    /// Whether there is anything that browsers send along with a request of somebody else's page.
    fileprivate var carriesCredential: Bool { contains { $0.name == .cookie || $0.name == .authorization } }
}

extension HTTPField.Name {
    // swift-format-ignore: NeverForceUnwrap
    // The name is a token.
    fileprivate static let secFetchSite = HTTPField.Name("Sec-Fetch-Site")!
}
