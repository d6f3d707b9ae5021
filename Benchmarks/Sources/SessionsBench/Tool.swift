import Foundation

/// A program that Scripts/bench.sh installs.
enum Tool {
    /// What it prints.
    static func output(_ words: [String]) async throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        let output = Pipe()
        process.standardOutput = output
        let text = try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<String, any Error>) in
            process.terminationHandler = { _ in
                let data = try? output.fileHandleForReading.readToEnd()
                continuation.resume(returning: String(decoding: data ?? Data(), as: UTF8.self))
            }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        guard process.terminationStatus == 0 else { throw BenchmarkError("\(words[0]) failed: \(text)") }
        return text
    }

    /// Where Scripts/bench.sh has started a server.
    static func server(_ variable: String) throws -> String {
        guard let place = ProcessInfo.processInfo.environment[variable] else {
            throw BenchmarkError("\(variable) is not set: run `make bench`, which starts the server")
        }
        return place
    }
}
