/// What a reply may measure at most. A peer that is no Redis server, or a hostile one, costs no more than this.
package struct RESPLimits: Sendable {
    /// Bytes of one string.
    package var string = 64 << 20
    /// Bytes of a line: a number, a status, an error.
    package var line = 64 << 10
    /// Values in one reply, those inside others included.
    package var values = 1 << 20
    /// Bytes of all strings and lines of one reply.
    package var total = 64 << 20
    /// How deep arrays lie in arrays.
    package var depth = 8

    package init() {}
}

/// Bytes that are no reply, or one beyond the limits. The connection they came on cannot be read any further.
package enum RESPError: Error, Hashable {
    case unknownType(UInt8)
    case malformedNumber
    case malformedLine
    case malformedValue
    case stringTooLong
    case lineTooLong
    case tooManyValues
    case replyTooLong
    case tooDeep
    case misplacedPush
}
