import Sessions
import SessionsRedis

/// The Redis store: loads over one connection, to what Redis's own benchmark gets from the same server, and to bare `GET`s over
/// the same client.
struct RedisRows {
    let rounds: Int

    private static let clients = 50
    private static let count = 30_000

    func measure() async throws -> [Row] {
        let socket = try Tool.server("SESSIONS_BENCH_REDIS")
        var configuration = RedisClient.Configuration(.standalone(.socket(path: socket)))
        configuration.connectionCount = 1
        let client = try RedisClient(configuration)
        let store = try RedisSessionStore(client: client)
        try await store.removeAll()
        let keys = try await Clients.fill(store)
        let get = Array("GET".utf8)
        let names = keys.map { Array("sessions:s:\($0.text)".utf8) }
        // The other benchmark's value is about as long as a record.
        _ = try await Tool.output(["redis-benchmark", "-s", socket, "-t", "set", "-n", "1", "-d", "256", "-q"])
        let rates = try await Turns(rounds: rounds).rates([
            {
                try await Clients.rate(Self.count, among: Self.clients) {
                    try await Clients.load($0, keys, from: store)
                }
            },
            {
                try await Clients.rate(Self.count, among: Self.clients) { number in
                    let name = names[number % names.count]
                    guard case .bytes = try await client.send(RedisCommand([get, name], key: name)) else {
                        throw BenchmarkError("a key is missing")
                    }
                }
            },
            { try await Self.redisBenchmark(socket) },
        ])
        client.close()
        return [
            Turns.row(
                "Redis, loads by \(Self.clients) clients over one connection: rate, to redis-benchmark -t get -c 50",
                rates[0],
                to: rates[2],
                "redis-benchmark",
                target: 2
            ),
            Turns.row(
                "Redis, the same: to bare GETs over the same client",
                rates[0],
                to: rates[1],
                "GETs",
                target: 0.7
            ),
        ]
    }

    private static func redisBenchmark(_ socket: String) async throws -> Double {
        let text = try await Tool.output([
            "redis-benchmark", "-s", socket, "-t", "get", "-c", "\(clients)", "-n", "\(count)", "--csv",
        ])
        // "GET","123456.78",…
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("\"GET\"") }),
            let rate = line.split(separator: ",").dropFirst().first.flatMap({ Double($0.filter { $0 != "\"" }) })
        else { throw BenchmarkError("redis-benchmark did not measure: \(text)") }
        return rate
    }
}
