#if SQLite
import Foundation
import GRDB
import Sessions
import Testing

@testable import SessionsSQLite

extension SQLiteStoreTests {
    @Suite("Queues and connections")
    struct CallQueueTests {
        let scratch: Scratch

        init() throws { scratch = try Scratch() }

        @Test("ST-10: a load does not wait for a read that hangs while another connection is idle")
        func loneLoad() async throws {
            let store = try scratch.store {
                $0.readerCount = 3
                // If nobody comes to help, the load fails by this.
                ($0.busyTimeout, $0.deadline) = (.seconds(20), .seconds(30))
            }
            #expect(try await store.insert(.sample(), at: .numbered(1)))
            try await store.holding(store.readers) { first async throws in
                #expect(try await store.load(.numbered(1)) == .sample())
                // The second comes while the first hangs, and the third while both do.
                try await store.holding(store.readers) { second async throws in
                    #expect(try await store.load(.numbered(1)) == .sample())
                    second.open()
                }
                first.open()
            }
        }

        @Test("ST-10: listing an owner's sessions holds up no load, and waits for no load that hangs")
        func listing() async throws {
            let store = try scratch.store {
                $0.readerCount = 1
                ($0.busyTimeout, $0.deadline) = (.seconds(20), .seconds(30))
            }
            #expect(try await store.insert(.sample(owner: "app:1"), at: .numbered(1)))
            try await store.holding(store.readers) { hold async throws in
                #expect(try await store.entries(of: OwnerKey("app:1")).count == 1)
                hold.open()
            }
            try await store.holding(store.scanner) { hold async throws in
                #expect(try await store.load(.numbered(1)) != nil)
                // What an operator counts does not hold up a revocation.
                #expect(try await store.entries(of: OwnerKey("app:1")).count == 1)
                hold.open()
            }
        }

        @Test("ST-10: a call that finds too many waiting is refused at once; the others are carried out")
        func queueLimit() async throws {
            let store = try scratch.store { $0.queueLimit = 5 }
            try await withThrowingTaskGroup(of: Bool.self) { group in
                try await store.holdingWriter { hold async throws in
                    for number in 0..<5 {
                        group.addTask { try await store.insert(.sample(), at: .numbered(number)) }
                    }
                    await hold.calls(5)
                    for _ in 0..<3 {
                        #expect(
                            try await errorCode { try await store.insert(.sample(), at: .numbered(9)) } == .unavailable
                        )
                    }
                    // Loads are counted apart.
                    #expect(try await store.load(.numbered(0)) == nil)
                    hold.open()
                }
                for try await inserted in group { #expect(inserted) }
            }
            #expect(try await store.count() == 5)
            #expect(try await store.insert(.sample(), at: .numbered(9)))
        }

        @Test("ST-10: what has expired makes room in the queue")
        func expiredCallsLeave() async throws {
            let store = try scratch.store {
                ($0.busyTimeout, $0.deadline, $0.queueLimit) = (.milliseconds(10), .milliseconds(200), 2)
            }
            let gate = Gate()
            async let held = store.writer.hang(at: gate)
            await gate.reached()
            for _ in 0..<3 {
                async let first = errorCode { try await store.insert(.sample(), at: .numbered(1)) }
                async let second = errorCode { try await store.insert(.sample(), at: .numbered(2)) }
                #expect(try await [first, second] == [.timedOut, .timedOut])
            }
            #expect(try await held == .timedOut)
            gate.open()
        }

        @Test("calls leave the queue in the order they came, however they are taken", arguments: 1...8)
        func order(seed: UInt64) {
            // Always the same numbers, so that a failure can be looked at.
            var state = seed
            func random(_ bound: UInt64) -> Int {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Int((state >> 33) % bound)
            }
            var waiting = WaitingCalls()
            var expected: [PendingCall] = []
            for _ in 0..<3000 {
                switch random(3) {
                case 0:
                    for _ in 0..<random(20) {
                        let call = PendingCall(body: { _ in {} }, refuse: { _ in })
                        waiting.append(call)
                        expected.append(call)
                    }
                case 1:
                    let count = random(30)
                    #expect(
                        waiting.take(count).map(ObjectIdentifier.init)
                            == expected.prefix(count).map(ObjectIdentifier.init)
                    )
                    expected.removeFirst(min(count, expected.count))
                default:
                    guard !expected.isEmpty else { continue }
                    let moment = expected[random(UInt64(expected.count))].began
                    let count = expected.prefix { $0.began <= moment }.count
                    #expect(
                        waiting.take(until: moment).map(ObjectIdentifier.init)
                            == expected.prefix(count).map(ObjectIdentifier.init)
                    )
                    expected.removeFirst(count)
                }
                #expect(waiting.count == expected.count && waiting.isEmpty == expected.isEmpty)
                #expect(waiting.first === expected.first)
            }
        }

        @Test(
            "closing a store whose disk hangs is an error at the deadline, and closes once it comes back",
            arguments: [true, false]
        )
        func closing(writer: Bool) async throws {
            let store = try scratch.store { ($0.busyTimeout, $0.deadline) = (.milliseconds(10), .milliseconds(300)) }
            let gate = Gate()
            let queue = writer ? store.writer : store.readers
            async let held = queue.hang(at: gate)
            await gate.reached()
            #expect(try await errorCode { try await store.close() } == .timedOut)
            #expect(try await held == .timedOut)
            #expect(try await errorCode { try await store.load(.numbered(1)) } == .unavailable)
            gate.open()
            var code: SessionStoreError.Code?
            repeat {
                code = try await errorCode { try await store.close() }
            } while code == .timedOut && !Task.isCancelled
            #expect(code == nil)
            #expect(!FileManager.default.fileExists(atPath: scratch.path + "-wal"))
        }
    }
}
#endif
