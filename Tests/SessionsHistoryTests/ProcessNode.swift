import Foundation
import SessionsTesting
import Synchronization
import TestServers

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A node in a process of its own, which can be killed and started again.
final class ProcessNode: HistoryNode {
    private let arguments: [String]
    private let port: Int
    private let log: String
    private let directory: ServerDirectory
    private let process: Mutex<ServerProcess?> = Mutex(nil)

    /// - Parameters:
    ///   - store: What the node is to keep its sessions in.
    ///   - secret: The key ring's.
    ///   - directory: For its log.
    init(store: String, secret: String, directory: ServerDirectory) throws {
        port = try ServerEnvironment.freePort()
        self.directory = directory
        log = directory.file("node-\(port).log")
        arguments = ["SESSION_KEYS=\(secret)", try Self.executable(), "\(port)", store]
    }

    /// Starts it, again if need be.
    func start() async throws {
        let process = try ServerProcess("/usr/bin/env", arguments, log: log)
        self.process.withLock { $0 = process }
        try await ServerEnvironment.waitForListener(at: port, of: process)
    }

    /// Kills it in the middle of whatever it does.
    func crash() async {
        await process.withLock(\.self)?.crash()
    }

    func serve(_ request: HistoryRequest) async -> HistoryResponse {
        await withCheckedContinuation { continuation in
            // Not a queue's thread: those that block there are missing where tasks run.
            Thread.detachNewThread { [port] in continuation.resume(returning: Self.ask(request, at: port)) }
        }
    }

    private static func ask(_ request: HistoryRequest, at port: Int) -> HistoryResponse {
        // Nobody listens: nothing was asked.
        guard let connection = ServerEnvironment.connect(to: port) else { return HistoryResponse(.refused) }
        // Longer than any store's deadline: a node that never answers does not hold up its history.
        var limit = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let handle = FileHandle(fileDescriptor: connection, closeOnDealloc: true)
        defer {
            // Also where a server has inherited it that was started meanwhile.
            shutdown(connection, Int32(SHUT_RDWR))
            try? handle.close()
        }
        guard let question = try? JSONEncoder().encode(request),
            (try? handle.write(contentsOf: question + Data("\n".utf8))) != nil,
            let answer = try? handle.readToEnd(), answer.last == UInt8(ascii: "\n"),
            let response = try? JSONDecoder().decode(HistoryResponse.self, from: answer)
        else { return HistoryResponse(.unknown) }
        return response
    }

    /// Beside the test bundle, where SwiftPM puts every product.
    private static func executable() throws -> String {
        let places = CommandLine.arguments + Bundle.allBundles.map(\.bundlePath)
        let bundle = places.compactMap { place in
            place.range(of: ".xctest").map { String(place[..<$0.lowerBound]) }
        }.first
        guard let bundle else { throw TestServerError("the test bundle is not found") }
        return URL(fileURLWithPath: bundle).deletingLastPathComponent().appendingPathComponent("SessionsNode").path
    }
}
