/// A store's refusal or failure, with what to do about it.
///
/// Two errors are equal when their ``code`` is. Neither ``message`` nor ``underlying`` may hold a key, a payload or a
/// credential.
public struct SessionStoreError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of failure.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String { case unavailable, timedOut, full, locked, notPermitted, unusable }
        private let value: Value

        /// The database cannot be reached, or it went away.
        public static let unavailable = Code(value: .unavailable)
        /// The database did not answer in time.
        public static let timedOut = Code(value: .timedOut)
        /// There is no space left.
        public static let full = Code(value: .full)
        /// Somebody else holds a lock for longer than the store waits.
        public static let locked = Code(value: .locked)
        /// The database refuses access: credentials, file permissions, a read-only medium.
        public static let notPermitted = Code(value: .notPermitted)
        /// What is there is not a session database of this version, or it is damaged.
        public static let unusable = Code(value: .unusable)

        public var description: String { value.rawValue }
    }

    /// The kind of failure.
    public var code: Code

    /// What happened and what to change, for an operator.
    public var message: String

    /// The database client's own error, if there is one.
    public var underlying: (any Error)?

    /// Creates an error.
    public init(_ code: Code, _ message: String, underlying: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.underlying = underlying
    }

    public static func == (lhs: SessionStoreError, rhs: SessionStoreError) -> Bool { lhs.code == rhs.code }

    public var description: String { "\(code): \(message)" }
}
