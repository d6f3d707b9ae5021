import Foundation
import Logging
import Sessions
import SessionsTesting
import Synchronization
import TestServers
import Testing

#if SQLite
import SessionsSQLite
#endif

/// Random histories of many clients on several managers in several processes, while something goes wrong.
///
/// Short here; `make soak STORE=sqlite SECONDS=600` runs one store's for as long as asked.
@Suite("Histories on real stores", .serialized)
struct HistoryTests {
    /// How long a history runs, or how many requests it has.
    private static func limit(_ store: String) -> (@Sendable () -> Bool)? {
        let environment = ProcessInfo.processInfo.environment
        if let text = environment["SESSIONS_SOAK_SECONDS"], let seconds = Double(text) {
            guard environment["SESSIONS_SOAK_STORE"] == store else { return nil }
            let end = ContinuousClock.now + .seconds(seconds)
            return { ContinuousClock.now < end }
        }
        let count = Count()
        return { count.next() < 4000 }
    }

    private static var seed: UInt64 {
        ProcessInfo.processInfo.environment["SESSIONS_SOAK_SEED"].flatMap(UInt64.init) ?? 1
    }

    /// Runs a history over `local` managers and two processes, of which one is killed again and again; tells what is wrong.
    private static func check(
        _ name: String,
        _ store: String,
        _ directory: ServerDirectory,
        local: (KeyRing) throws -> [SessionManager]
    ) async throws {
        guard let goesOn = limit(name) else { return }
        let secret = Data((0..<32).map { _ in UInt8.random(in: .min ... .max) }).base64EncodedString()
        let keys = try KeyRing([SessionSecret(encoded: secret)])
        let processes = try (0..<2).map { _ in
            try ProcessNode(store: store, secret: secret, directory: directory)
        }
        for process in processes { try await process.start() }
        let nodes: [any HistoryNode] = try local(keys).map { LocalHistoryNode($0) } + processes
        async let history = HistoryWorkload(seed: seed, clients: 24).run(on: nodes, while: goesOn)
        let killing = Task {
            while !Task.isCancelled {
                try await Task.sleep(for: .milliseconds(.random(in: 50...500)))
                await processes[0].crash()
                try await processes[0].start()
            }
        }
        let events = await history
        killing.cancel()
        _ = await killing.result
        for violation in events.violations().prefix(3) { Issue.record("\(violation)") }
        #expect(events.violations().isEmpty)
        let outcomes = Dictionary(grouping: events.events, by: \.response.outcome).mapValues(\.count)
        #expect((outcomes[.done] ?? 0) > events.events.count / 2)
        print("\(name): \(events.events.count) requests, \(outcomes)")
    }

    @Test("Files: several processes on one directory, one of which is killed again and again")
    func files() async throws {
        let directory = try ServerDirectory("history")
        // Of its own: the processes' logs are beside it.
        let path = try ServerDirectory("history-files")
        try await Self.check("file", "file:\(path.path)", directory) { keys in
            try (0..<2).map { _ in
                var configuration = FileSessionStore.Configuration()
                configuration.lockTimeout = .seconds(30)
                configuration.deadline = .seconds(60)
                return try SessionManager(
                    store: FileSessionStore(directory: path.path, configuration: configuration),
                    keys: keys,
                    logger: quiet
                )
            }
        }
    }

    #if SQLite
    @Test("SQLite: several processes on one file, one of which is killed again and again")
    func sqlite() async throws {
        let directory = try ServerDirectory("history")
        let path = directory.file("sessions.sqlite")
        try await Self.check("sqlite", "sqlite:\(path)", directory) { keys in
            try (0..<2).map { _ in
                var configuration = SQLiteSessionStore.Configuration()
                configuration.busyTimeout = .seconds(30)
                configuration.deadline = .seconds(60)
                return try SessionManager(
                    store: SQLiteSessionStore(path: path, configuration: configuration),
                    keys: keys,
                    logger: quiet
                )
            }
        }
    }
    #endif
}

/// What happens is in the history.
private let quiet = Logger(label: "history") { _ in SwiftLogNoOpLogHandler() }

private final class Count: Sendable {
    private let value = Atomic(0)
    func next() -> Int { value.wrappingAdd(1, ordering: .relaxed).oldValue }
}
