/// How a ``SessionManager`` behaves. Every default is the safe one.
///
/// Values that are unsafe or contradict each other are refused by the manager's initializer with a
/// ``SessionConfigurationError`` that says what to change.
public struct SessionConfiguration: Sendable {
    /// The application's name: half of the realm, which keeps the credentials of two applications apart that share keys
    /// or a store. Changing it signs everybody out. 1 to 128 bytes of printable ASCII without `:`. Default `"app"`.
    public var application: String = "app"

    /// The cookie that carries the credential. Default: `__Host-Http-sid`, `Secure; HttpOnly; SameSite=Lax; Path=/`,
    /// gone when the browser closes.
    public var cookie = SessionCookie()

    /// Where the credential travels. Default ``SessionTransport/cookie``: the credential is taken from nowhere else
    /// (checklist ID-10).
    ///
    /// ``SessionTransport/header`` is for API and mobile clients. With both, a request's header wins over its cookie, and
    /// each client is answered over the transport it came over. A session that begins travels in a cookie, unless the
    /// handler says ``Session/travel(over:)``.
    public var transport: SessionTransport = .cookie

    /// Changes the cookie's settings for one request: its domain, its path, `SameSite`, how long the browser keeps it.
    /// Default `nil`: they are always the same.
    ///
    /// ```swift
    /// configuration.cookieForRequest = { request, cookie in
    ///     if request.head.path?.hasPrefix("/embed/") == true { cookie.sameSite = .none }
    /// }
    /// ```
    ///
    /// It is called once for each exchange whose session is asked for, and for no other. The name has to stay, and what is
    /// unsafe is refused: asking for the session then throws a ``SessionConfigurationError``, and nothing is stored. A
    /// browser knows a cookie by its domain and its path too, so requests of one session had better agree on them.
    public var cookieForRequest: (@Sendable (CookieRequest, inout SessionCookie) -> Void)?

    /// How it is told whether a client's connection is encrypted. Default `nil`: nobody asks, a `Secure` cookie is always
    /// sent, and the browser drops it where it came in the clear.
    ///
    /// Once it is set, a session that begins over an unencrypted connection whose cookie is `Secure` is not stored, as the
    /// client would not keep its cookie: ``SessionEvent/Kind/cookieWithheld`` says so. Adapters pass the connection to
    /// ``SessionManager/open(_:over:)``.
    public var proxies: TrustedProxies?

    /// What a request outside the cookie's path is told that asks for its session. Default ``OutsidePath/refuse``. One that
    /// brings its credential over ``SessionTransport/header`` has its session everywhere.
    public var outsidePath: OutsidePath = .refuse

    /// How long a session with an owner lives. Default ``SessionLifetime/standard``.
    public var lifetime: SessionLifetime = .standard

    /// How long a session without an owner lives. Default ``SessionLifetime/anonymous``.
    public var anonymousLifetime: SessionLifetime = .anonymous

    /// How far the idle deadline may lag behind before a request that only reads moves it. In between, reading writes
    /// nothing. Must be shorter than the idle times; the longest, `lifetime.idle - .microseconds(1)` where both idle times are
    /// the same, means that a session ends so long after its last change, however often it is read. Default 1 minute.
    public var renewalInterval: Duration = .seconds(60)

    /// How long a credential counts on after a rotation with a grace, so that requests already under way and other tabs
    /// are not logged out. At most 60 seconds (checklist CF-12). Default 30 seconds.
    public var rotationGrace: Duration = .seconds(30)

    /// How old a credential becomes before a request rotates it, with ``rotationGrace``: a copied cookie is then worth
    /// nothing that much later, if the user goes on using the session. Counted from the session's beginning, the login,
    /// or the last rotation; after a rotation with a grace from the end of that.
    ///
    /// The request that rotates may be one that only read; it then writes once. Default `nil`: never, as the standard
    /// absolute time of 12 hours already ends a session soon. For longer ones, 4 hours is a good choice (checklist
    /// LC-09).
    public var rotationInterval: Duration?

    /// What becomes of a session whose superseded credential is shown. Default ``SupersededPolicy/refuse``.
    public var supersededPolicy: SupersededPolicy = .refuse

