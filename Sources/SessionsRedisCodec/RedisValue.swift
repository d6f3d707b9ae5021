/// What a server answers to a command, in the one form that both versions of its protocol come down to.
///
/// RESP3's richer types are told in RESP2's: a map is an array of keys and values in turn, a set is an array, a boolean is
/// 1 or 0, a double or a big number is its text. So a store reads one form, whichever version a connection speaks.
public enum RedisValue: Sendable, Hashable {
    /// Nothing: a key that is not there, a condition that was not met.
    case null
    /// A number.
    case integer(Int64)
    /// A string of bytes, or a short status such as `OK`.
    case bytes([UInt8])
    /// Several values.
    case array([RedisValue])
    /// The server's refusal. What was asked for was not done.
    case error(RedisServerError)

    /// The value of a text, as its UTF-8 bytes.
    public static func text(_ text: String) -> RedisValue { .bytes(Array(text.utf8)) }
}

/// A server's refusal of a command.
///
/// Its ``message`` may repeat arguments of the command, keys and payloads among them, so neither `description` nor any
/// error that this package throws holds more of it than the ``code`` (checklist LG-01).
public struct RedisServerError: Error, Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
    /// The first word of the answer, for example `NOSCRIPT`, `MOVED` or `ERR`.
    public let code: String

    /// The whole answer, the code included.
    public let message: String

    /// The refusal that the server spells `message`.
    public init(_ message: String) {
        self.message = message
        let word = message.utf8.prefix { $0 != UInt8(ascii: " ") }
        let isCode =
            (1...32).contains(word.count)
            && word.allSatisfy { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) || $0 == UInt8(ascii: "_") }
        code = isCode ? String(decoding: word, as: UTF8.self) : "ERR"
    }

    public var description: String { code }
    public var debugDescription: String { code }
}

extension RedisServerError: CustomReflectable {
    /// The code alone: a dump of an error ends up in logs.
    public var customMirror: Mirror { Mirror(self, children: ["code": code]) }
}
