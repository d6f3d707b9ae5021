/// The sessions of another system that a ``SessionManager`` moves from: <doc:Moving>.
///
/// ```swift
/// let sessions = try SessionManager(
///     store: RedisSessionStore(url: "redis://localhost:6379"),
///     keys: KeyRing(environment: "SESSION_KEYS"),
///     movingFrom: .express(
///         secrets: ["keyboard cat"],
///         store: ConnectRedisStore(url: "redis://localhost:6379"),
///         acknowledging: [.concurrentChangesAreLost, .endedSessionsComeBack, .keysAreCredentials]
///     )
/// )
/// ```
///
/// Each format that this library speaks has a function here that makes one, with the arguments of the manager that speaks
/// it.
public struct OldSessions: Sendable, CustomStringConvertible, CustomReflectable {
    /// When the last old cookie is accepted.
    public enum End: Sendable, Hashable {
        /// As long as the manager moves from them.
        case noDate
        /// Until this time.
        case date(Timestamp)
        /// Until one lifetime of the old configuration after this time, which is when the last service that knows nothing
        /// but the old format stopped.
        ///
        /// A session that was used after it has moved, and one that was not is over by then. Where sessions have longer
        /// lifetimes of their own ("remember me"), say ``date(_:)``.
        case oneLifetime(after: Timestamp)
    }

    /// Which requests move a session.
    public enum Occasion: Sendable, Hashable {
        /// The first that changes it, or that would move its idle deadline. Reading writes nothing inside the renewal
        /// interval, as always.
        case onWrite
        /// The first that asks for it: sooner done, at the cost of a write for a request that only read.
        case onRead
    }

    let format: any ForeignFormat
    let store: any SessionStore
    let acknowledged: MissingGuarantees
    let configuration: SessionConfiguration
    let owner: (@Sendable (OldValues) -> String?)?

    /// When the last old cookie is accepted. Default ``End/noDate``.
    public internal(set) var end: End = .noDate

    /// Which requests move a session. Default ``Occasion/onWrite``.
    public internal(set) var occasion: Occasion = .onWrite

    init(
        _ format: some ForeignFormat,
        store: any SessionStore,
        acknowledging named: MissingGuarantees,
        configuration: SessionConfiguration,
        owner: (@Sendable (OldValues) -> String?)?
    ) {
        self.format = format
        self.store = store
        acknowledged = named
        self.configuration = configuration
        self.owner = owner
    }

    /// The name of the other system: it has secrets (checklist CR-14).
    public var description: String { "OldSessions(\(format.name))" }

    /// Empty.
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// The same sessions, with cookies that are refused after `end`.
    public func until(_ end: End) -> OldSessions {
        var sessions = self
        sessions.end = end
        return sessions
    }

    /// The same sessions, moved on another occasion.
    public func moved(_ occasion: Occasion) -> OldSessions {
        var sessions = self
        sessions.occasion = occasion
        return sessions
    }
}

/// The values of a session as another system left them.
public struct OldValues: Sendable {
    let values: SessionValues

    /// The value of `key`; its default if there is none, or none that decodes.
    public subscript<Value>(key: SessionKey<Value>) -> Value {
        values.value(key.valueName, as: Value.self) ?? key.defaultValue
    }
}
