/// What a payload says, whatever its format: the session's values and the state of its credential.
struct RecordContent: Sendable {
    /// The hash of the current credential's secret.
    var secretHash: SecretHash

    /// The credential that the last rotation replaced, while it still counts.
    var grace: Grace?

    /// Where the session came from, if that was another system's format; `nil` once a credential without a grace has
    /// taken the place of the one it came with.
    var origin: Origin?

    /// When the session began.
    var createdAt: Timestamp

    /// Whether the idle deadline tells when the session was used last. Another system's store may keep sessions without an
    /// end.
    var isLastUseKnown = true

    /// When the owner logged in; `nil` before login.
    var authenticatedAt: Timestamp?

    /// When the credential last changed without a grace; the session's beginning if it never did.
    var rotatedAt: Timestamp

    /// The commits before the one that wrote this record, the latest first: a commit whose reply was lost looks for
    /// itself here.
    var recent: [RecordVersion]

    /// What the CSRF secret is derived from; renewed at login and by every rotation without a grace.
    var csrfNonce: Nonce

    /// This session's own lifetime, where it differs from the manager's.
    var lifetime: SessionLifetime?

    /// How long the browser keeps this session's cookie, where it differs from the manager's.
    var persistence: SessionCookie.Persistence?

    var values: SessionValues
    var flash: [FlashEntry]

    /// Members that this version of the library does not know, kept byte for byte.
    var unknown: [SessionValues.Entry]

    /// What another system keeps in the record beside the values.
    var foreign: [ForeignMember] = []

    /// A superseded credential inside its grace.
    struct Grace: Sendable, Equatable {
        var secretHash: SecretHash
        var until: Timestamp
        /// With the old secret, it yields the successor: the secret that is current now.
        var nonce: Nonce
    }

    /// The session of another system that this one was.
    struct Origin: Sendable, Equatable {
        /// The handle it had there: its CSRF tokens stay good.
        var handle: SessionHandle
        /// The other system's credential, which counts on as one inside a grace does.
        var grace: Grace
    }

    /// The grace in which a credential with this hash counts, over or not; `nil` if it is in none.
    func grace(of hash: SecretHash) -> Grace? {
        if let grace, grace.secretHash == hash { return grace }
        if let origin, origin.grace.secretHash == hash { return origin.grace }
        return nil
    }

    /// How many earlier commits a record names.
    static let recentLimit = 4
}
