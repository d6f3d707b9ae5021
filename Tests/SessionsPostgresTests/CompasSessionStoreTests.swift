#if Postgres
import Foundation
import Logging
import Sessions
import SessionsTesting
import TestServers
import Testing

@testable import SessionsPostgres

extension PostgresStoreTests {
    /// The table of Compas's first era, and what the tests of its store ask for.
    @Suite("Compas's table")
    struct CompasSessionStoreTests {
        /// Stores on a table of a test's own.
        private struct Table {
            let server: PostgresServer
            let name = "t\(UInt64.random(in: .min ... .max))"
            let other: OtherProgram

            init() async throws {
                server = try await SharedServer.server
                other = try await OtherProgram(server)
            }

            func store(
                _ name: String? = nil,
                creates: Bool = true,
                _ configure: (inout PostgresSessionStore.Configuration) -> Void = { _ in }
            ) async throws -> CompasSessionStore {
                var configuration = PostgresSessionStore.Configuration()
                configuration.deadline = .seconds(60)
                configuration.connectDeadline = .seconds(60)
                configuration.confirmation = .unflushed
                configuration.connectionLimit = 4
                configure(&configuration)
                return try await CompasSessionStore(
                    server.url,
                    tableName: name ?? self.name,
                    createTableIfMissing: creates,
                    configuration: configuration
                )
            }
        }

        private static func record(_ seconds: Double, _ json: String = #"{"n": 1}"#) -> StoredRecord {
            StoredRecord(
                payload: Array(json.utf8),
                version: RecordVersion(of: Array(json.utf8)),
                idleDeadline: SystemSessionClock().now() + .microseconds(Int64(seconds * 1_000_000)),
                absoluteDeadline: .distantFuture
            )
        }

        private static func newID() -> String { UUID().uuidString.lowercased() }

        private static func key(_ id: String? = nil) throws -> StoreKey {
            try #require(StoreKey(foreignID: id ?? newID()))
        }

        @Test("Compas, old: set and get, upsert, destroy: the contract", arguments: PayloadConditionalCheck.all)
        func contract(_ check: PayloadConditionalCheck) async throws {
            let table = try await Table()
            try await check.run(table.store(), table.store(), id: Self.newID, spelling: .jsonb)
        }

        @Test("the table is the one that Compas's migration makes, and one of its own name has its index's name")
        func definition() async throws {
            let table = try await Table()
            let columns =
                "SELECT string_agg(column_name || ' ' || data_type || ' ' || is_nullable, ', ' ORDER BY ordinal_position) "
                + "FROM information_schema.columns WHERE table_schema = 'public' AND table_name = "
            _ = try await table.store()
            let expected =
                "id uuid NO, expires timestamp with time zone NO, data jsonb NO, createdAt timestamp with time zone NO, "
                + "updatedAt timestamp with time zone NO"
            #expect(try await table.other.value(columns + "'\(table.name)'") == expected)
            // connect-pg-simple's table has the same name, in another schema of this server's.
            try await table.other.query("CREATE SCHEMA IF NOT EXISTS compas")
            var configuration = PostgresSessionStore.Configuration()
            configuration.deadline = .seconds(60)
            configuration.connectDeadline = .seconds(60)
            configuration.confirmation = .unflushed
            _ = try await CompasSessionStore(
                table.server.url,
                schemaName: "compas",
                createTableIfMissing: true,
                configuration: configuration
            )
            let names =
                "SELECT string_agg(indexname, ', ' ORDER BY indexname) FROM pg_indexes WHERE schemaname = 'compas'"
            #expect(try await table.other.value(names) == "sessionExpiresIdx, session_pkey")
        }

