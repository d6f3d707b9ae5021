#if Postgres
import Foundation
import Sessions
import SessionsTesting
import TestServers
import Testing

@testable import SessionsPostgres

extension PostgresStoreTests {
    /// connect-pg-simple's table and rows, and what its own tests ask for.
    @Suite("connect-pg-simple")
    struct ConnectPgSimpleTests {
        /// Stores on a table of a test's own.
        struct Table {
            let server: PostgresServer
            let name = "t\(UInt64.random(in: .min ... .max))"
            var other: OtherProgram

            init() async throws {
                server = try await SharedServer.server
                other = try await OtherProgram(server)
            }

            func store(
                _ name: String? = nil,
                creates: Bool = true,
                timeZone: String? = nil,
                _ configure: (inout PostgresSessionStore.Configuration) -> Void = { _ in }
            ) async throws -> ConnectPgSimpleStore {
                var configuration = PostgresSessionStore.Configuration()
                configuration.deadline = .seconds(60)
                configuration.connectDeadline = .seconds(60)
                configuration.confirmation = .unflushed
                configuration.connectionLimit = 4
                configure(&configuration)
                return try await ConnectPgSimpleStore(
                    server.url,
                    tableName: name ?? self.name,
                    createTableIfMissing: creates,
                    timeZone: timeZone,
                    configuration: configuration
                )
            }
        }

        static func record(_ seconds: Double, _ json: String = #"{"cookie":{}}"#) -> StoredRecord {
            StoredRecord(
                payload: Array(json.utf8),
                version: RecordVersion(of: Array(json.utf8)),
                idleDeadline: SystemSessionClock().now() + .microseconds(Int64(seconds * 1_000_000)),
                absoluteDeadline: .distantFuture
            )
        }

        static func key(_ id: String = "id") throws -> StoreKey { try #require(StoreKey(foreignID: id)) }

        @Test("the contract", arguments: PayloadConditionalCheck.all)
        func contract(_ check: PayloadConditionalCheck) async throws {
            let table = try await Table()
            try await check.run(table.store(), table.store())
        }

        @Test("the contract, where somebody has made the column jsonb", arguments: PayloadConditionalCheck.all)
        func jsonb(_ check: PayloadConditionalCheck) async throws {
            let table = try await Table()
            _ = try await table.store()
            try await table.other.query("ALTER TABLE public.\(table.name) ALTER sess TYPE jsonb USING sess::jsonb")
            try await check.run(table.store(), table.store(), spelling: .jsonb)
        }

        @Test("the table is the one that connect-pg-simple makes, and one of its own name has its names")
        func definition() async throws {
            let table = try await Table()
            let columns =
                "SELECT string_agg(column_name || ' ' || data_type || ' ' || is_nullable, ', ' ORDER BY ordinal_position) "
                + "FROM information_schema.columns WHERE table_schema = 'public' AND table_name = "
            _ = try await table.store()
            let expected = "sid character varying NO, sess json NO, expire timestamp without time zone NO"
            #expect(try await table.other.value(columns + "'\(table.name)'") == expected)
            _ = try await table.store("session")
            #expect(try await table.other.value(columns + "'session'") == expected)
            // Compas's table has the same name, in another schema of this server's.
            let names =
                "SELECT string_agg(indexname, ', ' ORDER BY indexname) FROM pg_indexes "
                + "WHERE schemaname = 'public' AND tablename = 'session'"
            #expect(try await table.other.value(names) == "IDX_session_expire, session_pkey")
        }

        @Test("connect-pg-simple: a table that is not there is an error unless it is to be made, or has other columns")
        func missing() async throws {
            let table = try await Table()
            #expect(try await storeError { try await table.store(creates: false) }?.code == .unusable)
            try await table.other.query("CREATE TABLE public.\(table.name) (sid text, data json)")
            #expect(try await storeError { try await table.store() }?.code == .unusable)
        }

        @Test("stores that are opened together make the table once")
        func together() async throws {
            for _ in 0..<10 {
                let table = try await Table()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<6 { group.addTask { _ = try await table.store() } }
                    try await group.waitForAll()
                }
            }
        }

        @Test(
            "any name is a name",
            arguments: ["a\"b", "a'b\\", "a\"\u{301}b", "a'\u{301}b", "a.b", "ü \u{1F36A}", "Session"]
        )
        func names(name: String) async throws {
            let table = try await Table()
            let store = try await table.store(name + table.name.suffix(8))
            #expect(try await store.insert(Self.record(60), at: Self.key()))
            #expect(try await store.load(Self.key()) != nil)
            #expect(try await table.store(name + table.name.suffix(8), creates: false).load(Self.key()) != nil)
        }

