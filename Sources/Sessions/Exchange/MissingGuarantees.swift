/// What sessions cannot promise that another system writes too, or that no server keeps.
///
/// An application names each of them when it makes its manager, or that throws: nobody finds out later.
public struct MissingGuarantees: OptionSet, Sendable, Hashable {
    /// The members, a bit for each.
    public let rawValue: Int

    /// Creates a set from bits.
    public init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// Invariant I1 is missing: of two requests that change a session at the same time, one loses its changes. Where
    /// another system writes the same records, that is one of the two.
    public static let concurrentChangesAreLost = MissingGuarantees(rawValue: 1)
    /// Invariant I4 is missing: an earlier cookie of a session counts on beside the current one, with what the session
    /// held then, until its own deadlines.
    public static let earlierStatesComeBack = MissingGuarantees(rawValue: 2)
    /// Invariant I6 is missing: `consume` throws, as a value could be handed out twice.
    public static let nothingIsConsumedOnce = MissingGuarantees(rawValue: 4)
    /// Invariant I2 is missing: a destroyed session is over for the client that is told so, unless the answer of a
    /// request under way comes after it, and for nobody who has a copy of its cookie. Not missing with
    /// ``SealedCookies/revocations``.
    public static let logoutReachesOneClient = MissingGuarantees(rawValue: 8)
    /// Invariant I2 is missing: a request of the other system that was under way when a session was destroyed writes it
    /// back. Where sessions are moved from there (``OldSessions``), one that it writes after the move begins a second life
    /// under the old cookie.
    public static let endedSessionsComeBack = MissingGuarantees(rawValue: 16)
    /// Invariant I9 is missing: the key of a record is what the client's cookie holds. Who can read the database can take
    /// over every session in it, if the secret of the cookies is known too.
    public static let keysAreCredentials = MissingGuarantees(rawValue: 32)
    /// Invariant I9 is missing: the values are in the cookie, signed and not encrypted. Whoever sees the cookie reads them.
    public static let valuesAreReadable = MissingGuarantees(rawValue: 1 << 16)
    /// Invariant I7 is missing: what the other system has written says no deadline, and whoever has a copy of such a cookie
    /// can use it for as long as the secrets are good.
    public static let deadlinesAreUnknown = MissingGuarantees(rawValue: 1 << 17)

    /// What each is called.
    private static let names: [(member: MissingGuarantees, name: String)] = [
        (.concurrentChangesAreLost, ".concurrentChangesAreLost"),
        (.earlierStatesComeBack, ".earlierStatesComeBack"),
        (.nothingIsConsumedOnce, ".nothingIsConsumedOnce"),
        (.logoutReachesOneClient, ".logoutReachesOneClient"),
        (.endedSessionsComeBack, ".endedSessionsComeBack"),
        (.keysAreCredentials, ".keysAreCredentials"),
        (.valuesAreReadable, ".valuesAreReadable"),
        (.deadlinesAreUnknown, ".deadlinesAreUnknown"),
    ]

    /// The names of the members, as they are written in a program.
    var spelled: String {
        Self.names.filter { contains($0.member) }.map(\.name).joined(separator: ", ")
    }

    /// Throws if `named` are not these.
    func check(_ named: MissingGuarantees, of what: String) throws(SessionConfigurationError) {
        let unnamed = subtracting(named)
        guard unnamed.isEmpty else {
            throw SessionConfigurationError(
                .store,
                "Sessions in \(what) do without guarantees that the native format with a store gives. Read "
                    + "MissingGuarantees, and name them to acknowledging: \(unnamed.spelled)."
            )
        }
        let surplus = named.subtracting(self)
        guard surplus.isEmpty else {
            throw SessionConfigurationError(
                .store,
                "Sessions in \(what) do not miss these guarantees as they are set up here. Leave them out of "
                    + "acknowledging: \(surplus.spelled)."
            )
        }
    }
}
