import CoreMetrics
import HTTPTypes

/// Another system's format, as a manager that moves from it reads and leaves it.
struct OldFormat: Sendable {
    /// How the other system spells cookies and records.
    let wire: any WireFormat
    let cookie: SetCookieTemplate
    /// The cookie that tells scripts of the other, if there was one.
    private let companion: SetCookieTemplate?
    let store: any SessionStore
    /// When the last old cookie is accepted.
    let end: Timestamp
    let occasion: OldSessions.Occasion
    /// The lifetime of sessions that say nothing else.
    let lifetime: SessionLifetime
    /// How long an epoch has to be remembered: a session that has not moved is in no index that a revocation goes through.
    let epochRetention: Duration
    let metrics: MovingMetrics
    private let realm: Realm
    private let ownRealm: Realm
    private let owner: (@Sendable (OldValues) -> String?)?

    init(
        _ sessions: OldSessions,
        for ownRealm: Realm,
        clock: any SessionClock,
        metrics: MovingMetrics
    ) throws(SessionConfigurationError) {
        let configuration = sessions.configuration
        try configuration.validate()
        try sessions.format.validate(configuration)
        try sessions.format.missing(with: sessions.store).check(sessions.acknowledged, of: sessions.format.name)
        // Another system's cookie is called what it is called.
        let cookie = try configuration.cookie.template(isSecure: true, allowUnprefixed: true)
        guard configuration.cookie.name != ownRealm.cookieName else {
            throw SessionConfigurationError(
                .duplicateManager,
                "The sessions of \(sessions.format.name) and those they move to use one cookie, "
                    + "\(ownRealm.cookieName). Give configuration.cookie.name another name than the old cookie's."
            )
        }
        wire = try sessions.format.wireFormat(cookie, configuration, clock)
        self.cookie = cookie
        companion = try configuration.cookie.companionTemplate(cookie.attributes, beside: wire)
        store = sessions.store
        end =
            switch sessions.end {
            case .noDate: .distantFuture
            case .date(let end): end
            case .oneLifetime(after: let start):
                start + max(configuration.lifetime.idle, configuration.anonymousLifetime.idle)
            }
        occasion = sessions.occasion
        lifetime = configuration.lifetime
        epochRetention = max(configuration.lifetime.absolute, configuration.anonymousLifetime.absolute)
        self.metrics = metrics
        realm = Realm(application: configuration.application, cookieName: configuration.cookie.name)
        self.ownRealm = ownRealm
        owner = sessions.owner
    }

    /// Throws if one of the old cookies has the name of one that the manager sets: a response has one of each name.
    ///
    /// - Parameters:
    ///   - cookies: the manager's.
    ///   - ownCompanion: the manager's. The old one may go on under its name.
    func check(_ cookies: [NamedCookie], _ ownCompanion: SetCookieTemplate?) throws(SessionConfigurationError) {
        let old = wire.expiredCookies().map(\.name)
        let own = cookies.map(\.name)
        let shared =
            old.first { own.contains($0) || $0 == ownCompanion?.name }
            ?? companion.flatMap { own.contains($0.name) ? $0.name : nil }
        guard let shared else { return }
        throw SessionConfigurationError(
            .duplicateManager,
            "The sessions that are moved from and those they move to both have a cookie \(shared), and a response can set "
                + "it once. Change configuration.cookie.name or configuration.cookie.companion."
        )
    }

    /// What a request presents in the old format, with keys that are told from our own.
    func presentation(in fields: HTTPFields) -> Presentation {
        switch wire.presentation(in: fields) {
        case .genuine(let held): .genuine(Self.told(held))
        case .several(let several): .several(several.map(Self.told))
        case let other: other
        }
    }

    private static func told(_ held: HeldCredential) -> HeldCredential {
        var held = held
        held.foreignKey = StoreKey(old: held.key)
        return held
    }

    /// Whether a request brings the old cookie, genuine or not.
    func isPresent(in fields: HTTPFields) -> Bool {
        if case .absent = CookieHeader(fields).lookup(cookie.name) { false } else { true }
    }

    /// The fields that take the old cookie away from a client that has a genuine one. Others are left alone: where a secret
    /// is missing here, nobody's cookie is lost for that.
    ///
    /// - Parameters:
    ///   - record: the session's, whose cookie may have attributes of its own: a browser drops it only with those.
    ///   - kept: the name of the manager's own companion, which goes on.
    func expiredCookies(in fields: HTTPFields, of record: LoadedRecord?, keeping kept: CookieName?) -> [NamedCookie] {
        guard isPresent(in: fields) else { return [] }
        switch wire.presentation(in: fields) {
        case .genuine, .several: break
        case .none, .refused, .ignored: return []
        }
        let own = record.flatMap { $0.key.isOld ? wire.cookie(of: $0) : nil }
        var expired = (own.flatMap { try? wire.with($0) } ?? wire).expiredCookies()
        if let companion, companion.name != kept {
            expired.append(NamedCookie(name: companion.name, field: companion.expired()))
        }
        return expired
    }

    /// The record with its content, a mark included; its owner is one of our realm.
    func decode(_ stored: StoredRecord, at key: StoreKey) -> LoadedRecord? {
        guard let old = key.old, var record = wire.decode(stored, at: old) else { return nil }
        record.key = key
        if let name = record.stored.owner.flatMap({ realm.owner(of: $0) })
            ?? owner.flatMap({ $0(OldValues(values: record.content.values)) })
        {
            record.stored.owner = OwnerKey(realm: ownRealm, owner: name)
        } else {
            record.stored.owner = nil
        }
        return record
    }

    /// The record with its payload, as the other system would write it.
    func encode(_ record: LoadedRecord) throws -> LoadedRecord {
        guard let old = record.key.old else { return record }
        var record = record
        let (key, owner) = (record.key, record.stored.owner)
        record.key = old
        record.stored.owner = owner.flatMap { ownRealm.owner(of: $0) }.map { OwnerKey(realm: realm, owner: $0) }
        record = try wire.encode(record)
        record.key = key
        record.stored.owner = owner
        return record
    }

    /// The handle under which the session goes on whose old record is `stored`; `nil` if it has not moved.
    func forwarded(_ stored: StoredRecord, at key: StoreKey) -> SessionHandle? {
        decode(stored, at: key).flatMap(ForwardingMark.handle)
    }

    /// What is left of `old` once its session is `record`.
    func mark(_ old: LoadedRecord, movedTo record: LoadedRecord) throws -> LoadedRecord? {
        guard let handle = record.key.handle else { return nil }
        let end = min(end, record.stored.absoluteDeadline)
        return try encode(ForwardingMark.record(old, to: handle, until: end))
    }
}

/// What an operator watches to see when the old format can go.
struct MovingMetrics: Sendable {
    /// Old cookies whose session has not moved yet.
    let unmoved: Counter
    /// Old cookies whose session has: a reply was lost, or requests came together.
    let forwarded: Counter
    /// Old cookies that opened nothing.
    let dead: Counter
    /// Old cookies after their last date.
    let refused: Counter
    /// Sessions that were moved.
    let moves: Counter

    init(factory: any MetricsFactory = MetricsSystem.factory) {
        func cookies(_ kind: String) -> Counter {
            Counter(label: "sessions.old.cookies", dimensions: [("kind", kind)], factory: factory)
        }
        unmoved = cookies("unmoved")
        forwarded = cookies("forwarded")
        dead = cookies("dead")
        refused = cookies("refused")
        moves = Counter(label: "sessions.old.moves", dimensions: [], factory: factory)
    }
}
