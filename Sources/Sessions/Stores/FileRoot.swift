#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The directories of a store: opened once, when it is made, and used by descriptor from then on.
///
/// ```
/// format                     what this directory is
/// lock                       held while a store looks at the directory or makes what is below
/// locks/ab                   the lock of shard ab: whoever changes something in it holds it
/// records/ab/c/k…            a record
/// epochs/ab/c/e…             an owner's epoch
/// owners/ab/c/…-k…           an empty file: this owner owns that record
/// expiry/…/…/…-k…            an empty file: that record may be over at this deadline
/// temporary/ab               what is being written in shard ab, one file at a time
/// damaged/…                  what was found and is no file of ours
/// ```
final class FileRoot: Sendable {
    let records: FileTree
    let epochs: FileTree
    let owners: FileTree
    let expiry: FileExpiryIndex
    let temporary: FileDescriptor
    let damaged: FileDescriptor
    private let locks: FileLocks
    let disk: FileDisk
    /// Called after something was set aside: its name in `damaged`.
    let onSetAside: @Sendable (String) -> Void
    let steps: FileSteps

    private static let names = ["locks", "records", "epochs", "owners", "expiry", "temporary", "damaged"]
    private static let format = "swift-sessions files 1\n"
    /// How a directory of any version begins to say what it is.
    private static let formatStart = "swift-sessions files "

    /// Opens the directory, and makes what is missing in an empty one; blocks.
    init(
        path: String,
        configuration: FileSessionStore.Configuration,
        errors: FileErrors,
        steps: FileSteps,
        onSetAside: @escaping @Sendable (String) -> Void
    ) throws {
        let root = try Self.open(path, errors)
        try Self.refuseUnsafe(root, errors)
        let disk = FileDisk(isSynchronous: configuration.synchronous == .full, steps: steps)
        self.disk = disk
        self.onSetAside = onSetAside
        self.steps = steps
        do {
            try Self.prepare(root, lockTimeout: configuration.lockTimeout, errors)
            try Self.hide(root)
            for name in Self.names { _ = try root.makeDirectory(name) }
            try disk.force(root, "root")
            func directory(_ name: String) throws -> FileDescriptor {
                let directory = try root.directory(name)
                let status = try directory.status()
                guard status.st_uid == geteuid() else { throw errors.foreignOwner }
                guard directory.isUsable() else { throw FileFailure() }
                return directory
            }
            func tree(_ name: String) throws -> FileTree {
                FileTree(try directory(name), name, disk)
            }
            records = try tree("records")
            epochs = try tree("epochs")
            owners = try tree("owners")
            expiry = FileExpiryIndex(try directory("expiry"), disk)
            temporary = try directory("temporary")
            damaged = try directory("damaged")
            locks = FileLocks(try directory("locks"), steps)
        } catch {
            throw errors.error(for: error)
        }
    }

    /// Opens the directory at a path that is no symbolic link.
    static func open(_ path: String, _ errors: FileErrors) throws -> FileDescriptor {
        do {
            // With a slash at its end, the system would follow a link.
            let end = path.utf8.lastIndex { $0 != UInt8(ascii: "/") }
            return try .directory(at: end.map { String(path[...$0]) } ?? "/")
        } catch FileFailure.notThere {
            throw errors.missing
        } catch FileFailure.link {
            throw errors.notADirectory
        } catch FileFailure.notADirectory {
            throw errors.notADirectory
        } catch {
            throw errors.error(for: error)
        }
    }

    /// Refuses a directory that somebody else can change (checklist CF-11).
    static func refuseUnsafe(_ root: borrowing FileDescriptor, _ errors: FileErrors) throws {
        do {
            let status = try root.status()
            guard status.st_uid == geteuid() else { throw errors.foreignOwner }
            guard status.st_mode & 0o022 == 0 else { throw errors.writableByOthers }
        } catch {
            throw errors.error(for: error)
        }
    }

    /// Takes the directory from those who can read it. Not before it is known to be a store's: it may be the system's.
    static func hide(_ root: borrowing FileDescriptor) throws {
        let mode = try root.status().st_mode
        if mode & 0o077 != 0 { try root.setMode(mode & 0o700) }
    }

    /// Makes sure that this is a directory of this version.
    private static func prepare(
        _ root: borrowing FileDescriptor,
        lockTimeout: Duration,
        _ errors: FileErrors
    ) throws {
        if try isReady(root, errors) { return }
        try refuseForeign(root, errors)
        guard root.isUsable() else { throw FileFailure() }
        // Two processes may start at once.
        let lock = try root.lockFile("lock")
        let limit = ContinuousClock.now + lockTimeout
        while try !lock.lockNow() {
            guard ContinuousClock.now < limit else { throw errors.locked(for: lockTimeout) }
            usleep(.random(in: 1000...10_000))
        }
        if try isReady(root, errors) { return }
        // Without it, the next store begins again.
        try root.remove("format.new")
        let file = try root.newFile("format.new")
        try file.write(Array(format.utf8))
        try file.synchronize()
        try root.move("format.new", to: root, as: "format")
        try root.synchronize()
    }

    private static func isReady(_ root: borrowing FileDescriptor, _ errors: FileErrors) throws -> Bool {
        switch try root.content(of: "format") {
        case .missing: return false
        case .bytes(Array(format.utf8)): return true
        case .bytes(let bytes) where bytes.starts(with: formatStart.utf8): throw errors.tooNew
        case .bytes, .foreign: throw errors.foreign
        }
    }

    /// Refuses a directory that holds anything else than what a store leaves that was interrupted while it made one.
    private static func refuseForeign(_ root: borrowing FileDescriptor, _ errors: FileErrors) throws {
        try root.names { name in
            // The last one is in every directory that is a volume of its own.
            guard (names + ["lock", "format.new", "lost+found"]).contains(name) else { throw errors.foreign }
            return true
        }
    }

    /// Takes the lock of a shard; `nil` if somebody else has it.
    func lock(_ shard: Int) throws -> FileLock? { try locks.lock(shard) }
}

/// What tests do at certain moments of a write.
package struct FileSteps: Sendable {
    /// Between a lock's file is opened and locked.
    package var beforeLock: @Sendable () throws -> Void = {}
    /// Before a file takes its place.
    package var beforeMove: @Sendable () throws -> Void = {}
    /// Before something is forced to the disk: the tree whose file or leaf it is, with a slash for what leads to one.
    package var beforeForce: @Sendable (String) throws -> Void = { _ in }
    /// Before a file that another system is writing is read again.
    package var beforeReread: @Sendable () throws -> Void = {}

    package init() {}
}
