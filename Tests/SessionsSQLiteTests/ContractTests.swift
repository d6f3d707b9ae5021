#if SQLite
import Foundation
import GRDB
import Sessions
import Testing

@testable import SessionsSQLite

extension SQLiteStoreTests {
    @Suite("What SQLite keeps of a record")
    struct ContractTests {
        let scratch: Scratch

        init() throws { scratch = try Scratch() }

        @Test("ST-04: payloads come back byte for byte", arguments: [0, 1, 4096, 1 << 20])
        func payloads(length: Int) async throws {
            let store = try scratch.store()
            var record = StoredRecord.sample()
            record.payload = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let key = try StoreKey.numbered(1)
            #expect(try await store.insert(record, at: key))
            #expect(try await store.load(key) == record)
            record.version = RecordVersion(rawValue: .max)
            record.payload.reverse()
            #expect(try await store.replace(record, at: key, ifVersion: RecordVersion(rawValue: 1)) == .replaced)
            #expect(try await store.load(key) == record)
        }

        @Test(
            "versions and deadlines keep all their bits",
            arguments: [Int64.min, -1, 0, 1, .max],
            [UInt64.max, 1 << 63, 1]
        )
        func integers(deadline: Int64, version: UInt64) async throws {
            let store = try scratch.store()
            let record = StoredRecord.sample(version: version, idle: deadline, absolute: deadline)
            let key = try StoreKey.numbered(1)
            #expect(try await store.insert(record, at: key))
            #expect(try await store.load(key) == record)
            #expect(try await store.delete(key, ifVersion: record.version))
        }