        @Test("a table that is not there is an error unless it is to be made, and so is one with other columns")
        func missing() async throws {
            let table = try await Table()
            #expect(try await storeError { try await table.store(creates: false) }?.code == .unusable)
            // `timestamp` and `json` are what another system's tables have.
            try await table.other.query(
                #"CREATE TABLE public.\#(table.name) (id uuid, expires timestamp, data json, "updatedAt" timestamptz)"#
            )
            #expect(try await storeError { try await table.store() }?.code == .unusable)
        }

        @Test("names that are none, and settings that mean nothing here, are refused", arguments: 0..<3)
        func refused(_ number: Int) async throws {
            let table = try await Table()
            await #expect(throws: SessionConfigurationError.self) {
                switch number {
                case 0: _ = try await table.store("")
                case 1: _ = try await table.store("a\0b")
                default: _ = try await table.store { $0.confirmation = .unlogged }
                }
            }
        }

        @Test("Compas, old: an id that is unknown, or no UUID, has no record")
        func unknown() async throws {
            let table = try await Table()
            let store = try await table.store()
            let known = Self.newID()
            #expect(try await store.insert(Self.record(60), at: Self.key(known)))
            for id in [Self.newID(), "x", known.uppercased(), "{\(known)}", String(known.dropLast()), known + " ", "'"]
            {
                let key = try Self.key(id)
                #expect(try await store.load(key) == nil)
                #expect(try await !store.delete(key))
                #expect(try await !store.delete(key, ifPayload: Self.record(60).payload))
                #expect(try await !store.touch(key, until: .distantFuture, ifPayload: Self.record(60).payload))
                let outcome = try await store.replace(Self.record(60), at: key, ifPayload: Self.record(60).payload)
                #expect(outcome == .gone)
                guard id.utf8.count != 36 || id != id.lowercased() else { continue }
                #expect(try await storeError { try await store.insert(Self.record(60), at: key) }?.code == .unusable)
            }
            #expect(try await table.other.value("SELECT count(*) FROM public.\(table.name)") == "1")
        }

        @Test("the condition is the value, as jsonb compares: not its spelling, and not the order of its members")
        func condition() async throws {
            let table = try await Table()
            let (store, key) = (try await table.store(), try Self.key())
            #expect(try await store.insert(Self.record(60, #"{"b":1.0,"a":[1,2]}"#), at: key))
            let read = Array(#"{"a": [1, 2], "b": 1}"#.utf8)
            #expect(try await store.load(key)?.payload == Array(#"{"a": [1, 2], "b": 1.0}"#.utf8))
            for other in [#"{"a": [2, 1], "b": 1}"#, #"{"a": [1, 2]}"#, #"{"a": [1, 2], "b": "1"}"#] {
                #expect(try await !store.delete(key, ifPayload: Array(other.utf8)))
            }
            #expect(try await store.touch(key, until: SystemSessionClock().now(), ifPayload: read))
            #expect(try await store.replace(Self.record(60), at: key, ifPayload: read) == .replaced)
        }

        @Test("Compas, old: createdAt stays, and updatedAt follows each write")
        func times() async throws {
            let table = try await Table()
            let (store, key) = (try await table.store(), try Self.key())
            #expect(try await store.insert(Self.record(60), at: key))
            let long = "UPDATE public.\(table.name) SET \"createdAt\" = 'epoch', \"updatedAt\" = 'epoch'"
            let isMoved =
                "SELECT \"createdAt\" = 'epoch' AND \"updatedAt\" > now() - interval '1 h' FROM public.\(table.name)"
            try await table.other.query(long)
            #expect(
                try await store.replace(Self.record(60, "{}"), at: key, ifPayload: Self.record(60).payload) == .replaced
            )
            #expect(try await table.other.value(isMoved) == "t")
            try await table.other.query(long)
            #expect(try await store.touch(key, until: .distantFuture, ifPayload: Array("{}".utf8)))
            #expect(try await table.other.value(isMoved) == "t")
        }

