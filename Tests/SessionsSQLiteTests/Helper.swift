#if SQLite
import Foundation
import Synchronization
import Testing

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A running `SessionsSQLiteCrashHelper`.
///
/// Not Foundation's `Process`: on Linux it goes through the open files before it starts one, and crashes when other
/// tests open and close many meanwhile.
final class Helper: Sendable {
    private let process: pid_t
    private let output: FileHandle
    /// One at a time, so that no helper inherits the pipe of another.
    private static let spawning = Mutex(())

    init(_ arguments: [String]) throws {
        let path = try Self.executable().path
        (process, output) = try Self.spawning.withLock { _ in try Self.spawn(path, arguments) }
    }

    private static func spawn(_ path: String, _ arguments: [String]) throws -> (pid_t, FileHandle) {
        let pipe = Pipe()
        let (reading, writing) = (pipe.fileHandleForReading, pipe.fileHandleForWriting)
        for end in [reading, writing] { _ = fcntl(end.fileDescriptor, F_SETFD, FD_CLOEXEC) }
        #if canImport(Darwin)
        var actions: posix_spawn_file_actions_t?
        #else
        var actions = posix_spawn_file_actions_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, writing.fileDescriptor, STDOUT_FILENO)
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
        defer { for word in words { free(word) } }
        words.append(nil)
        var process = pid_t()
        let result = posix_spawn(&process, path, &actions, nil, words, environ)
        try #require(result == 0)
        try writing.close()
        return (process, reading)
    }

    /// Beside the test bundle, where SwiftPM puts every product.
    private static func executable() throws -> URL {
        let places = CommandLine.arguments + Bundle.allBundles.map(\.bundlePath)
        let bundle = try #require(
            places.compactMap { place in place.range(of: ".xctest").map { String(place[..<$0.lowerBound]) } }.first
        )
        return URL(fileURLWithPath: bundle).deletingLastPathComponent()
            .appendingPathComponent("SessionsSQLiteCrashHelper")
    }

    /// Everything it says, whole lines only; kills it after the first `limit` lines that `counts` is true for.
    func lines(
        killAfter limit: Int = .max,
        where counts: @escaping @Sendable (Substring) -> Bool = { _ in true }
    ) async throws -> [Substring] {
        try await blocking { [process, output] in
            var text = Data()
            var (counted, start, isKilled) = (0, 0, false)
            while let part = try output.read(upToCount: 1 << 16), !part.isEmpty {
                text.append(part)
                guard !isKilled, let end = text.lastIndex(of: UInt8(ascii: "\n")) else { continue }
                let lines = String(decoding: text[start..<end], as: UTF8.self).split(separator: "\n")
                counted += lines.count(where: counts)
                start = end + 1
                if counted >= limit {
                    kill(process, SIGKILL)
                    isKilled = true
                }
            }
            let end = text.lastIndex(of: UInt8(ascii: "\n")) ?? text.startIndex
            return String(decoding: text[..<end], as: UTF8.self).split(separator: "\n")
        }
    }

    /// What it exits with; the negative number of the signal if it was killed.
    func exitCode() async throws -> Int32 {
        try await blocking { [process] in
            var status: Int32 = 0
            while waitpid(process, &status, 0) < 0, errno == EINTR {}
            return status & 0x7F == 0 ? status >> 8 & 0xFF : -(status & 0x7F)
        }
    }
}
#endif
