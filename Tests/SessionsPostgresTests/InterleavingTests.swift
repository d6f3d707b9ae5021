#if Postgres
import Sessions
import TestServers
import Testing

@testable import SessionsPostgres

extension PostgresStoreTests {
    /// Two transactions on one row, in an order that is forced: another program's stays open until the store's statement waits
    /// for it. That is where a statement's snapshot is older than the row it then finds.
    @Suite("Interleavings")
    struct InterleavingTests {
        let scratch: Scratch
        let store: PostgresSessionStore
        let other: OtherProgram
        let watcher: OtherProgram
        let key: StoreKey

        init() async throws {
            scratch = try await Scratch.shared { $0.confirmation = .unflushed }
            store = try await scratch.store()
            other = try await scratch.other()
            watcher = try await scratch.other()
            key = try StoreKey.numbered(1)
        }

        /// Carries out `statement` in another transaction, calls the store, and lets the transaction end when that waits.
        func overtaken<Value: Sendable>(
            by statement: String,
            end: String = "COMMIT",
            _ call: @escaping @Sendable (PostgresSessionStore, StoreKey) async throws -> Value
        ) async throws -> Value {
            try await other.query("BEGIN; \(statement)")
            async let value = call(store, key)
            try await watcher.waitForBlocked()
            try await other.query(end)
            return try await value
        }

        var update: String {
            "UPDATE \(scratch.table) SET version = 2, payload = 'second', idle_deadline = 'infinity' WHERE key = 'key-1'"
        }

        var second: StoredRecord { .sample("second", version: 2, idle: .max) }

        @Test(
            "a replace that waited for another writer's commit hands back that writer's record, not its own snapshot's"
        )
        func replaceAfterUpdate() async throws {
            #expect(try await store.insert(.sample("first"), at: key))
            let outcome = try await overtaken(by: update) { store, key in
                try await store.replace(.sample("third", version: 3), at: key, ifVersion: RecordVersion(rawValue: 1))
            }
            #expect(outcome == .conflict(second))
            #expect(try await store.load(key) == second)
        }

        @Test("a role whose transactions are serializable by default is handed the other writer's record too")
        func replaceOfSerializableRole() async throws {
            #expect(try await store.insert(.sample("first"), at: key))
            let role = "i\(UInt64.random(in: .min ... .max))"
            try await other.query("CREATE ROLE \(role) LOGIN SUPERUSER")
            try await other.query("ALTER ROLE \(role) SET default_transaction_isolation = 'serializable'")
            let strict = try await scratch.store(
                at: "postgresql://\(role)@127.0.0.1:\(scratch.server.port)/postgres"
            )
            let outcome = try await overtaken(by: update) { _, key in
                try await strict.replace(.sample("third", version: 3), at: key, ifVersion: RecordVersion(rawValue: 1))
            }
            #expect(outcome == .conflict(second))
        }

        @Test("a replace goes on where the other writer rolls back")
        func replaceAfterRollback() async throws {
            #expect(try await store.insert(.sample("first"), at: key))
            let third = StoredRecord.sample("third", version: 3)
            let outcome = try await overtaken(by: update, end: "ROLLBACK") { store, key in
                try await store.replace(third, at: key, ifVersion: RecordVersion(rawValue: 1))
            }
            #expect(outcome == .replaced)
            #expect(try await store.load(key) == third)
        }

        @Test("I2 a replace that waited for a deletion finds the record gone")
        func replaceAfterDelete() async throws {
            #expect(try await store.insert(.sample("first"), at: key))
            let outcome = try await overtaken(by: "DELETE FROM \(scratch.table)") { store, key in
                try await store.replace(.sample("third", version: 3), at: key, ifVersion: RecordVersion(rawValue: 1))
            }
            #expect(outcome == .gone)
            #expect(try await store.load(key) == nil)
        }

        @Test("a conflict behind two writers hands back what the later one left")
        func replaceBetweenTwo() async throws {
            #expect(try await store.insert(.sample("first"), at: key))
            let zeroth = StoredRecord.sample("zeroth", version: 9)
            #expect(try await store.replace(zeroth, at: key, ifVersion: RecordVersion(rawValue: 1)) == .replaced)
            let outcome = try await overtaken(by: update) { store, key in
                try await store.replace(.sample(version: 4), at: key, ifVersion: RecordVersion(rawValue: 1))
            }
            #expect(outcome == .conflict(second))
        }

        @Test("a replace sent a second time is a conflict with itself")
        func replaceTwice() async throws {
            #expect(try await store.insert(.sample("first"), at: key))
            #expect(try await store.replace(second, at: key, ifVersion: RecordVersion(rawValue: 1)) == .replaced)
            let outcome = try await store.replace(second, at: key, ifVersion: RecordVersion(rawValue: 1))
            #expect(outcome == .conflict(second))
        }

        @Test("I7 a touch that waited for another writer's commit leaves that writer's record alone")
        func touchAfterUpdate() async throws {
            #expect(try await store.insert(.sample("first"), at: key))
            let isTouched = try await overtaken(by: update) { store, key in
                try await store.touch(
                    key,
                    until: Timestamp(microseconds: 5_000_000),
                    ifVersion: RecordVersion(rawValue: 1)
                )
            }
            #expect(!isTouched)
            #expect(try await store.load(key) == second)
        }

        @Test("I7 a touch that waited for a later touch does not rewind it")
        func touchAfterTouch() async throws {
            #expect(try await store.insert(.sample("first"), at: key))
            let later = "UPDATE \(scratch.table) SET idle_deadline = '1970-01-01 00:00:09Z'"
            let isTouched = try await overtaken(by: later) { store, key in
                try await store.touch(
                    key,
                    until: Timestamp(microseconds: 5_000_000),
                    ifVersion: RecordVersion(rawValue: 1)
                )
            }
            #expect(isTouched)
            #expect(try await store.load(key)?.idleDeadline == Timestamp(microseconds: 9_000_000))
        }