        @Test(
            "ID-11: an owner is its bytes: none is cut off, folded or taken for another",
            arguments: ["app:a", "app:a\u{0}", "app:a\u{0}b", "app:A", "app:e\u{301}", "app:", "", "app:' OR 1=1 --"]
        )
        func owners(owner: String) async throws {
            let store = try scratch.store()
            let others = [
                "app:a", "app:a\u{0}", "app:a\u{0}b", "app:A", "app:e\u{301}", "app:\u{E9}", "app:", "", "app:%",
            ]
            for (number, other) in others.enumerated() {
                #expect(try await store.insert(.sample(owner: other), at: .numbered(number)))
            }
            let expected = others.indices.filter { others[$0].utf8.elementsEqual(owner.utf8) }
            let entries = try await store.entries(of: OwnerKey(owner))
            #expect(try entries.map(\.key) == expected.map(StoreKey.numbered))
            for entry in entries { #expect(entry.record.owner.map { Array($0.text.utf8) } == Array(owner.utf8)) }
            for (number, other) in others.enumerated() {
                let isOwn = other.utf8.elementsEqual(owner.utf8)
                #expect(try await store.delete(.numbered(number), ifOwner: OwnerKey(owner)) == isOwn)
            }
        }

        @Test("a conflict hands back the record that won")
        func conflict() async throws {
            let store = try scratch.store()
            let key = try StoreKey.numbered(1)
            let winner = StoredRecord.sample("winner", version: 7, owner: "app:1")
            #expect(try await store.insert(winner, at: key))
            let outcome = try await store.replace(
                .sample("late", version: 8),
                at: key,
                ifVersion: RecordVersion(rawValue: 1)
            )
            #expect(outcome == .conflict(winner))
            #expect(try await store.replace(.sample(), at: .numbered(2), ifVersion: winner.version) == .gone)
            #expect(try await store.load(key) == winner)
        }

        @Test("I7: a touch that does not move the deadline writes nothing")
        func idleTouch() async throws {
            let store = try scratch.store()
            let key = try StoreKey.numbered(1)
            let record = StoredRecord.sample()
            #expect(try await store.insert(record, at: key))
            let before = try await store.write { database, _ in database.totalChangesCount }
            #expect(try await store.touch(key, until: Timestamp(microseconds: 5), ifVersion: record.version))
            #expect(try await store.write { database, _ in database.totalChangesCount } == before)
            #expect(try await store.load(key) == record)
        }

        @Test("an epoch never goes back and is kept for the longest time asked for")
        func epochs() async throws {
            let store = try scratch.store()
            let owner = OwnerKey("app:1")
            #expect(try await store.epoch(of: owner) == nil)
            let (early, late) = (Timestamp(microseconds: 10), Timestamp(microseconds: 20))
            try await store.raiseEpoch(of: owner, to: late, keptUntil: early)
            try await store.raiseEpoch(of: owner, to: early, keptUntil: late)
            #expect(try await store.epoch(of: owner) == late)
            #expect(try await store.sweep(expiredBefore: Timestamp(microseconds: 20), limit: 10) == 0)
            #expect(try await store.epoch(of: owner) == late)
            #expect(try await store.sweep(expiredBefore: Timestamp(microseconds: 21), limit: 10) == 0)
            #expect(try await store.epoch(of: owner) == nil)
        }

        @Test("removing every record keeps the epochs")
        func removeAll() async throws {
            let store = try scratch.store()
            try await store.raiseEpoch(of: OwnerKey("app:1"), to: Timestamp(microseconds: 9), keptUntil: .distantFuture)
            #expect(try await store.insert(.sample(owner: "app:1"), at: .numbered(1)))
            try await store.removeAll()
            #expect(try await store.count() == 0)
            #expect(try await store.epoch(of: OwnerKey("app:1")) == Timestamp(microseconds: 9))
        }

        @Test("ST-07: a sweep of many takes them in small steps, and stops at its limit")
        func sweepInSteps() async throws {
            let store = try scratch.store()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        let idle: Int64 = number < 180 ? 10 : 100
                        _ = try await store.insert(.sample(idle: idle), at: .numbered(number))
                    }
                }
                try await group.waitForAll()
            }
            let before = store.commitCounts.transactions
            #expect(try await store.sweep(expiredBefore: Timestamp(microseconds: 50), limit: 120) == 120)
            #expect(store.commitCounts.transactions - before >= 3)
            #expect(try await store.sweep(expiredBefore: Timestamp(microseconds: 50), limit: 120) == 60)
            #expect(try await store.count() == 20)
            #expect(try await store.sweep(expiredBefore: Timestamp(microseconds: 50), limit: 0) == 0)
        }

        @Test("the sweeper empties the store of what has expired, batch after batch")
        func sweeper() async throws {
            let store = try scratch.store()
            for number in 0..<30 { #expect(try await store.insert(.sample(), at: .numbered(number))) }
            let live = StoredRecord.sample(idle: .max, absolute: .max)
            #expect(try await store.insert(live, at: .numbered(30)))
            #expect(try await SessionSweeper(store: store, batch: 7).sweepOnce() == 30)
            #expect(try await store.load(.numbered(30)) == live)
            #expect(try await store.count() == 1)
        }

        @Test("a database client can read a JSON payload, the deadlines and the owner")
        func readable() async throws {
            let store = try scratch.store()
            let record = StoredRecord.sample(#"{"cart":["é"]}"#, idle: 1_700_000_000_000_000, owner: "app:1")
            #expect(try await store.insert(record, at: .numbered(1)))
            let values = try await scratch.connection().read {
                try Row.fetchOne(
                    $0,
                    sql: "SELECT payload, typeof(payload), idle_deadline, owner FROM sessions_readable"
                )
                .map { row in (0..<4).map { row[$0] as String? } }
            }
            #expect(values == [#"{"cart":["é"]}"#, "text", "2023-11-14 22:13:20", "app:1"])
        }

        @Test(
            "ST-05: what a table prefix may be",
            arguments: ["a\"; DROP TABLE x", "1a", "é", "a b", "sqlite_x", "a.b", "-"]
        )
        func prefixes(prefix: String) throws {
            #expect(throws: SessionConfigurationError(.store, "")) {
                try scratch.store { $0.tablePrefix = prefix }
            }
            #expect(!FileManager.default.fileExists(atPath: scratch.path))
        }

        @Test("limits that make no sense are refused")
        func limits() throws {
            let changes: [(inout SQLiteSessionStore.Configuration) -> Void] = [
                { $0.readerCount = 0 }, { $0.readerCount = 65 }, { $0.groupLimit = 0 },
                { $0.queueLimit = 0 },
                { $0.busyTimeout = .seconds(-1) },
                { $0.deadline = .seconds(1) }, { $0.deadline = .zero }, { $0.deadline = .seconds(1 << 40) },
            ]
            for change in changes {
                #expect(throws: SessionConfigurationError(.limit, "")) { try scratch.store(change) }
            }
        }

        @Test("two prefixes in one file keep their records apart")
        func twoPrefixes() async throws {
            let customers = try scratch.store { $0.tablePrefix = "customers_" }
            let staff = try scratch.store { $0.tablePrefix = "staff_" }
            #expect(try await customers.insert(.sample("customer"), at: .numbered(1)))
            #expect(try await staff.load(.numbered(1)) == nil)
            #expect(try await staff.insert(.sample("staff"), at: .numbered(1)))
            try await customers.removeAll()
            #expect(try await staff.count() == 1)
        }
    }
}
#endif
