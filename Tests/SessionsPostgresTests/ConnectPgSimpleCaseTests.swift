#if Postgres
import HTTPTypes
import Logging
import Sessions
import SessionsTesting
import TestServers
import Testing

@testable import SessionsPostgres

extension PostgresStoreTests {
    /// The cases of connect-pg-simple's suite that need a service around the store.
    @Suite("connect-pg-simple: its cases")
    struct ConnectPgSimpleCaseTests {
        private static let visits = SessionKey<Int>("visits", default: 0)

        /// A service on a table of its own.
        private struct Service {
            let table: String
            let other: OtherProgram
            let store: ConnectPgSimpleStore
            let sessions: SessionManager
            /// One whose requests move no end unless they change something.
            let still: SessionManager
            let browser = SessionBrowser()

            /// - Parameter isApart: Whether the store is told where the database is by settings, and not by an address.
            init(schema: String = "public", isApart: Bool = false) async throws {
                let server = try await SharedServer.server
                other = try await OtherProgram(server)
                let name = "t\(UInt64.random(in: .min ... .max))"
                let quoted = "\"\(schema.replacing("\"", with: "\"\""))\""
                if schema != "public" { try await other.query("CREATE SCHEMA IF NOT EXISTS \(quoted)") }
                table = "\(quoted).\(name)"
                var configuration = PostgresSessionStore.Configuration()
                configuration.deadline = .seconds(60)
                configuration.connectDeadline = .seconds(60)
                configuration.confirmation = .unflushed
                configuration.connectionLimit = 4
                store = try await ConnectPgSimpleStore(
                    isApart ? "host=127.0.0.1 port=\(server.port) user=postgres dbname=postgres" : server.url,
                    schemaName: schema,
                    tableName: name,
                    createTableIfMissing: true,
                    configuration: configuration
                )
                var sessions = SessionConfiguration.express(maxAge: .seconds(30 * 86_400))
                sessions.renewalInterval = .zero
                self.sessions = try Self.manager(store, sessions)
                sessions.renewalInterval = sessions.lifetime.idle - .microseconds(1)
                still = try Self.manager(store, sessions)
            }

            private static func manager(
                _ store: ConnectPgSimpleStore,
                _ configuration: SessionConfiguration
            ) throws -> SessionManager {
                try .express(
                    secrets: ["keyboard cat"],
                    store: store,
                    acknowledging: [.concurrentChangesAreLost, .endedSessionsComeBack, .keysAreCredentials],
                    configuration: configuration,
                    logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }
                )
            }

            /// The id in the browser's cookie.
            var id: String {
                get throws {
                    let value = try #require(browser.cookies["connect.sid"])
                    return String(value.dropFirst("s%3A".utf8.count).prefix { $0 != "." })
                }
            }

            func count() async throws -> String? { try await other.value("SELECT count(*) FROM \(table)") }
        }

        @Test("connect-pg-simple 1, 7: nothing is pruned unless somebody sweeps")
        func nothing() async throws {
            let service = try await Service()
            try await service.browser.visit(service.sessions) { $0.set(Self.visits, to: 1) }
            try await service.other.query("UPDATE \(service.table) SET expire = now() - interval '1 day'")
            try await SessionBrowser().visit(service.sessions) { $0.set(Self.visits, to: 1) }
            #expect(try await service.count() == "2")
            #expect(try await service.browser.visit(service.sessions) { $0.isNew })
        }

        @Test(
            "connect-pg-simple 11, 12, 15: the table is in the schema that is named, whatever is in its name",
            arguments: ["other s", "a\"b", "a'b\\", "a.b"]
        )
        func schema(name: String) async throws {
            let service = try await Service(schema: name)
            try await service.browser.visit(service.sessions) { $0.set(Self.visits, to: 1) }
            #expect(try await service.count() == "1")
        }

        @Test("connect-pg-simple 17: separate settings lead to the database as an address does")
        func settings() async throws {
            let service = try await Service(isApart: true)
            try await service.browser.visit(service.sessions) { $0.set(Self.visits, to: 1) }
            #expect(try await service.count() == "1")
            #expect(try await service.browser.visit(service.sessions) { $0[Self.visits] } == 1)
        }

        @Test("connect-pg-simple 30: a session is a row, found by the cookie's id, and used again with the cookie")
        func row() async throws {
            let service = try await Service()
            try await service.browser.visit(service.sessions) { $0.set(Self.visits, to: 1) }
            let id = try service.id
            #expect(try await service.other.value("SELECT sid FROM \(service.table)") == id)
            try await service.browser.visit(service.sessions) { session in session.update(Self.visits) { $0 += 1 } }
            #expect(try await service.other.value("SELECT sess->>'visits' FROM \(service.table)") == "2")
            #expect(try service.id == id)
            try await SessionBrowser().visit(service.sessions) { $0.set(Self.visits, to: 1) }
            #expect(try await service.count() == "2")
        }

        @Test("connect-pg-simple 31: a touch moves the row's end by as much as time has passed")
        func touch() async throws {
            let service = try await Service()
            try await service.browser.visit(service.sessions) { $0.set(Self.visits, to: 1) }
            let before = try await service.other.value("SELECT sess::text FROM \(service.table)")
            // As if ten seconds had passed since.
            try await service.other.query("UPDATE \(service.table) SET expire = expire - interval '10 seconds'")
            let end = "SELECT extract(epoch FROM expire)::bigint FROM \(service.table)"
            let first = try #require(try await service.other.value(end).flatMap { Int($0) })
            try await service.browser.visit(service.sessions) { $0.touch() }
            let second = try #require(try await service.other.value(end).flatMap { Int($0) })
            #expect(second >= first + 10)
            #expect(try await service.other.value("SELECT sess::text FROM \(service.table)") == before)
        }

        @Test("connect-pg-simple 32: with the longest renewalInterval a request that only reads leaves the row's end")
        func noTouch() async throws {
            let service = try await Service()
            let table = service.table
            func end() async throws -> Int {
                let text = try await service.other.value("SELECT extract(epoch FROM expire)::bigint FROM \(table)")
                return try #require(text.flatMap { Int($0) })
            }
            try await service.browser.visit(service.still) { $0.set(Self.visits, to: 1) }
            // As if that had been a day ago, then 29, then all of the 30 days but a minute.
            for passed in ["1 day", "28 days", "23 hours 59 minutes"] {
                try await service.other.query("UPDATE \(table) SET expire = expire - interval '\(passed)'")
                let before = try await end()
                #expect(try await service.browser.visit(service.still) { $0[Self.visits] } == 1)
                #expect(try await end() == before)
            }
            // A manager with a shorter interval moves it by the same request, and so does a change.
            let last = try await end()
            #expect(try await service.browser.visit(service.sessions) { $0[Self.visits] } == 1)
            #expect(try await end() > last + 86_400)
            try await service.other.query("UPDATE \(table) SET expire = expire - interval '29 days'")
            try await service.browser.visit(service.still) { $0.set(Self.visits, to: 2) }
            #expect(try await end() > last + 86_400)
        }
    }
}
#endif
