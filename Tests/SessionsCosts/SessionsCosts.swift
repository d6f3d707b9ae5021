import CostMeasuring
import Foundation
import Sessions
import TestServers

#if SQLite
import SessionsSQLite
#endif

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Prints the cost sheet of docs/benchmarks.md: `make costs`.
///
/// `SessionsCosts requests STORE FOLDER` makes one request of each kind on a store that keeps files: it is run under strace,
/// which counts.
@main
struct SessionsCosts {
    static func main() async throws {
        let arguments = CommandLine.arguments
        if arguments.count == 4, arguments[1] == "requests" {
            return try await requests(arguments[2], in: arguments[3])
        }
        print("Stores on servers, counted at the wire:\n")
        print(try await CostSheet.servers(CostSheet.subjects()))
        print("\nSealed cookies:\n")
        print(try await CostSheet.sealed())
        #if os(Linux)
        print("\nStores in files, counted by strace:\n")
        print(try await files())
        #endif
    }

    // MARK: Files

    private static func store(_ name: String, in folder: String) throws -> any SessionStore {
        switch name {
        #if SQLite
        case "SQLite": try SQLiteSessionStore(path: folder + "/sessions.sqlite")
        #endif
        case "Files": try FileSessionStore(directory: folder)
        default: throw TestServerError("there is no store \(name)")
        }
    }

    private static func requests(_ name: String, in folder: String) async throws {
        let request = try CostRequest(store: store(name, in: folder))
        for kind in CostKind.allCases { try await request.run(kind) { try await $0() } }
        for (number, kind) in CostKind.allCases.enumerated() {
            try await request.run(kind) { body in
                mark("begin-\(number)")
                try await body()
                mark("end-\(number)")
            }
        }
    }

    /// A system call that strace shows.
    private static func mark(_ name: String) { _ = access("/sessions-costs/\(name)", F_OK) }

    #if os(Linux)
    private static func files() async throws -> String {
        var stores = ["Files"]
        #if SQLite
        stores.insert("SQLite", at: 0)
        #endif
        var columns: [[SystemCalls]] = []
        for store in stores { columns.append(try await traced(store)) }
        var lines = [
            "| request | " + stores.map { "\($0): calls | syncs | bytes written" }.joined(separator: " | ") + " |",
            "|---|" + String(repeating: "---|", count: stores.count * 3),
        ]
        for (number, kind) in CostKind.allCases.enumerated() {
            let cells = columns.map { "\($0[number].calls) | \($0[number].syncs) | \($0[number].bytesWritten)" }
            lines.append("| " + ([kind.rawValue] + cells).joined(separator: " | ") + " |")
        }
        return lines.joined(separator: "\n")
    }

    private static func traced(_ store: String) async throws -> [SystemCalls] {
        let directory = try ServerDirectory("costs")
        let (log, folder) = (directory.file("strace"), directory.file("data"))
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let process = try ServerProcess(
            ServerEnvironment.program("strace"),
            ["-f", "-y", "-e", "trace=file,desc", "-s", "0", "-o", log, program, "requests", store, folder],
            log: directory.file("log")
        )
        guard await process.exit() == 0 else {
            throw TestServerError("\(store): \(try String(contentsOfFile: directory.file("log"), encoding: .utf8))")
        }
        let text = try String(contentsOfFile: log, encoding: .utf8)
        return SystemCalls.perKind(in: text, folder: folder)
    }
    #endif
}
