import Foundation
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A server that a test started: it can be killed, paused and resumed, and ends with the process of the test, however
/// that ends.
///
/// Not Foundation's `Process`: on Linux it goes through the open files before it starts one, and crashes when other
/// tests open and close many meanwhile.
package final class ServerProcess: Sendable {
    /// The server's own, for signals.
    package let pid: Int32

    private let end = End()
    /// While it is open, the server may live.
    private let lifeline: FileHandle

    /// Between the test and its server there is a shell. It says the server's process id, kills it when its own input
    /// ends, which it does when the test's process dies, and exits as the server does. A signal to the whole group of
    /// processes, such as a terminal's, does not keep it from killing: a server may take its time to end, or none.
    private static let supervisor = """
        exec 3<&0
        log=$1; shift
        "$@" </dev/null >>"$log" 2>&1 3<&- &
        server=$!
        { trap '' INT TERM HUP; cat <&3 >/dev/null; kill -9 $server 2>/dev/null; } >/dev/null 2>&1 &
        exec 3<&-
        echo $server
        exec >/dev/null
        wait $server
        """

    /// Starts `command` with `arguments`; what it prints is appended to the file `log`.
    package init(_ command: String, _ arguments: [String], log: String) throws {
        let (supervisor, input, output) = try Self.spawning.withLock { _ in
            let (input, output) = (Pipe(), Pipe())
            let words = ["/bin/sh", "-c", Self.supervisor, "supervisor", log, command] + arguments
            return (try Self.spawn(words, input: input, output: output), input, output)
        }
        lifeline = input.fileHandleForWriting
        var line = Data()
        while line.last != UInt8(ascii: "\n"), let byte = try output.fileHandleForReading.read(upToCount: 1) {
            line += byte
        }
        guard let pid = pid_t(String(decoding: line.dropLast(), as: UTF8.self)) else {
            throw TestServerError("\(command) could not be started; see \(log)")
        }
        self.pid = pid
        Thread { [end] in
            var status: Int32 = 0
            while waitpid(supervisor, &status, 0) < 0, errno == EINTR {}
            end.came(with: status & 0x7F == 0 ? status >> 8 & 0xFF : -(status & 0x7F))
        }.start()
    }

    deinit {
        signal(SIGKILL)
        try? lifeline.close()
    }

    package var isRunning: Bool { end.status == nil }

    /// Kills it at once, as a crash or a lost machine would, and waits until it is gone.
    package func crash() async {
        signal(SIGKILL)
        await exit()
    }

    /// Asks it to end, and waits until it has.
    package func stop() async {
        signal(SIGTERM)
        await exit()
    }

    /// It keeps its connections and answers nothing.
    package func pause() {
        signal(SIGSTOP)
        #if os(Linux)
        // The signal is on its way; what runs meanwhile on another processor may still answer.
        let end = ContinuousClock.now + .seconds(30)
        while isRunning, !isPaused, ContinuousClock.now < end { usleep(200) }
        #endif
    }

    #if os(Linux)
    /// Whether each of its threads stands still.
    private var isPaused: Bool {
        let tasks = "/proc/\(pid)/task"
        guard let threads = try? FileManager.default.contentsOfDirectory(atPath: tasks) else { return true }
        return threads.allSatisfy { thread in
            // 1234 (name) T …; the name may have parentheses of its own.
            guard let stat = try? String(contentsOfFile: "\(tasks)/\(thread)/stat", encoding: .utf8),
                let state = stat.split(separator: ")").last?.first(where: { $0 != " " })
            else { return true }
            return state == "T" || state == "t"
        }
    }
    #endif

    package func resume() { signal(SIGCONT) }

    package func signal(_ signal: Int32) {
        guard isRunning else { return }
        kill(pid, signal)
    }

    /// Waits until it has ended. What it exits with; above 128, 128 and the number of the signal that ended it.
    @discardableResult
    package func exit() async -> Int32 {
        await end.wait()
    }

    private final class End: Sendable {
        private struct State {
            var status: Int32?
            var waiters: [CheckedContinuation<Int32, Never>] = []
        }

        private let state = Mutex(State())

        var status: Int32? { state.withLock(\.status) }

        func wait() async -> Int32 {
            await withCheckedContinuation { continuation in
                let status: Int32? = state.withLock { state in
                    if state.status == nil { state.waiters.append(continuation) }
                    return state.status
                }
                if let status { continuation.resume(returning: status) }
            }
        }

        func came(with status: Int32) {
            let waiters = state.withLock { state in
                state.status = status
                defer { state.waiters = [] }
                return state.waiters
            }
            for waiter in waiters { waiter.resume(returning: status) }
        }
    }

    /// One at a time, so that no child inherits the pipes of another.
    private static let spawning = Mutex(())

    private static func spawn(_ words: [String], input: Pipe, output: Pipe) throws -> pid_t {
        for pipe in [input, output] {
            for end in [pipe.fileHandleForReading, pipe.fileHandleForWriting] {
                _ = fcntl(end.fileDescriptor, F_SETFD, FD_CLOEXEC)
            }
        }
        #if canImport(Darwin)
        var actions: posix_spawn_file_actions_t?
        #else
        var actions = posix_spawn_file_actions_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input.fileHandleForReading.fileDescriptor, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output.fileHandleForWriting.fileDescriptor, STDOUT_FILENO)
        // A thread of a pool holds signals back, and its child would inherit that: a server that no signal ends.
        #if canImport(Darwin)
        var attributes: posix_spawnattr_t?
        #else
        var attributes = posix_spawnattr_t()
        #endif
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var words: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        defer { for word in words { free(word) } }
        words.append(nil)
        var process = pid_t()
        let result = posix_spawn(&process, "/bin/sh", &actions, &attributes, words, environ)
        guard result == 0 else { throw TestServerError("/bin/sh could not be started: error \(result)") }
        try input.fileHandleForReading.close()
        try output.fileHandleForWriting.close()
        return process
    }
}

/// Why a test's server is not there.
package struct TestServerError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}
