import Crypto

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The directory of Remix's file storage, opened once and used by descriptor from then on.
///
/// ```
/// 39/c43384…                     a session's JSON: together, the names are the SHA-256 of its id in 64 digits
/// .swift-sessions/locks/39       the lock of the sessions in 39: who changes one of them here holds it; Remix does not
/// .swift-sessions/temporary/39   what is being written there, one file at a time
/// ```
///
/// A file has no place for a deadline. When it was last changed tells when the session was last used, as far as it counts:
/// its deadline less the store's lifetime.
///
/// Everything but ``load(_:)`` is done while the lock of the session's directory is held.
final class RemixFiles: Sendable {
    let disk: FileDisk
    let locks: FileLocks
    private let root: FileDescriptor
    private let temporary: FileDescriptor
    private let lifetime: Duration
    private let steps: FileSteps

    private static let ownName = ".swift-sessions"

    /// Opens the directory, or makes it; blocks.
    init(
        path: String,
        lifetime: Duration,
        configuration: FileSessionStore.Configuration,
        errors: FileErrors,
        steps: FileSteps
    ) throws {
        // What is wrong with it is told when it is opened.
        try? FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        let root = try FileRoot.open(path, errors)
        try FileRoot.refuseUnsafe(root, errors)
        do {
            try root.names { name in
                guard name == Self.ownName || name == "lost+found" || FilePlace.shard(named: name) != nil else {
                    throw errors.foreign
                }
                return true
            }
            try FileRoot.hide(root)
            guard root.isUsable() else { throw FileFailure() }
            try root.makeDirectory(Self.ownName)
            let own = try root.directory(Self.ownName)
            for name in ["locks", "temporary"] { try own.makeDirectory(name) }
            temporary = try own.directory("temporary")
            locks = FileLocks(try own.directory("locks"), steps)
        } catch {
            throw errors.error(for: error)
        }
        self.root = root
        self.lifetime = lifetime
        self.steps = steps
        disk = FileDisk(isSynchronous: configuration.synchronous == .full, steps: steps)
    }

    /// Where the session is that is called `id`.
    static func place(_ id: String) -> FilePlace {
        let hash = Array(SHA256.hash(data: Array(id.utf8)))
        return FilePlace(hash: hash, name: Hexadecimal.encode(hash[1...]))
    }

    // MARK: Reading

    /// The session at a place. Without a lock: this package replaces a file by renaming.
    ///
    /// Remix writes into the file, and it can be seen half written. One that was changed just now and is no whole JSON is
    /// read again.
    func load(_ place: FilePlace) throws -> StoredRecord? {
        for attempt in 0... {
            guard let (bytes, deadline) = try read(place) else { return nil }
            let isRecent = (deadline - lifetime).duration(since: SystemSessionClock().now()) > .seconds(-2)
            if attempt == Self.attempts || !isRecent || Self.isWhole(bytes) {
                return StoredRecord(foreign: bytes, until: deadline)
            }
            usleep(5000)
            try steps.beforeReread()
        }
        return nil
    }

    private static let attempts = 20

