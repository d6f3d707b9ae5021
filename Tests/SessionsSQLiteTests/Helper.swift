#if SQLite
import Foundation
import Testing

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A running `SessionsSQLiteCrashHelper`.
final class Helper: Sendable {
    private let process: Process
    private let output: FileHandle

    init(_ arguments: [String]) throws {
        let pipe = Pipe()
        process = Process()
        process.executableURL = try Self.executable()
        process.arguments = arguments
        process.standardOutput = pipe
        output = pipe.fileHandleForReading
        try process.run()
        try pipe.fileHandleForWriting.close()
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
                counted += String(decoding: text[start..<end], as: UTF8.self).split(separator: "\n").count(
                    where: counts
                )
                start = end + 1
                if counted >= limit {
                    kill(process.processIdentifier, SIGKILL)
                    isKilled = true
                }
            }
            let end = text.lastIndex(of: UInt8(ascii: "\n")) ?? text.startIndex
            return String(decoding: text[..<end], as: UTF8.self).split(separator: "\n")
        }
    }

    /// What it exits with; the signal's number if it was killed.
    func exitCode() async throws -> Int32 {
        try await blocking { [process] in
            process.waitUntilExit()
            return process.terminationStatus
        }
    }
}
#endif