    /// Whether a commit that moved the idle deadline sends the cookie again, so that a persistent cookie rolls on with
    /// it. Default `false`.
    public var rolling = false

    /// Whether a request that asked for its session writes it even when nothing changed, unless it has saved it. Default
    /// `false`.
    public var resave = false

    /// Whether a new session is kept though the handler put nothing in. Default `false`: no record and no cookie for
    /// visitors who have nothing to remember (checklist LC-16).
    public var saveUninitialized = false

    /// Whether a session that a handler emptied, and that has neither owner nor flash, is deleted. Default `false`:
    /// it is a change like any other, and another request's concurrent change survives.
    public var deletesEmptied = false

    /// What a commit keeps when the handler threw. Default ``ThrowPolicy/keepRevocations``.
    public var throwPolicy: ThrowPolicy = .keepRevocations

    /// What a commit does with changes to a session that ended meanwhile. Default ``EndedPolicy/refuse``.
    public var endedPolicy: EndedPolicy = .refuse

    /// When a flash value goes. Default ``FlashLifetime/untilRead``.
    public var flashLifetime: FlashLifetime = .untilRead

    /// How many sessions one owner may have at a time. A login beyond it ends those whose login is the oldest
    /// (checklist LC-13, ASVS 7.1.2). It lists the owner's sessions, so a login asks the store once more, and once for
    /// each session that it ends. The store must keep an index of owners. Default `nil`: any number.
    ///
    /// Which login is the oldest is told by the clocks of the machines on which they took place.
    public var maximumSessionsPerOwner: Int?

    /// Whether it is meant that all sessions end with the process: with a ``MemorySessionStore`` in a release build and
    /// with ``KeyRing/ephemeral()`` the manager otherwise logs a warning when it is made (checklist CF-02, CF-11).
    /// Default `false`.
    public var sessionsMayEndWithProcess = false

    /// Whether records are sealed at rest: AES-256-GCM, bound to the realm and the handle, so that whoever reads the
    /// database learns nothing and whoever writes it cannot swap or edit records (checklist ST-06). Sealed records are
    /// not readable in a database client. Default `false`.
    public var sealsRecords = false

    /// The largest payload in bytes; a commit beyond it throws and leaves the record as it was (checklist DS-02).
    /// Default 65 536.
    public var maximumRecordBytes = 65_536

    /// How long one commit goes on trying against other writers before it gives up with ``SessionError/Code/contended``.
    /// Default 5 seconds.
    public var contentionDeadline: Duration = .seconds(5)

    /// How long an owner's epoch is kept: longer than any request takes. Default 1 day.
    public var epochRetention: Duration = .seconds(86400)

    /// Creates the default configuration.
    public init() {}

    /// What a commit keeps when the handler threw.
    public enum ThrowPolicy: Sendable, Hashable {
        /// What takes rights away is kept (destroy, logOut, the ending half of a restart), what gives is dropped (logIn,
        /// data). A rotation is kept if its cookie can travel on the error response (checklist ER-05).
        case keepRevocations
        /// The handler's work is committed as if it had returned.
        case keepEverything
        /// Nothing is committed.
        case dropEverything
    }

    /// What becomes of a session whose superseded credential is shown: a genuine one that a rotation has replaced, and
    /// whose grace is over. After a login, or another rotation without a grace, a minute is left to requests that were
    /// under way: they are anonymous, and no more.
    ///
    /// It may be a copy, or the client of an answer that was lost on its way. Which of the two holds the current one,
    /// nobody can tell.
    public enum SupersededPolicy: Sendable, Hashable {
        /// The request is anonymous, and the event ``Arrival/superseded`` tells of it. The session goes on.
        case refuse
        /// The session ends, for both: a thief and a client who lost an answer have to log in again. The event
        /// ``SessionEvent/Kind/revoked`` follows the other.
        case endSession
    }

    /// What a commit does with changes to a session that ended meanwhile.
    public enum EndedPolicy: Sendable, Hashable {
        /// The commit throws ``SessionError/Code/ended`` (409): the client learns that its change was not kept.
        case refuse
        /// The changes are dropped, with a log line; the response goes out.
        case discard
    }

