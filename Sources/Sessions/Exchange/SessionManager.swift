public import HTTPTypes
public import Logging
import Tracing

/// Opens exchanges, and manages the sessions of owners.
///
/// One manager serves one cookie. It is made once, when the application starts:
///
/// ```swift
/// let sessions = try SessionManager(
///     store: SQLiteSessionStore(path: "sessions.sqlite"),
///     keys: KeyRing(environment: "SESSION_KEYS")
/// )
/// ```
public final class SessionManager: Sendable {
    /// The configuration this manager was made with.
    public let configuration: SessionConfiguration

    /// The store that the manager keeps its records in; one that answers nothing, where sessions live in their cookies.
    public let store: any SessionStore

    let access: InstrumentedStore
    let realm: Realm
    let codec: CredentialCodec
    /// How credentials and records are spelled.
    let format: any WireFormat
    /// Another system's format that sessions are moved from.
    let moving: OldFormat?
    let cookieName: CookieName
    /// The cookie's fields, where they do not depend on the request.
    let cookie: SetCookieTemplate
    /// The header transport, if it is one of those that are configured.
    let bearer: BearerHeader?
    /// The cookie that tells scripts of the other, if there is one.
    let companion: SetCookieTemplate?
    /// How the cookie's settings follow from the request; `nil` where they are always the same.
    let rules: CookieRules?
    let clock: any SessionClock
    package let logger: Logger
    let metrics: SessionMetrics
    let queue = CommitQueue()
    /// What is in place of a store, where sessions live in their cookies.
    let sealed: SealedBackend?
    /// Whether all stores answer within the process, without suspending: their operations cannot be cancelled.
    let storeIsLocal: Bool
    private let logLimiter = LogLimiter()
    private let observer: (@Sendable (SessionEvent) -> Void)?

    /// Creates a manager.
    ///
    /// - Parameters:
    ///   - store: where the records are kept.
    ///   - keys: the key ring; the first key signs and seals, all verify and open.
    ///   - configuration: the defaults are safe.
    ///   - clock: what deadlines are compared with.
    ///   - logger: where the manager logs. Nothing that authenticates is ever logged.
    ///   - observer: is called with every ``SessionEvent``, on the request's path: it should return at once.
    /// - Throws: ``SessionConfigurationError`` if the configuration is unsafe or contradicts itself (checklist section L).
    public convenience init(
        store: any SessionStore,
        keys: KeyRing,
        configuration: SessionConfiguration = SessionConfiguration(),
        clock: any SessionClock = SystemSessionClock(),
        logger: Logger = Logger(label: "sessions"),
        observer: (@Sendable (SessionEvent) -> Void)? = nil
    ) throws(SessionConfigurationError) {
        try self.init(
            store: store,
            keys: keys,
            configuration: configuration,
            clock: clock,
            logger: logger,
            observer: observer,
            metrics: SessionMetrics()
        )
    }

    init(
        store: any SessionStore,
        sealedCookies: SealedCookies? = nil,
        keys: KeyRing,
        configuration: SessionConfiguration,
        clock: any SessionClock,
        logger: Logger,
        observer: (@Sendable (SessionEvent) -> Void)?,
        metrics: SessionMetrics,
        foreign: (any ForeignFormat)? = nil,
        movingFrom old: OldSessions? = nil
    ) throws(SessionConfigurationError) {
        try configuration.validate()
        try Self.validate(configuration, isNative: foreign == nil && sealedCookies == nil)
        // A session that is in its cookie is at hand.
        var inCookies = try foreign?.cookieCodec(configuration, clock)
        let isInCookie = sealedCookies != nil || inCookies != nil
        let isLocal = isInCookie ? sealedCookies?.revocations == nil : store is any ProcessLocalSessionStore
        storeIsLocal = isLocal && (old.map { $0.store is any ProcessLocalSessionStore } ?? true)
        guard configuration.maximumSessionsPerOwner == nil || store is any OwnerIndexedSessionStore else {
            throw SessionConfigurationError(
                .store,
                "maximumSessionsPerOwner needs a store that keeps an index of owners, and this one keeps none. Use "
                    + "another store, or leave the limit at nil."
            )
        }
        guard !keys.isEphemeral || isLocal || isInCookie else {
            throw SessionConfigurationError(
                .missingSecret,
                "Ephemeral keys with a store that outlives the process would log everybody out at each start. "
                    + "Make a secret with `openssl rand -base64 32` and pass KeyRing(environment:) or KeyRing(file:)."
            )
        }
        self.configuration = configuration
        self.store = store
        self.clock = clock
        self.logger = logger
        self.observer = observer
        cookieName = try CookieName(configuration.cookie.name)
        // Another system's cookie is called what it is called.
        cookie = try configuration.cookie.template(isSecure: true, allowUnprefixed: foreign != nil)
        realm = Realm(application: configuration.application, cookieName: configuration.cookie.name)
        codec = CredentialCodec(keys: keys, realm: realm)
        bearer = configuration.transport.contains(.header) ? BearerHeader(codec: codec) : nil
        let own =
            try foreign?.wireFormat(cookie, configuration, clock)
            ?? NativeWireFormat(
                codec: codec,
                cookie: cookie,
                records: RecordCoder(
                    format: NativeRecordFormat(),
                    sealer: configuration.sealsRecords ? Sealer(keys: keys, realm: realm, purpose: .record) : nil,
                    maximumBytes: configuration.maximumRecordBytes
                )
            )
        if let old {
            guard configuration.transport.contains(.cookie) else {
                throw SessionConfigurationError(
                    .transport,
                    "Sessions are moved from another system's cookies, and transport has none, so nobody's would be. Set "
                        + "transport to .cookie or [.cookie, .header]."
                )
            }
            let moving = try OldFormat(old, for: realm, clock: clock, metrics: MovingMetrics())
            self.moving = moving
            format = MovingWireFormat(own: own, old: moving, clock: clock)
        } else {
            moving = nil
            format = own
        }
        companion = try configuration.cookie.companionTemplate(cookie.attributes, beside: format)
        try moving?.check(format.expiredCookies(), companion)
        rules = try CookieRules(configuration, template: cookie, format: format, allowUnprefixed: foreign != nil)
        self.metrics = metrics
        let tracer = InstrumentationSystem.tracer
        access = InstrumentedStore(
            store: store,
            old: old?.store,
            metrics: metrics,
            tracer: tracer is NoOpTracer ? nil : tracer
        )
        let realm = self.realm
        if let sealedCookies { inCookies = SealedCodec(keys: keys, realm: realm, padding: sealedCookies.padding) }
        sealed = inCookies.map { codec in
            SealedBackend(
                codec: codec,
                revocations: sealedCookies?.revocations.map {
                    InstrumentedStore(store: $0, metrics: metrics, tracer: tracer is NoOpTracer ? nil : tracer)
                },
                longest: max(configuration.lifetime.absolute, configuration.anonymousLifetime.absolute)
            )
        }
        metrics.countEvictions(of: store)
        let warnings = StartupWarning.all(
            configuration,
            hasEphemeralKeys: keys.isEphemeral,
            storeIsLocal: isLocal && !isInCookie,
            isReleaseBuild: StartupWarning.isReleaseBuild
        )
        for warning in warnings { logger.warning("\(warning.message)") }
    }

