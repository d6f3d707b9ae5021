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
    private let name: String
    private let disk: FileDisk

    init(_ top: consuming FileDescriptor, _ name: String, _ disk: FileDisk) {
        self.top = top
        self.name = name
        self.disk = disk
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

    /// The leaf's directory, made if there is none, and on the disk.
    func makeLeaf(_ shard: Int, _ leaf: Int) throws -> FileDescriptor {
        let (shardName, leafName) = (FilePlace.shardName(shard), FilePlace.leafName(leaf))
        if let leaf = try self.leaf(shard, leaf) {
            try keep(shardName, leafName)
            return leaf
        }
        try top.makeDirectory(shardName)
        let directory = try top.directory(shardName)
        try directory.makeDirectory(leafName)
        try keep(shardName, leafName)
        return try directory.directory(leafName)
    }

    private func keep(_ shard: String, _ leaf: String) throws {
        try disk.once("\(name)/\(shard)") { try disk.force(top, name + "/") }
        try disk.once("\(name)/\(shard)/\(leaf)") { try disk.force(top.directory(shard), name + "/") }
    }

    /// Reads a file whole; what is renamed over it meanwhile does not matter.
    func content(of place: FilePlace) throws -> FileContent {
        guard let leaf = try leaf(place.shard, place.leaf) else { return .missing }
        return try leaf.content(of: place.name)
    }

    /// Adds an empty file, or finds it; waits until it is on the disk.
    ///
    /// - Returns: `false` if it is there already.
    func note(_ place: FilePlace) throws -> Bool {
        let leaf = try makeLeaf(place.shard, place.leaf)
        let isNew = try leaf.makeEmpty(place.name)
        try disk.force(leaf, name)
        return isNew
    }

    /// Removes a file; `false` if there is none.
    @discardableResult
    func remove(_ place: FilePlace) throws -> Bool {
        try leaf(place.shard, place.leaf)?.remove(place.name) ?? false
    }

    /// Waits until what was changed in the leaf's directory is on the disk.
    func synchronize(_ place: FilePlace) throws {
        if let leaf = try leaf(place.shard, place.leaf) { try disk.force(leaf, name) }
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
