import CBareMongo
import Dispatch
import Foundation
import Sessions
import SessionsMongo
import Synchronization

/// The MongoDB store: loads over eight connections, to the same command in a bare loop of libmongoc's on eight threads.
///
/// MongoDB brings no benchmark of its own.
struct MongoRows {
    let rounds: Int

    private static let connections = 8
    private static let count = 8_000
    private static let database = "sessions_bench"

    func measure() async throws -> [Row] {
        let url = "mongodb://127.0.0.1:\(try Tool.server("SESSIONS_BENCH_MONGO"))/\(Self.database)"
        var configuration = MongoSessionStore.Configuration()
        configuration.connectionLimit = Self.connections
        let store = try await MongoSessionStore(url, configuration: configuration)
        try await store.removeAll()
        let keys = try await Clients.fill(store)
        func loads(_ clients: Int) -> () async throws -> Double {
            { try await Clients.rate(Self.count, among: clients) { try await Clients.load($0, keys, from: store) } }
        }
        let collection = configuration.collection
        let rates = try await Turns(rounds: rounds).rates([
            loads(Self.connections), loads(64), { try await Self.bare(url, collection, keys) },
        ])
        try await store.close()
        return zip([Self.connections, 64], rates).map { clients, own in
            Turns.row(
                "MongoDB, loads by \(clients) clients over 8 connections: rate, to a loop of libmongoc's on 8 threads",
                own,
                to: rates[2],
                "libmongoc",
                target: 0.8
            )
        }
    }

    private static func bare(_ url: String, _ collection: String, _ keys: [StoreKey]) async throws -> Double {
        let found = Atomic(0)
        let start = ContinuousClock.now
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                DispatchQueue.concurrentPerform(iterations: connections) { _ in
                    let names = keys.map { strdup($0.text) }
                    defer { for name in names { free(name) } }
                    let pointers = names.map { UnsafePointer($0) }
                    let share = count / connections
                    found.add(
                        CBareMongo_find(url, database, collection, pointers, pointers.count, share),
                        ordering: .relaxed
                    )
                }
                continuation.resume()
            }
        }
        let seconds = (ContinuousClock.now - start).nanoseconds / 1e9
        guard found.load(ordering: .relaxed) == count else { throw BenchmarkError("the loop misses records") }
        return Double(count) / seconds
    }
}
