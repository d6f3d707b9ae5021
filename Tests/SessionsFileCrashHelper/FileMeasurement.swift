import CrashHelping
import Foundation
import Sessions

/// What the store costs with many sessions. Not a test: run it in a release build, on an empty directory.
struct FileMeasurement {
    let directory: String
    let count: Int

    func run() async throws {
        var quick = FileSessionStore.Configuration()
        quick.synchronous = .off
        var store = try FileSessionStore(directory: directory, configuration: quick)
        let keys = (0..<count).map { _ in StoreKey(.random()) }
        let payload = (0..<300).map { UInt8(truncatingIfNeeded: $0 * 7) }
        @Sendable func record(_ deadline: Int64) -> StoredRecord {
            StoredRecord(
                payload: payload,
                version: RecordVersion(rawValue: 1),
                idleDeadline: Timestamp(microseconds: deadline),
                absoluteDeadline: .distantFuture
            )
        }
        // Half an hour of deadlines, as sessions have them that are used at different times.
        let base: Int64 = 1_800_000_000_000_000
        try await measure("insert, off", keys.count, tasks: 16) { [store] index in
            guard try await store.insert(record(base + Int64(index % 1_800_000) * 1000), at: keys[index]) else {
                exit(70)
            }
        }
        try await report(store, keys, "off")
        try await store.close()

        store = try FileSessionStore(directory: directory)
        try await report(store, keys, "full")
        for expired in [base + 1_000_000, base + 2_000_000] {
            let began = ContinuousClock.now
            let deleted = try await store.sweep(expiredBefore: Timestamp(microseconds: expired), limit: 1_000_000)
            CrashHammer.say("sweep of \(deleted) among \(count): \(milliseconds(since: began)) ms")
        }
        let began = ContinuousClock.now
        let none = try await store.sweep(expiredBefore: Timestamp(microseconds: base), limit: 1000)
        CrashHammer.say("sweep of \(none) among \(count): \(milliseconds(since: began)) ms")
        let counting = ContinuousClock.now
        let all = try await store.count()
        CrashHammer.say("count of \(all): \(milliseconds(since: counting)) ms")
        let listing = ContinuousClock.now
        let page = try await store.entries(after: nil, limit: 10_000)
        CrashHammer.say("page of \(page.count): \(milliseconds(since: listing)) ms")
        let sweeping = ContinuousClock.now
        let rest = try await store.sweep(expiredBefore: .distantFuture, limit: .max)
        CrashHammer.say("sweep of \(rest), which is all: \(milliseconds(since: sweeping)) ms")
    }

    private func report(_ store: FileSessionStore, _ keys: [StoreKey], _ name: String) async throws {
        let operations = name == "off" ? min(200_000, keys.count) : min(10_000, keys.count)
        for tasks in [1, 16, 64] {
            try await measure("load, \(name)", min(200_000, keys.count), tasks: tasks) { _ in
                guard try await store.load(keys[.random(in: keys.indices)]) != nil else { exit(70) }
            }
        }
        for tasks in [1, 16, 64] {
            try await measure("load and replace, \(name)", tasks == 1 ? operations / 10 : operations, tasks: tasks) {
                _ in
                let key = keys[.random(in: keys.indices)]
                guard var record = try await store.load(key) else { exit(70) }
                let version = record.version
                record.version = .random()
                _ = try await store.replace(record, at: key, ifVersion: version)
            }
        }
        for tasks in [1, 16, 64] {
            let extra = (0..<(tasks == 1 ? operations / 10 : operations)).map { _ in StoreKey(.random()) }
            let record = StoredRecord(
                payload: [1, 2, 3],
                version: .random(),
                idleDeadline: .distantFuture,
                absoluteDeadline: .distantFuture,
                owner: OwnerKey("app:\(tasks)")
            )
            try await measure("insert with owner, \(name)", extra.count, tasks: tasks) { index in
                guard try await store.insert(record, at: extra[index]) else { exit(70) }
            }
            try await measure("delete, \(name)", extra.count, tasks: tasks) { index in
                guard try await store.delete(extra[index], ifVersion: nil) else { exit(70) }
            }
        }
    }

    private func measure(
        _ name: String,
        _ count: Int,
        tasks: Int,
        _ body: @escaping @Sendable (Int) async throws -> Void
    ) async throws {
        let began = ContinuousClock.now
        let times = try await withThrowingTaskGroup(of: [Duration].self) { group in
            for task in 0..<tasks {
                group.addTask {
                    var times: [Duration] = []
                    for index in stride(from: task, to: count, by: tasks) {
                        let began = ContinuousClock.now
                        try await body(index)
                        times.append(.now - began)
                    }
                    return times
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }.sorted()
        }
        let total = ContinuousClock.now - began
        let rate = Double(count) / (Double(total.components.attoseconds) / 1e18 + Double(total.components.seconds))
        let (median, late) = (times[times.count / 2], times[times.count * 99 / 100])
        CrashHammer.say(
            "\(name), \(tasks) tasks: \(Int(rate))/s, median \(microseconds(median)) us, p99 \(microseconds(late)) us"
        )
    }

    private func microseconds(_ duration: Duration) -> Int64 {
        duration.components.seconds * 1_000_000 + duration.components.attoseconds / 1_000_000_000_000
    }

    private func milliseconds(since moment: ContinuousClock.Instant) -> Int64 { microseconds(.now - moment) / 1000 }
}