        @Test("a delete with a version that waited for another writer's commit deletes nothing")
        func deleteAfterUpdate() async throws {
            #expect(try await store.insert(.sample("first"), at: key))
            let isDeleted = try await overtaken(by: update) { store, key in
                try await store.delete(key, ifVersion: RecordVersion(rawValue: 1))
            }
            #expect(!isDeleted)
            #expect(try await store.load(key) == second)
        }

        @Test("I2 a delete without a version takes what the other writer left")
        func deleteAnyAfterUpdate() async throws {
            #expect(try await store.insert(.sample("first"), at: key))
            #expect(try await overtaken(by: update) { try await $0.delete($1, ifVersion: nil) })
            #expect(try await store.load(key) == nil)
        }

        @Test("a delete for an owner goes by the owner that the other writer left")
        func deleteOwnedAfterUpdate() async throws {
            #expect(try await store.insert(.sample("first", owner: "shop:1"), at: key))
            let change = "UPDATE \(scratch.table) SET owner = 'shop:2'"
            #expect(try await !overtaken(by: change) { try await $0.delete($1, ifOwner: OwnerKey("shop:1")) })
            #expect(try await store.load(key)?.owner == OwnerKey("shop:2"))
        }

        @Test("an insert that waited for another one's commit finds its key taken; after a rollback it does not")
        func insertAfterInsert() async throws {
            let insertion = """
                INSERT INTO \(scratch.table) (key, payload, version, idle_deadline, absolute_deadline) \
                VALUES ('key-1', 'theirs', 7, 'infinity', 'infinity')
                """
            #expect(
                try await overtaken(by: insertion, end: "ROLLBACK") { try await $0.insert(.sample("ours"), at: $1) }
            )
            #expect(try await store.delete(key, ifVersion: nil))
            #expect(try await !overtaken(by: insertion) { try await $0.insert(.sample("ours"), at: $1) })
            #expect(try await store.load(key)?.version == RecordVersion(rawValue: 7))
        }

        @Test("a sweep leaves a record that somebody works on, and waits for nobody (ST-07)")
        func sweepBesideTouch() async throws {
            for number in 1...3 { #expect(try await store.insert(.sample(), at: .numbered(number))) }
            try await other.query(
                "BEGIN; UPDATE \(scratch.table) SET idle_deadline = '2100-01-01Z', absolute_deadline = 'infinity' WHERE key = 'key-2'"
            )
            let cutoff = Timestamp(microseconds: 5_000_000)
            #expect(try await store.sweep(expiredBefore: cutoff, limit: 100) == 2)
            try await other.query("COMMIT")
            #expect(try await store.sweep(expiredBefore: cutoff, limit: 100) == 0)
            #expect(try await store.load(.numbered(2)) != nil)
        }

        @Test("a sweep leaves an epoch that somebody works on, and waits for nobody (ST-07)")
        func sweepBesideEpoch() async throws {
            let epochs = PostgresSchema(scratch.configuration).epochs
            let time = Timestamp(microseconds: 1_000_000)
            for owner in ["shop:1", "shop:2"] {
                try await store.raiseEpoch(of: OwnerKey(owner), to: time, keptUntil: time)
            }
            try await other.query("BEGIN; UPDATE \(epochs) SET kept_until = '2100-01-01Z' WHERE owner = 'shop:2'")
            #expect(try await store.sweep(expiredBefore: Timestamp(microseconds: 5_000_000), limit: 100) == 0)
            try await other.query("COMMIT")
            #expect(try await other.value("SELECT string_agg(owner, ',') FROM \(epochs)") == "\\x73686f703a32")
        }

        @Test("a load waits for no writer, and sees what is committed")
        func loadBesideUpdate() async throws {
            #expect(try await store.insert(.sample("first"), at: key))
            try await other.query("BEGIN; \(update)")
            #expect(try await store.load(key) == .sample("first"))
            try await other.query("COMMIT")
            #expect(try await store.load(key) == second)
        }

        @Test("an epoch that waited for a later one does not undo it")
        func epochAfterEpoch() async throws {
            let owner = OwnerKey("shop:1")
            let time = Timestamp(microseconds: 1_000_000)
            try await store.raiseEpoch(of: owner, to: time, keptUntil: time)
            let later = "UPDATE \(PostgresSchema(scratch.configuration).epochs) SET epoch = '1970-01-01 00:00:09Z'"
            try await overtaken(by: later) { store, _ in
                try await store.raiseEpoch(
                    of: owner,
                    to: Timestamp(microseconds: 5_000_000),
                    keptUntil: Timestamp(microseconds: 20_000_000)
                )
            }
            #expect(try await store.epoch(of: owner) == Timestamp(microseconds: 9_000_000))
            #expect(
                try await other.value(
                    "SELECT extract(epoch FROM kept_until)::int FROM \(PostgresSchema(scratch.configuration).epochs)"
                ) == "20"
            )
            // One that is kept for longer already is not kept for less.
            try await store.raiseEpoch(
                of: owner,
                to: Timestamp(microseconds: 10_000_000),
                keptUntil: Timestamp(microseconds: 15_000_000)
            )
            #expect(
                try await other.value(
                    "SELECT extract(epoch FROM kept_until)::int FROM \(PostgresSchema(scratch.configuration).epochs)"
                ) == "20"
            )
        }
    }
}
#endif
