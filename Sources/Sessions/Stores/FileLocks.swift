/// The locks of a store's shards: a file for each, in a directory of their own.
final class FileLocks: Sendable {
    private let directory: FileDescriptor
    private let steps: FileSteps

    init(_ directory: consuming FileDescriptor, _ steps: FileSteps) {
        self.directory = directory
        self.steps = steps
    }

    /// Takes the lock of a shard; `nil` if somebody else has it.
    func lock(_ shard: Int) throws -> FileLock? {
        for _ in 0..<10 {
            let file = try directory.lockFile(FilePlace.shardName(shard))
            try steps.beforeLock()
            guard try file.lockNow() else { return nil }
            // A lock on a file that was removed keeps nobody out who opens the new one.
            if try !file.isRemoved() { return FileLock(file: file) }
        }
        throw FileFailure.removed
    }
}

/// The lock of a shard: given back when it is let go, and by the system when its process dies.
struct FileLock: ~Copyable {
    fileprivate let file: FileDescriptor
}
