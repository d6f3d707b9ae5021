import Foundation
import GRDB
import Sessions
import SessionsSQLite

/// The SQLite store: loads to a bare GRDB loop, commits at the same time to one transaction each.
struct SQLiteRows {
    let rounds: Int

    private static let clients = 64

    func measure() async throws -> [Row] {
        let scratch = try Scratch()
        defer { scratch.remove() }
        return try await [loads(scratch), commits(scratch, .full), commits(scratch, .normal)]
    }

    // MARK: Loads

    private func loads(_ scratch: Scratch) async throws -> Row {
        let path = scratch.path("loads")
        let store = try SQLiteSessionStore(path: path)
        let keys = try await Clients.fill(store)
        let bare = try BareLoop(path)
        let times = try await Contest(rounds: rounds).times([
            .init("store") { count in
                try await Clients.share(count, among: Self.clients) { number in
                    guard try await store.load(keys[number % keys.count]) != nil else {
                        throw BenchmarkError("a record is missing")
                    }
                }
            },
            .init("bare") { count in try bare.load(count, keys) },
        ])
        try await store.close()
        return Row(
            name: "SQLite, loads by \(Self.clients) clients: rate, to a bare GRDB loop",
            value: times[1].median / times[0].median,
            target: .atLeast(0.8),
            detail: "store \(times[0].summary), loop \(times[1].summary)"
        )
    }

    // MARK: Commits

    private func commits(
        _ scratch: Scratch,
        _ synchronous: SQLiteSessionStore.Configuration.Synchronous
    ) async throws -> Row {
        let grouped = try await Writers(scratch.path("grouped-\(synchronous)"), synchronous, groupLimit: 256)
        let single = try await Writers(scratch.path("single-\(synchronous)"), synchronous, groupLimit: 1)
        let times = try await Contest(rounds: rounds).times([
            .init("grouped") { try await grouped.replace($0) },
            .init("single") { try await single.replace($0) },
        ])
        return Row(
            name: "SQLite, commits by \(Self.clients) clients, synchronous \(synchronous): to one transaction each",
            value: times[1].median / times[0].median,
            target: .atLeast(3),
            detail: "grouped \(times[0].summary), single \(times[1].summary)"
        )
    }

    /// Clients that replace records of their own.
    private struct Writers {
        let store: SQLiteSessionStore
        let keys: [StoreKey]

        init(
            _ path: String,
            _ synchronous: SQLiteSessionStore.Configuration.Synchronous,
            groupLimit: Int
        ) async throws {
            var configuration = SQLiteSessionStore.Configuration()
            configuration.synchronous = synchronous
            configuration.groupLimit = groupLimit
            store = try SQLiteSessionStore(path: path, configuration: configuration)
            keys = try await Clients.fill(store)
        }

        func replace(_ count: Int) async throws {
            try await Clients.share(count, among: SQLiteRows.clients) { number in
                let record = StoredRecord.sample
                let outcome = try await store.replace(record, at: keys[number % keys.count], ifVersion: record.version)
                guard outcome == .replaced else { throw BenchmarkError("a record was not replaced") }
            }
        }
    }
}

extension StoredRecord {
    /// A record of a common size.
    static var sample: StoredRecord {
        StoredRecord(
            payload: [UInt8](repeating: UInt8(ascii: "x"), count: 192),
            version: RecordVersion(rawValue: 1),
            idleDeadline: Timestamp(microseconds: 4_000_000_000_000_000),
            absoluteDeadline: Timestamp(microseconds: 4_000_000_000_000_000),
            owner: nil
        )
    }
}

/// The same statement as a program would run it that has nothing but GRDB: one thread, one connection, one access to it.
private final class BareLoop {
    private let queue: DatabaseQueue

    init(_ path: String) throws { queue = try DatabaseQueue(path: path) }

    func load(_ count: Int, _ keys: [StoreKey]) throws {
        try queue.inDatabase { database in
            let statement = try database.makeStatement(
                sql: "SELECT payload, version, idle_deadline, absolute_deadline, owner FROM sessions WHERE key = ?"
            )
            for number in 0..<count {
                let row = try GRDB.Row.fetchOne(statement, arguments: [keys[number % keys.count].text])
                guard row.map(Self.record) != nil else { throw BenchmarkError("a record is missing") }
            }
        }
    }

    private static func record(_ row: GRDB.Row) -> StoredRecord {
        StoredRecord(
            payload: Array(row[0] as Data),
            version: RecordVersion(rawValue: UInt64(bitPattern: row[1])),
            idleDeadline: Timestamp(microseconds: row[2]),
            absoluteDeadline: Timestamp(microseconds: row[3]),
            owner: (row[4] as String?).map { OwnerKey($0) }
        )
    }
}

/// A folder on a real disk, beside the build.
struct Scratch {
    private let folder: URL

    init() throws {
        folder = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
            .appendingPathComponent(".build/bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    func path(_ name: String) -> String { folder.appendingPathComponent("\(name).sqlite").path }

    func remove() { try? FileManager.default.removeItem(at: folder) }
}
