/// A refusal to start with an unsafe or contradictory configuration.
///
/// Every refusal is made when the value in question is created, in release builds too, and its ``message`` says what
/// to change. Two errors are equal when their ``code`` is.
public struct SessionConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of refusal.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String {
            case weakSecret, missingSecret, exposedSecret, duplicateKey, emptyKeyRing, insecureCookie, cookiePrefix,
                invalidCookieName, invalidCookieAttribute, invalidApplication, duplicateManager, lifetime,
                trustedOrigin, csrfToken, transport, limit, middlewareOrder, store, setting, proxy
        }
        private let value: Value

        /// A secret is too short, has too little variety, or is a documented example (CF-01).
        public static let weakSecret = Code(value: .weakSecret)
        /// A secret is needed and there is none (CF-02).
        public static let missingSecret = Code(value: .missingSecret)
        /// Others than the owner of a file of secrets have rights to it.
        public static let exposedSecret = Code(value: .exposedSecret)
        /// Two keys of a ring are the same (CF-03).
        public static let duplicateKey = Code(value: .duplicateKey)
        /// A ring has no key (CF-03).
        public static let emptyKeyRing = Code(value: .emptyKeyRing)
        /// The cookie would travel or be readable where it must not (CF-04, CF-06).
        public static let insecureCookie = Code(value: .insecureCookie)
        /// The cookie's name promises what its attributes do not keep (CF-05).
        public static let cookiePrefix = Code(value: .cookiePrefix)
        /// The cookie's name is not a token (CF-07).
        public static let invalidCookieName = Code(value: .invalidCookieName)
        /// The cookie's domain or path cannot be sent (CF-08).
        public static let invalidCookieAttribute = Code(value: .invalidCookieAttribute)
        /// The application's name is empty, too long, or not printable.
        public static let invalidApplication = Code(value: .invalidApplication)
        /// Two managers would use the same cookie (CF-07).
        public static let duplicateManager = Code(value: .duplicateManager)
        /// A deadline, a renewal interval or a grace does not make sense (CF-09, CF-12).
        public static let lifetime = Code(value: .lifetime)
        /// A trusted origin is not an exact origin (CF-10).
        public static let trustedOrigin = Code(value: .trustedOrigin)
        /// A CSRF token would be taken from where any page can put it (CS-05, CS-10).
        public static let csrfToken = Code(value: .csrfToken)
        /// The credential would travel in no way, or in one that the sessions' format does not have.
        public static let transport = Code(value: .transport)
        /// A limit is zero or negative (CF-12).
        public static let limit = Code(value: .limit)
        /// A middleware is missing, doubled or in the wrong order (CF-14).
        public static let middlewareOrder = Code(value: .middlewareOrder)
        /// The store cannot do what the configuration asks of it.
        public static let store = Code(value: .store)
        /// A setting that was read from the environment or a file is not what it has to be.
        public static let setting = Code(value: .setting)
        /// A trusted proxy is none, or a request's scheme cannot be told.
        public static let proxy = Code(value: .proxy)

        public var description: String { value.rawValue }
    }

    /// The kind of refusal.
    public var code: Code

    /// What is wrong and what to change.
    public var message: String

    /// Creates an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public static func == (lhs: SessionConfigurationError, rhs: SessionConfigurationError) -> Bool {
        lhs.code == rhs.code
    }

    public var description: String { "\(code): \(message)" }
}
