import Sessions

/// Many who ask at the same time, for records that are there.
enum Clients {
    /// How many records there are.
    private static let records = 10_000

    /// Has `clients` share `count` repetitions of `body`.
    static func share(
        _ count: Int,
        among clients: Int,
        _ body: @escaping @Sendable (_ number: Int) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in 0..<clients {
                group.addTask {
                    for number in stride(from: client, to: count, by: clients) { try await body(number) }
                }
            }
            try await group.waitForAll()
        }
    }

    /// How many repetitions of `body` a second `clients` come to.
    static func rate(
        _ count: Int,
        among clients: Int,
        _ body: @escaping @Sendable (_ number: Int) async throws -> Void
    ) async throws -> Double {
        let start = ContinuousClock.now
        try await share(count, among: clients, body)
        return Double(count) / ((ContinuousClock.now - start).nanoseconds / 1e9)
    }

    /// Puts records into a store.
    static func fill(_ store: any SessionStore) async throws -> [StoreKey] {
        let keys = try (0..<records).map { number in
            guard let key = StoreKey("n4bQgYhMfWWaL-qgxV\(1000 + number)") else { throw BenchmarkError("no key") }
            return key
        }
        try await share(records, among: 64) { number in
            guard try await store.insert(.sample, at: keys[number]) else { throw BenchmarkError("a key is taken") }
        }
        return keys
    }

    /// Loads one of the records that ``fill(_:)`` has put there.
    static func load(_ number: Int, _ keys: [StoreKey], from store: some SessionStore) async throws {
        guard try await store.load(keys[number % keys.count]) != nil else {
            throw BenchmarkError("a record is missing")
        }
    }
}

/// Has several take turns, each of which says its own rate.
struct Turns {
    let rounds: Int

    /// The rates of each, after a round that counts for nothing.
    func rates(_ contestants: [() async throws -> Double]) async throws -> [[Double]] {
        var rates = [[Double]](repeating: [], count: contestants.count)
        for round in 0...rounds {
            for offset in contestants.indices {
                let index = (offset + round) % contestants.count
                let rate = try await contestants[index]()
                if round > 0 { rates[index].append(rate) }
            }
        }
        return rates
    }

    /// A row for the ratio of two of them: each round's by itself, as what slows the machine down falls on both.
    static func row(_ name: String, _ own: [Double], to base: [Double], _ baseName: String, target: Double) -> Row {
        let ratios = zip(own, base).map { $0 / $1 }.sorted()
        return Row(
            name: name,
            value: ratios[ratios.count / 2],
            target: .atLeast(target),
            detail: "\(median(own).short)/s, \(baseName) \(median(base).short)/s, rounds from \(ratios[0].short) to "
                + "\(ratios[ratios.count - 1].short)"
        )
    }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}
