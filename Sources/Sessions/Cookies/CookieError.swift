/// A cookie that cannot be sent.
///
/// It is thrown before any field is made, so that a browser never gets half of it, and it does not quote the value,
/// which may be a credential. Two errors are equal when their ``code`` is.
public struct CookieError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of error.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String {
            case cookieTooLarge, invalidValue
        }
        private let value: Value

        /// Name and value have more bytes together than a browser keeps (checklist CK-06).
        public static let cookieTooLarge = Code(value: .cookieTooLarge)
        /// The value has a byte that is not a cookie octet (CK-05).
        public static let invalidValue = Code(value: .invalidValue)

        /// The code's name.
        public var description: String { value.rawValue }
    }

    /// The kind of error.
    public var code: Code

    /// What is wrong, without the cookie's value.
    public var message: String

    /// Creates an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Whether two errors have the same code.
    public static func == (lhs: CookieError, rhs: CookieError) -> Bool {
        lhs.code == rhs.code
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}
