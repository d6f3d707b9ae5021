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
    let records: RecordCoder
    let cookieName: CookieName
    let cookie: SetCookieTemplate
    let clock: any SessionClock
    let logger: Logger
    let metrics: SessionMetrics
    let queue = CommitQueue()
    /// What is in place of a store, where sessions live in their cookies.
    let sealed: SealedBackend?
    /// Whether the store answers within the process, without suspending: its operations cannot be cancelled.
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
        metrics: SessionMetrics
    ) throws(SessionConfigurationError) {
        try configuration.validate()
        // A session that is in its cookie is at hand.
        storeIsLocal = sealedCookies.map { $0.revocations == nil } ?? (store is any ProcessLocalSessionStore)
        guard configuration.maximumSessionsPerOwner == nil || store is any OwnerIndexedSessionStore else {
            throw SessionConfigurationError(
                .store,
                "maximumSessionsPerOwner needs a store that keeps an index of owners, and this one keeps none. Use "
                    + "another store, or leave the limit at nil."
            )
        }
        guard !keys.isEphemeral || storeIsLocal || sealedCookies != nil else {
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
        cookie = try SetCookieTemplate(
            name: cookieName,
            attributes: CookieAttributes(
                domain: configuration.cookie.domain,
                path: configuration.cookie.path,
                secure: !configuration.cookie.allowsPlainHTTP,
                httpOnly: true,
                sameSite: configuration.cookie.sameSite,
                partitioned: configuration.cookie.partitioned,
                priority: configuration.cookie.priority
            )
        )
        realm = Realm(application: configuration.application, cookieName: configuration.cookie.name)
        codec = CredentialCodec(keys: keys, realm: realm)
        records = RecordCoder(
            format: NativeRecordFormat(),
            sealer: configuration.sealsRecords ? Sealer(keys: keys, realm: realm, purpose: .record) : nil,
            maximumBytes: configuration.maximumRecordBytes
        )
        self.metrics = metrics
        let tracer = InstrumentationSystem.tracer
        access = InstrumentedStore(store: store, metrics: metrics, tracer: tracer is NoOpTracer ? nil : tracer)
        let realm = self.realm
        sealed = sealedCookies.map { cookies in
            SealedBackend(
                codec: SealedCodec(keys: keys, realm: realm, padding: cookies.padding),
                revocations: cookies.revocations.map {
                    InstrumentedStore(store: $0, metrics: metrics, tracer: tracer is NoOpTracer ? nil : tracer)
                },
                longest: max(configuration.lifetime.absolute, configuration.anonymousLifetime.absolute)
            )
        }
        metrics.countEvictions(of: store)
        let warnings = StartupWarning.all(
            configuration,
            hasEphemeralKeys: keys.isEphemeral,
            storeIsLocal: storeIsLocal,
            isReleaseBuild: StartupWarning.isReleaseBuild
        )
        for warning in warnings { logger.warning("\(warning.message)") }
    }

    /// Opens the exchange of a request: no I/O, and nothing is parsed before a handler asks.
    public func open(_ request: HTTPRequest) -> SessionExchange {
        open(request.headerFields)
    }

    /// Opens the exchange of a request with these header fields: no I/O, and nothing is parsed before a handler asks.
    public func open(_ fields: HTTPFields) -> SessionExchange {
        SessionExchange(manager: self, fields: fields)
    }

    /// Whether a request brings the session cookie, genuine or not. No I/O.
    public func isCookiePresent(in fields: HTTPFields) -> Bool {
        if case .absent = CookieHeader(fields).lookup(cookieName) { false } else { true }
    }

    /// A keyed hash of a handle: tells one session's events from another's.
    func tag(_ handle: SessionHandle?) -> String? {
        handle.map { codec.logTag($0) }
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
