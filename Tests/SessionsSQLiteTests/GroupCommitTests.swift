#if SQLite
import Foundation
import GRDB
import Sessions
import Testing

@testable import SessionsSQLite

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
        let outcomes = try await store.grouping(40) {
            try await withThrowingTaskGroup(of: (Int, ReplaceOutcome).self) { group in
                for number in 0..<40 {
                    group.addTask {
                        // Every fourth is missing, every fourth has another version.
                        let version = RecordVersion(rawValue: number % 4 == 2 ? 9 : 1)
                        let record = StoredRecord.sample("new", version: 2)
                        return (number, try await store.replace(record, at: .numbered(number), ifVersion: version))
                    }
                }
                return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
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
        try await store.grouping(10) {
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<10 { group.addTask { try await store.insert(.sample(), at: .numbered(number)) } }
                for try await inserted in group { #expect(inserted) }
            }
        }
        #expect(store.commitCounts.transactions - before.transactions == 11)
    }

    @Test("of many who insert one key at once, one wins")
    func sameKey() async throws {
        let store = try scratch.store()
        let winners = try await store.grouping(30) {
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<30 {
                    group.addTask { try await store.insert(.sample(version: UInt64(number) + 1), at: .numbered(0)) }
                }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
        }
        #expect(winners == 1)
    }

    @Test("a call that fails does not fail its neighbours")
    func failingNeighbour() async throws {
        let store = try scratch.store()
        let before = store.commitCounts
        let results = try await store.grouping(10) {
            await withTaskGroup(of: (Int, Result<Bool, any Error>).self) { group in
                for number in 0..<10 {
                    group.addTask {
                        do {
                            guard number % 2 == 0 else { return (number, .success(try await fail(store, number))) }
                            return (number, .success(try await store.insert(.sample(), at: .numbered(number))))
                        } catch {
                            return (number, .failure(error))
                        }
                    }
                }
                return await group.reduce(into: [Int: Result<Bool, any Error>]()) { $0[$1.0] = $1.1 }
            }
        }
        for number in 0..<10 {
            if number % 2 == 0 {
                #expect(try results[number]?.get() == true)
                #expect(try await store.load(.numbered(number)) == .sample())
            } else {
                #expect(throws: SessionStoreError.self) { try results[number]?.get() }
                #expect(try await store.load(.numbered(number)) == nil)
            }
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
        let codes = try await store.grouping(9) {
            try await withThrowingTaskGroup(of: (Int, SessionStoreError.Code?).self) { group in
                for number in 0..<9 {
                    group.addTask {
                        (
                            number,
                            try await errorCode {
                                try await store.insert(number == 4 ? large : .sample(), at: .numbered(number))
                            }
                        )
                    }
                }
                return try await group.reduce(into: [Int: SessionStoreError.Code]()) { $0[$1.0] = $1.1 }
            }
        }
        #expect(codes == [4: .full])
        for number in 0..<9 where number != 4 { #expect(try await store.load(.numbered(number)) == .sample()) }
        #expect(try await store.load(.numbered(4)) == nil)
        // What takes space away still works.
        #expect(try await store.delete(.numbered(99), ifVersion: nil))
    }

    @Test("a cancelled caller gets the true outcome of its write")
    func cancelled() async throws {
        let store = try scratch.store()
        try await store.grouping(10) {
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<10 {
                    group.addTask { try await store.insert(.sample(), at: .numbered(number)) }
                }
                while store.writer.waitingCount < 5 { await Task.yield() }
                group.cancelAll()
                for try await inserted in group { #expect(inserted) }
            }
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
#endif