    /// Opens the exchange of a request: no I/O, and nothing is parsed before a handler asks.
    ///
    /// - Parameters:
    ///   - request: the request's head. What is beside its fields is looked at only where a setting asks for it.
    ///   - connection: the connection that the request came on, where ``readsConnection`` asks for it.
    public func open(_ request: HTTPRequest, over connection: RequestConnection? = nil) -> SessionExchange {
        let details = rules == nil ? nil : RequestDetails(request, connection)
        return SessionExchange(manager: self, fields: request.headerFields, details: details)
    }

    /// Whether the connection that a request came on makes a difference, for adapters to which it is work to find out.
    public var readsConnection: Bool { rules?.readsConnection ?? false }

    /// Opens the exchange of a request with these header fields: no I/O, and nothing is parsed before a handler asks.
    public func open(_ fields: HTTPFields) -> SessionExchange {
        SessionExchange(manager: self, fields: fields)
    }

    /// Opens the exchange of a client whose cookie has this value: for a service without a framework, and without header
    /// fields.
    ///
    /// ```swift
    /// let exchange = sessions.open(cookieValue: value)
    /// try await exchange.session.update(.count) { $0 += 1 }
    /// let next = try await exchange.commit().cookieValue    // nil: the client keeps what it has
    /// ```
    ///
    /// No I/O, and nothing is parsed before a handler asks.
    ///
    /// - Parameter value: What stands behind the cookie's name and `=`; `nil` or empty for a client without the cookie. One
    ///   that no `Cookie` field can carry is malformed. In a wire format of several cookies, use ``open(_:)-(HTTPFields)``.
    public func open(cookieValue value: String?) -> SessionExchange {
        guard let value, !value.isEmpty else { return open(HTTPFields()) }
        // A semicolon would begin another cookie: such a value opens nothing.
        let isOne = value.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != CookieBytes.semicolon }
        return open([.cookie: "\(cookieName)=\(isOne ? value : "")"])
    }

    /// Whether a request brings the session cookie, or that of a system that sessions are moved from, genuine or not. No
    /// I/O.
    ///
    /// It adds no `Vary` to any response: where the answer depends on this alone, the application adds `Vary: Cookie`
    /// itself, or a cache may hand it to others (checklist CA-03).
    public func isCookiePresent(in fields: HTTPFields) -> Bool {
        if case .absent = CookieHeader(fields).lookup(cookieName) {
            moving?.isPresent(in: fields) ?? false
        } else {
            true
        }
    }

    /// A keyed hash of a handle: tells one session's events from another's.
    func tag(_ handle: SessionHandle?) -> String? {
        handle.map { codec.logTag($0) }
    }

    /// Tells the observer and the log of something about the session whose record is at `key`.
    func emit(_ kind: SessionEvent.Kind, _ key: StoreKey) {
        emit(kind, format.handle(of: key))
    }

    /// Tells the observer and the log.
    func emit(_ kind: SessionEvent.Kind, _ handle: SessionHandle? = nil) {
        let event = SessionEvent(kind: kind, tag: tag(handle))
        observer?(event)
        let level = kind.logLevel
        guard level >= logger.logLevel else { return }
        var metadata: Logger.Metadata = [:]
        if let tag = event.tag { metadata["session"] = .string(tag) }
        if let name = kind.floodName {
            guard let withheld = logLimiter.admit(name, at: clock.now()) else { return }
            if withheld > 0 { metadata["withheld"] = "\(withheld)" }
        }
        logger.log(level: level, "\(kind.logMessage)", metadata: metadata)
    }
}
