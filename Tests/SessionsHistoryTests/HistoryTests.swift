import Foundation
import Sessions
import SessionsTesting
import TestServers
import Testing

#if SQLite
import SessionsSQLite
#endif

/// Random histories of many clients on several managers in several processes, while something goes wrong.
///
/// Short here; `make soak STORE=sqlite SECONDS=600` runs one store's for as long as asked.
///
/// The limit is not for speed: it cancels a test that waits for what never comes.
@Suite("Histories on real stores", .serialized, .timeLimit(.minutes(HistoryRun.minutes)))
struct HistoryTests {
    @Test("a soak is of a store that there is")
    func known() {
        guard let soak = HistoryRun.soak else { return }
        #expect(HistoryRun.stores.contains(soak.store), "STORE is one of \(HistoryRun.stores.joined(separator: ", "))")
    }

    @Test("Files: several processes on one directory; one is killed, clocks step, the disk is full")
    func files() async throws {
        guard HistoryRun.isWanted("file") else { return }
        let directory = try ServerDirectory("history")
        // Of its own: the processes' logs are beside it.
        let disk = try await SmallDisk(megabytes: 64)
        let path = disk.directory.file("sessions")
        try FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
        var configuration = FileSessionStore.Configuration()
        configuration.lockTimeout = .seconds(30)
        configuration.deadline = .seconds(60)
        try await Self.check("file", path, disk, directory) {
            try FileSessionStore(directory: path, configuration: configuration)
        }
    }

    #if SQLite
    @Test("SQLite: several processes on one file; one is killed, clocks step, the disk is full")
    func sqlite() async throws {
        guard HistoryRun.isWanted("sqlite") else { return }
        let directory = try ServerDirectory("history")
        let disk = try await SmallDisk(megabytes: 64)
        let path = disk.directory.file("sessions.sqlite")
        var configuration = SQLiteSessionStore.Configuration()
        configuration.busyTimeout = .seconds(30)
        configuration.deadline = .seconds(60)
        try await Self.check("sqlite", path, disk, directory) {
            try SQLiteSessionStore(path: path, configuration: configuration)
        }
    }
    #endif

    /// Two nodes here and two processes, with a store each on the same path.
    private static func check(
        _ name: String,
        _ path: String,
        _ disk: SmallDisk,
        _ directory: ServerDirectory,
        _ store: () throws -> any SessionStore
    ) async throws {
        let (keys, clock) = (try HistoryKeys(), SteppedClock())
        let here = [try keys.node(store(), clock: clock), try keys.node(store())]
        let processes = [
            try await keys.process("\(name):\(path)", directory), try await keys.process("\(name):\(path)", directory),
        ]
        let killed = HistoryFault.killed(processes[0])
        let run = HistoryRun(name, here + processes, [killed, killed, .steps(of: clock), .full(disk), killed])
        try await run.check()
        run.expectNoCredential(in: try disk.directory.contents())
    }
}
