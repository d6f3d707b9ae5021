#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What is found under a name.
enum FileContent: Sendable {
    case missing
    /// A regular file's bytes.
    case bytes([UInt8])
    /// Something that no store puts there: a link, a directory, a pipe, a file of absurd size.
    case foreign
}

/// Two levels of directories and the files in them.
///
/// Directories are made when something is put into them, and never removed: no two processes can disagree about which one
/// is meant.
final class FileTree: Sendable {
    let top: FileDescriptor
    /// Whether a new directory is forced to the disk.
    private let isSynchronous: Bool

    init(_ top: consuming FileDescriptor, isSynchronous: Bool) {
        self.top = top
        self.isSynchronous = isSynchronous
    }

    /// The leaf's directory; `nil` if nothing was put there yet.
    ///
    /// - Throws: ``FileFailure/removed`` if the whole tree was removed meanwhile: that is not the same as empty.
    func leaf(_ shard: Int, _ leaf: Int) throws -> FileDescriptor? {
        do {
            return try top.directory(FilePlace.shardName(shard)).directory(FilePlace.leafName(leaf))
        } catch FileFailure.notThere {
            guard try !top.isRemoved() else { throw FileFailure.removed }
            return nil
        }
    }

    /// The leaf's directory, made if there is none.
    func makeLeaf(_ shard: Int, _ leaf: Int) throws -> FileDescriptor {
        if let leaf = try self.leaf(shard, leaf) { return leaf }
        let (shardName, leafName) = (FilePlace.shardName(shard), FilePlace.leafName(leaf))
        if try top.makeDirectory(shardName), isSynchronous { try top.synchronize() }
        let directory = try top.directory(shardName)
        if try directory.makeDirectory(leafName), isSynchronous { try directory.synchronize() }
        return try directory.directory(leafName)
    }

    /// Reads a file whole; what is renamed over it meanwhile does not matter.
    func content(of place: FilePlace) throws -> FileContent {
        guard let leaf = try leaf(place.shard, place.leaf) else { return .missing }
        return try leaf.content(of: place.name)
    }

    /// Adds an empty file, or finds it.
    ///
    /// - Parameter synchronizing: Whether to wait until it is on the disk.
    func note(_ place: FilePlace, synchronizing: Bool) throws -> Bool {
        let leaf = try makeLeaf(place.shard, place.leaf)
        let isNew = try leaf.makeEmpty(place.name)
        if synchronizing { try leaf.synchronize() }
        return isNew
    }

    /// Removes a file; `false` if there is none.
    @discardableResult
    func remove(_ place: FilePlace) throws -> Bool {
        try leaf(place.shard, place.leaf)?.remove(place.name) ?? false
    }

    /// Waits until what was changed in the leaf's directory is on the disk.
    func synchronize(_ place: FilePlace) throws {
        try leaf(place.shard, place.leaf)?.synchronize()
    }

    /// Calls `body` with every name in the shard's leaves, until it returns `false`.
    func names(in shard: Int, _ body: (String) throws -> Bool) throws {
        for leaf in 0..<FilePlace.leaves {
            guard let directory = try self.leaf(shard, leaf) else { continue }
            var goesOn = true
            try directory.names { name in
                goesOn = try body(name)
                return goesOn
            }
            guard goesOn else { return }
        }
    }
}

extension FileDescriptor {
    /// What is called `name` in this directory.
    func content(of name: String) throws -> FileContent {
        do {
            let file = try file(name)
            let status = try file.status()
            guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= FileBytes.limit else { return .foreign }
            return .bytes(try file.read(Int(status.st_size)))
        } catch FileFailure.notThere {
            return .missing
        } catch FileFailure.link {
            return .foreign
        } catch FileFailure.noFile {
            // A socket.
            return .foreign
        }
    }

    /// Makes an empty file; `false` if there is something with its name.
    func makeEmpty(_ name: String) throws -> Bool {
        do {
            _ = try newFile(name)
            return true
        } catch FileFailure.alreadyThere {
            return false
        }
    }
}