        @Test("expires is the deadline, to the microsecond; a row counts as long as the manager says")
        func expiry() async throws {
            let table = try await Table()
            let (store, key, record) = (try await table.store(), try Self.key(), Self.record(60))
            #expect(try await store.insert(record, at: key))
            #expect(try await store.load(key)?.idleDeadline == record.idleDeadline)
            try await table.other.query("UPDATE public.\(table.name) SET expires = now() - interval '1 h'")
            #expect(try await store.load(key) != nil)
            #expect(try await !store.insert(record, at: key), "one that was not swept keeps its place")
        }

        @Test("Compas, old: clean: what expired is swept, what is alive stays, and a limit is one")
        func sweep() async throws {
            let table = try await Table()
            let store = try await table.store()
            for number in 0..<30 {
                #expect(try await store.insert(Self.record(number < 20 ? -60 : 60), at: Self.key()))
            }
            #expect(try await store.sweep(expiredBefore: SystemSessionClock().now(), limit: 5) == 5)
            #expect(try await store.sweep(expiredBefore: SystemSessionClock().now(), limit: 500) == 15)
            #expect(try await table.other.value("SELECT count(*) FROM public.\(table.name)") == "10")
            #expect(try await store.sweep(expiredBefore: SystemSessionClock().now(), limit: 500) == 0)
        }

        @Test("a text that jsonb does not keep makes the write fail, and the record stays")
        func nul() async throws {
            let table = try await Table()
            let (store, key, record) = (try await table.store(), try Self.key(), Self.record(60))
            #expect(try await store.insert(record, at: key))
            let bad = Self.record(60, #"{"n": "\u0000"}"#)
            #expect(
                try await storeError { try await store.replace(bad, at: key, ifPayload: record.payload) }?.code
                    == .unusable
            )
            #expect(try await store.load(key)?.payload == record.payload)
        }

        @Test("a closed store says so")
        func closed() async throws {
            let table = try await Table()
            let store = try await table.store()
            try await store.close()
            #expect(try await storeError { try await store.load(Self.key()) }?.code == .unavailable)
        }

        /// A manager in koa-session's format.
        private func manager(_ store: some SessionStore) throws -> SessionManager {
            var configuration = SessionConfiguration.koa()
            // No change is lost of those who are not too slow, and a machine may be.
            configuration.contentionDeadline = .seconds(600)
            return try .koa(
                keys: ["0123456789abcdef0123456789abcdef"],
                store: store,
                acknowledging: [.concurrentChangesAreLost, .endedSessionsComeBack, .keysAreCredentials],
                configuration: configuration,
                logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }
            )
        }

        @Test("I1: of requests that change one session at the same time, on two nodes, none loses its change")
        func concurrent() async throws {
            let table = try await Table()
            let managers = [try manager(try await table.store()), try manager(try await table.store())]
            let browser = SessionBrowser()
            let key = SessionKey<Int>("visits", default: 0)
            try await browser.visit(managers[0]) { $0.set(key, to: 0) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<24 {
                    group.addTask {
                        _ = try await browser.copy()
                            .visit(managers[writer % 2]) { session in
                                session.update(key) { $0 += 1 }
                            }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await browser.visit(managers[1]) { $0[key] } == 24)
        }

        @Test("I6: of requests that consume one value, exactly one gets it")
        func consume() async throws {
            let table = try await Table()
            let managers = [try manager(try await table.store()), try manager(try await table.store())]
            let browser = SessionBrowser()
            let key = SessionKey<String?>("state")
            try await browser.visit(managers[0]) { $0.set(key, to: "secret") }
            let winners = try await withThrowingTaskGroup(of: Bool.self) { group in
                for writer in 0..<8 {
                    group.addTask {
                        try await browser.copy().visit(managers[writer % 2]) { try await $0.consume(key) == "secret" }
                    }
                }
                return try await group.reduce(0) { $1 ? $0 + 1 : $0 }
            }
            #expect(winners == 1)
        }
    }
}
#endif
