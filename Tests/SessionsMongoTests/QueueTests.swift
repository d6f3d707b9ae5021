#if Mongo
import Foundation
import Sessions
import Synchronization
import TestServers
import Testing

@testable import SessionsMongo

extension MongoStoreTests {
    @Suite("Calls that wait for a thread")
    struct QueueTests {
        @Test("ST-10 what does not fit into the queue is refused at once, and what does is carried out")
        func bounded() async throws {
            let store = try await Scratch.standalone {
                $0.connectionLimit = 2
                $0.queueLimit = 3
            }.store()
            #expect(try await store.insert(.sample(), at: .numbered(1)))
            let threads = HungThreads(2)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<2 { group.addTask { try await store.queue.perform { _ in threads.hang() } } }
                try await waitUntil("both threads hang") { threads.count == 2 }
                for _ in 0..<3 {
                    group.addTask {
                        let record = try await store.load(.numbered(1))
                        #expect(record != nil)
                    }
                }
                try await waitUntil("three calls wait") { store.queue.waitingCount == 3 }
                for _ in 0..<5 {
                    let error = try await storeError { try await store.load(.numbered(1)) }
                    #expect(error?.message.contains("3 calls wait") == true)
                }
                #expect(store.queue.waitingCount == 3)
                threads.release()
                try await group.waitForAll()
            }
        }

        @Test("ST-10 a call fails at its deadline while its thread hangs, and so does one that waits for a thread")
        func late() async throws {
            let scratch = try await Scratch.standalone { $0.connectionLimit = 1 }
            let store = try await scratch.hastyStore(.milliseconds(500))
            #expect(try await scratch.patientStore().insert(.sample(), at: .numbered(1)))
            let threads = HungThreads(1)
            async let hung = storeError { () async throws -> Void in
                while true {
                    do {
                        return try await store.queue.perform { _ in threads.hang() }
                    } catch {
                        // One that its thread was too late for is not begun.
                        guard threads.count == 0, !Task.isCancelled else { throw error }
                    }
                }
            }
            try await waitUntil("the thread hangs") { threads.count == 1 }
            #expect(try await storeError { try await store.load(.numbered(1)) }?.code == .timedOut)
            #expect(try await hung?.code == .timedOut)
            threads.release()
            try await waitUntil("the store works again") {
                try await storeError { try await store.load(.numbered(1)) } == nil
            }
            var code: SessionStoreError.Code?
            try await waitUntil("its threads have ended") {
                code = try await storeError { try await store.close() }?.code
                return code != .timedOut
            }
            #expect(code == nil)
            try await store.close()
            let error = try await storeError { try await store.load(.numbered(1)) }
            #expect(error?.message.contains("closed") == true)
        }

        @Test("a call that has failed by its deadline is not begun any more")
        func lateCall() async throws {
            let store = try await Scratch.standalone().store()
            let begun = Atomic(0)
            func call() -> MongoCall {
                MongoCall { _ in
                    begun.add(1, ordering: .relaxed)
                    return {}
                } refuse: { _ in
                }
            }
            let (late, punctual) = (call(), call())
            late.fail(MongoFailure.lost)
            try await store.queue.perform { connection in
                late.run(connection)
                punctual.run(connection)
            }
            #expect(begun.load(ordering: .relaxed) == 1)
        }

        @Test("a store that is released without being closed ends its threads")
        func released() async throws {
            let scratch = try await Scratch.standalone()
            weak var queue: MongoQueue?
            do {
                let store = try await scratch.store()
                queue = store.queue
                #expect(try await store.count() == 0)
            }
            try await waitUntil("the queue is gone") { queue == nil }
        }
    }
}

/// Threads that hang until they are released, or for half a minute: by then the test has failed.
private final class HungThreads: Sendable {
    private let hanging = Atomic(0)
    private let number: Int
    private let gate = DispatchSemaphore(value: 0)

    init(_ number: Int) { self.number = number }

    var count: Int { hanging.load(ordering: .acquiring) }

    func hang() {
        hanging.add(1, ordering: .acquiringAndReleasing)
        _ = gate.wait(timeout: .now() + 30)
    }

    func release() {
        for _ in 0..<number { gate.signal() }
    }
}
#endif
