#if SQLite
import Foundation
import GRDB
import Sessions
import Testing

@testable import SessionsSQLite

extension SQLiteStoreTests {
    @Suite("Group commit")
    struct GroupCommitTests {
        let scratch: Scratch

        init() throws { scratch = try Scratch() }

        struct Refusal: Error {}

        @Test("writes that come together share a transaction, and each has its own outcome")
        func grouped() async throws {
            let store = try scratch.store()
            for number in 0..<40 where number % 4 != 3 {
                #expect(try await store.insert(.sample(version: 1), at: .numbered(number)))
            }
            let before = store.commitCounts
            let outcomes = try await store.inOneGroup(40) { number in
                // Every fourth is missing, every fourth has another version.
                let version = RecordVersion(rawValue: number % 4 == 2 ? 9 : 1)
                return try await store.replace(.sample("new", version: 2), at: .numbered(number), ifVersion: version)
            }
            for number in 0..<40 {
                let expected: ReplaceOutcome =
                    switch number % 4 {
                    case 2: .conflict(.sample(version: 1))
                    case 3: .gone
                    default: .replaced
                    }
                #expect(outcomes[number] == expected)
            }
            let after = store.commitCounts
            #expect(after.calls - before.calls == 41)
            #expect(after.transactions - before.transactions == 2)
        }

        @Test("a group limit of one commits each write by itself")
        func ungrouped() async throws {
            let store = try scratch.store { $0.groupLimit = 1 }
            let before = store.commitCounts
            let inserted = try await store.inOneGroup(10) { try await store.insert(.sample(), at: .numbered($0)) }
            #expect(inserted == Array(repeating: true, count: 10))
            #expect(store.commitCounts.transactions - before.transactions == 11)
        }

        @Test("of many who insert one key at once, one wins")
        func sameKey() async throws {
            let store = try scratch.store()
            let inserted = try await store.inOneGroup(30) {
                try await store.insert(.sample(version: UInt64($0) + 1), at: .numbered(0))
            }
            #expect(inserted.count { $0 } == 1)
        }

        @Test("a call that fails does not fail its neighbours")
        func failingNeighbour() async throws {
            let store = try scratch.store()
            let before = store.commitCounts
            let codes = try await store.inOneGroup(10) { number in
                try await errorCode {
                    if number % 2 == 1 { return try await fail(store, number) }
                    return try await store.insert(.sample(), at: .numbered(number))
                }
            }
            for number in 0..<10 {
                let isRefused = number % 2 == 1
                #expect((codes[number] != nil) == isRefused)
                #expect(try await store.load(.numbered(number)) == (isRefused ? nil : .sample()))
            }
            #expect(store.commitCounts.transactions - before.transactions == 2)
        }

        /// A write that the table's checks refuse, or that fails in Swift.
        func fail(_ store: SQLiteSessionStore, _ number: Int) async throws -> Bool {
            try await store.write { database, _ in
                guard number % 4 == 1 else { throw Refusal() }
                try database.execute(
                    sql:
                        "INSERT INTO sessions (key, payload, version, idle_deadline, absolute_deadline) VALUES (?,?,?,?,?)",
                    arguments: ["key-\(number)", "text, not bytes", 1, 1, 1]
                )
                return true
            }
        }

        @Test("a full disk fails the write that needs the space; its neighbours are kept")
        func full() async throws {
            let store = try scratch.store()
            #expect(try await store.insert(.sample("small"), at: .numbered(99)))
            try await store.write { database, _ in
                let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
                try database.execute(sql: "PRAGMA max_page_count = \(pages + 20)")
            }
            let large = StoredRecord.sample(String(repeating: "x", count: 1 << 20))
            let codes = try await store.inOneGroup(9) { number in
                try await errorCode {
                    try await store.insert(number == 4 ? large : .sample(), at: .numbered(number))
                }
            }
            #expect(codes == (0..<9).map { $0 == 4 ? .full : nil })
            for number in 0..<9 where number != 4 { #expect(try await store.load(.numbered(number)) == .sample()) }
            #expect(try await store.load(.numbered(4)) == nil)
            // What takes space away still works.
            #expect(try await store.delete(.numbered(99), ifVersion: nil))
        }

        @Test("a cancelled caller gets the true outcome of its write")
        func cancelled() async throws {
            let store = try scratch.store()
            try await withThrowingTaskGroup(of: Bool.self) { group in
                try await store.holdingWriter { hold in
                    for number in 0..<10 {
                        group.addTask { try await store.insert(.sample(), at: .numbered(number)) }
                    }
                    await hold.calls(10)
                    group.cancelAll()
                    hold.open()
                }
                for try await inserted in group { #expect(inserted) }
            }
            #expect(try await store.count() == 10)
        }

        @Test("a load sees every write that was answered before it, also amid many others")
        func readYourWrites() async throws {
            let store = try scratch.store()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<16 {
                    group.addTask {
                        var record = StoredRecord.sample("0")
                        let key = try StoreKey.numbered(task)
                        #expect(try await store.insert(record, at: key))
                        for step in 1...40 {
                            let present = record.version
                            record.version = .random()
                            record.payload = Array("\(step)".utf8)
                            #expect(try await store.replace(record, at: key, ifVersion: present) == .replaced)
                            #expect(try await store.load(key) == record)
                        }
                        #expect(try await store.delete(key, ifVersion: record.version))
                        #expect(try await store.load(key) == nil)
                    }
                }
                try await group.waitForAll()
            }
            #expect(store.commitCounts.transactions < store.commitCounts.calls)
        }
    }
}
#endif
