import Foundation
import Sessions

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The store in files: loads and commits, to a bare loop of the system calls that they cannot do without.
struct FileRows {
    let rounds: Int

    private static let clients = 64

    func measure() async throws -> [Row] {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let folder = scratch.path("files")
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
        let store = try FileSessionStore(directory: folder)
        let keys = try await Clients.fill(store)
        let bare = try BareFiles(folder)
        let loads = try await Contest(rounds: rounds).times([
            .init("store") { count in
                try await Clients.share(count, among: Self.clients) { try await Clients.load($0, keys, from: store) }
            },
            .init("bare") { count in try bare.read(count) },
        ])
        let commits = try await Contest(rounds: rounds, length: .milliseconds(400)).times([
            .init("store") { count in
                try await Clients.share(count, among: Self.clients) { number in
                    let record = StoredRecord.sample
                    let key = keys[number % keys.count]
                    guard try await store.replace(record, at: key, ifVersion: record.version) == .replaced else {
                        throw BenchmarkError("a record was not replaced")
                    }
                }
            },
            .init("bare") { count in try bare.write(count) },
        ])
        return [
            row("Files, loads by \(Self.clients) clients: rate, to open, read and close in a loop", loads, 0.8),
            row(
                "Files, commits by \(Self.clients) clients: rate, to write, fsync, rename, fsync in a loop",
                commits,
                0.8
            ),
        ]
    }

    private func row(_ name: String, _ times: [Contest.Times], _ target: Double) -> Row {
        Row(
            name: name,
            value: times[1].median / times[0].median,
            target: .atLeast(target),
            detail: "store \(times[0].summary), loop \(times[1].summary)"
        )
    }
}

/// The same files, with nothing but the system's calls on one thread.
private struct BareFiles {
    private let paths: [String]
    private let folder: String

    init(_ folder: String) throws {
        self.folder = folder
        var paths: [String] = []
        for path in FileManager.default.subpaths(atPath: folder) ?? [] {
            var status = stat()
            let path = folder + "/" + path
            if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > 192 { paths.append(path) }
        }
        guard paths.count >= 1000 else { throw BenchmarkError("the records' files are not where they should be") }
        self.paths = paths
    }

    func read(_ count: Int) throws {
        var buffer = [UInt8](repeating: 0, count: 4096)
        for number in 0..<count {
            let file = open(paths[number % paths.count], O_RDONLY | O_CLOEXEC)
            let length = buffer.withUnsafeMutableBytes { systemRead(file, $0.baseAddress, $0.count) }
            close(file)
            guard length > 192 else { throw BenchmarkError("a file cannot be read") }
        }
    }

    /// What a crash cannot undo: the bytes, then the name.
    func write(_ count: Int) throws {
        let bytes = [UInt8](repeating: UInt8(ascii: "x"), count: 300)
        let (new, target) = (folder + "-new", folder + "-target")
        let directory = open((folder as NSString).deletingLastPathComponent, O_RDONLY | O_CLOEXEC)
        defer { close(directory) }
        for _ in 0..<count {
            let file = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            let length = bytes.withUnsafeBytes { systemWrite(file, $0.baseAddress, $0.count) }
            guard length == bytes.count, fsync(file) == 0, close(file) == 0, rename(new, target) == 0,
                fsync(directory) == 0
            else { throw BenchmarkError("a file cannot be written") }
        }
    }
}

// The names of the system's calls are those of methods here.
private func systemRead(_ file: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(file, bytes, count)
}
private func systemWrite(_ file: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int { write(file, bytes, count) }
