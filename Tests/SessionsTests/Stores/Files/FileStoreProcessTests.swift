import CrashHelping
import Foundation
import Sessions
import Synchronization
import TestServers
import Testing

@testable import Sessions

extension FileStoreTests {
    @Suite("Several processes, and processes that die")
    struct ProcessTests {
        let scratch: FileScratch

        init() throws { scratch = try FileScratch() }

        /// How often a process is killed, at least. `make fuzz` sets the environment's `SESSIONS_CRASH_ROUNDS` to 1000.
        static let crashes = ProcessInfo.processInfo.environment["SESSIONS_CRASH_ROUNDS"].flatMap(Int.init) ?? rounds

        /// How often in one directory. After each time all that was ever written there is looked at.
        static let rounds = 12

        /// Each of them has the suite's time limit for itself.
        static let runs = max((crashes + rounds - 1) / rounds, 1)

        @Test("I1: two other processes and this one lose no change, I2: and see each other's deletions")
        func counting() async throws {
            let store = try scratch.store()
            let key = try StoreKey.numbered(1)
            #expect(try await store.insert(.sample("0"), at: key))
            let helpers = try (0..<2).map { _ in try scratch.helper("count", key.text, "150") }
            #expect(try await CrashHammer.count(store, key: key, times: 150) == 0)
            for helper in helpers { #expect(try await helper.exitCode() == 0) }
            let record = try #require(try await store.load(key))
            #expect(String(decoding: record.payload, as: UTF8.self) == "450")

            #expect(try await store.delete(key, ifVersion: nil))
            #expect(try await scratch.helper("count", key.text, "1").exitCode() == 66)
        }

        @Test("I1: two stores and many tasks of one process lose no change")
        func tasks() async throws {
            let stores = try (0..<2).map { _ in try scratch.store { $0.synchronous = .off } }
            let key = try StoreKey.numbered(1)
            #expect(try await stores[0].insert(.sample("0"), at: key))
            try await withThrowingTaskGroup(of: Int32.self) { group in
                for task in 0..<10 {
                    group.addTask { try await CrashHammer.count(stores[task % 2], key: key, times: 40) }
                }
                for try await code in group { #expect(code == 0) }
            }
            #expect(try await stores[1].load(key)?.payload == Array("400".utf8))
        }

        @Test(
            "ST-02: what was answered is there, and nothing is half there, whenever the process is killed",
            arguments: 0..<runs
        )
        func killed(run: Int) async throws {
            var history = CrashHistory()
            for round in 0..<Self.rounds {
                let helper = try scratch.helper("hammer", "round-\(round)", "16")
                let lines = try await helper.lines(killAfter: .random(in: 1...300)) { $0.hasPrefix("done") }
                #expect(try await helper.exitCode() == -SIGKILL)
                #expect(history.note(lines) == [])

                let store = try scratch.store()
                #expect(try await history.check(store) == [], "run \(run), round \(round)")
                #expect(try scratch.paths("damaged") == [])
                // What was being written is collected.
                _ = try await store.sweep(expiredBefore: Timestamp(microseconds: 0), limit: 1)
                #expect(try scratch.paths("temporary") == [])
                try await store.close()
            }
            #expect(history.count > Self.rounds)
        }

        @Test("ST-02: killed just before a file takes its place, and just after", arguments: [true, false])
        func killedAt(before: Bool) async throws {
            let store = try scratch.store()
            let key = try StoreKey.numbered(1)
            let old = StoredRecord.sample("old", owner: "app:old")
            #expect(try await store.insert(old, at: key))
            let helper = try scratch.helper(before ? "dieBefore" : "dieAfter", key.text)
            #expect(try await helper.exitCode() == -SIGKILL)

            let found = try #require(try await store.load(key))
            #expect(before ? found == old : found.payload == Array("written by the one that died".utf8))
            #expect(try scratch.paths("temporary").count == (before ? 1 : 0))
            // The index says what is, whatever notes were made or left.
            let owners = try await [OwnerKey("app:old"), OwnerKey("app:died")].asyncMap {
                try await store.entries(of: $0)
            }
            #expect(owners.map(\.count) == (before ? [1, 0] : [0, 1]))
            #expect(try scratch.files("owners").count == 1)
            // The lock went with the process, and what it left is in nobody's way.
            #expect(try await store.replace(.sample("next"), at: key, ifVersion: found.version) == .replaced)
            #expect(try scratch.paths("temporary") == [])
            #expect(try await store.sweep(expiredBefore: Timestamp(microseconds: 1_000_001), limit: 10) == 1)
            #expect(try scratch.files("expiry") == [])
        }

        @Test("a sweep collects the temporary file of one that died")
        func strays() async throws {
            let store = try scratch.store()
            let key = try StoreKey.numbered(1)
            #expect(try await store.insert(.sample("old"), at: key))
            _ = try await scratch.helper("dieBefore", key.text).exitCode()
            #expect(try scratch.paths("temporary").count == 1)
            #expect(try await store.sweep(expiredBefore: Timestamp(microseconds: 0), limit: 1) == 0)
            #expect(try scratch.paths("temporary") == [])
            #expect(try await store.load(key) == .sample("old"))
        }

        @Test("a process that stopped with a lock costs writes of that shard an error in time, and nothing else")
        func stopped() async throws {
            let held = try StoreKey.numbered(1)
            let same = try StoreKey.numbered(inShardOf: held, isSame: true)
            let other = try StoreKey.numbered(inShardOf: held, isSame: false)
            // Fewer threads than calls that wait for the lock.
            let store = try scratch.store {
                $0.writerCount = 2
                $0.lockTimeout = .milliseconds(300)
            }
            #expect(try await store.insert(.sample(), at: same))
            let helper = try scratch.helper("hold", held.text)
            #expect(try await helper.nextLine() == "held")
            helper.signal(SIGSTOP)

            try await withThrowingTaskGroup(of: SessionStoreError.Code?.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        try await storeErrorCode {
                            try await store.replace(
                                .sample(version: UInt64(number + 10)),
                                at: same,
                                ifVersion: .init(rawValue: 1)
                            )
                        }
                    }
                }
                // Meanwhile every other shard is written, and this one read.
                #expect(try await store.insert(.sample(), at: other))
                #expect(try await store.load(same) == .sample())
                #expect(try await store.load(held) == nil)
                for try await code in group { #expect(code == .locked) }
            }
            #expect(try await store.load(same) == .sample())

            // It dies, and the shard is free, whatever it was about.
            helper.signal(SIGKILL)
            #expect(try await helper.exitCode() == -SIGKILL)
            #expect(try await store.insert(.sample("mine"), at: held))
            #expect(try await store.delete(same, ifVersion: .init(rawValue: 1)))
        }

        @Test("a process that stopped in a write keeps no sweep from the other shards, and no owner from signing out")
        func stoppedInWrite() async throws {
            let held = try StoreKey.numbered(1)
            let same = try StoreKey.numbered(inShardOf: held, isSame: true)
            let others = try (2..<12).map { try StoreKey.numbered($0) }.filter {
                FilePlace($0).shard != FilePlace(held).shard
            }
            let store = try scratch.store { $0.lockTimeout = .milliseconds(50) }
            for key in others + [same] { #expect(try await store.insert(.sample(owner: "app:1"), at: key)) }
            // A note that nothing is behind, in the shard that is about to be locked.
            let gone = FilePlace(noteOf: OwnerKey("app:2"), record: FilePlace(held))
            let note = "owners/\(FilePlace.shardName(gone.shard))/\(FilePlace.leafName(gone.leaf))/\(gone.name)"
            let alive = try StoreKey.numbered(inShardOf: held, isSame: false)
            #expect(try await store.insert(.sample(idle: 1_000_000_000, owner: "app:2"), at: alive))
            #expect(FileManager.default.createFile(atPath: scratch.path(note), contents: Data()))

            let helper = try scratch.helper("hold", held.text)
            #expect(try await helper.nextLine() == "held")
            helper.signal(SIGSTOP)
            #expect(try scratch.paths("temporary").count == 1)
            #expect(try await store.entries(of: OwnerKey("app:2")).map(\.key) == [alive])
            #expect(
                try await store.sweep(expiredBefore: Timestamp(microseconds: 2_000_000), limit: 100) == others.count
            )
            // Also where nothing but a note leads to that shard.
            try FileManager.default.removeItem(atPath: scratch.path(#require(scratch.paths("temporary").first)))
            #expect(try await store.sweep(expiredBefore: Timestamp(microseconds: 2_000_000), limit: 100) == 0)
            #expect(try await store.load(same) != nil)

            helper.signal(SIGKILL)
            #expect(try await helper.exitCode() == -SIGKILL)
            #expect(try await store.sweep(expiredBefore: Timestamp(microseconds: 2_000_000), limit: 100) == 1)
            #expect(try scratch.paths("temporary") == [])
            #expect(try await store.entries(of: OwnerKey("app:2")).map(\.key) == [alive])
            #expect(try scratch.files("owners").count == 1)
        }

        @Test("a write waits for a lock that is given back in time")
        func waiting() async throws {
            let key = try StoreKey.numbered(1)
            let gate = ThreadGate()
            var steps = FileSteps()
            steps.beforeMove = { gate.wait() }
            let (slow, store) = (try scratch.store(steps: steps), try scratch.store())
            async let first = slow.insert(.sample("slow"), at: key)
            await gate.reached()
            async let second = store.insert(.sample("second"), at: key)
            // A reader sees nothing of what is being written.
            #expect(try await store.load(key) == nil)
            gate.open()
            #expect(try await first)
            #expect(try await !second)
            #expect(try await store.load(key) == .sample("slow"))
        }

        @Test("a lock on a file that was removed keeps nobody out, so it does not count")
        func removedLock() async throws {
            let key = try StoreKey.numbered(1)
            let shard = FilePlace(key).shard
            let path = scratch.path("locks/" + FilePlace.shardName(shard))
            // Three times in a row, just before it is locked.
            let removals = Countdown(3)
            var steps = FileSteps()
            steps.beforeLock = { if removals.goesOn() { try FileManager.default.removeItem(atPath: path) } }
            let store = try scratch.store(steps: steps)
            let taken = try await store.writers.perform { [root = store.root] in
                guard let first = try root.lock(shard) else { return [false] }
                let second = try root.lock(shard) == nil
                _ = consume first
                return [true, second, try root.lock(shard) != nil]
            }
            #expect(taken == [true, true, true])
            #expect(FileManager.default.fileExists(atPath: path))
        }
    }
}

/// Says yes a number of times.
private final class Countdown: Sendable {
    private let left: Atomic<Int>

    init(_ count: Int) { left = Atomic(count) }

    func goesOn() -> Bool { left.wrappingSubtract(1, ordering: .relaxed).oldValue > 0 }
}

extension Array {
    fileprivate func asyncMap<Result>(_ body: (Element) async throws -> Result) async rethrows -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await body(element)) }
        return results
    }
}
