#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A call of the operating system that failed.
struct FileFailure: Error, Equatable {
    /// The number that the system gave as the reason.
    let code: CInt

    init(_ code: CInt = errno) {
        self.code = code
    }

    static let notThere = FileFailure(ENOENT)
    static let alreadyThere = FileFailure(EEXIST)
    static let busy = FileFailure(EWOULDBLOCK)
    static let notADirectory = FileFailure(ENOTDIR)
    /// A symbolic link, where none is followed.
    static let link = FileFailure(ELOOP)
    /// A socket, or a pipe that nobody uses.
    static let noFile = FileFailure(ENXIO)
    /// The directories in use were removed.
    static let removed = FileFailure(ESTALE)

    /// Lets a failure be caught by its reason.
    static func ~= (pattern: FileFailure, error: any Error) -> Bool {
        (error as? FileFailure) == pattern
    }
}

/// An open file or directory, closed when it is let go.
///
/// Everything is named relative to an open directory, one name at a time, and no symbolic link is followed: whoever
/// plants one leads no read and no write elsewhere (checklist ST-02).
struct FileDescriptor: ~Copyable, Sendable {
    let number: CInt

    private init(_ number: CInt) {
        self.number = number
    }

    deinit { _ = close(number) }

    /// The result of a call that a signal may interrupt.
    private static func retrying<Result: SignedInteger>(_ call: () -> Result) throws -> Result {
        while true {
            let result = call()
            if result >= 0 { return result }
            guard errno == EINTR else { throw FileFailure() }
        }
    }

    // MARK: Opening

    /// The directory at a path whose last name is no symbolic link.
    static func directory(at path: String) throws -> FileDescriptor {
        FileDescriptor(try retrying { open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) })
    }

    /// The directory `name` in this one.
    func directory(_ name: String) throws -> FileDescriptor {
        FileDescriptor(
            try Self.retrying { openat(number, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
        )
    }

    /// The file `name`, for reading. It does not wait for whoever would write to a pipe.
    func file(_ name: String) throws -> FileDescriptor {
        FileDescriptor(try Self.retrying { openat(number, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) })
    }

    /// A new, empty file `name` that only this user may use.
    func newFile(_ name: String) throws -> FileDescriptor {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let file = FileDescriptor(try Self.retrying { openat(number, name, flags, 0o600) })
        // The process's umask may have taken rights from this user too.
        try file.setMode(0o600)
        return file
    }

    /// The file `name`, made if there is none, to be locked.
    func lockFile(_ name: String) throws -> FileDescriptor {
        let flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        while true {
            do {
                return FileDescriptor(try Self.retrying { openat(number, name, flags) })
            } catch FileFailure.notThere {
                // If the whole directory is gone, this fails with the same reason.
                do { return try newFile(name) } catch FileFailure.alreadyThere {}
            }
        }
    }

    // MARK: Files

    func status() throws -> stat {
        var status = stat()
        _ = try Self.retrying { fstat(number, &status) }
        return status
    }

    /// Whether what is open here was removed meanwhile.
    func isRemoved() throws -> Bool { try status().st_nlink == 0 }

    func setMode(_ mode: mode_t) throws {
        _ = try Self.retrying { fchmod(number, mode) }
    }

    /// All that is in the file, which has `count` bytes unless somebody else cuts it short.
    func read(_ count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...])
                let result = try Self.retrying { posixRead(number, rest.baseAddress, rest.count) }
                if result == 0 { return }
                filled += result
            }
        }
    }

    func write(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { bytes in
            var written = 0
            while written < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
                written += try Self.retrying { posixWrite(number, rest.baseAddress, rest.count) }
            }
        }
    }

    /// Waits until what was changed is on the disk.
    func synchronize() throws {
        #if canImport(Darwin)
        // Darwin's fsync leaves the data in the disk's cache.
        if fcntl(number, F_FULLFSYNC) >= 0 { return }
        #endif
        _ = try Self.retrying { fsync(number) }
    }

    /// Takes the lock of the file, if nobody has it; it is given back when the descriptor is let go, or its process dies.
    func lockNow() throws -> Bool {
        do {
            _ = try Self.retrying { flock(number, LOCK_EX | LOCK_NB) }
            return true
        } catch FileFailure.busy {
            return false
        }
    }

    // MARK: Directories

    /// Makes the directory `name`, for this user only.
    ///
    /// - Returns: `false` if there is something with this name.
    @discardableResult
    func makeDirectory(_ name: String) throws -> Bool {
        do {
            _ = try Self.retrying { mkdirat(number, name, 0o700) }
            _ = try Self.retrying { fchmodat(number, name, 0o700, 0) }
            return true
        } catch FileFailure.alreadyThere {
            return false
        }
    }

    /// Removes the file `name`; `false` if there is none.
    @discardableResult
    func remove(_ name: String) throws -> Bool {
        do {
            _ = try Self.retrying { unlinkat(number, name, 0) }
            return true
        } catch FileFailure.notThere {
            return false
        }
    }

    /// Removes the directory `name`, if it is empty.
    func removeIfEmpty(_ name: String) {
        _ = unlinkat(number, name, AT_REMOVEDIR)
    }

    /// Gives what is called `name` another place, where it replaces what is there.
    func move(_ name: String, to directory: borrowing FileDescriptor, as newName: String) throws {
        let target = directory.number
        _ = try Self.retrying { renameat(number, name, target, newName) }
    }

    /// Whether this user may add to the directory and read it.
    func isUsable() -> Bool {
        faccessat(number, ".", R_OK | W_OK | X_OK, 0) == 0
    }

    /// Calls `body` with the name of everything in the directory, until it returns `false`.
    func names(_ body: (String) throws -> Bool) throws {
        // Another descriptor than this one, as that carries how far somebody has read.
        let copy = try Self.retrying { openat(number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard let stream = fdopendir(copy), let offset = MemoryLayout<dirent>.offset(of: \.d_name) else {
            defer { _ = close(copy) }
            throw FileFailure()
        }
        defer { closedir(stream) }
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw FileFailure() }
                return
            }
            let name = String(cString: UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self))
            if name == "." || name == ".." { continue }
            guard try body(name) else { return }
        }
    }
}

// The methods of the same names hide the functions inside the type.

private func posixRead(_ descriptor: CInt, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}

private func posixWrite(_ descriptor: CInt, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, buffer, count)
}