        @Test("names that are none, and settings that mean nothing here, are refused", arguments: 0..<4)
        func refused(_ number: Int) async throws {
            let table = try await Table()
            await #expect(throws: SessionConfigurationError.self) {
                switch number {
                case 0: _ = try await table.store("")
                case 1: _ = try await table.store(String(repeating: "a", count: 64))
                case 2: _ = try await table.store("a\0b")
                default: _ = try await table.store { $0.confirmation = .unlogged }
                }
            }
        }

        @Test(
            "expire is the first whole second that is not before the deadline; a row counts through it, and not after it"
        )
        func expiry() async throws {
            let table = try await Table()
            let (store, key) = (try await table.store(), try Self.key())
            let record = Self.record(60)
            #expect(try await store.insert(record, at: key))
            let expire = try #require(
                try await table.other.value("SELECT extract(epoch FROM expire::timestamptz) FROM public.\(table.name)")
                    .flatMap(Double.init)
            )
            let deadline = Double(record.idleDeadline.microseconds) / 1_000_000
            #expect(expire == deadline.rounded(.up))
            #expect(expire == expire.rounded())
            // As somebody's whose time has come.
            for (seconds, isThere) in [(-1, false), (60, true)] {
                try await table.other.query(
                    "UPDATE public.\(table.name) SET expire = date_trunc('second', now()) + interval '\(seconds) s'"
                )
                #expect(try await (store.load(key) != nil) == isThere, "\(seconds) s")
            }
            // One that has expired and was not swept keeps its place.
            try await table.other.query("UPDATE public.\(table.name) SET expire = now() - interval '1 h'")
            #expect(try await !store.insert(record, at: key))
        }

        @Test("a time zone that Node sets is ours too: what one has written the other does not take for expired")
        func timeZone() async throws {
            let table = try await Table()
            let key = try Self.key()
            let (utc, tokyo) = (try await table.store(timeZone: "UTC"), try await table.store(timeZone: "Asia/Tokyo"))
            #expect(try await utc.insert(Self.record(3600), at: key))
            #expect(try await table.store(timeZone: "UTC").load(key) != nil)
            // The trap that the documentation tells of.
            #expect(try await tokyo.load(key) == nil)
            #expect(try await tokyo.insert(Self.record(3600), at: Self.key("other")))
            let deadline = try #require(try await tokyo.load(Self.key("other"))).idleDeadline
            let left = deadline.duration(since: SystemSessionClock().now())
            #expect(left > .seconds(3000) && left <= .seconds(3601))
            #expect(
                try await table.other.value(
                    "SELECT expire > now() AT TIME ZONE 'Asia/Tokyo' FROM public.\(table.name) WHERE sid = 'other'"
                ) == "t"
            )
        }

        @Test("a zone that there is not is an error when the store is opened")
        func noTimeZone() async throws {
            let table = try await Table()
            #expect(try await storeError { try await table.store(timeZone: "Nowhere/At'all") } != nil)
        }

        @Test("what expired long ago is swept, what is alive stays, and a limit is one")
        func sweep() async throws {
            let table = try await Table()
            let store = try await table.store()
            for number in 0..<30 { #expect(try await store.insert(Self.record(60), at: Self.key("\(number)"))) }
            try await table.other.query(
                "UPDATE public.\(table.name) SET expire = now() - interval '1 h' WHERE sid::int < 20"
            )
            #expect(try await store.sweep(expiredBefore: SystemSessionClock().now(), limit: 5) == 5)
            #expect(try await store.sweep(expiredBefore: SystemSessionClock().now(), limit: 500) == 15)
            #expect(try await table.other.value("SELECT count(*) FROM public.\(table.name)") == "10")
            #expect(try await store.sweep(expiredBefore: SystemSessionClock().now(), limit: 500) == 0)
        }

        @Test("a closed store says so, and a server that is gone is an error and no missing session")
        func closed() async throws {
            let table = try await Table()
            let store = try await table.store()
            try await store.close()
            #expect(try await storeError { try await store.load(Self.key()) }?.code == .unavailable)
            #expect(try await storeError { try await store.delete(Self.key()) }?.code == .unavailable)
            try await table.other.query("DROP TABLE IF EXISTS public.gone")
            let gone = try await table.store("gone")
            try await table.other.query("DROP TABLE public.gone")
            #expect(try await storeError { try await gone.load(Self.key()) } != nil)
            #expect(try await storeError { try await gone.delete(Self.key()) } != nil)
        }
    }
}
#endif
