import Logging

/// Another system's wire format as an application sets it up: what a ``SessionManager`` needs to speak it.
///
/// A conformance is one file, and an initializer of the manager one line: nothing else knows which formats there are.
protocol ForeignFormat: Sendable {
    /// The system's name, for errors.
    var name: String { get }

    /// The secrets as the other system has them, the first of which signs.
    var secrets: [ForeignSecret] { get }

    /// What a session in this format cannot promise, kept in this store.
    func missing(with store: any SessionStore) -> MissingGuarantees

    /// The format, for a cookie that has been checked.
    ///
    /// - Parameter clock: The manager's.
    /// - Throws: If one of its cookies could not be sent.
    func wireFormat(
        _ cookie: SetCookieTemplate,
        _ configuration: SessionConfiguration,
        _ clock: any SessionClock
    ) throws(SessionConfigurationError) -> any WireFormat

    /// How a session is spelled in its cookie; `nil` if a store keeps the sessions.
    ///
    /// - Parameter clock: The manager's.
    func cookieCodec(
        _ configuration: SessionConfiguration,
        _ clock: any SessionClock
    ) throws(SessionConfigurationError) -> (any CookieCodec)?
}

extension ForeignFormat {
    func cookieCodec(_ configuration: SessionConfiguration, _ clock: any SessionClock) -> (any CookieCodec)? { nil }

    /// A key ring for what the other system has no part in: the secrets of CSRF tokens, the tags in logs.
    func keyRing() throws(SessionConfigurationError) -> KeyRing {
        var ring: [SessionSecret] = []
        var seen: Set<[UInt8]> = []
        for secret in secrets where seen.insert(secret.bytes).inserted { ring.append(SessionSecret(foreign: secret)) }
        do {
            return try KeyRing(ring)
        } catch let error as SessionConfigurationError {
            throw error
        } catch {
            throw SessionConfigurationError(.emptyKeyRing, "The secrets make no key ring.")
        }
    }

    /// Refuses what no format of another system has a place for.
    func validate(_ configuration: SessionConfiguration) throws(SessionConfigurationError) {
        guard !secrets.isEmpty, secrets.allSatisfy({ !$0.bytes.isEmpty }) else {
            throw SessionConfigurationError(
                .missingSecret,
                "\(name) signs its cookies: pass the secrets that it has, the first of which signs. None may be empty."
            )
        }
        guard configuration.rotationInterval == nil, !configuration.sealsRecords else {
            throw SessionConfigurationError(
                .store,
                "rotationInterval and sealsRecords need the native format, as \(name) knows neither. Leave them as they are."
            )
        }
    }
}

extension MissingGuarantees {
    /// What no session can promise that lives in another system's cookie.
    static let ofForeignCookies: MissingGuarantees = [
        .concurrentChangesAreLost, .earlierStatesComeBack, .nothingIsConsumedOnce, .logoutReachesOneClient,
        .valuesAreReadable, .deadlinesAreUnknown,
    ]

    /// What is missing where the other system has a part in the store: where records have no version, it writes to them
    /// too, and asks for no condition.
    static func ofSharing(_ store: any SessionStore) -> MissingGuarantees {
        store is any PayloadConditionalSessionStore ? [.concurrentChangesAreLost, .endedSessionsComeBack] : []
    }
}

extension SessionManager {
    /// Creates a manager that speaks another system's format.
    convenience init(
        _ foreign: some ForeignFormat,
        store: any SessionStore,
        acknowledging named: MissingGuarantees,
        configuration: SessionConfiguration,
        clock: any SessionClock,
        logger: Logger,
        observer: (@Sendable (SessionEvent) -> Void)?
    ) throws(SessionConfigurationError) {
        try foreign.validate(configuration)
        try foreign.missing(with: store).check(named, of: foreign.name)
        try self.init(
            store: store,
            keys: foreign.keyRing(),
            configuration: configuration,
            clock: clock,
            logger: logger,
            observer: observer,
            metrics: SessionMetrics(),
            foreign: foreign
        )
    }
}
