public import HTTPTypes

extension SessionManager {
    /// Over which of the configured transports a request brings a credential, genuine or not; empty if it brings none. No
    /// I/O.
    ///
    /// A request that brings it over ``SessionTransport/header`` alone is one that no other site's page can make: a
    /// browser adds `Authorization: Bearer` to nothing by itself, and asks first before it lets a script of another
    /// origin do so.
    public func transport(of fields: HTTPFields) -> SessionTransport {
        var transport: SessionTransport = []
        if configuration.transport.contains(.cookie), isCookiePresent(in: fields) { transport.insert(.cookie) }
        if bearer != nil, BearerHeader.isPresent(in: fields) { transport.insert(.header) }
        return transport
    }

    /// What a request presents, and over which transport the client is answered.
    ///
    /// The header wins over the cookie, whatever the header holds: a client has put it there for this request, while a
    /// cookie comes along uninvited and may be somebody else's (checklist PR-09). The cookie is then not looked at.
    func presentation(in fields: HTTPFields) -> (Presentation, SessionTransport) {
        guard let bearer else { return (format.presentation(in: fields), .cookie) }
        let inHeader = bearer.presentation(in: fields)
        if case .none = inHeader {
            guard configuration.transport.contains(.cookie) else { return (.none, .header) }
            return (format.presentation(in: fields), .cookie)
        }
        return (inHeader, .header)
    }

    /// Refuses a transport that the manager's format does not have.
    static func validate(
        _ configuration: SessionConfiguration,
        isNative: Bool
    ) throws(SessionConfigurationError) {
        guard !configuration.transport.isEmpty, configuration.transport.isSubset(of: [.cookie, .header]) else {
            throw SessionConfigurationError(
                .transport,
                "transport is empty or unknown, so that no client could have a session. Set it to .cookie, .header, or "
                    + "[.cookie, .header]."
            )
        }
        guard isNative || configuration.transport == .cookie && configuration.supersededPolicy == .refuse else {
            throw SessionConfigurationError(
                .transport,
                "The header transport and supersededPolicy need the native format and a store: sealed cookies and other "
                    + "systems' formats know neither. Leave transport at .cookie and supersededPolicy at .refuse."
            )
        }
    }
}

// MARK: What a 401 says

extension SessionManager {
    /// What a 401 says in its `WWW-Authenticate` field (RFC 9110 section 11.6.1 asks for at least one challenge).
    ///
    /// For the header transport it is `Bearer` with the application as its realm (RFC 6750 section 3). No authentication
    /// scheme is registered for cookies. The one here has the form that every client can parse, and names none that makes
    /// a browser ask for a password of its own accord.
    public var challenge: String { challenge(over: configuration.transport) }

    private func challenge(over transport: SessionTransport) -> String {
        var challenges: [String] = []
        if transport.contains(.header) { challenges.append("Bearer realm=\(Self.quoted(configuration.application))") }
        if transport.contains(.cookie) { challenges.append("Cookie cookie-name=\"\(cookieName)\"") }
        return challenges.joined(separator: ", ")
    }

    /// A quoted-string (RFC 9110 section 5.6.4); the text is printable ASCII.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { quoted.unicodeScalars.append("\\") }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "\""
    }

    /// The challenge to a request that came over `transport` with a credential that was worth `arrival`.
    func challenge(over transport: SessionTransport, _ arrival: Arrival) -> String {
        switch arrival {
        // A client that says nothing is told everything, and no error (RFC 6750 section 3.1).
        case .noCookie: return challenge
        case .found, .foundInGrace: return challenge(over: transport)
        default:
            let challenge = challenge(over: transport)
            return transport == .header ? challenge + ", error=\"invalid_token\"" : challenge
        }
    }

    /// The challenge of a 401 that asks for a more recent login, with the parameters of RFC 9470 section 3.
    func challenge(over transport: SessionTransport, maximumAge: Duration) -> String {
        let seconds = max(0, maximumAge.wholeMicroseconds / 1_000_000)
        return challenge(over: transport) + ", error=\"insufficient_user_authentication\", max_age=\"\(seconds)\""
    }
}