    private static func isWhole(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = JSONScanner(buffer, in: 0..<buffer.count)
            return scanner.value() != nil && scanner.isAtEnd()
        }
    }

    private func read(_ place: FilePlace) throws -> (bytes: [UInt8], deadline: Timestamp)? {
        guard let file = try open(place) else { return nil }
        let status = try file.status()
        // A directory or a pipe is no session, and neither is what a link leads to.
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= FileBytes.limit else { throw FileFailure.link }
        return (try file.read(Int(status.st_size)), status.modifiedAt + lifetime)
    }

    private func open(_ place: FilePlace) throws -> FileDescriptor? {
        guard let directory = try directory(place.shard) else { return nil }
        do {
            return try directory.file(place.name)
        } catch FileFailure.notThere {
            return nil
        }
    }

    private func directory(_ shard: Int) throws -> FileDescriptor? {
        do {
            return try root.directory(FilePlace.shardName(shard))
        } catch FileFailure.notThere {
            guard try !root.isRemoved() else { throw FileFailure.removed }
            return nil
        }
    }

    /// The session at a place, once what this process has changed there is on the disk.
    func present(_ place: FilePlace) throws -> StoredRecord? {
        try settle(place)
        return try load(place)
    }

    // MARK: Writing

    func insert(_ record: StoredRecord, _ place: FilePlace) throws -> Bool {
        guard try present(place) == nil else {
            // The caller may have sent it before: to a process that died before it was on the disk.
            try force(place)
            return false
        }
        try put(record, place)
        return true
    }

    func replace(_ record: StoredRecord, _ place: FilePlace, ifPayload payload: [UInt8]) throws -> ReplaceOutcome {
        guard let present = try present(place) else { return .gone }
        guard present.payload == payload else { return .conflict(present) }
        try put(record, place)
        return .replaced
    }

    func touch(_ place: FilePlace, until deadline: Timestamp, ifPayload payload: [UInt8]) throws -> Bool {
        guard let present = try present(place), present.payload == payload else { return false }
        guard deadline > present.idleDeadline else { return true }
        guard let file = try open(place) else { return false }
        try file.setModified(deadline - lifetime)
        try disk.force(file, "sessions")
        return true
    }

    /// Deletes the session at a place, if `condition` is true for it.
    func delete(_ place: FilePlace, if condition: (StoredRecord) -> Bool) throws -> Bool {
        guard let present = try present(place) else {
            // Deleted by one who may have died before that was on the disk.
            try force(place)
            return false
        }
        guard condition(present), let directory = try directory(place.shard) else { return false }
        try disk.change(place) { try directory.remove(place.name) }
        try settle(place)
        return true
    }

    /// Writes a file beside its place and moves it there.
    private func put(_ record: StoredRecord, _ place: FilePlace) throws {
        let name = FilePlace.shardName(place.shard)
        let directory = try makeDirectory(name)
        do {
            // Whoever left one held this lock, and died.
            try temporary.remove(name)
            let file = try temporary.newFile(name)
            try file.write(record.payload)
            try file.setModified(record.expiresAt - lifetime)
            try disk.force(file, "temporary")
            try steps.beforeMove()
            try disk.change(place) { try temporary.move(name, to: directory, as: place.name) }
        } catch {
            // It would keep space that is needed.
            _ = try? temporary.remove(name)
            throw error
        }
        // From here on everybody sees it.
        try settle(place)
    }

    private func makeDirectory(_ name: String) throws -> FileDescriptor {
        if try root.makeDirectory(name) { disk.forget(name) }
        let directory = try root.directory(name)
        try disk.once(name) { try disk.force(root, "root") }
        return directory
    }

    private func settle(_ place: FilePlace) throws {
        if !disk.isSettled(place) { try force(place) }
    }

    private func force(_ place: FilePlace) throws {
        if let directory = try directory(place.shard) { try disk.force(directory, "sessions") }
        disk.settled(place)
    }

    // MARK: What is over

    /// The sessions of a directory whose deadline is before `cutoff`, at most `limit`.
    func expired(in shard: Int, before cutoff: Timestamp, limit: Int) throws -> [FilePlace] {
        guard let directory = try directory(shard) else { return [] }
        var places: [FilePlace] = []
        try directory.names { name in
            guard let rest = Hexadecimal.bytes(name.utf8, isCanonical: true), rest.count == 31 else { return true }
            let place = FilePlace(hash: [UInt8(truncatingIfNeeded: shard)] + rest, name: name)
            if try isExpired(place, before: cutoff) { places.append(place) }
            return places.count < limit
        }
        return places
    }

    /// Deletes a session, if its deadline is still before `cutoff`.
    func collect(_ place: FilePlace, before cutoff: Timestamp) throws -> Bool {
        // Nothing is forced to the disk: what a power loss undoes is over all the same.
        guard try isExpired(place, before: cutoff), let directory = try directory(place.shard) else { return false }
        return try directory.remove(place.name)
    }

    private func isExpired(_ place: FilePlace, before cutoff: Timestamp) throws -> Bool {
        do {
            guard let status = try open(place)?.status(), status.st_mode & S_IFMT == S_IFREG else { return false }
            return status.modifiedAt + lifetime < cutoff
        } catch FileFailure.link {
            return false
        }
    }
}

extension stat {
    /// When the file's content was last changed.
    fileprivate var modifiedAt: Timestamp {
        #if canImport(Darwin)
        let time = st_mtimespec
        #else
        let time = st_mtim
        #endif
        let (seconds, nanoseconds) = (Int64(time.tv_sec), Int64(time.tv_nsec))
        return Timestamp(microseconds: 0) + .seconds(seconds) + .microseconds(nanoseconds / 1000)
    }
}

extension FileDescriptor {
    /// Says when the file's content was last changed.
    fileprivate func setModified(_ moment: Timestamp) throws {
        let (seconds, rest) = moment.microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        // Before 1970, the rest is negative.
        let (whole, fraction) = rest < 0 ? (seconds - 1, rest + 1_000_000) : (seconds, rest)
        let time = timespec(tv_sec: time_t(whole), tv_nsec: Int(fraction * 1000))
        guard futimens(number, [time, time]) == 0 else { throw FileFailure() }
    }
}
