/// What a payload says, whatever its format: the session's values and the state of its credential.
struct RecordContent: Sendable {
    /// The hash of the current credential's secret.
    var secretHash: SecretHash

    /// The credential that the last rotation replaced, while it still counts.
    var grace: Grace?

    /// When the session began.
    var createdAt: Timestamp

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

    var values: SessionValues
    var flash: [FlashEntry]

    /// Members that this version of the library does not know, kept byte for byte.
    var unknown: [SessionValues.Entry]

    /// A superseded credential inside its grace.
    struct Grace: Sendable, Equatable {
        var secretHash: SecretHash
        var until: Timestamp
        /// With the old secret, it yields the successor: the secret that is current now.
        var nonce: Nonce
    }

    /// How many earlier commits a record names.
    static let recentLimit = 4
}
