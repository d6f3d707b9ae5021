#if Hummingbird
import Foundation
import Sessions
import SessionsSQLite
import Testing

/// A kind of store that the races are run on.
struct StoreUnderTest: Sendable, CustomTestStringConvertible {
    /// An empty store, as each of several processes has opened it.
    struct Opened: Sendable {
        let stores: [any EnumerableSessionStore]
        var close: @Sendable () async throws -> Void = {}
    }

    let name: String
    private let open: @Sendable (any SessionClock, Int) throws -> Opened

    var testDescription: String { name }

    /// Opens an empty store for so many processes, hands it to `body`, and clears up.
    func use(
        _ clock: any SessionClock,
        processes: Int = 1,
        _ body: ([any EnumerableSessionStore]) async throws -> Void
    ) async throws {
        let opened = try open(clock, processes)
        do {
            try await body(opened.stores)
        } catch {
            try await opened.close()
            throw error
        }
        try await opened.close()
    }

    /// Every kind that this build knows.
    static let all = [memory] + lasting

    private static let memory = StoreUnderTest(name: "memory") { clock, processes in
        let store = try MemorySessionStore(clock: clock)
        return Opened(stores: Array(repeating: store, count: processes))
    }

    #if SQLite
    /// Each process opens the file for itself.
    private static let lasting = [
        StoreUnderTest(name: "SQLite") { _, processes in
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("sessions-\(UUID())")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
            var configuration = SQLiteSessionStore.Configuration()
            // A race is about order, not about power losses; and a slow machine is no failure.
            configuration.synchronous = .normal
            configuration.busyTimeout = .seconds(120)
            configuration.deadline = .seconds(240)
            let path = folder.appendingPathComponent("sessions.sqlite").path
            let stores = try (0..<processes).map { _ in
                try SQLiteSessionStore(path: path, configuration: configuration)
            }
            return Opened(stores: stores) {
                for store in stores { try await store.close() }
                try FileManager.default.removeItem(at: folder)
            }
        }
    ]
    #else
    private static let lasting: [StoreUnderTest] = []
    #endif
}
#endif
