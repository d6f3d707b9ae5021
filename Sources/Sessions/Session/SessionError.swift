/// Why a session could not be loaded or a commit could not be kept.
///
/// Two errors are equal when their ``code`` is. The description holds no credential, no handle and no value.
public struct SessionError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of failure.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String {
            case ended, revoked, contended, storeUnavailable, outcomeUnknown, sealed, pendingOperation, unencodable,
                tooLarge, invalidOwner, unsupported, nestedChange, loginRequired, freshLoginRequired, outsidePath,
                noRequest
        }
        private let value: Value

        /// The session was destroyed, expired or got another credential while this request held it. Answer 409.
        public static let ended = Code(value: .ended)
        /// The owner's sessions were revoked after this request was opened, or more logins than the owner may have took
        /// place at the same moment: this one does not count. Answer 409.
        public static let revoked = Code(value: .revoked)
        /// Other writers were faster for as long as the commit was allowed to try. Answer 503.
        public static let contended = Code(value: .contended)
        /// The store failed, and no change was kept; a session that was to be deleted may be alive or not. Answer 503.
        public static let storeUnavailable = Code(value: .storeUnavailable)
        /// The store failed after the change was sent, and whether it was kept cannot be told. Answer 503.
        public static let outcomeUnknown = Code(value: .outcomeUnknown)
        /// The exchange is committed: the change would need a cookie, and the response's head is gone. Answer 500.
        public static let sealed = Code(value: .sealed)
        /// The value cannot be consumed while this request has changed it: save or reload first. Answer 500.
        public static let pendingOperation = Code(value: .pendingOperation)
        /// A value cannot be encoded as JSON. Answer 500.
        public static let unencodable = Code(value: .unencodable)
        /// The record would be larger than the limit; it stays as it was. Answer 500.
        public static let tooLarge = Code(value: .tooLarge)
        /// The owner is empty or longer than 256 bytes. Answer 500.
        public static let invalidOwner = Code(value: .invalidOwner)
        /// The closure of an `update` has changed the session itself, and not only its argument. Answer 500.
        public static let nestedChange = Code(value: .nestedChange)
        /// The store has no index of owners, or the transport is not configured. Answer 501.
        public static let unsupported = Code(value: .unsupported)
        /// The session has no owner, and what was asked for needs one. Answer 401.
        public static let loginRequired = Code(value: .loginRequired)
        /// The owner's login is older than what was asked for allows. Answer 401.
        public static let freshLoginRequired = Code(value: .freshLoginRequired)
        /// The request lies outside the cookie's path, so that it has no session. Answer 500.
        public static let outsidePath = Code(value: .outsidePath)

        /// The task serves no request whose session could be asked for. Answer 500.
        public static let noRequest = Code(value: .noRequest)

        public var description: String { value.rawValue }

        /// The HTTP status that an adapter answers with.
        public var httpStatus: Int {
            switch value {
            case .loginRequired, .freshLoginRequired: 401
            case .ended, .revoked: 409
            case .contended, .storeUnavailable, .outcomeUnknown: 503
            case .unsupported: 501
            case .sealed, .pendingOperation, .unencodable, .tooLarge, .invalidOwner, .nestedChange,
                .outsidePath, .noRequest:
                500
            }
        }
    }

    /// The kind of failure.
    public var code: Code

    /// What happened and what to do about it.
    public var message: String

    /// The store's error or the encoder's, if there is one.
    public var underlying: (any Error)?

    /// The fields that checkpoints of this exchange have earned already; an adapter puts them on the error response.
    public var fields: SessionFields

    /// The challenge that an adapter puts into the `WWW-Authenticate` field of a 401; `nil` for every other status.
    public let challenge: String?

    init(
        _ code: Code,
        _ message: String,
        underlying: (any Error)? = nil,
        fields: SessionFields = SessionFields(),
        challenge: String? = nil
    ) {
        self.code = code
        self.challenge = challenge
        self.message = message
        self.underlying = underlying
        self.fields = fields
    }

    public static func == (lhs: SessionError, rhs: SessionError) -> Bool { lhs.code == rhs.code }

    public var description: String { "\(code): \(message)" }

    /// Whether the store is to blame.
    var isOfStore: Bool { code == .storeUnavailable || code == .outcomeUnknown }

    /// A value that JSON cannot express.
    static func unencodable(_ error: any Error) -> SessionError {
        SessionError(
            .unencodable,
            "A value that JSON cannot express was put into the session; nothing of this request is kept.",
            underlying: error
        )
    }

    static let nestedChange = SessionError(
        .nestedChange,
        "The closure of an update has changed the session. It may run again: let it change its argument and nothing else."
    )

    static let ended = SessionError(
        .ended,
        "The session ended while this request held it; its changes were not kept. Load the page again."
    )
}