    /// What a request outside the cookie's path is told that asks for its session (RFC 6265 section 5.1.4: `/admin` is not
    /// below it at `/administrator`).
    public enum OutsidePath: Sendable, Hashable {
        /// It has none: asking throws ``SessionError/Code/outsidePath``. Nothing is loaded and nothing is stored, as the
        /// client would not bring the cookie back there.
        case refuse
        /// It may begin one, whose cookie the client brings back to requests below the path: for a login page at `/login`
        /// and a cookie at `/admin`.
        case serve
    }

    /// When a flash value goes.
    public enum FlashLifetime: Sendable, Hashable {
        /// When a handler has read it, in whichever request that is.
        case untilRead
        /// At the end of the next request that asks for the session, read or not. The request that leaves one does not read
        /// it.
        case nextRequest
    }

    /// Throws if a value is unsafe or contradicts another.
    func validate() throws(SessionConfigurationError) {
        // The realm of an owner's index key ends at a colon.
        guard (1...128).contains(application.utf8.count),
            application.utf8.allSatisfy({ (0x20...0x7E).contains($0) && $0 != UInt8(ascii: ":") })
        else {
            throw SessionConfigurationError(
                .invalidApplication,
                "application is 1 to 128 bytes of printable ASCII without a colon: shorten it, or take out the others."
            )
        }
        try lifetime.validate("lifetime")
        try anonymousLifetime.validate("anonymousLifetime")
        guard renewalInterval >= .zero, renewalInterval < min(lifetime.idle, anonymousLifetime.idle) else {
            throw SessionConfigurationError(
                .lifetime,
                "renewalInterval (\(renewalInterval)) must not be negative, and shorter than both idle times, or "
                    + "sessions in use expire. Shorten it, or lengthen lifetime.idle and anonymousLifetime.idle."
            )
        }
        guard rotationGrace >= .zero, rotationGrace <= .seconds(60) else {
            throw SessionConfigurationError(
                .lifetime,
                "rotationGrace (\(rotationGrace)) must be between zero and 60 seconds: a longer one leaves a copied "
                    + "cookie alive. Shorten it."
            )
        }
        guard maximumRecordBytes > 0 else {
            throw SessionConfigurationError(
                .limit,
                "maximumRecordBytes (\(maximumRecordBytes)) must be at least 1. Raise it; 65536 is the default."
            )
        }
        guard contentionDeadline > .zero, epochRetention > .zero else {
            throw SessionConfigurationError(
                .limit,
                "contentionDeadline (\(contentionDeadline)) and epochRetention (\(epochRetention)) must be longer than "
                    + "zero. Lengthen them; 5 seconds and 1 day are the defaults."
            )
        }
        guard maximumSessionsPerOwner.map({ $0 > 0 }) ?? true else {
            throw SessionConfigurationError(
                .limit,
                "maximumSessionsPerOwner must be at least 1, or nobody could log in. Raise it, or leave it at nil for "
                    + "no limit."
            )
        }
        guard proxies != nil || cookie.security != .automatic && !cookie.isCrossSiteWhereSecure else {
            throw SessionConfigurationError(
                .proxy,
                "A cookie that depends on the client's connection needs configuration.proxies, which says how that is told. "
                    + "Set it to .nobody if clients reach this server themselves, or to the proxies in front of it."
            )
        }
        try validateRotation()
    }

    private func validateRotation() throws(SessionConfigurationError) {
        guard let rotationInterval else { return }
        guard rotationGrace > .zero else {
            throw SessionConfigurationError(
                .lifetime,
                "rotationInterval needs a rotationGrace, or requests under way would be logged out. Set rotationGrace "
                    + "to 30 seconds, or leave rotationInterval at nil."
            )
        }
        guard rotationInterval > rotationGrace else {
            throw SessionConfigurationError(
                .lifetime,
                "rotationInterval (\(rotationInterval)) must be longer than rotationGrace (\(rotationGrace)). Lengthen "
                    + "it; 4 hours is a good choice."
            )
        }
    }
}
