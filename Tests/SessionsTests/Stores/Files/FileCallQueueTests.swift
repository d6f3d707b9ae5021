import Foundation
import Sessions
import Synchronization
import Testing

@testable import Sessions

extension FileStoreTests {
    @Suite("Calls that wait")
    struct CallQueueTests {
        let scratch: FileScratch

        init() throws { scratch = try FileScratch() }

        /// Has a thread of a queue hang at a gate; its call fails at the deadline. Another one does where no thread came to the
        /// first before that.
        private func hang(_ queue: FileCallQueue, at gate: ThreadGate) async throws {
            while !gate.isReached {
                try Task.checkCancellation()
                try #require(try await storeErrorCode { try await queue.perform { gate.wait() } } == .timedOut)
            }
        }

        @Test("ST-10: a call that hangs fails at the deadline, and holds up no other one")
        func hangs() async throws {
            let store = try scratch.store {
                ($0.lockTimeout, $0.deadline) = (.milliseconds(10), .milliseconds(300))
                // It is the gate that hangs, and not the disk.
                $0.synchronous = .off
            }
            // One that missed the deadline may have been carried out.
            _ = try await patiently { try await store.insert(.sample(), at: .numbered(1)) }
            for queue in [store.readers, store.writers, store.scanner] {
                let gate = ThreadGate()
                try await hang(queue, at: gate)
                #expect(try await patiently { try await store.load(.numbered(1)) } == .sample())
                #expect(try await patiently { try await store.count() } == 1)
                let isTouched = try await patiently {
                    try await store.touch(.numbered(1), until: .init(microseconds: 1), ifVersion: .init(rawValue: 1))
                }
                #expect(isTouched)
                gate.open()
            }
        }

        @Test("ST-10: while every thread hangs, what waits fails at its deadline and is not carried out")
        func allHang() async throws {
            let store = try scratch.store {
                $0.writerCount = 1
                ($0.lockTimeout, $0.deadline) = (.milliseconds(10), .milliseconds(200))
                $0.synchronous = .off
            }
            let gate = ThreadGate()
            try await hang(store.writers, at: gate)
            let late = try await withThrowingTaskGroup(of: SessionStoreError.Code?.self) { group in
                for number in 0..<10 {
                    group.addTask {
                        try await storeErrorCode { try await store.insert(.sample(), at: .numbered(number)) }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(late == Array(repeating: .timedOut, count: 10))
            gate.open()
            // The thread comes back, and finds nothing to do.
            repeat {
            } while try await storeErrorCode { try await store.delete(.numbered(99), ifVersion: nil) } == .timedOut
            #expect(try await patiently { try await store.count() } == 0)
        }

        @Test("ST-10: a call that finds too many waiting is refused at once; the others are carried out")
        func queueLimit() async throws {
            let store = try scratch.store { ($0.writerCount, $0.queueLimit) = (1, 5) }
            let (gate, added) = (ThreadGate(), AsyncStream<Void>.makeStream())
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask { try await store.writers.perform { gate.wait() } == () }
                await gate.reached()
                store.writers.whenAdded { added.continuation.yield() }
                for number in 0..<5 { group.addTask { try await store.insert(.sample(), at: .numbered(number)) } }
                var count = 0
                for await _ in added.stream {
                    count += 1
                    if count == 5 { break }
                }
                for _ in 0..<3 {
                    #expect(
                        try await storeErrorCode { try await store.insert(.sample(), at: .numbered(9)) } == .unavailable
                    )
                }
                // Loads are counted apart.
                #expect(try await store.load(.numbered(0)) == nil)
                gate.open()
                for try await inserted in group { #expect(inserted) }
            }
            #expect(try await store.count() == 5)
            #expect(try await store.insert(.sample(), at: .numbered(9)))
        }

        @Test("ST-10: whoever fills one shard is refused there, and nowhere else")
        func laneLimit() async throws {
            let store = try scratch.store { $0.queueLimit = 200 }
            let key = try StoreKey.numbered(1)
            let (gate, added) = (ThreadGate(), AsyncStream<Void>.makeStream())
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask { try await store.writers.perform(lane: FilePlace(key).shard) { gate.wait() } == () }
                await gate.reached()
                store.writers.whenAdded { added.continuation.yield() }
                for _ in 0..<64 { group.addTask { try await !store.delete(key, ifVersion: nil) } }
                var count = 0
                for await _ in added.stream {
                    count += 1
                    if count == 64 { break }
                }
                // Whatever comes first: it is refused, or it waits too.
                let outcome = AsyncStream<SessionStoreError.Code?>.makeStream()
                store.writers.whenAdded { outcome.continuation.yield(nil) }
                let next = Task {
                    let code = try await storeErrorCode { try await store.delete(key, ifVersion: nil) }
                    outcome.continuation.yield(code)
                }
                for await code in outcome.stream {
                    #expect(code == .unavailable)
                    break
                }
                let other = try StoreKey.numbered(inShardOf: key, isSame: false)
                #expect(try await store.insert(.sample(), at: other))
                gate.open()
                try await next.value
                for try await isDone in group { #expect(isDone) }
            }
            #expect(try await store.insert(.sample(), at: key))
        }

        @Test("a shard with calls without end leaves its lock to another process again and again")
        func rests() async throws {
            let store = try scratch.store()
            let (lane, key) = (FilePlace(try .numbered(1)).shard, try StoreKey.numbered(1))
            // Every turn is too long, and a rest ends when the test says so.
            let rests = AsyncStream<(Duration, @Sendable () -> Void)>.makeStream()
            let limits = FileCallQueue.Limits(
                threads: 2,
                waiting: 1000,
                deadline: .seconds(86_400),
                lockTimeout: .seconds(60),
                turn: .zero
            )
            let queue = FileCallQueue(limits, lanes: FilePlace.shards, errors: store.errors) { [root = store.root] in
                try root.lock($0)
            } timer: {
                rests.continuation.yield(($0, $1))
            }
            let (gate, added) = (ThreadGate(), AsyncStream<Void>.makeStream())
            queue.whenAdded { added.continuation.yield() }
            let calls = Task {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await queue.perform(lane: lane) { gate.wait() } }
                    await gate.reached()
                    for _ in 0..<40 { group.addTask { try await queue.perform(lane: lane) {} } }
                    try await group.waitForAll()
                }
                rests.continuation.finish()
            }
            var count = 0
            for await _ in added.stream {
                count += 1
                if count == 41 { break }
            }
            gate.open()
            var turns = 0
            for await (rest, goOn) in rests.stream {
                // The call below has its answer before its lock is given back.
                guard rest > FileCallQueue.longestPause else {
                    goOn()
                    continue
                }
                turns += 1
                // As another process would, while many calls wait here.
                #expect(try await store.touch(key, until: .distantFuture, ifVersion: .init(rawValue: 1)) == false)
                goOn()
            }
            try await calls.value
            #expect(turns >= 5, "forty calls are more than a few turns")
        }

