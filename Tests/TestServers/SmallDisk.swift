import Foundation

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A file system of a test's own that can be filled up.
///
/// Root on Linux gets one in memory. Elsewhere a full disk is one whose files cannot grow: while it is full, this process
/// may write no file (`RLIMIT_FSIZE`), and other processes do not notice.
package final class SmallDisk: Sendable {
    package let directory: ServerDirectory
    /// Whether it is a file system of its own.
    package let isMounted: Bool

    private let ballast: String

    /// The disk is unmounted when its directory is removed or this process ends, however it does: by a shell that waits for
    /// that.
    private static let script = """
        mount -t tmpfs -o "size=${2}m,mode=711" sessions-test "$1" || exit 1
        : >"$1/mounted"
        trap '' INT TERM HUP
        while kill -0 "$3" && [ -e "$1/mounted" ]; do sleep 0.2; done >/dev/null 2>&1 && umount -l "$1" && rmdir "$1" &
        """

    package init(megabytes: Int) async throws {
        directory = try ServerDirectory("disk")
        ballast = directory.file("ballast")
        guard geteuid() == 0 else {
            isMounted = false
            return
        }
        let arguments = ["-c", Self.script, "disk", directory.path, "\(megabytes)", "\(getpid())"]
        isMounted = try await ServerProcess("/bin/sh", arguments, log: "/dev/null").exit() == 0
    }

    /// Takes what room there is. What is in use already stays so, and can be written over.
    package func fill() throws {
        guard isMounted else {
            signal(SIGXFSZ, SIG_IGN)
            return try Self.limitFiles(to: 0)
        }
        let file = open(ballast, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        guard file >= 0 else { throw TestServerError("the disk cannot be filled: error \(errno)") }
        defer { close(file) }
        var size = 1 << 20
        while size >= 1 {
            let zeros = [UInt8](repeating: 0, count: size)
            while write(file, zeros, size) > 0 {}
            size >>= 4
        }
    }

    /// Gives the room back.
    package func free() throws {
        guard isMounted else { return try Self.limitFiles(to: nil) }
        guard unlink(ballast) == 0 else { throw TestServerError("the disk cannot be freed: error \(errno)") }
    }

    private static func limitFiles(to bytes: rlim_t?) throws {
        #if canImport(Glibc)
        let resource = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
        #else
        let resource = RLIMIT_FSIZE
        #endif
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { throw TestServerError("no limit of files: error \(errno)") }
        limit.rlim_cur = bytes ?? limit.rlim_max
        guard setrlimit(resource, &limit) == 0 else { throw TestServerError("no limit of files: error \(errno)") }
    }
}
