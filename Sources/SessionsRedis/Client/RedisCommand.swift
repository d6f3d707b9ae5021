#if Redis
/// One command: its words, and the key that decides which node of a cluster carries it out.
public struct RedisCommand: Sendable, Hashable {
    /// The command's name and arguments, as they are sent.
    public var arguments: [[UInt8]]

    /// The one key that the command is about; `nil` for one that is about none, such as `SCAN`.
    public var key: [UInt8]?

    /// Creates a command.
    public init(_ arguments: [[UInt8]], key: [UInt8]?) {
        self.arguments = arguments
        self.key = key
    }

    /// How many bytes it is on its way, about.
    var size: Int { arguments.reduce(16) { $0 + $1.count + 16 } }
}
#endif
