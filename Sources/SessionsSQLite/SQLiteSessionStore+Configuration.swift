#if SQLite
import Sessions

extension SQLiteSessionStore {
    /// How a store uses its file.
    ///
    /// Every setting has a default that is right for a server with a disk of its own.
    public struct Configuration: Sendable {
        /// What has to be on the disk before a write is answered.
        public enum Synchronous: Sendable, Hashable {
            /// The write itself: every commit waits for the disk. What was answered survives a killed process, a
            /// crash of the operating system and a power loss, as far as the disk tells the truth.
            case full

            /// Nothing: a commit does not wait. What was answered survives a killed process; a crash of the operating
            /// system or a power loss may undo the last writes, logouts among them. The file stays whole.
            case normal
        }

        /// What is put in front of the names of tables, indexes and the view; by default nothing.
        ///
        /// Two stores with different prefixes keep their records apart in one file. Up to 32 letters, digits and
        /// underscores, and no digit in front (checklist ST-05).
        public var tablePrefix = ""

        /// What an answered write survives; by default ``Synchronous-swift.enum/full``.
        public var synchronous = Synchronous.full

        /// How long a call waits while another process holds the file's write lock; by default 5 seconds.
        ///
        /// After that it throws `locked`.
        public var busyTimeout = Duration.seconds(5)

        /// How long a call takes at most, waiting included; by default 10 seconds.
        ///
        /// After that it throws `timedOut`, and so does ``SQLiteSessionStore/close()``. At least ``busyTimeout``, at
        /// most a day.
        public var deadline = Duration.seconds(10)

        /// How many calls wait at most for a connection that has time for them; by default 10 000.
        ///
        /// The next one throws `unavailable` at once and is not carried out. Loads, writes and listings are counted
        /// apart. It is reached when the disk hangs or falls far behind: answering with an error then keeps requests,
        /// with all that they hold, from collecting until ``deadline`` (checklist ST-10).
        public var queueLimit = 10_000

        /// How many connections load records, beside the one that writes and two that list; from 1 to 64, by default 4.
        public var readerCount = 4

        /// How many calls one transaction carries out at most; by default 256.
        ///
        /// With 1, each call is committed by itself. Calls never wait to make a group: a transaction takes what came
        /// while the one before it was committed.
        public var groupLimit = 256

        /// Creates a configuration with every default.
        public init() {}

        /// Refuses what does not make sense.
        func validate() throws {
            let prefix = tablePrefix.utf8
            let isIdentifier =
                prefix.count <= 32 && prefix.first.map { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? true
                && prefix.allSatisfy(Self.isAllowed) && !tablePrefix.lowercased().hasPrefix("sqlite_")
            guard isIdentifier else {
                throw SessionConfigurationError(
                    .store,
                    "This tablePrefix is no name for tables. Use up to 32 letters, digits and underscores, beginning "
                        + "with neither a digit nor sqlite_, which SQLite keeps for itself."
                )
            }
            let limits: [(isKept: Bool, message: String)] = [
                (busyTimeout >= .zero, "A negative busyTimeout cannot be waited for. Set it to zero or more."),
                (
                    deadline >= max(busyTimeout, .milliseconds(1)) && deadline <= .seconds(86_400),
                    "A deadline of \(deadline) makes no sense. Set it to at least a millisecond and busyTimeout "
                        + "(\(busyTimeout)), and to at most a day."
                ),
                ((1...64).contains(readerCount), "\(readerCount) readers cannot be. Set readerCount from 1 to 64."),
                (queueLimit >= 1, "A store where no call may wait can carry out none. Set queueLimit to 1 or more."),
                (groupLimit >= 1, "A transaction carries out one call at least. Set groupLimit to 1 or more."),
            ]
            for limit in limits where !limit.isKept { throw SessionConfigurationError(.limit, limit.message) }
        }

        private static func isAllowed(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }
}
#endif
