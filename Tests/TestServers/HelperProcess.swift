import Foundation
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Another process of a test: a program of this package, or one of the system's.
///
/// Not Foundation's `Process`: on Linux it goes through the open files before it starts one, and crashes when other
/// tests open and close many meanwhile.
package final class HelperProcess: Sendable {
    private let process: pid_t
    private let output: FileHandle
    /// What was read and not yet told.
    private let text = Mutex(Data())
    private let isEnded = Mutex(false)
    /// One at a time, so that no helper inherits the pipe of another.
    private static let spawning = Mutex(())

    /// Starts a program: one of this package by its name, one of the system by its path.
    package init(_ program: String, _ arguments: [String]) throws {
        let path = program.contains("/") ? program : try Self.product(program)
        (process, output) = try Self.spawning.withLock { _ in try Self.spawn(path, arguments) }
    }

    deinit {
        guard !isEnded.withLock({ $0 }) else { return }
        kill(process, SIGKILL)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
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
        guard result == 0 else { throw TestServerError("\(path) could not be started: error \(result)") }
        try writing.close()
        return (process, reading)
    }

    /// Beside the test bundle, where SwiftPM puts every product.
    private static func product(_ name: String) throws -> String {
        let places = CommandLine.arguments + Bundle.allBundles.map(\.bundlePath)
        let bundles = places.compactMap { place in place.range(of: ".xctest").map { String(place[..<$0.lowerBound]) } }
        guard let bundle = bundles.first else { throw TestServerError("\(name): this is no test bundle") }
        return URL(fileURLWithPath: bundle).deletingLastPathComponent().appendingPathComponent(name).path
    }

    /// Runs a program to its end; `false` if it exits with an error.
    package static func run(_ path: String, _ arguments: [String]) async throws -> Bool {
        let process = try HelperProcess(path, arguments)
        _ = try await process.lines()
        return try await process.exitCode() == 0
    }

    package func signal(_ signal: Int32) { kill(process, signal) }

    /// The next line it says; `nil` when it says no more.
    package func nextLine() async throws -> String? {
        try await Self.blocking { [output, self] in
            while true {
                let line: String? = text.withLock { text in
                    guard let end = text.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
                    defer { text.removeSubrange(...end) }
                    return String(decoding: text[..<end], as: UTF8.self)
                }
                if let line { return line }
                // Not `read(upToCount:)`, which waits until it has as much.
                let part = output.availableData
                guard !part.isEmpty else { return nil }
                text.withLock { $0.append(part) }
            }
        }
    }

    /// Everything it says from now on, whole lines only; kills it after the first `limit` lines that `counts` is true for.
    package func lines(
        killAfter limit: Int = .max,
        where counts: @escaping @Sendable (Substring) -> Bool = { _ in true }
    ) async throws -> [Substring] {
        try await Self.blocking { [process, output, self] in
            var text = self.text.withLock { $0 }
            var (counted, start, isKilled) = (0, text.startIndex, false)
            while true {
                let part = output.availableData
                if part.isEmpty { break }
                text.append(part)
                guard !isKilled, let end = text.lastIndex(of: UInt8(ascii: "\n")), end >= start else { continue }
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
    package func exitCode() async throws -> Int32 {
        try await Self.blocking { [process, self] in
            var status: Int32 = 0
            while waitpid(process, &status, 0) < 0, errno == EINTR {}
            isEnded.withLock { $0 = true }
            return status & 0x7F == 0 ? status >> 8 & 0xFF : -(status & 0x7F)
        }
    }

    /// Runs blocking code on a thread of its own.
    private static func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
        }
    }
}
