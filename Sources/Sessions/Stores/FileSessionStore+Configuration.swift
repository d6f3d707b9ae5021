extension FileSessionStore {
    /// How a store uses its directory.
    ///
    /// Every setting has a default that is right for a server with a disk of its own.
    public struct Configuration: Sendable {
        /// What has to be on the disk before a write is answered.
        public enum Synchronous: Sendable, Hashable {
            /// The write itself: the file, its name and what leads to it. What was answered survives a killed process, a
            /// crash of the operating system and a power loss, as far as the disk tells the truth.
            case full

            /// Nothing. What was answered survives a killed process; a crash of the operating system or a power loss may
            /// undo the last writes, logouts among them, or leave records that are damaged and are then set aside.
            case off
        }

        /// What an answered write survives; by default ``Synchronous-swift.enum/full``.
        public var synchronous = Synchronous.full

        /// How long a call waits while another process holds the lock of its shard; by default 5 seconds.
        ///
        /// After that it throws `locked`.
        public var lockTimeout = Duration.seconds(5)

        /// How long a call takes at most, waiting included; by default 10 seconds.
        ///
        /// After that it throws `timedOut`, and so does ``FileSessionStore/close()``. A load of a file that is damaged or
        /// being changed is two calls; listings, walks, counts and sweeps consist of many, and each of them has this time.
        /// At least ``lockTimeout``, at most a day.
        public var deadline = Duration.seconds(10)

        /// How many calls wait at most; by default 10 000.
        ///
        /// The next one throws `unavailable` at once and is not carried out. Loads, writes and listings are counted
        /// apart. In one shard a sixteenth of them may wait, or 64 writes, so that one session cannot keep all the others
        /// from being written. It is reached when the disk hangs or falls far behind: answering with an error then keeps
        /// requests, with all that they hold, from collecting until ``deadline`` (checklist ST-10).
        public var queueLimit = 10_000

        /// How many threads load records; from 1 to 64, by default 4.
        public var readerCount = 4

        /// How many threads write; from 1 to 64, by default 16.
        ///
        /// They mostly wait for the disk, and a file system that many wait for at once serves them together.
        public var writerCount = 16

        /// Creates a configuration with every default.
        public init() {}

        /// Refuses what does not make sense.
        func validate() throws {
            let limits: [(isKept: Bool, message: String)] = [
                (lockTimeout >= .zero, "A negative lockTimeout cannot be waited for. Set it to zero or more."),
                (
                    deadline >= max(lockTimeout, .milliseconds(1)) && deadline <= .seconds(86_400),
                    "A deadline of \(deadline) makes no sense. Set it to at least a millisecond and lockTimeout "
                        + "(\(lockTimeout)), and to at most a day."
                ),
                ((1...64).contains(readerCount), "\(readerCount) readers cannot be. Set readerCount from 1 to 64."),
                ((1...64).contains(writerCount), "\(writerCount) writers cannot be. Set writerCount from 1 to 64."),
                (queueLimit >= 1, "A store where no call may wait can carry out none. Set queueLimit to 1 or more."),
            ]
            for limit in limits where !limit.isKept { throw SessionConfigurationError(.limit, limit.message) }
        }
    }
}

extension FileCallQueue.Limits {
    /// What a store's configuration says, for this many threads.
    init(_ configuration: FileSessionStore.Configuration, threads: Int) {
        self.init(
            threads: threads,
            waiting: configuration.queueLimit,
            deadline: configuration.deadline,
            lockTimeout: configuration.lockTimeout
        )
    }
}
