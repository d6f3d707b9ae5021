#if SQLite
import Foundation
import GRDB
import Sessions
import Testing

@testable import SessionsSQLite

extension SQLiteStoreTests {
    @Suite("Waiting, and giving up")
    struct WaitingTests {
        let scratch: Scratch

        init() throws { scratch = try Scratch() }

        @Test("a file that another connection keeps locked is an error in bounded time, and works again afterwards")
        func locked() async throws {
            let store = try scratch.store { $0.busyTimeout = .milliseconds(60) }
            #expect(try await store.insert(.sample(), at: .numbered(1)))
            let other = try scratch.connection()
            let gate = Gate()
            async let holding: Void = blocking {
                try other.inDatabase {
                    try $0.beginTransaction(.immediate)
                    gate.wait()
                    try $0.rollback()
                }
            }
            await gate.reached()
            let codes = try await withThrowingTaskGroup(of: SessionStoreError.Code?.self) { group in
                for number in 2..<12 {
                    group.addTask { try await errorCode { try await store.insert(.sample(), at: .numbered(number)) } }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes == Array(repeating: .locked, count: 10))
            // Reading goes on meanwhile.
            #expect(try await store.load(.numbered(1)) == .sample())
            gate.open()
            try await holding
            #expect(try await store.insert(.sample(), at: .numbered(2)))
            #expect(try await store.count() == 2)
        }

        @Test("a lock that is let go within the timeout is no error")
        func released() async throws {
            let store = try scratch.store { $0.busyTimeout = .seconds(120) }
            let other = try scratch.connection()
            let gate = Gate()
            async let holding: Void = blocking {
                try other.inDatabase {
                    try $0.beginTransaction(.immediate)
                    gate.wait()
                    try $0.rollback()
                }
            }
            await gate.reached()
            async let inserted = store.insert(.sample(), at: .numbered(1))
            gate.open()
            #expect(try await inserted)
            try await holding
        }

        @Test("a file that is locked while it is opened is an error")
        func lockedOpening() async throws {
            try await scratch.store().close()
            let other = try scratch.connection()
            try await other.writeWithoutTransaction { database in
                try database.execute(sql: "BEGIN IMMEDIATE")
                #expect(throws: SessionStoreError(.locked, "")) {
                    try scratch.store { $0.busyTimeout = .milliseconds(20) }
                }
                try database.execute(sql: "ROLLBACK")
            }
            #expect(try await scratch.store().count() == 0)
        }

        @Test("ST-10: a disk that hangs is an error at the deadline, for what is under way and what waits")
        func deadline() async throws {
            let store = try scratch.store {
                $0.busyTimeout = .milliseconds(10)
                $0.deadline = .seconds(1)
            }
            let gate = Gate()
            async let hanging = store.writer.hang(at: gate)
            await gate.reached()
            async let waiting = errorCode { try await store.insert(.sample(), at: .numbered(1)) }
            #expect(try await hanging == .timedOut)
            #expect(try await waiting == .timedOut)
            // The readers are not held up.
            #expect(try await answered { try await store.load(.numbered(1)) } == nil)
            gate.open()
            _ = try await answered { try await store.insert(.sample(), at: .numbered(2)) }
            let record = try await answered { try await store.load(.numbered(1)) }
            #expect(record == nil, "a call that failed while it waited is not carried out")
        }

        @Test("no error tells a key, a payload, an owner or a statement")
        func unspeakable() async throws {
            let store = try scratch.store()
            try await scratch.connection().write {
                try $0.execute(sql: "CREATE TRIGGER t BEFORE INSERT ON sessions BEGIN SELECT RAISE(ABORT, 'no'); END")
            }
            let record = StoredRecord.sample("payload-word", owner: "owner-word")
            let key = try #require(StoreKey("key-word"))
            var errors: [SessionStoreError] = []
            func collect(_ body: () async throws -> Void) async {
                do { try await body() } catch let error as SessionStoreError { errors.append(error) } catch {
                    Issue.record("not a SessionStoreError: \(type(of: error))")
                }
            }
            await collect { _ = try await store.insert(record, at: key) }
            try await scratch.connection().write { try $0.execute(sql: "DROP TABLE sessions") }
            await collect { _ = try await store.insert(record, at: key) }
            await collect { _ = try await store.load(key) }
            await collect { _ = try await store.replace(record, at: key, ifVersion: record.version) }
            await collect { _ = try await store.entries(of: OwnerKey("owner-word")) }
            #expect(errors.count == 5)
            for error in errors {
                let texts = [
                    "\(error)", error.message, String(reflecting: error), "\(String(describing: error.underlying))",
                    (error.underlying as? DatabaseError)?.expandedDescription ?? "",
                ]
                for text in texts {
                    for word in ["payload-word", "key-word", "owner-word", "INSERT", "SELECT"] {
                        #expect(!text.contains(word))
                    }
                }
            }
        }
    }
}
#endif
