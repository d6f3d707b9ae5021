#if Postgres
import Sessions

extension PostgresInvalidationFeed {
    /// How a feed uses its server.
    public struct Configuration: Sendable {
        /// The channel; by default `sessions_changes`. Nodes hear each other if it and the database are the same.
        ///
        /// 1 to 60 letters, digits and underscores.
        public var channel = "sessions_changes"

        /// How often a quiet connection is asked for a sign of life; by default every second. From 10 milliseconds to a minute.
        ///
        /// One that leaves anything unanswered for three times as long is given up.
        public var heartbeat = Duration.seconds(1)

        /// How many records wait at most to be told, each way; by default 10 000. Beyond that it is a gap.
        public var bufferLimit = 10_000

        /// Whether a server on another machine has to prove who it is; by default `required`, see
        /// ``PostgresSessionStore/Configuration/serverVerification-swift.property``.
        public var serverVerification = PostgresSessionStore.Configuration.ServerVerification.required

        /// How long it takes at most to connect to one host; by default 5 seconds, rounded up to whole ones. From 1 to 600
        /// seconds.
        public var connectDeadline = Duration.seconds(5)

        /// Creates a configuration with every default.
        public init() {}

        /// What decides how a connection is made.
        var connecting: PostgresSessionStore.Configuration {
            var configuration = PostgresSessionStore.Configuration()
            configuration.serverVerification = serverVerification
            configuration.connectDeadline = connectDeadline
            return configuration
        }

        func validate() throws {
            try connecting.validate()
            let isChannel =
                (1...60).contains(channel.utf8.count)
                && channel.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                        true
                    default: false
                    }
                }
            guard isChannel else {
                throw SessionConfigurationError(
                    .store,
                    "This channel cannot be used. Take 1 to 60 letters, digits and underscores."
                )
            }
            guard heartbeat >= .milliseconds(10), heartbeat <= .seconds(60) else {
                throw SessionConfigurationError(
                    .limit,
                    "A heartbeat of \(heartbeat) either floods the server or notices nothing. Set it from 10 milliseconds to a "
                        + "minute."
                )
            }
            guard (1...1_000_000).contains(bufferLimit) else {
                throw SessionConfigurationError(.limit, "bufferLimit is from 1 to 1 000 000. Correct it.")
            }
        }
    }
}
#endif
