#if SQLite
import GRDB
import Sessions

/// What went wrong, in words that say what to change.
extension SQLiteFile {
    /// Whether an error that made SQLite give up a whole transaction may be one call's.
    ///
    /// Then the others are worth trying by themselves. A damaged file or a failing disk concerns everybody.
    static func mayConcernOneCall(_ error: any Error) -> Bool {
        switch (error as? DatabaseError)?.resultCode {
        case .SQLITE_FULL?, .SQLITE_NOMEM?, .SQLITE_TOOBIG?, .SQLITE_BUSY?, .SQLITE_CONSTRAINT?: true
        default: false
        }
    }

    /// The store's error for one of GRDB's.
    func error(for error: any Error) -> SessionStoreError {
        if let error = error as? SessionStoreError { return error }
        guard let error = error as? DatabaseError else {
            return SessionStoreError(.unavailable, "\(path) could not be used: \(type(of: error)).")
        }
        let (code, message) = explanation(of: error)
        // Without statement and arguments: those would hold keys and payloads.
        let underlying = DatabaseError(resultCode: error.extendedResultCode, message: error.message)
        return SessionStoreError(code, message, underlying: underlying)
    }

    private func explanation(of error: DatabaseError) -> (SessionStoreError.Code, String) {
        if error.extendedResultCode == .SQLITE_READONLY_DBMOVED {
            return (
                .unavailable,
                "\(path) was moved or removed while it was open. Put it back and restart the process."
            )
        }
        if error.resultCode == .SQLITE_NOMEM || error.extendedResultCode == .SQLITE_IOERR_NOMEM {
            return (.unavailable, "There is not enough memory to work on \(path). Raise the process's memory limit.")
        }
        return switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_PROTOCOL:
            (
                .locked,
                "\(path) is locked by another process for longer than busyTimeout. End the process that keeps a "
                    + "transaction open (a database client, a backup), or raise busyTimeout."
            )
        case .SQLITE_FULL:
            (.full, "There is no space left for \(path). Free some on its volume, or raise the quota.")
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH, .SQLITE_CANTOPEN:
            (
                .notPermitted,
                "\(path) cannot be opened for writing. Give this process's user the right to read and write the file, "
                    + "its -wal and -shm files and their directory, and see that the volume is not mounted read-only "
                    + "and that the process's limit of open files is not reached."
            )
        case .SQLITE_NOTADB, .SQLITE_CORRUPT, .SQLITE_FORMAT, .SQLITE_SCHEMA, .SQLITE_ERROR, .SQLITE_MISMATCH,
            .SQLITE_CONSTRAINT:
            (
                .unusable,
                "\(path) is damaged or no session database any more. Stop every process that uses it and put a backup "
                    + "in its place, or move it away with its -wal and -shm files: a new one is then created."
            )
        default:
            (
                .unavailable,
                "\(path) could not be read or written (SQLite result \(error.extendedResultCode.rawValue)). Look at the "
                    + "disk and the system's log."
            )
        }
    }

    var closed: SessionStoreError {
        SessionStoreError(.unavailable, "The store of \(path) is closed. Call close() after the last request.")
    }

    func notClosed(after deadline: Duration) -> SessionStoreError {
        SessionStoreError(
            .timedOut,
            "\(path) could not be closed within \(deadline), because calls are under way that the disk does not answer. "
                + "What was answered is safe: end the process, or look at the disk and call close() again."
        )
    }

    func overloaded(_ limit: Int) -> SessionStoreError {
        SessionStoreError(
            .unavailable,
            "\(path) does not keep up: \(limit) calls wait for it already. Look at the disk, or raise queueLimit if so "
                + "many requests at once are to be expected."
        )
    }

    func timedOut(after deadline: Duration) -> SessionStoreError {
        SessionStoreError(
            .timedOut,
            "\(path) did not answer within \(deadline). Look at the disk, or raise deadline if it is known to be slow."
        )
    }

    var oldLibrary: SessionStoreError {
        SessionStoreError(
            .unusable,
            "This system's SQLite (\(Database.sqliteLibVersionNumber)) cannot make the tables. Install SQLite 3.31 or later."
        )
    }

    var foreignOwner: SessionStoreError {
        SessionStoreError(
            .notPermitted,
            "\(path) belongs to another user, who could read and change every session. Run the process as that user, "
                + "or make its own user the owner (chown)."
        )
    }

    var tooOpen: SessionStoreError {
        SessionStoreError(
            .notPermitted,
            "Other users may read or write \(path) or the -wal and -shm files beside it, and that could not be changed. "
                + "Set the mode of all three to 0600."
        )
    }

    var missing: SessionStoreError {
        SessionStoreError(
            .unavailable,
            "\(path) cannot be created, because its directory does not exist. Create the directory or correct the path."
        )
    }

    var notAFile: SessionStoreError {
        SessionStoreError(.unusable, "\(path) is not a regular file. Give the path of a file.")
    }

    var foreign: SessionStoreError {
        SessionStoreError(
            .unusable,
            "\(path) is another program's database and was left as it is. Give the sessions a file of their own."
        )
    }

    func tooNew(_ version: Int, known: Int) -> SessionStoreError {
        SessionStoreError(
            .unusable,
            "\(path) was written by a later version of this package (schema \(version), this one knows \(known)) and "
                + "was left as it is. Update the package, or give another path."
        )
    }

    var noWAL: SessionStoreError {
        SessionStoreError(
            .unusable,
            "\(path) cannot be used in WAL mode. Keep it on a local disk, not on a network file system."
        )
    }
}
#endif
