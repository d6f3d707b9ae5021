/// Something about a session that an operator or a security team wants to know.
///
/// Events carry no credential, no handle and no value. ``tag`` tells the events of one session from another's.
public struct SessionEvent: Sendable, Hashable {
    /// What happened.
    public enum Kind: Sendable, Hashable {
        /// A session began.
        case began
        /// An owner logged in.
        case loggedIn
        /// A session was destroyed or logged out.
        case destroyed
        /// A session was restarted.
        case restarted
        /// The credential was rotated.
        case rotated
        /// A session of another system was moved to our own format.
        case moved
        /// A session was revoked by its handle, or because its superseded credential was shown
        /// (``SessionConfiguration/supersededPolicy``).
        case revoked
        /// All sessions of an owner were revoked; the number that were deleted.
        case revokedAll(Int)
        /// A session was ended because its owner logged in once more than
        /// ``SessionConfiguration/maximumSessionsPerOwner``.
        case displaced
        /// A login was refused: the owner's sessions were revoked after its request was opened, or too many logins of
        /// the owner took place at the same moment.
        case loginRefused
        /// A request arrived whose cookie is not as expected. ``Arrival/superseded`` may be a stolen cookie or an
        /// innocent client whose reply was lost.
        case suspicious(Arrival)
        /// A value does not decode as the type of its key, which is named; its bytes are set aside.
        case undecodable(String)
        /// A change came after the commit and no `save()` followed: it was not kept.
        case lateChangeLost
        /// A session did not begin, log in or rotate, because the client would not keep its cookie: it is `Secure`, and
        /// came over an unencrypted connection, as far as ``SessionConfiguration/proxies`` can tell.
        case cookieWithheld
        /// Changes were dropped because the application commits by itself and did not save them.
        case uncommitted
        /// Changes were dropped because the session ended meanwhile.
        case changesDiscarded
        /// The store failed.
        case storeFailed
    }

    /// What happened.
    public var kind: Kind

    /// A keyed hash of the session's handle, 16 hexadecimal digits; `nil` where there is no session.
    public var tag: String?
}
