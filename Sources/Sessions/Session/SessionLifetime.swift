/// How long a session lives.
///
/// | use | idle | absolute | source |
/// |---|---|---|---|
/// | ``standard`` | 30 minutes | 12 hours | OWASP session management, NIST SP 800-63B-4 AAL3's cap |
/// | ``anonymous`` | 30 minutes | 2 hours | an anonymous record is worth little and costs memory |
/// | ``aal1`` | 30 days | 30 days | NIST SP 800-63B-4 section 2.1.3 |
/// | ``aal2`` | 1 hour | 24 hours | NIST SP 800-63B-4 section 2.2.3 |
/// | ``aal3`` | 15 minutes | 12 hours | NIST SP 800-63B-4 section 2.3.3 |
public struct SessionLifetime: Sendable, Hashable {
    /// How long a session lives on without a request that uses it.
    public var idle: Duration

    /// How long a session lives at most, counted from its beginning and anew from each login.
    public var absolute: Duration

    /// Creates a lifetime. ``SessionManager`` refuses one whose idle time is not positive or exceeds the absolute time,
    /// and an absolute time of more than 400 days (checklist CF-09).
    public init(idle: Duration, absolute: Duration) {
        self.idle = idle
        self.absolute = absolute
    }

    /// The default for sessions with an owner: 30 minutes idle, 12 hours absolute.
    public static let standard = SessionLifetime(idle: .seconds(30 * 60), absolute: .seconds(12 * 3600))

    /// The default for sessions without an owner: 30 minutes idle, 2 hours absolute.
    public static let anonymous = SessionLifetime(idle: .seconds(30 * 60), absolute: .seconds(2 * 3600))

    /// NIST SP 800-63B-4, authenticator assurance level 1: 30 days.
    public static let aal1 = SessionLifetime(idle: .seconds(30 * 86400), absolute: .seconds(30 * 86400))

    /// NIST SP 800-63B-4, authenticator assurance level 2: 1 hour idle, 24 hours absolute.
    public static let aal2 = SessionLifetime(idle: .seconds(3600), absolute: .seconds(24 * 3600))

    /// NIST SP 800-63B-4, authenticator assurance level 3: 15 minutes idle, 12 hours absolute.
    public static let aal3 = SessionLifetime(idle: .seconds(15 * 60), absolute: .seconds(12 * 3600))

    /// The longest absolute time: browsers keep no cookie longer (draft-ietf-httpbis-rfc6265bis section 5.5).
    package static let longest: Duration = .seconds(400 * 86400)

    /// Throws if the lifetime makes no sense.
    package func validate(_ what: String) throws(SessionConfigurationError) {
        guard idle > .zero, absolute > .zero else {
            throw SessionConfigurationError(
                .lifetime,
                "\(what): idle (\(idle)) and absolute (\(absolute)) must be longer than zero. Lengthen them."
            )
        }
        guard idle <= absolute else {
            throw SessionConfigurationError(
                .lifetime,
                "\(what): the idle time (\(idle)) exceeds the absolute time (\(absolute)); shorten the first or lengthen the second."
            )
        }
        guard absolute <= Self.longest else {
            throw SessionConfigurationError(
                .lifetime,
                "\(what): the absolute time (\(absolute)) exceeds 400 days, and a session must end. Shorten it."
            )
        }
    }
}
