#if Postgres
import Foundation
import Sessions
import SessionsPostgres
import SessionsTesting
import TestServers
import Testing

extension PostgresStoreTests {
    /// What connect-pg-simple leaves out of express-session's stores: `length`, `all` and `clear`.
    @Suite("connect-pg-simple: length, all and clear")
    struct ConnectPgSimpleEnumerationTests {
        private typealias Table = ConnectPgSimpleTests.Table

        private static func ids(_ store: ConnectPgSimpleStore, pages limit: Int) async throws -> [String] {
            var (found, last) = ([String](), StoreKey?.none)
            repeat {
                let page = try await store.entries(after: last, limit: limit)
                #expect(page.count <= limit)
                found += page.compactMap(\.key.foreignID)
                last = page.last?.key
            } while last != nil
            return found
        }

        @Test("length, all and clear: each row once, and no other table's")
        func enumeration() async throws {
            let table = try await Table()
            let (store, other) = (try await table.store(), try await table.store(table.name + "o"))
            #expect(try await store.count() == 0)
            #expect(try await store.entries(after: nil, limit: 10).isEmpty)
            let record = ConnectPgSimpleTests.record(60, #"{"cookie":{},"n":1}"#)
            let ids = (0..<50).map { "id/\($0)" }
            for id in ids { #expect(try await store.insert(record, at: ConnectPgSimpleTests.key(id))) }
            #expect(try await other.insert(record, at: ConnectPgSimpleTests.key("other")))
            #expect(try await store.count() == 50)
            for limit in [1, 7, 50, 1000] { #expect(try await Self.ids(store, pages: limit) == ids.sorted()) }
            #expect(try await store.entries(after: nil, limit: 0).isEmpty)
            let first = try #require(try await store.entries(after: nil, limit: 1).first)
            #expect(first.record.payload == record.payload)
            #expect(try await store.load(first.key) == first.record)
            try await store.removeAll()
            try await store.removeAll()
            #expect(try await store.count() == 0)
            #expect(try await Self.ids(other, pages: 10) == ["other"])
        }

        @Test("all: in the order of bytes, whatever the order of the column is")
        func order() async throws {
            let table = try await Table()
            _ = try await table.store()
            try await table.other.query(
                #"ALTER TABLE public.\#(table.name) ALTER sid TYPE varchar COLLATE "en-x-icu""#
            )
            let store = try await table.store()
            let ids = ["B", "a", "_", "-", "b", "A", "ab", "9"]
            for id in ids {
                #expect(try await store.insert(ConnectPgSimpleTests.record(60), at: ConnectPgSimpleTests.key(id)))
            }
            let sorted = ids.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            #expect(try await Self.ids(store, pages: 3) == sorted)
            // Or this would show nothing.
            let columns = try await table.other.query("SELECT sid FROM public.\(table.name) ORDER BY sid").map { $0[0] }
            #expect(columns != sorted)
            try await store.removeAll()
            #expect(try await store.count() == 0)
        }

        @Test("length counts what has expired and is not swept, all leaves it out, and clear deletes it")
        func expired() async throws {
            let table = try await Table()
            let store = try await table.store()
            for id in ["a", "b", "c"] {
                #expect(try await store.insert(ConnectPgSimpleTests.record(60), at: ConnectPgSimpleTests.key(id)))
            }
            try await table.other.query(
                "UPDATE public.\(table.name) SET expire = now() - interval '1 day' WHERE sid < 'c'"
            )
            #expect(try await store.count() == 3)
            #expect(try await Self.ids(store, pages: 1) == ["c"])
            try await store.removeAll()
            #expect(try await table.other.value("SELECT count(*) FROM public.\(table.name)") == "0")
        }

        @Test("all passes over a row whose id no key can have, and clear deletes it")
        func noKey() async throws {
            let table = try await Table()
            let store = try await table.store()
            for id in ["a", "z"] {
                #expect(try await store.insert(ConnectPgSimpleTests.record(60), at: ConnectPgSimpleTests.key(id)))
            }
            try await table.other.query(
                """
                INSERT INTO public.\(table.name) \
                SELECT repeat('m', 300) || n, '{}', now() + interval '1 day' FROM generate_series(1, 5) n
                """
            )
            for limit in [1, 2, 100] { #expect(try await Self.ids(store, pages: limit) == ["a", "z"]) }
            try await store.removeAll()
            #expect(try await store.count() == 0)
        }

        @Test("clear deletes more rows than one of its transactions takes")
        func large() async throws {
            let table = try await Table()
            let store = try await table.store()
            try await table.other.query(
                """
                INSERT INTO public.\(table.name) \
                SELECT 'id' || n, '{}', now() + interval '1 day' FROM generate_series(1, 2500) n
                """
            )
            #expect(try await store.count() == 2500)
            try await store.removeAll()
            #expect(try await table.other.value("SELECT count(*) FROM public.\(table.name)") == "0")
        }

        @Test("one of Node's users is signed out everywhere by what the rows hold")
        func deleteAll() async throws {
            struct Row: Decodable {
                struct Passport: Decodable { var user: String }
                var passport: Passport?
            }
            let table = try await Table()
            let store = try await table.store()
            // As Passport keeps its user, and rows of visitors who have none.
            try await table.other.query(
                """
                INSERT INTO public.\(table.name) \
                SELECT 'id' || n, CASE n % 3 WHEN 0 THEN '{"cookie":{}}' \
                ELSE '{"cookie":{},"passport":{"user":"' || n % 3 || '"}}' END::json, now() + interval '1 day' \
                FROM generate_series(1, 30) n
                """
            )
            let ended = try await store.deleteAll(pageSize: 4) { payload in
                try JSONDecoder().decode(Row.self, from: Data(payload)).passport?.user == "1"
            }
            #expect(ended == 10)
            let users =
                "SELECT string_agg(DISTINCT coalesce(sess#>>'{passport,user}', '-'), ' ') FROM public.\(table.name)"
            #expect(try await table.other.value(users) == "- 2")
            #expect(try await store.count() == 20)
        }
    }
}
#endif
