#if Postgres
import Sessions

extension PostgresSessionStore {
    /// How a store uses its database.
    ///
    /// Every setting has a default that is right for a server of its own that is reached over a network.
    public struct Configuration: Sendable {
        /// What has to be true of a write before it is answered.
        public enum Confirmation: Sendable, Hashable {
            /// It is on the disk of the server and of the synchronous standbys that `synchronous_standby_names` asks
            /// for. What was answered survives the loss of the server, if one of those standbys takes over.
            ///
            /// A server that names no synchronous standby is refused, with every connection. A write that the standbys
            /// did not confirm is an error.
            case standbys

            /// It is on the server's disk, and on what other servers the server's own settings ask for. What was
            /// answered survives a crash of the server and a power loss; a failover to a standby that is not
            /// synchronous may undo the last writes, logouts among them.
            ///
            /// A server with `fsync=off` is refused.
            case flushed

            /// Nothing (`synchronous_commit=off`). A crash of the server may undo the writes of the last moments (at
            /// most three times `wal_writer_delay`), logouts among them. The tables stay whole.
            case unflushed

            /// Nothing, and the records are in an unlogged table. After a crash of the server, and on a standby that
            /// takes over, there is no session at all: everybody is logged out, and nobody logged in again.
            case unlogged
        }

        /// How the tables come to be.
        public enum Migrations: Sendable, Hashable {
            /// The store makes and migrates them when it is opened; of stores that are opened together, one does.
            case automatic

            /// Somebody else carries out ``PostgresSessionStore/migrationSQL(_:)``. The store refuses tables of another
            /// version.
            case manual
        }

        /// Whether a server on another machine has to prove who it is.
        public enum ServerVerification: Sendable, Hashable {
            /// A connection that leaves the machine uses `sslmode=verify-full`, or `verify-ca` with a `sslrootcert` of
            /// your own. Anything else is refused.
            case required

            /// Nobody but you can send or read a packet on the way to the server. Any `sslmode` goes.
            case trustedNetwork
        }

        /// The schema of the tables; by default `public`. An automatic migration creates it if it is not there.
        ///
        /// Up to 40 letters, digits and underscores, beginning with neither a digit nor `pg_` (checklist ST-05).
        public var schema = "public"

        /// The name of the table of records, which begins the names of the others; by default `sessions`.
        ///
        /// Stores with different tables keep their records apart. The same alphabet as ``schema``.
        public var table = "sessions"

        /// What an answered write survives; by default ``Confirmation-swift.enum/flushed``.
        public var confirmation = Confirmation.flushed

        /// How the tables come to be; by default ``Migrations-swift.enum/automatic``.
        public var migrations = Migrations.automatic

        /// Whether a server on another machine has to prove who it is; by default
        /// ``ServerVerification-swift.enum/required``.
        public var serverVerification = ServerVerification.required

        /// How many connections the store has at most; from 1 to 200, by default 10.
        ///
        /// They are opened when they are needed. Those that wait for the answer to a call that was given up do not
        /// count, and are no more than as many again.
        public var connectionLimit = 10

        /// How many calls wait at most for a connection; by default 10 000.
        ///
        /// The next one throws `unavailable` at once and is not carried out (checklist ST-10).
        public var queueLimit = 10_000

        /// How long it takes at most to connect to one host; by default 5 seconds.
        ///
        /// It is rounded up to whole seconds, and two at least. From 1 to 600 seconds.
        public var connectDeadline = Duration.seconds(5)

        /// How long a call takes at most, waiting included; by default 5 seconds.
        ///
        /// After that it throws `timedOut`. It is the server's `statement_timeout` too, so that the server does not go
        /// on with what nobody waits for. From a millisecond to a day.
        public var deadline = Duration.seconds(5)

        /// Creates a configuration with every default.
        public init() {}

        /// Refuses what does not make sense.
        func validate() throws {
            for (setting, name) in [("schema", schema), ("table", table)] {
                guard Self.isIdentifier(name) else {
                    throw SessionConfigurationError(
                        .store,
                        "This \(setting) is no name the store takes. Use 1 to 40 letters, digits and underscores, "
                            + "beginning with neither a digit nor pg_, which PostgreSQL keeps for itself."
                    )
                }
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
                    deadline >= .milliseconds(1) && deadline <= .seconds(86_400),
                    "A deadline of \(deadline) makes no sense. Set it from a millisecond to a day."
                ),
            ]
            for limit in limits where !limit.isKept { throw SessionConfigurationError(.limit, limit.message) }
        }

        private static func isIdentifier(_ name: String) -> Bool {
            let bytes = name.utf8
            guard (1...40).contains(bytes.count), let first = bytes.first else { return false }
            return !isDigit(first) && !name.lowercased().hasPrefix("pg_")
                && bytes.allSatisfy { isDigit($0) || isLetter($0) || $0 == UInt8(ascii: "_") }
        }

        private static func isDigit(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }

        private static func isLetter(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }
    }
}
#endif
