#if SQLite
import Foundation
import GRDB
import Sessions
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The file of a store: makes it, looks whether it is ours, and opens the connections to it.
struct SQLiteFile: Sendable {
    /// A connection, and what it waits for locks with.
    struct Connection: Sendable {
        let queue: DatabaseQueue
        let lockWait: LockWait
    }

    /// The path, as the application wrote it.
    let path: String
    private let configuration: SQLiteSessionStore.Configuration

    init(path: String, configuration: SQLiteSessionStore.Configuration) throws {
        guard !path.isEmpty, path != ":memory:", !path.utf8.contains(0) else {
            throw SessionConfigurationError(
                .store,
                "A session database needs the path of a file. For sessions that end with the process, use MemorySessionStore."
            )
        }
        self.path = path
        self.configuration = configuration
    }

    /// Opens the file, creates it if there is none, and brings its tables to the schema's version.
    ///
    /// - Returns: a connection that writes, and as many that read as asked for.
    func open(_ schema: SQLiteSchema, readers: Int) throws -> (writer: Connection, readers: [Connection]) {
        guard Database.sqliteLibVersionNumber >= 3_031_000 else { throw oldLibrary }
        try create()
        do {
            try inspect(schema)
            // Now that it is known to be ours, and before anything is written.
            try takeFromOthers()
            let writer = try openWriter(schema)
            return (writer, try (0..<readers).map { _ in try connect(readonly: true) })
        } catch {
            throw self.error(for: error)
        }
    }

    /// Makes an empty file that only this user may read, if there is none.
    ///
    /// SQLite gives the -wal and -shm files the same mode; left to itself, it would let everybody read all three
    /// (checklist ST-02).
    private func create() throws {
        // Closing a descriptor drops the locks that this process holds on the file, SQLite's among them. So this is
        // done for a new file only, and by one thread at a time.
        let code: CInt = Self.creating.withLock { _ in
            let descriptor = Self.openFile(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { return errno }
            close(descriptor)
            return 0
        }
        var status = stat()
        switch code {
        case 0: break
        case EEXIST:
            guard stat(path, &status) == 0 else { throw missing }
            guard status.st_mode & S_IFMT == S_IFREG else { throw notAFile }
            // Whoever owns a file may read it, whatever its mode. Root is let in to work on a service's file.
            guard status.st_uid == geteuid() || geteuid() == 0 else { throw foreignOwner }
            // SQLite would open a file that it may only read, and leave -wal and -shm files of the wrong user beside it.
            guard access(path, R_OK | W_OK) == 0 else {
                throw error(for: DatabaseError(resultCode: .SQLITE_READONLY))
            }
        case ENOENT, ENOTDIR: throw missing
        case EISDIR: throw notAFile
        case EACCES, EPERM, EROFS: throw error(for: DatabaseError(resultCode: .SQLITE_READONLY))
        case ENOSPC, EDQUOT: throw error(for: DatabaseError(resultCode: .SQLITE_FULL))
        default: throw error(for: DatabaseError(resultCode: .SQLITE_CANTOPEN))
        }
    }

    /// Takes the rights on the file, and on the ones that SQLite keeps beside it, from everybody but its owner
    /// (checklist ST-02).
    ///
    /// By path and not by descriptor: closing one would drop the locks that this process holds on the file.
    private func takeFromOthers() throws {
        // SQLite's other files are beside what a link leads to.
        guard let resolved = realpath(path, nil) else { throw missing }
        defer { free(resolved) }
        let real = String(cString: resolved)
        // The file first: what SQLite makes from now on beside it gets its mode.
        for name in [real, real + "-wal", real + "-shm"] {
            var status = stat()
            guard lstat(name, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_mode & 0o077 != 0 else {
                continue
            }
            // One that is gone by now, as its last user closed it, does no harm.
            guard chmod(name, 0o600) == 0 || errno == ENOENT else { throw tooOpen }
        }
    }

    private static let creating = Mutex(())

    private static func openFile(_ path: String, _ flags: CInt, _ mode: mode_t) -> CInt {
        #if canImport(Darwin)
        Darwin.open(path, flags, mode)
        #elseif canImport(Glibc)
        Glibc.open(path, flags, mode)
        #elseif canImport(Musl)
        Musl.open(path, flags, mode)
        #endif
    }

    /// Refuses a file that is not ours, on a connection that cannot change it.
    private func inspect(_ schema: SQLiteSchema) throws {
        let connection = try connect(readonly: true).queue
        // On one snapshot: another process may be making the tables.
        try check(connection.read { try schema.state(of: $0) }, schema)
        try connection.close()
    }

    private func check(_ state: SQLiteSchema.State, _ schema: SQLiteSchema) throws {
        switch state {
        case .foreign: throw foreign
        case .version(let version) where version > schema.currentVersion:
            throw tooNew(version, known: schema.currentVersion)
        case .empty, .version: break
        }
    }

    private func openWriter(_ schema: SQLiteSchema) throws -> Connection {
        let connection = try connect(readonly: false)
        try connection.queue.inDatabase { database in
            try turnOnWAL(in: database)
            connection.lockWait.end(at: .now + configuration.busyTimeout)
            try schema.migrate(database) { try check($0, schema) }
        }
        return connection
    }

    /// Switches the file to WAL mode, once for its life.
    private func turnOnWAL(in database: Database) throws {
        let limit = ContinuousClock.now + configuration.busyTimeout
        var attempt = 0
        while true {
            do {
                let mode = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
                guard mode == "wal" else { throw noWAL }
                return
            } catch DatabaseError.SQLITE_BUSY where ContinuousClock.now < limit {
                // SQLite does not ask its busy handler here: two processes that make the file at once meet.
                attempt += 1
                Thread.sleep(forTimeInterval: Double.random(in: 0.001...0.005) * Double(min(attempt, 10)))
            }
        }
    }

    private func connect(readonly: Bool) throws -> Connection {
        let lockWait = LockWait(for: configuration.busyTimeout)
        var settings = GRDB.Configuration()
        settings.readonly = readonly
        settings.foreignKeysEnabled = false
        settings.busyMode = .callback { lockWait.wait(attempt: $0) }
        settings.label = "SQLiteSessionStore"
        // GroupCommit ends its transactions itself, and rolls back what it finds open.
        settings.allowsUnsafeTransactions = true
        let synchronous = configuration.synchronous
        settings.prepareDatabase { database in
            guard !readonly else { return }
            switch synchronous {
            case .full:
                // Darwin's fsync leaves the data in the disk's cache; F_FULLFSYNC does not.
                try database.execute(
                    sql: "PRAGMA synchronous = FULL; PRAGMA fullfsync = 1; PRAGMA checkpoint_fullfsync = 1"
                )
            case .normal:
                try database.execute(sql: "PRAGMA synchronous = NORMAL")
            }
        }
        // Never taken for a URI, whatever SQLite was built with.
        let name = path.utf8.first == UInt8(ascii: "/") ? path : "./\(path)"
        return Connection(queue: try DatabaseQueue(path: name, configuration: settings), lockWait: lockWait)
    }
}
#endif
