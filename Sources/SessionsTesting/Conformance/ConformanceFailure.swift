/// A store breaks its contract.
public struct ConformanceFailure: Error, Sendable, CustomStringConvertible {
    /// The name of the check that found it.
    public internal(set) var check: String

    /// What rule of the contract is broken, and how.
    public let message: String

    /// What the store threw, if that is what is wrong.
    public internal(set) var underlying: (any Error)?

    init(_ message: String, underlying: (any Error)? = nil) {
        check = ""
        self.message = message
        self.underlying = underlying
    }

    /// The name of the check and the message.
    public var description: String { "\(check): \(message)" }
}

/// Throws a failure with `message` unless `condition` is true.
func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
    if !condition { throw ConformanceFailure(message()) }
}
