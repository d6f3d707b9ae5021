import Foundation
import Logging
import Sessions
import Synchronization
import TestServers
import Testing

@testable import Sessions

/// Every test of the file store, one at a time: each store has a dozen files open, and macOS gives a process 256.
///
/// The limit is not for speed: it cancels a test that waits for what never comes.
@Suite("File store", .serialized, .timeLimit(.minutes(10)))
enum FileStoreTests {}

/// A directory of a test's own, removed after it.
final class FileScratch: Sendable {
    let directory: String
    let log = LogCapture()

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("file-store-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: url,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
        directory = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    func store(
        steps: FileSteps = FileSteps(),
        at directory: String? = nil,
        _ configure: (inout FileSessionStore.Configuration) -> Void = { _ in }
    ) throws -> FileSessionStore {
        var configuration = FileSessionStore.Configuration()
        // No test fails because its machine is busy: a call that a test holds up must not give up by itself. One that is
        // about time says which.
        configuration.lockTimeout = .seconds(60)
        configuration.deadline = .seconds(86_400)
        configure(&configuration)
        return try FileSessionStore(
            directory: directory ?? self.directory,
            configuration: configuration,
            logger: log.logger,
            steps: steps
        )
    }

    func helper(_ arguments: String...) throws -> HelperProcess {
        try HelperProcess("SessionsFileCrashHelper", [arguments[0], directory] + arguments.dropFirst())
    }

    /// The paths of everything below `folder`, relative to the directory.
    func paths(_ folder: String = "") throws -> [String] {
        let manager = FileManager.default
        guard let paths = manager.enumerator(atPath: directory + "/" + folder) else { return [] }
        return paths.compactMap { $0 as? String }.map { folder.isEmpty ? $0 : folder + "/" + $0 }.sorted()
    }

    /// The paths of the files below `folder`.
    func files(_ folder: String = "") throws -> [String] {
        try paths(folder).filter { path in
            try FileManager.default.attributesOfItem(atPath: self.path(path))[.type] as? FileAttributeType
                != .typeDirectory
        }
    }

    func path(_ relative: String) -> String { directory + "/" + relative }

    func path(of key: StoreKey) -> String { path(Self.relativePath(of: key)) }

    static func relativePath(of key: StoreKey) -> String {
        let place = FilePlace(key)
        return "records/\(FilePlace.shardName(place.shard))/\(FilePlace.leafName(place.leaf))/\(place.name)"
    }

    func mode(_ relative: String = "") throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path(relative))
        return try #require(attributes[.posixPermissions] as? Int) & 0o7777
    }

    func setMode(_ mode: Int, _ relative: String = "") throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path(relative))
    }
}

extension StoreKey {
    static func numbered(_ number: Int) throws -> StoreKey { try #require(StoreKey("key-\(number)")) }

    /// Keys whose records are, or are not, in the shard of the first one.
    static func numbered(inShardOf first: StoreKey, isSame: Bool) throws -> StoreKey {
        let shard = FilePlace(first).shard
        for number in 1_000... {
            let key = try StoreKey.numbered(number)
            if (FilePlace(key).shard == shard) == isSame { return key }
        }
        throw CancellationError()
    }
}

extension StoredRecord {
    static func sample(
        _ text: String = "{}",
        version: UInt64 = 1,
        idle: Int64 = 1_000_000,
        absolute: Int64 = 2_000_000_000,
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

/// The code of the store's error that `body` throws.
func storeErrorCode(_ body: () async throws -> some Any) async throws -> SessionStoreError.Code? {
    do {
        _ = try await body()
        return nil
    } catch let error as SessionStoreError {
        return error.code
    }
}

/// What `body` returns, asked again while it misses a deadline that is short on purpose: for what is to work in time.
///
/// It ends: what a gate holds up goes on after two minutes, and the gate fails the test; the suite's limit ends the rest.
func patiently<Value>(_ body: () async throws -> Value) async throws -> Value {
    while true {
        do {
            return try await body()
        } catch let error as SessionStoreError where error.code == .timedOut {
            try Task.checkCancellation()
        }
    }
}

/// Holds up threads until it is opened.
///
/// Nothing here waits for ever: a thread goes on after two minutes, and fails its test.
final class ThreadGate: Sendable {
    private let arrival = AsyncStream<Void>.makeStream()
    private let isHere = Atomic(false)
    private let semaphore = DispatchSemaphore(value: 0)

    /// Blocks the calling thread.
    func wait() {
        isHere.store(true, ordering: .relaxed)
        arrival.continuation.finish()
        if semaphore.wait(timeout: .now() + 120) == .timedOut { Issue.record("nobody opened the gate") }
        // The next one may pass, too.
        semaphore.signal()
    }

    /// Whether a thread waits, or has waited.
    var isReached: Bool { isHere.load(ordering: .relaxed) }

    /// Returns when a thread waits.
    func reached() async {
        for await _ in arrival.stream {}
    }

    func open() { semaphore.signal() }
}
