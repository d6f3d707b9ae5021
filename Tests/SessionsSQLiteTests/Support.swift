#if SQLite
import Foundation
import GRDB
import Sessions
import Testing

@testable import SessionsSQLite

/// A directory of a test's own, removed after it.
final class Scratch: Sendable {
    let directory: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("sqlite-store-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
        directory = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    var path: String { directory + "/sessions.sqlite" }

    func store(_ configure: (inout SQLiteSessionStore.Configuration) -> Void = { _ in }) throws -> SQLiteSessionStore {
        var configuration = SQLiteSessionStore.Configuration()
        configuration.readerCount = 2
        // Longer than any machine is slow: a call that a test holds up must not give up by itself.
        configuration.deadline = .seconds(86_400)
        configure(&configuration)
        return try SQLiteSessionStore(path: path, configuration: configuration)
    }

    /// A connection of a program that is not the store.
    func connection(_ configuration: GRDB.Configuration = GRDB.Configuration()) throws -> DatabaseQueue {
        try DatabaseQueue(path: path, configuration: configuration)
    }

    /// The bytes of the main file.
    func bytes() throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }
}

extension StoreKey {
    static func numbered(_ number: Int) throws -> StoreKey { try #require(StoreKey("key-\(number)")) }
}

extension StoredRecord {
    static func sample(
        _ text: String = "{}",
        version: UInt64 = 1,
        idle: Int64 = 1_000_000,
        absolute: Int64 = 2_000_000,
        owner: String? = nil
    ) -> StoredRecord {
        StoredRecord(
            payload: Array(text.utf8),
            version: RecordVersion(rawValue: version),
            idleDeadline: Timestamp(microseconds: idle),
            absoluteDeadline: Timestamp(microseconds: absolute),
            owner: owner.map(OwnerKey.init)
        )
    }
}

extension SQLiteSessionStore {
    /// Runs `body` while the writer is held up, until `body` opens the gate.
    func holdingWriter(_ body: (Gate) async throws -> Void) async throws {
        let gate = Gate()
        async let held: Void = write { _, _ in gate.wait() }
        await gate.reached()
        do {
            try await body(gate)
        } catch {
            gate.open()
            throw error
        }
        try await held
    }

    /// Returns when `count` calls wait for the writer, which has to be held up meanwhile.
    func waiting(_ count: Int) async {
        while writer.waitingCount < count { await Task.yield() }
    }

    /// Runs `count` calls of `body` at once, in one group.
    ///
    /// - Returns: what they return, in order.
    func inOneGroup<Value: Sendable>(
        _ count: Int,
        _ body: @escaping @Sendable (Int) async throws -> Value
    ) async throws -> [Value] {
        var results: [Int: Value] = [:]
        try await withThrowingTaskGroup(of: (Int, Value).self) { group in
            try await holdingWriter { gate in
                for number in 0..<count { group.addTask { (number, try await body(number)) } }
                await waiting(count)
                gate.open()
            }
            for try await (number, value) in group { results[number] = value }
        }
        return (0..<count).compactMap { results[$0] }
    }
}

/// Holds up a connection's thread until it is opened.
final class Gate: Sendable {
    private let arrival = AsyncStream<Void>.makeStream()
    private let semaphore = DispatchSemaphore(value: 0)

    /// Blocks the calling thread.
    func wait() {
        arrival.continuation.finish()
        semaphore.wait()
    }

    /// Returns when a thread waits.
    func reached() async {
        for await _ in arrival.stream {}
    }

    func open() { semaphore.signal() }
}

/// Runs blocking code on a thread of its own.
func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}

/// The code of the store's error that `body` throws.
func errorCode(_ body: () async throws -> some Any) async throws -> SessionStoreError.Code? {
    do {
        _ = try await body()
        return nil
    } catch let error as SessionStoreError {
        return error.code
    }
}
#endif
