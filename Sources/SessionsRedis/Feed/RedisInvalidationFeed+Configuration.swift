#if Redis
import Sessions

extension RedisInvalidationFeed {
    /// How a feed uses its server.
    public struct Configuration: Sendable {
        /// The channel; by default `sessions:changes`. Nodes hear each other if theirs is the same, whatever the database.
        ///
        /// 1 to 128 letters, digits, and `-`, `_`, `.`, `:`.
        public var channel = "sessions:changes"

        /// How often a node sends at least; by default every second. From 10 milliseconds to a minute.
        ///
        /// A message that was lost is known of within this time of its sender, and a connection that brings nothing is
        /// given up after three times as long.
        public var heartbeat = Duration.seconds(1)

        /// How many records wait at most to be told, each way; by default 10 000. Beyond that it is a gap.
        public var bufferLimit = 10_000

        /// Creates a configuration with every default.
        public init() {}

        func validate() throws {
            let isChannel =
                (1...128).contains(channel.utf8.count)
                && channel.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                        UInt8(ascii: "."), UInt8(ascii: ":"):
                        true
                    default: false
                    }
                }
            guard isChannel else {
                throw SessionConfigurationError(
                    .store,
                    "This channel cannot be used. Take 1 to 128 letters, digits and -, _, . or :."
                )
            }
            guard heartbeat >= .milliseconds(10), heartbeat <= .seconds(60) else {
                throw SessionConfigurationError(
                    .store,
                    "A heartbeat of \(heartbeat) either floods the server or notices nothing. Set it from 10 milliseconds to a "
                        + "minute."
                )
            }
            guard (1...1_000_000).contains(bufferLimit) else {
                throw SessionConfigurationError(.store, "bufferLimit is from 1 to 1 000 000. Correct it.")
            }
        }
    }
}
#endif
