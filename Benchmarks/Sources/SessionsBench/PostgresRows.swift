import Foundation
import Sessions
import SessionsPostgres

/// The PostgreSQL store: loads over eight connections, to what PostgreSQL's own benchmark gets from the same server.
struct PostgresRows {
    let rounds: Int

    private static let connections = 8

    func measure() async throws -> [Row] {
        // The directory of its socket.
        let folder = try Tool.server("SESSIONS_BENCH_POSTGRES")
        let place = ["-h", folder, "-p", "5432", "-U", "postgres"]
        _ = try await Tool.output(["pgbench"] + place + ["-i", "-q", "-s", "1", "postgres"])
        var configuration = PostgresSessionStore.Configuration()
        configuration.connectionLimit = Self.connections
        configuration.table = "bench_\(ProcessInfo.processInfo.processIdentifier)"
        let store = try await PostgresSessionStore(
            "postgresql:///postgres?host=\(folder)&port=5432&user=postgres",
            configuration: configuration
        )
        let keys = try await Clients.fill(store)
        func loads(_ clients: Int) -> () async throws -> Double {
            { try await Clients.rate(8_000, among: clients) { try await Clients.load($0, keys, from: store) } }
        }
        let rates = try await Turns(rounds: rounds).rates([
            loads(Self.connections), loads(64), { try await Self.pgbench(place) },
        ])
        try await store.close()
        return zip([Self.connections, 64], rates).map { clients, own in
            Turns.row(
                "PostgreSQL, loads by \(clients) clients over 8 connections: rate, to pgbench -S -M prepared -c 8",
                own,
                to: rates[2],
                "pgbench",
                target: 0.8
            )
        }
    }

    private static func pgbench(_ place: [String]) async throws -> Double {
        // Counted and not timed: a process that a pool's thread starts gets no alarm.
        let text = try await Tool.output(
            ["pgbench"] + place + ["-S", "-M", "prepared", "-c", "\(connections)", "-t", "1000", "-n", "postgres"]
        )
        // tps = 12345.678 (without initial connection time)
        guard let line = text.split(separator: "\n").last(where: { $0.hasPrefix("tps = ") }),
            let rate = Double(line.dropFirst("tps = ".count).prefix { $0.isNumber || $0 == "." })
        else { throw BenchmarkError("pgbench did not measure: \(text)") }
        return rate
    }
}
