#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What a file store's failures mean, and what to change.
///
/// Texts name the store's directory and nothing in it: a file's name holds a handle.
struct FileErrors: Sendable {
    /// The directory's path, as the application wrote it.
    let path: String

    func error(for error: any Error) -> SessionStoreError {
        if let error = error as? SessionStoreError { return error }
        guard let failure = error as? FileFailure else {
            return SessionStoreError(.unavailable, "\(path) could not be used.", underlying: error)
        }
        return switch failure.code {
        case ENOSPC, EDQUOT, EFBIG:
            SessionStoreError(
                .full,
                "There is no space left for \(path), or no inodes (df -i). Free some on its volume, or raise the quota or "
                    + "the process's limit of file sizes. What was there before is still there."
            )
        case EACCES, EPERM, EROFS:
            SessionStoreError(
                .notPermitted,
                "\(path) or something in it cannot be read or written. Give its directories to this process's user with "
                    + "mode 0700 and its files with 0600 (chown -R, chmod -R u+rwX,go=), and see that the volume is not "
                    + "mounted read-only."
            )
        case EMFILE, ENFILE:
            SessionStoreError(
                .unavailable,
                "Too many files are open to use \(path). Raise the limit of open files (ulimit -n)."
            )
        case FileFailure.removed.code, FileFailure.notThere.code:
            SessionStoreError(
                .unavailable,
                "\(path), or a directory in it, was removed while it was in use. Put it back and restart the process."
            )
        case ENOTDIR, ELOOP, EISDIR, EEXIST, ENOTEMPTY:
            SessionStoreError(
                .unusable,
                "In \(path) there is something else where a store has a directory or a file, perhaps a symbolic link. "
                    + "Find out who put it there and remove it."
            )
        case ENOMEM:
            SessionStoreError(
                .unavailable,
                "There is not enough memory to work on \(path). Raise the process's memory limit."
            )
        default:
            SessionStoreError(
                .unavailable,
                "\(path) could not be read or written (error \(failure.code)). Look at the disk and the system's log."
            )
        }
    }

    var missing: SessionStoreError {
        SessionStoreError(
            .unavailable,
            "\(path) does not exist. Create it for this process's user (install -d -m 0700), mount its volume, or correct "
                + "the path."
        )
    }

    var notADirectory: SessionStoreError {
        SessionStoreError(
            .unusable,
            "\(path) is a symbolic link or no directory. Give the path of the directory itself."
        )
    }

    var foreignOwner: SessionStoreError {
        SessionStoreError(
            .notPermitted,
            "\(path) belongs to another user, who could read and change every session. Run the process as that user, or "
                + "make its own user the owner (chown -R)."
        )
    }

    var writableByOthers: SessionStoreError {
        SessionStoreError(
            .notPermitted,
            "Other users may write to \(path), and could replace every session. Take that right from them: chmod 0700."
        )
    }

    var foreign: SessionStoreError {
        SessionStoreError(
            .unusable,
            "\(path) holds files that are not sessions, and was left as it is. Give the sessions an empty directory of "
                + "their own."
        )
    }

    var tooNew: SessionStoreError {
        SessionStoreError(
            .unusable,
            "\(path) was written by a later version of this package and was left as it is. Update the package, or give "
                + "another path."
        )
    }

    var damagedEpoch: SessionStoreError {
        SessionStoreError(
            .unusable,
            "In \(path), the file of an owner's epoch is damaged. Revoke that owner's sessions again, which replaces it, "
                + "and look at the disk. Until then this owner cannot sign in."
        )
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
            "\(path) does not keep up: \(limit) calls wait for it, or for one shard of it, already. Look at the disk, or "
                + "raise queueLimit if so many requests at once are to be expected."
        )
    }

    func timedOut(after deadline: Duration) -> SessionStoreError {
        SessionStoreError(
            .timedOut,
            "\(path) did not answer within \(deadline). Look at the disk, or raise deadline if it is known to be slow."
        )
    }

    func locked(for duration: Duration) -> SessionStoreError {
        SessionStoreError(
            .locked,
            "A lock in \(path) was not to be had for \(duration). See whether another process that uses the directory "
                + "was stopped or waits for the disk, or raise lockTimeout."
        )
    }
}