        @Test("a cancelled caller's write is carried out, and its outcome returned")
        func cancelled() async throws {
            let store = try scratch.store()
            let gate = ThreadGate()
            async let held: Void = store.writers.perform(lane: FilePlace(.numbered(1)).shard) { gate.wait() }
            await gate.reached()
            let added = AsyncStream<Void>.makeStream()
            store.writers.whenAdded { added.continuation.finish() }
            let task = Task { try await store.insert(.sample(), at: .numbered(1)) }
            for await _ in added.stream {}
            task.cancel()
            gate.open()
            #expect(try await task.value)
            try await held
            #expect(try await store.load(.numbered(1)) == .sample())
        }

        @Test("closing waits for what is queued; afterwards every method says so")
        func close() async throws {
            let store = try scratch.store { $0.writerCount = 1 }
            let (gate, added) = (ThreadGate(), AsyncStream<Void>.makeStream())
            async let held: Void = store.writers.perform { gate.wait() }
            await gate.reached()
            store.writers.whenAdded { added.continuation.yield() }
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<20 { group.addTask { try await store.insert(.sample(), at: .numbered(number)) } }
                var count = 0
                for await _ in added.stream {
                    count += 1
                    if count == 20 { break }
                }
                async let closing: Void = store.close()
                gate.open()
                try await closing
                for try await inserted in group { #expect(inserted) }
            }
            try await held
            try await store.close()
            #expect(try await storeErrorCode { try await store.insert(.sample(), at: .numbered(99)) } == .unavailable)
            #expect(try await storeErrorCode { try await store.count() } == .unavailable)
            #expect(try await scratch.store().count() == 20)
        }

        @Test("closing a store whose disk hangs is an error at the deadline")
        func closingHangs() async throws {
            let store = try scratch.store { ($0.lockTimeout, $0.deadline) = (.milliseconds(10), .milliseconds(300)) }
            let gate = ThreadGate()
            try await hang(store.writers, at: gate)
            #expect(try await storeErrorCode { try await store.close() } == .timedOut)
            gate.open()
            var code: SessionStoreError.Code?
            repeat { code = try await storeErrorCode { try await store.close() } } while code == .timedOut
            #expect(code == nil)
        }

        @Test("a configuration that makes no sense is refused")
        func configuration() {
            let wrong: [(inout FileSessionStore.Configuration) -> Void] = [
                { $0.lockTimeout = .seconds(-1) }, { $0.deadline = .zero }, { $0.deadline = .seconds(59) },
                { $0.deadline = .seconds(86_401) }, { $0.queueLimit = 0 }, { $0.readerCount = 0 },
                { $0.readerCount = 65 }, { $0.writerCount = 0 }, { $0.writerCount = 65 },
            ]
            for change in wrong {
                #expect(throws: SessionConfigurationError(.limit, "")) { try scratch.store(change) }
            }
            #expect((try? scratch.paths()) == [])
        }

        @Test("a queue gives back what it was given, in its order, however it is taken", arguments: 1...5)
        func order(seed: UInt64) {
            // Always the same numbers, so that a failure can be looked at.
            var state = seed
            func random(_ bound: UInt64) -> Int {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Int((state >> 33) % bound)
            }
            var (queue, expected, next) = (FileQueue<Int>(), [Int](), 0)
            for _ in 0..<3000 {
                switch random(3) {
                case 0:
                    for _ in 0..<random(20) {
                        queue.append(next)
                        expected.append(next)
                        next += 1
                    }
                case 1:
                    for _ in 0..<random(15) {
                        #expect(queue.popFirst() == (expected.isEmpty ? nil : expected.removeFirst()))
                    }
                default:
                    let limit = (expected.first ?? 0) + random(30)
                    let count = expected.prefix { $0 <= limit }.count
                    #expect(queue.popFirst { $0 <= limit } == Array(expected.prefix(count)))
                    expected.removeFirst(count)
                }
                #expect(queue.first == expected.first && queue.isEmpty == expected.isEmpty)
            }
        }
    }
}
