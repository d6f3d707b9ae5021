public import HTTPTypes

/// Refuses forms that another site makes in a user's name: by where they come from, and by a token of the session.
///
/// The origin is checked first, which takes no session, no store and no body. What has passed has to bring
/// ``Session/csrfToken``, in a header or in a form field: the second lock, for pages whose forms are worth one (checklist
/// CS-05). Where one lock is enough, an ``OriginPolicy`` alone is.
///
/// ```swift
/// let csrf = try CSRFPolicy(OriginPolicy(origins: ["https://shop.example"]))
///
/// if let refusal = try await csrf.answer(to: request, in: exchange, form: { body }) { return refusal }
/// ```
///
/// A request that only reads is asked for nothing, so no session begins for a visitor because of this.
public struct CSRFPolicy: Sendable {
    /// Why a request was refused.
    public enum Refusal: Sendable, Hashable, CustomStringConvertible {
        /// It comes from elsewhere.
        case origin(OriginPolicy.Refusal)
        /// It brings no token.
        case missingToken
        /// It brings something that is no token of its session, or more than one token.
        case invalidToken

        /// The case, for a log.
        public var description: String {
            switch self {
            case .origin(let refusal): refusal.rawValue
            case .missingToken: "missingToken"
            case .invalidToken: "invalidToken"
            }
        }
    }

    /// Whose requests need a token.
    public enum Requirement: Sendable, Hashable {
        /// Everybody's. A form for visitors then has a token too, and to make one begins a session.
        case everybody
        /// Those of sessions with an owner. Visitors' forms are held to their origin alone, which a login form needs to
        /// be (checklist CS-12), and begin no session.
        case owners
    }

    /// The headers in which clients of other systems send a token.
    public static let usualHeaders = ["X-CSRF-Token", "X-XSRF-Token", "CSRF-Token"]

    /// Where requests may come from.
    public let origins: OriginPolicy
    /// Whose requests need a token.
    public let requirement: Requirement

    private let headers: [HTTPField.Name]
    private let field: [UInt8]?

    /// Creates a policy.
    ///
    /// - Parameters:
    ///   - origins: where requests may come from.
    ///   - requirement: whose requests need a token.
    ///   - headers: the names of the headers that may hold it, the first that is there counts. Default ``usualHeaders``.
    ///   - field: the name of the form field that may hold it, if no header does. Default `csrf`. `nil`: none.
    /// - Throws: ``SessionConfigurationError`` with code `csrfToken` for a header that every page may send to another
    ///   site, or that is none (checklist CS-10); for an empty field; and if there is neither.
    public init(
        _ origins: OriginPolicy,
        of requirement: Requirement = .everybody,
        headers: [String] = CSRFPolicy.usualHeaders,
        field: String? = "csrf"
    ) throws(SessionConfigurationError) {
        self.origins = origins
        self.requirement = requirement
        self.field = field.map { Array($0.utf8) }
        var names: [HTTPField.Name] = []
        for header in headers {
            guard let name = HTTPField.Name(header), !Self.isOpenToPages(name) else {
                throw SessionConfigurationError(
                    .csrfToken,
                    "\(header.debugDescription) is no header for a CSRF token: it is no name, or any page may send it. "
                        + "Use a name of your own, such as X-CSRF-Token."
                )
            }
            names.append(name)
        }
        self.headers = names
        guard self.field?.isEmpty != true, self.field != nil || !names.isEmpty else {
            throw SessionConfigurationError(
                .csrfToken,
                "There is no place for the CSRF token. Name a header, such as X-CSRF-Token, or a form field."
            )
        }
    }

    /// Whether a request is one that may need a token: it may change something, and its session is one that a browser
    /// sends along by itself.
    ///
    /// A WebSocket handshake is not: it can bring none, and ``origins`` has had its say.
    public func asksForToken(_ request: HTTPRequest, for sessions: SessionManager) -> Bool {
        !OriginPolicy.isSafe(request) && sessions.transport(of: request.headerFields) != .header
    }

    /// Why a request with this token is refused; `nil` if it is accepted. Compares in constant time.
    ///
    /// - Parameters:
    ///   - token: what ``token(in:)`` or ``token(inForm:)`` found, or what the application did; never from a query, and
    ///     never from a cookie (checklist CS-05).
    ///   - session: the request's session.
    public func refusal(of token: String?, in session: Session) -> Refusal? {
        if requirement == .owners, session.owner == nil { return nil }
        guard let token, !token.isEmpty else { return .missingToken }
        return session.acceptsCSRFToken(token) ? nil : .invalidToken
    }

    /// What the headers hold as a token; `nil` if it is nothing.
    ///
    /// Several fields of one name are joined, and are no token then.
    public func token(in fields: HTTPFields) -> String? {
        for name in headers {
            let text = fields[fields: name].map { Self.trimmed($0.value.utf8) }.joined(separator: ",")
            if !text.isEmpty { return text }
        }
        return nil
    }

    /// What a body of type `application/x-www-form-urlencoded` holds as a token; `nil` if it is nothing.
    ///
    /// Several fields of the name are joined, and are no token then.
    public func token(inForm body: some Collection<UInt8>) -> String? {
        guard let field else { return nil }
        let text = FormBody.values(of: field, in: body, limit: 2).map { Self.trimmed($0) }.joined(separator: ",")
        return text.isEmpty ? nil : text
    }

    /// Whether a policy takes a token from a form at all.
    public var readsForms: Bool { field != nil }

    private static func trimmed(_ bytes: some BidirectionalCollection<UInt8>) -> String {
        var found = bytes[...]
        while let first = found.first, CookieBytes.isBlank(first) { found = found.dropFirst() }
        while let last = found.last, CookieBytes.isBlank(last) { found = found.dropLast() }
        return String(decoding: found, as: UTF8.self)
    }

    /// Whether a page may send the header to another site without being asked about it first (Fetch, "CORS-safelisted
    /// request-header" and "forbidden request-header"), or the browser sets it itself.
    private static func isOpenToPages(_ name: HTTPField.Name) -> Bool {
        let text = name.canonicalName
        return openToPages.contains(text) || text.hasPrefix("sec-") || text.hasPrefix("proxy-")
    }

    private static let openToPages: Set<String> = [
        "accept", "accept-charset", "accept-encoding", "accept-language", "access-control-request-headers",
        "access-control-request-method", "authorization", "connection", "content-language", "content-length",
        "content-type", "cookie", "date", "dnt", "dpr", "downlink", "ect", "expect", "host", "keep-alive",
        "last-event-id", "origin", "range", "referer", "rtt", "save-data", "te", "trailer", "transfer-encoding",
        "upgrade", "user-agent", "via", "viewport-width", "width",
    ]
}
