#if Redis
import Sessions

extension RedisSessionStore {
    /// When a write counts as kept.
    public enum Confirmation: Sendable, Hashable {
        /// When the primary has answered. A failover may undo the last writes, **logouts among them**.
        case primary

        /// When this many replicas have it too; they are waited for at most `within`.
        ///
        /// A write that fewer have confirmed by then is an error, and the manager finds out what became of it: a load of
        /// its record waits for the replicas as well. Give the number of **all** replicas that may be promoted, and set
        /// `min-replicas-to-write` on the server to the same, so that an answered write survives a failover.
        case replicas(Int, within: Duration)
    }

    /// How a store uses its server.
    public struct Configuration: Sendable {
        /// What every key begins with; by default `sessions:`.
        ///
        /// Two stores with different prefixes keep their records apart in one database. 1 to 64 letters, digits, and
        /// `-`, `_`, `.`, `:` (checklist ST-05).
        public var keyPrefix = "sessions:"

        /// When a write counts as kept; by default ``Confirmation/primary``.
        public var confirmation = Confirmation.primary

        /// How long after its deadline a record is collected; by default one minute.
        ///
        /// The server collects by its own clock, and a machine whose clock is late must not find a session gone that it
        /// still takes for live.
        public var skewAllowance = Duration.seconds(60)

        /// Creates a configuration with every default.
        public init() {}

        /// Refuses what does not make sense.
        func validate(_ client: any RedisCommandClient) throws {
            let isPrefix =
                (1...64).contains(keyPrefix.utf8.count)
                && keyPrefix.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                        UInt8(ascii: "."), UInt8(ascii: ":"):
                        true
                    default: false
                    }
                }
            guard isPrefix else {
                throw SessionConfigurationError(
                    .store,
                    "This keyPrefix cannot be used. Take 1 to 64 letters, digits and -, _, . or :. Braces would put every "
                        + "session into one slot of a cluster."
                )
            }
            guard skewAllowance >= .zero, skewAllowance <= .seconds(86_400) else {
                throw SessionConfigurationError(
                    .store,
                    "A negative skewAllowance would collect records before their deadline, and more than a day keeps what "
                        + "nobody can use. Set it to something between."
                )
            }
            guard case .replicas(let count, let within) = confirmation else { return }
            guard (1...100).contains(count), within >= .milliseconds(1), within <= .seconds(60) else {
                throw SessionConfigurationError(
                    .store,
                    "Writes are confirmed by 1 to 100 replicas within a millisecond to a minute. Correct confirmation, or "
                        + "choose .primary."
                )
            }
            guard client is any RedisConfirmingClient else {
                throw SessionConfigurationError(
                    .store,
                    "This client cannot wait for replicas. Conform it to RedisConfirmingClient, use RedisClient, or choose "
                        + "the confirmation .primary."
                )
            }
            if let client = client as? RedisClient, within * 2 > client.callDeadline {
                throw SessionConfigurationError(
                    .store,
                    "Writes would wait for replicas longer than a call may take. Raise the client's callDeadline to twice "
                        + "the confirmation's time at least."
                )
            }
        }
    }
}
#endif
