import ArgumentParser
import Foundation
import Sessions
import Synchronization

/// The memory store with a million sessions: what they take, and what a sweep costs the others.
struct MemoryRows {
    let rounds: Int

    func measure() async throws -> [Row] {
        try await [footprint(owned: false), footprint(owned: true)] + sweeping()
    }

    // MARK: Bytes

    /// In a process of its own: resident memory is a process's.
    private func footprint(owned: Bool) async throws -> Row {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
        process.arguments = ["memory-footprint"] + (owned ? ["--owned"] : [])
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        let numbers = text.split { !$0.isNumber }.compactMap { Double($0) }
        guard process.terminationStatus == 0, numbers.count == 2 else {
            throw BenchmarkError("the footprint was not measured: \(text)")
        }
        return Row(
            name: "Memory store, 1 000 000 \(owned ? "owned " : "")sessions: resident bytes, to payload, key and owner",
            value: numbers[0] / numbers[1],
            target: .atMost(2.5),
            detail: "\(numbers[0].short) bytes a session, \(numbers[1].short) of them payload, key and owner"
        )
    }

    // MARK: Sweeping

    private func sweeping() async throws -> [Row] {
        let live = 1_000_000
        // By its clock nothing has expired, so that an insert collects nothing and the sweep all of it.
        let store = try MemorySessionStore(limit: 4_000_000, byteLimit: 8 << 30, clock: EarlyClock())
        var random = SystemRandomNumberGenerator()
        let keys = (0..<live).map { _ in StoreKey(SessionHandle(random: &random)) }
        for key in keys { guard try store.insert(.live, at: key) else { throw BenchmarkError("a key is taken") } }

        var costs: [Double] = []
        for expired in [10_000, 100_000] {
            for _ in 0..<expired { _ = try store.insert(.expired, at: StoreKey(SessionHandle(random: &random))) }
            let start = ContinuousClock.now
            let swept = store.sweep(expiredBefore: .cutoff, limit: .max)
            costs.append((ContinuousClock.now - start).nanoseconds / Double(expired))
            guard swept == expired else { throw BenchmarkError("\(swept) of \(expired) were swept") }
        }
        let idle = ContinuousClock.now
        for _ in 0..<1000 { _ = store.sweep(expiredBefore: .cutoff, limit: .max) }
        let nothing = (ContinuousClock.now - idle).nanoseconds / 1000

        for _ in 0..<500_000 { _ = try store.insert(.expired, at: StoreKey(SessionHandle(random: &random))) }
        let isSweeping = Atomic(true)
        async let swept: Int = {
            defer { isSweeping.store(false, ordering: .releasing) }
            return store.sweep(expiredBefore: .cutoff, limit: .max)
        }()
        var waits: [Double] = []
        while isSweeping.load(ordering: .acquiring) || waits.count < 1000 {
            let key = keys[waits.count % keys.count]
            let start = ContinuousClock.now
            _ = store.load(key)
            waits.append((ContinuousClock.now - start).nanoseconds)
        }
        guard await swept == 500_000 else { throw BenchmarkError("the sweep missed some") }
        waits.sort()
        return [
            Row(
                name: "Sweeping beside 1 000 000 live: cost of 100 000 expired, to 10 times that of 10 000",
                value: costs[1] / costs[0],
                target: .atMost(2),
                detail: "\(costs[0].short) and \(costs[1].short) ns for each expired one, \(nothing.short) ns for none"
            ),
            Row(
                name: "A load while 500 000 are swept, p99",
                value: waits[waits.count * 99 / 100] / 1000,
                target: .atMost(1000),
                detail: "\(waits.count) loads, the longest \((waits[waits.count - 1] / 1000).short) µs",
                unit: " µs"
            ),
        ]
    }
}

private struct EarlyClock: SessionClock {
    func now() -> Timestamp { Timestamp(microseconds: 0) }
    func sleep(for duration: Duration) async throws { throw CancellationError() }
}

extension Timestamp {
    fileprivate static let cutoff = Timestamp(microseconds: 1_000_000)
}

extension StoredRecord {
    fileprivate static var live: StoredRecord { sample }

    fileprivate static var expired: StoredRecord {
        var record = sample
        record.idleDeadline = Timestamp(microseconds: 1)
        return record
    }
}

extension SessionHandle {
    /// A handle as the manager mints it.
    fileprivate init(random: inout SystemRandomNumberGenerator) {
        let bytes = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let text = Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").prefix(22)
        guard let handle = SessionHandle(String(text)) else { preconditionFailure("16 bytes are a handle") }
        self = handle
    }
}

/// Fills a store and says what that took: resident bytes a session, and what was handed in for one.
struct MemoryFootprint: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "memory-footprint",
        abstract: "Measure resident bytes a session."
    )

    @Flag(help: "Give each session an owner of its own.")
    var owned = false

    func run() async throws {
        let count = 1_000_000
        let store = try MemorySessionStore(limit: 2 * count, byteLimit: 8 << 30)
        var random = SystemRandomNumberGenerator()
        var kept = 0
        let before = try Self.residentBytes()
        for number in 0..<count {
            var record = StoredRecord.sample
            if owned { record.owner = OwnerKey("shop/__Host-Http-sid:user-\(number)") }
            _ = try store.insert(record, at: StoreKey(SessionHandle(random: &random)))
            kept += record.payload.count + 22 + (record.owner?.text.utf8.count ?? 0)
        }
        let after = try Self.residentBytes()
        print((after - before) / count, kept / count)
        withExtendedLifetime(store) {}
    }

    private static func residentBytes() throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        guard let pages = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw BenchmarkError("resident memory is measured on Linux only")
        }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }
}
