public import HTTPTypes

/// Refuses requests that another site makes in a user's name (cross-site request forgery).
///
/// A request that may change something must come from the application itself. The browser says so in `Sec-Fetch-Site`,
/// older ones in `Origin` (checklist CS-01 to CS-04, CS-11). So must one that opens a WebSocket, although it is a GET
/// (LC-15). Nothing that a page can choose freely counts: no content
/// type, no accepted type, no method override.
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
    ///   `https://shop.example`, and any it trusts. Exactly scheme, host and port; `http` only for `localhost`.
    /// - Throws: ``SessionConfigurationError`` for anything else (checklist CF-10).
    public init(origins: [String]) throws(SessionConfigurationError) {
        var accepted: Set<[UInt8]> = []
        for origin in origins { accepted.insert(try Self.normalized(origin)) }
        guard !accepted.isEmpty else {
            throw SessionConfigurationError(
                .trustedOrigin,
                "Name the application's own origin, such as https://shop.example."
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

    /// The origin as a browser writes it: lower case, no default port.
    private static func normalized(_ origin: String) throws(SessionConfigurationError) -> [UInt8] {
        let refusal = SessionConfigurationError(
            .trustedOrigin,
            "\(origin.debugDescription) is no origin: write scheme, host and port and nothing else, such as https://shop.example."
        )
        let bytes = Array(origin.utf8).map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
        let https = Array("https://".utf8)
        let http = Array("http://".utf8)
        let isSecure = bytes.starts(with: https)
        guard isSecure || bytes.starts(with: http) else { throw refusal }
        var authority = bytes.dropFirst(isSecure ? https.count : http.count)
        let defaultPort = Array((isSecure ? ":443" : ":80").utf8)
        if authority.count > defaultPort.count, authority.suffix(defaultPort.count).elementsEqual(defaultPort) {
            authority.removeLast(defaultPort.count)
        }
        let parts = authority.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard let host = parts.first, !host.isEmpty, parts.count <= 2, host.allSatisfy(isHostByte) else {
            throw refusal
        }
        if parts.count == 2 {
            guard (1...5).contains(parts[1].count), parts[1].allSatisfy({ (0x30...0x39).contains($0) }) else {
                throw refusal
            }
        }
        guard isSecure || host.elementsEqual("localhost".utf8) || host.elementsEqual("127.0.0.1".utf8) else {
            throw SessionConfigurationError(
                .trustedOrigin,
                "\(origin.debugDescription) is reached over plain HTTP, where anybody on the way can speak for it: use https."
            )
        }
        return (isSecure ? https : http) + authority
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."): true
        default: false
        }
    }
}

extension HTTPField.Name {
    // swift-format-ignore: NeverForceUnwrap
    // The name is a token.
    fileprivate static let secFetchSite = HTTPField.Name("Sec-Fetch-Site")!
}
