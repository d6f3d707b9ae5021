#if Postgres
#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif
import Sessions

/// Ends a thread's wait for its connections.
final class PostgresWakeup: Sendable {
    /// To be waited for together with the connections.
    let descriptor: Int32
    private let sender: Int32

    init() throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw SessionStoreError(
                .unavailable,
                "There are no more file descriptors. Raise the process's limit of open files."
            )
        }
        (descriptor, sender) = (ends[0], ends[1])
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
    }

    deinit {
        close(descriptor)
        close(sender)
    }

    func send() {
        var byte: UInt8 = 1
        // Where the pipe is full, the thread is awake already.
        _ = write(sender, &byte, 1)
    }

    /// Takes what was sent.
    func receive() {
        var bytes: (UInt64, UInt64) = (0, 0)
        while read(descriptor, &bytes, 16) == 16 {}
    }
}
#endif
