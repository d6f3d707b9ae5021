import Foundation
import Hummingbird
import Logging
import Sessions
import SessionsHummingbird
import Synchronization

/// What sessions cost a Hummingbird server: throughput of a route with them, to the same route without.
///
/// The load comes from `wrk` in a process of its own, over loopback, in turns.
struct HummingbirdRows {
    let rounds: Int

    private struct Context: SessionRequestContext {
        var coreContext: CoreRequestContextStorage
        var sessionContext = SessionContext()

        init(source: Source) { coreContext = .init(source: source) }
    }

    func measure() async throws -> [Row] {
        let store = try MemorySessionStore()
        let sessions = try SessionManager(store: store, keys: .ephemeral(), configuration: .bench)
        let exchange = sessions.open([:])
        try await exchange.session.set(.counter, to: 1)
        let cookie = try await exchange.commit().cookie

        let router = Router(context: Context.self)
        router.get("plain") { _, _ in "visits: 1" }
        let behind = router.group().add(middleware: SessionMiddleware(sessions))
        behind.get("untouched") { _, _ in "visits: 1" }
        behind.get("read") { _, context in "visits: \(try await context.session[.counter])" }

        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let application = Application(
            router: router,
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in
                port.yield(channel.localAddress?.port ?? 0)
                port.finish()
            },
            logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
        )
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            guard let port = await ports.first(where: { _ in true }) else {
                throw BenchmarkError("the server did not start")
            }
            let rows = try await load(port, cookie)
            group.cancelAll()
            return rows
        }
    }

    private func load(_ port: Int, _ cookie: String) async throws -> [Row] {
        let paths = ["plain", "untouched", "read"]
        var rates: [String: [Double]] = [:]
        for round in 0...rounds {
            for offset in paths.indices {
                let path = paths[(offset + round) % paths.count]
                let rate = try await LoadGenerator.rate("http://127.0.0.1:\(port)/\(path)", cookie: cookie)
                if round > 0 { rates[path, default: []].append(rate) }
            }
        }
        // Each round's ratio by itself: what slows the machine down for a while falls on all three.
        func row(_ name: String, _ path: String, _ target: Double) -> Row {
            let (own, plain) = (rates[path] ?? [], rates["plain"] ?? [])
            let ratios = zip(own, plain).map { $0 / $1 }.sorted()
            return Row(
                name: name,
                value: ratios[ratios.count / 2],
                target: .atLeast(target),
                detail: "\(median(own).short)/s, plain \(median(plain).short)/s, rounds from \(ratios[0].short) to "
                    + "\(ratios[ratios.count - 1].short)"
            )
        }
        return [
            row("Hummingbird route that reads the session: to the route without middleware", "read", 0.9),
            row("Hummingbird route that never touches it, cookie sent: to the same", "untouched", 0.97),
        ]
    }

    private func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}

/// `wrk`, which Scripts/bench.sh installs.
enum LoadGenerator {
    /// The requests a second that `url` answers to one thread with 16 connections.
    static func rate(_ url: String, cookie: String) async throws -> Double {
        let text = try await Tool.output(["wrk", "-t", "1", "-c", "16", "-d", "1s", "-H", "Cookie: \(cookie)", url])
        guard !text.contains("Non-2xx"), !text.contains("Socket errors"),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("Requests/sec:") }),
            let rate = Double(line.dropFirst("Requests/sec:".count).trimmingCharacters(in: .whitespaces))
        else { throw BenchmarkError("wrk did not measure \(url): \(text)") }
        return rate
    }
}
