#if SQLite
import Foundation
import GRDB
import Sessions
import Synchronization
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
        // No test fails because its machine is busy: a call that a test holds up must not give up by
        // itself. One that is about time says which.
        configuration.busyTimeout = .seconds(60)
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
    /// Runs `body` while the writer is held up, until `body` opens the hold.
    func holdingWriter(_ body: (Hold) async throws -> Void) async throws {
        try await holding(writer, body)
    }

    /// Runs `body` while a connection of `queue` is held up, until `body` opens the hold.
    func holding(_ queue: CallQueue, _ body: (Hold) async throws -> Void) async throws {
        let hold = Hold()
        async let held: Void = queue.perform { _ in hold.wait() }
        await hold.reached()
        queue.whenAdded { hold.callCame() }
        do {
            try await body(hold)
        } catch {
            hold.open()
            throw error
        }
        try await held
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
            try await holdingWriter { hold in
                for number in 0..<count { group.addTask { (number, try await body(number)) } }
                await hold.calls(count)
                hold.open()
            }
            for try await (number, value) in group { results[number] = value }
        }
        return (0..<count).compactMap { results[$0] }
    }
}

extension CallQueue {
    /// Holds up a connection until `gate` is opened.
    ///
    /// - Returns: what the call came to that does, which may have ended by its deadline before.
    func hang(at gate: Gate) async throws -> SessionStoreError.Code? {
        var code: SessionStoreError.Code?
        repeat {
            code = try await errorCode { try await perform { _ in gate.wait() } }
            // One that its connection was too late for is not carried out; then there is another one.
        } while !gate.isReached && !Task.isCancelled
        return code
    }
}

/// Holds up a thread until it is opened.
///
/// Nothing here waits for ever: a thread goes on after two minutes, and fails its test; a task goes on when it is
/// cancelled, as a test's time limit does.
final class Gate: Sendable {
    private let arrival = AsyncStream<Void>.makeStream()
    private let semaphore = DispatchSemaphore(value: 0)
    private let hasArrived = Atomic(false)

    /// Whether a thread waits, or has waited.
    var isReached: Bool { hasArrived.load(ordering: .acquiring) }

    /// Blocks the calling thread.
    func wait() {
        hasArrived.store(true, ordering: .releasing)
        arrival.continuation.finish()
        if semaphore.wait(timeout: .now() + 120) == .timedOut { Issue.record("nobody opened the gate") }
    }

    /// Returns when a thread waits.
    func reached() async {
        for await _ in arrival.stream {}
    }

    func open() { semaphore.signal() }
}

/// A connection that is held up, and the calls that come to its queue meanwhile.
final class Hold: Sendable {
    private let gate = Gate()
    private let added = AsyncStream<Void>.makeStream()

    /// Blocks the connection's thread.
    func wait() { gate.wait() }

    /// Returns when the connection is held up.
    func reached() async { await gate.reached() }

    func callCame() { added.continuation.yield() }

    /// Returns when `count` more calls have come, whatever has become of them since.
    func calls(_ count: Int) async {
        var missing = count
        for await _ in added.stream {
            missing -= 1
            if missing == 0 { return }
        }
    }

    func open() { gate.open() }
}

/// Runs blocking code on a thread of its own.
func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}

/// What `body` returns, once it is answered.
///
/// A deadline that is short on purpose is no time for a busy machine: what is to work is asked again while it misses it,
/// for a minute at most.
func answered<Value>(_ body: () async throws -> Value) async throws -> Value {
    let end = ContinuousClock.now + .seconds(60)
    while true {
        do {
            return try await body()
        } catch let error as SessionStoreError {
            guard ContinuousClock.now < end else { throw error }
        }
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
