/// What a client asks of a node in a random history.
public enum HistoryAction: Sendable, Hashable, Codable {
    /// Looks at the session.
    case read
    /// Appends the name to the session's list, by an `update`; begins a session if there is none.
    case append(String)
    /// The same, and a `save()` in the middle of the request.
    case appendAndSave(String)
    /// Puts a token there that can be consumed.
    case put(String)
    /// Consumes the token.
    case consume
    /// Rotates the credential, with a grace of so many milliseconds.
    case rotate(graceMilliseconds: Int)
    /// Logs the owner in and appends the name.
    case logIn(String, String)
    /// Logs out.
    case logOut
    /// Destroys the session.
    case destroy
    /// Touches the session.
    case touch
}

/// One request to a node: what to do, and the value of the `Cookie` field.
public struct HistoryRequest: Sendable, Codable {
    /// What to do.
    public var action: HistoryAction
    /// The value of the request's `Cookie` field, if it has one.
    public var cookie: String?

    /// Creates a request.
    public init(_ action: HistoryAction, cookie: String?) {
        self.action = action
        self.cookie = cookie
    }
}

/// What a node answered.
public struct HistoryResponse: Sendable, Codable {
    /// What the client was told about what it asked for.
    public enum Outcome: String, Sendable, Codable {
        /// It was done.
        case done
        /// It was not done.
        case refused
        /// Nobody can tell.
        case unknown
    }

    /// What the client was told.
    public var outcome: Outcome
    /// The session that the request found, and what it saw of it; `nil` if it was anonymous.
    public var found: Found?
    /// The handle of the session that the request left behind.
    public var left: String?
    /// The token that was consumed.
    public var consumed: String?
    /// Whether the request brought a genuine credential, and there is no record of its session.
    public var isGone = false
    /// The values of the response's `Set-Cookie` fields.
    public var setCookies: [String] = []

    /// A session as a request saw it.
    public struct Found: Sendable, Codable, Hashable {
        /// Its handle.
        public var handle: String
        /// Its list.
        public var list: [String]
        /// Its owner.
        public var owner: String?
        /// Its idle deadline, in microseconds since 1970.
        public var idleDeadline: Int64
        /// Its absolute deadline, in microseconds since 1970.
        public var absoluteDeadline: Int64
        /// When it was looked at, by the node's clock.
        public var now: Int64

        /// Creates what a request saw.
        public init(
            handle: String,
            list: [String],
            owner: String?,
            idleDeadline: Int64,
            absoluteDeadline: Int64,
            now: Int64
        ) {
            self.handle = handle
            self.list = list
            self.owner = owner
            self.idleDeadline = idleDeadline
            self.absoluteDeadline = absoluteDeadline
            self.now = now
        }
    }

    /// Creates a response.
    public init(_ outcome: Outcome) {
        self.outcome = outcome
    }
}

/// A part of the application that serves requests: a manager in this process, or one in a process of its own.
public protocol HistoryNode: Sendable {
    /// Serves a request. A node that died meanwhile answers ``HistoryResponse/Outcome/unknown``.
    func serve(_ request: HistoryRequest) async -> HistoryResponse
}
