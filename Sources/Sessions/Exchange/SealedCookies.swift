/// Sessions that live in their cookies, sealed: no server keeps them.
///
/// ```swift
/// let sessions = try SessionManager(
///     sealedCookies: SealedCookies(),
///     acknowledging: [
///         .concurrentChangesAreLost, .earlierStatesComeBack, .nothingIsConsumedOnce, .logoutReachesOneClient,
///     ],
///     keys: KeyRing(environment: "SESSION_KEYS")
/// )
/// ```
///
/// The whole session is encrypted and authenticated (AES-256-GCM, a key of its own for each message, bound to application
/// and cookie name) and travels with every request. Its deadlines are inside the seal. Nothing has to run beside the
/// application, and a request costs no store call. What only somebody can promise who remembers, it cannot:
///
/// - **Of two requests at the same time, the last answer wins**, and the other one's changes are lost (I1).
/// - **Every cookie that was ever sent counts on until its deadlines**, with what the session held then: who keeps a copy
///   can go back to it, past a rotation, a removal or a spent credit (I4; RFC 6265bis section 8.3).
/// - **Nothing is handed out once**: `consume` throws (I6).
/// - **Logging out reaches one client**: its cookie is expired, and a copy of it is not (I2). ``revocations`` changes that.
///
/// The other invariants hold. An application names what it does without when it makes its manager; see
/// ``MissingGuarantees``.
///
/// `consume`, listing an owner's sessions and revoking one by its handle throw ``SessionError/Code/unsupported`` (501). A
/// session that does not fit into a cookie makes the commit throw ``SessionError/Code/tooLarge``, before a field is sent:
/// 4096 bytes with name and attributes, which leaves some 2.5 KB for values.
public struct SealedCookies: Sendable {
    /// Where it is kept which sessions have ended; by default `nil`, nowhere.
    ///
    /// Any store does. A session that is destroyed, restarted, emptied or given a new credential without a grace (a login
    /// among them) leaves an entry of a few bytes there until no cookie of it could count any more, and a request asks for
    /// it: one call for each request that asks for its session. Logging out then ends the session for everybody.
    ///
    /// If the store keeps epochs of owners too, ``SessionManager/revokeAll(of:keeping:)`` and ``Session/revokeOthers()``
    /// work, for one more call in requests of sessions that have an owner.
    ///
    /// A store that fails is an error (503): it might have known that the session ended.
    public var revocations: (any SessionStore)?

    /// What a session's size is rounded up to before it is sealed, in bytes; from 1 to 256, by default 32.
    ///
    /// The length of a cookie tells whoever sees it pass something about its content. Rounding up leaves less to tell
    /// (checklist CR-13).
    public var padding = 32

    /// Creates the default: without revocations, sizes rounded up to 32 bytes.
    public init() {}

    /// What an application has to do without.
    var missing: MissingGuarantees {
        var missing: MissingGuarantees = [.concurrentChangesAreLost, .earlierStatesComeBack, .nothingIsConsumedOnce]
        if revocations == nil { missing.insert(.logoutReachesOneClient) }
        return missing
    }
}

/// For whom a session ends that is destroyed.
public enum SessionEnding: Sendable, Hashable {
    /// For everybody, once the commit has returned: no copy of the cookie opens it again.
    case final
    /// For the client that gets the response: its cookie is expired. A copy of the cookie counts on until the deadlines in
    /// it, as no server remembers that the session ended (``SealedCookies`` without revocations; checklist CR-09).
    case forThisClient
}
