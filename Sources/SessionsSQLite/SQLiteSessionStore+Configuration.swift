#if SQLite
import Sessions

extension SQLiteSessionStore {
    /// How a store uses its file. Every setting has a default that is right for a server on its own disk.
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

        /// What is put in front of the names of tables, indexes and the view. Default: nothing.
        ///
        /// Two stores with different prefixes keep their records apart in one file. Up to 32 letters, digits and
        /// underscores, and no digit in front (checklist ST-05).
        public var tablePrefix = ""

        /// What an answered write survives. Default: ``Synchronous-swift.enum/full``.
        public var synchronous = Synchronous.full

        /// How long a call waits while another process holds the file's write lock. Default: 5 seconds.
        ///
        /// After that it throws `locked`.
        public var busyTimeout = Duration.seconds(5)

        /// How long a call takes at most, waiting included. Default: 10 seconds.
        ///
        /// After that it throws `timedOut`. At least ``busyTimeout``.
        public var deadline = Duration.seconds(10)

        /// How many connections read beside the one that writes. Default: 4, at most 64.
        public var readerCount = 4

        /// How many calls one transaction carries out at most. Default: 256; 1 commits each call on its own.
        ///
        /// Calls never wait to make a group: a transaction takes what came while the one before it was committed.
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
                    "tablePrefix has to be at most 32 letters, digits and underscores, not begin with a digit and not "
                        + "begin with sqlite_, which SQLite keeps for itself"
                )
            }
            guard busyTimeout >= .zero, deadline >= .milliseconds(1), deadline >= busyTimeout else {
                throw SessionConfigurationError(
                    .limit,
                    "deadline has to be at least a millisecond and not shorter than busyTimeout (\(busyTimeout)), and "
                        + "neither negative"
                )
            }
            guard deadline <= .seconds(86400) else {
                throw SessionConfigurationError(.limit, "deadline has to be at most a day")
            }
            guard (1...64).contains(readerCount) else {
                throw SessionConfigurationError(.limit, "readerCount has to be from 1 to 64")
            }
            guard groupLimit >= 1 else {
                throw SessionConfigurationError(.limit, "groupLimit has to be at least 1")
            }
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
