#if Postgres
import Sessions
import SessionsPostgres
import SessionsTesting
import TestServers
import Testing

extension HistoryTests {
    @Test("PostgreSQL: nodes, the server, its disk and the network fail, each in turn")
    func postgres() async throws {
        guard HistoryRun.isWanted("postgres") else { return }
        let disk = try await SmallDisk(megabytes: 160)
        let server = try await PostgresServer(disk: disk.isMounted ? disk : nil)
        // Two nodes go the one way, two the other.
        let ways = [try FaultProxy(to: server.port), try FaultProxy(to: server.port)]
        defer { for way in ways { way.stop() } }
        let urls = ways.map { server.url(at: $0.port) }
        let (keys, clock, directory) = (try HistoryKeys(), SteppedClock(), try ServerDirectory("history"))
        func store(_ url: String) async throws -> PostgresSessionStore {
            var configuration = PostgresSessionStore.Configuration()
            (configuration.connectDeadline, configuration.deadline) = (.seconds(2), .seconds(2))
            configuration.connectionLimit = 4
            return try await opened { try await PostgresSessionStore(url, configuration: configuration) }
        }
        let here = [try keys.node(await store(urls[0]), clock: clock), try keys.node(await store(urls[1]))]
        let processes = [
            try await keys.process("postgres:\(urls[0])", directory),
            try await keys.process("postgres:\(urls[1])", directory),
        ]
        var faults = [HistoryFault.killed(processes[0]), .steps(of: clock)]
        faults += HistoryFault.network(ways, writes: ["replace", "insert"])
        faults += [
            HistoryFault("the server paused") {
                for milliseconds in [300, 2200] {
                    try await server.pause()
                    try await Task.sleep(for: .milliseconds(milliseconds))
                    try await server.resume()
                }
            },
            HistoryFault("the server killed") {
                try await server.crash()
                try await server.start()
            },
        ]
        if disk.isMounted {
            faults.append(
                .full(disk) {
                    // It ends where it cannot recover from a log that it could not write.
                    if !server.isRunning { try await server.start() }
                }
            )
        } else {
            print("postgres, a full disk: not tried, as no file system can be mounted here")
        }
        let run = HistoryRun("postgres", here + processes, faults)
        try await run.check()
        run.expectNoCredential(in: try await server.dumpedBytes())
        try await server.stop()
    }
}
#endif
