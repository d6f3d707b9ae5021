#if Mongo
import Sessions

extension MongoSessionStore {
    /// How a store uses its database.
    ///
    /// Every setting has a default that is right for a replica set that is reached over a network.
    public struct Configuration: Sendable {
        /// What has to be true of a write before it is answered.
        public enum Confirmation: Sendable, Hashable {
            /// It is in the journal of a majority of the replica set (`w: "majority", j: true`): what was answered
            /// survives the loss of any minority, the primary included, and a power loss of them all.
            ///
            /// On a standalone server: it is in that server's journal.
            case majority

            /// It is in the primary's journal (`w: 1, j: true`). What was answered survives a crash of the primary; a
            /// failover may undo the last writes, logouts among them.
            case primary

            /// It is in the primary's memory (`w: 1, j: false`). A crash of the primary and a failover may undo the last
            /// writes, logouts among them.
            case unflushed
        }

        /// What a read of a replica set is certain of.
        public enum Reads: Sendable, Hashable {
            /// The primary answers after a majority has told it that it still is the primary (`readConcern:
            /// "linearizable"`): what it shows is never older than the last write that was answered with
            /// ``Confirmation-swift.enum/majority``. It takes about as long as a write.
            case linearizable

            /// The primary answers what it has (`readConcern: "local"`), several times as fast. A primary that has been
            /// cut off from the others, and does not know yet that there is a new one, shows for up to the set's
            /// `electionTimeoutMillis` (ten seconds by default) what was true before: to a client that is cut off with
            /// it, sessions that were destroyed meanwhile.
            case primary

            /// As the server spells it.
            var level: String {
                switch self {
                case .linearizable: "linearizable"
                case .primary: "local"
                }
            }
        }

        /// Whether a server on another machine has to prove who it is.
        public enum ServerVerification: Sendable, Hashable {
            /// A connection that leaves the machine uses TLS and checks the server's certificate and name. Anything else is
            /// refused.
            case required

            /// Nobody but you can send or read a packet on the way to the servers. Connections need no TLS.
            case trustedNetwork
        }

        /// The database; by default the one in the path of the connection string, or `sessions` if there is none.
        ///
        /// Up to 40 letters, digits, underscores and hyphens (checklist ST-05).
        public var database: String?

        /// The name of the collection of records, which begins the name of the other; by default `sessions`.
        ///
        /// Stores with different collections keep their records apart. The same alphabet as ``database``.
        public var collection = "sessions"

        /// What an answered write survives; by default ``Confirmation-swift.enum/majority``.
        ///
        /// A connection string that states another write concern is refused.
        public var confirmation = Confirmation.majority

        /// What a read of a replica set is certain of; by default ``Reads-swift.enum/linearizable``.
        ///
        /// A standalone server is the only one there is, and answers what it has.
        public var reads = Reads.linearizable

        /// Whether a server on another machine has to prove who it is; by default
        /// ``ServerVerification-swift.enum/required``.
        public var serverVerification = ServerVerification.required

        /// How long after its deadline the server deletes a record by itself, by its own clock; by default an hour.
        ///
        /// It collects what is over and decides nothing: it has to be longer than clocks may differ. Whole seconds, from
        /// one to a year. It is a property of the collection's index, which is made once: change it there (`collMod`)
        /// and here.
        public var collectAfter = Duration.seconds(3600)

        /// How many connections and threads the store has at most; from 1 to 200, by default 16.
        ///
        /// They are made when they are needed. The connection string's `maxPoolSize` has no meaning.
        public var connectionLimit = 16

        /// How many calls wait at most for a connection; by default 10 000.
        ///
        /// The next one throws `unavailable` at once and is not carried out (checklist ST-10).
        public var queueLimit = 10_000

        /// How long it takes at most to connect to one server; by default 5 seconds. From 1 to 600 seconds.
        public var connectDeadline = Duration.seconds(5)

        /// How long a call takes at most, waiting included; by default 5 seconds.
        ///
        /// After that it throws `timedOut`. It bounds the search for a primary and the wait for each reply too, and the
        /// server is told (`maxTimeMS`), so that it does not go on with what nobody waits for. From 10 milliseconds to a
        /// day.
        public var deadline = Duration.seconds(5)

        /// Creates a configuration with every default.
        public init() {}

        /// Refuses what does not make sense.
        func validate() throws {
            for (setting, name) in [("database", database), ("collection", collection)] {
                guard let name, !Self.isName(name) else { continue }
                throw SessionConfigurationError(
                    .store,
                    "This \(setting) is no name the store takes. Use 1 to 40 letters, digits, underscores and hyphens, "
                        + "beginning with a letter."
                )
            }
            let limits: [(isKept: Bool, message: String)] = [
                (
                    (1...200).contains(connectionLimit),
                    "\(connectionLimit) connections cannot be. Set connectionLimit from 1 to 200."
                ),
                (queueLimit >= 1, "A store where no call may wait can carry out none. Set queueLimit to 1 or more."),
                (
                    connectDeadline >= .seconds(1) && connectDeadline <= .seconds(600),
                    "A connectDeadline of \(connectDeadline) makes no sense. Set it from 1 to 600 seconds."
                ),
                (
                    deadline >= .milliseconds(10) && deadline <= .seconds(86_400),
                    "A deadline of \(deadline) makes no sense. Set it from 10 milliseconds to a day."
                ),
                (
                    collectAfter >= .seconds(1) && collectAfter <= .seconds(31_536_000)
                        && collectAfter.components.attoseconds == 0,
                    "The server collects by whole seconds. Set collectAfter from one second to a year."
                ),
            ]
            for limit in limits where !limit.isKept { throw SessionConfigurationError(.limit, limit.message) }
        }

        /// What both MongoDB and its shell take without quotes, or nearly.
        static func isName(_ name: String) -> Bool {
            let bytes = name.utf8
            guard (1...40).contains(bytes.count), let first = bytes.first else { return false }
            return isLetter(first)
                && bytes.allSatisfy {
                    isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                        || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
                }
        }

        private static func isLetter(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }
    }
}
#endif
