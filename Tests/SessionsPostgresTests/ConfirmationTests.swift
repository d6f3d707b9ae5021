#if Postgres
import CLibPQ
import Sessions
import TestServers
import Testing

@testable import SessionsPostgres

extension PostgresStoreTests {
    @Suite("What an answered write survives")
    struct ConfirmationTests {
        @Test("a server with fsync=off is refused, unless nothing is asked of it")
        func fsync() async throws {
            let server = try await PostgresServer(settings: ["fsync=off"])
            let scratch = Scratch(server)
            let error = try await storeError { try await scratch.store() }
            #expect(error?.code == .unusable)
            #expect(error?.message.contains("fsync=on") == true)
            #expect(try await scratch.store { $0.confirmation = .unflushed }.count() == 0)
            try await server.stop()
        }

        @Test("a server that names no synchronous standby is refused where they are to confirm")
        func noStandby() async throws {
            let scratch = try await Scratch.shared()
            let error = try await storeError { try await scratch.store { $0.confirmation = .standbys } }
            #expect(error?.code == .unusable)
            #expect(error?.message.contains("synchronous_standby_names") == true)
        }

        @Test("a write that no standby confirms is an error, also when the server gives up waiting and answers")
        func unconfirmed() async throws {
            let server = try await PostgresServer()
            let scratch = Scratch(server)
            // Made before there is a standby to wait for.
            _ = try await scratch.store()
            let other = try await OtherProgram(server)
            try await other.query("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
            try await other.query("SELECT pg_reload_conf()")
            try await waitUntil("the setting holds") {
                try await other.value("SELECT current_setting('synchronous_standby_names')") == "nobody"
            }
            let store = try await scratch.store { $0.confirmation = .standbys }
            async let outcome = storeError { try await store.insert(.sample(), at: .numbered(1)) }
            // The server's own vacuum may have to wait too.
            let waiting = "FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND backend_type = 'client backend'"
            try await waitUntil("the insert waits for the standby") {
                try await other.value("SELECT count(*) \(waiting)") == "1"
            }
            #expect(try await store.load(.numbered(1)) == nil)
            try await other.query("SELECT pg_cancel_backend(pid) \(waiting)")
            let error = try await outcome
            #expect(error?.code == .timedOut)
            #expect(error?.message.contains("did not confirm") == true)

            // Where nobody cancels the wait, the deadline of the call ends it, and loads go on.
            let hasty = try await scratch.hastyStore(.milliseconds(500)) {
                $0.confirmation = .standbys
                $0.connectionLimit = 2
            }
            for number in 2...5 {
                #expect(
                    try await storeError { try await hasty.insert(.sample(), at: .numbered(number)) }?.code == .timedOut
                )
            }
            // What waits is bounded: two that were given up at most, and two that are new.
            var count = 0
            try await waitUntil("some wait for the standby") {
                count = try await other.value("SELECT count(*) \(waiting)").flatMap { Int($0) } ?? 0
                return count > 0
            }
            #expect(count <= 4)
            // A standby that confirms lets all of them go on.
            let standby = try server.startStandby(named: "nobody")
            try await waitUntil("the store works again") {
                try await storeError { try await hasty.insert(.sample(), at: .numbered(100)) } == nil
            }
            // With the one whose wait was cancelled, and the last. Which of the others came to the server is not known.
            let expected = count + 2
            try await waitUntil("what waited is there") { try await store.count() >= expected }
            await standby.crash()
            try await server.stop()
        }

        @Test(
            "each setting is what the server's connections have",
            arguments: [
                (PostgresSessionStore.Configuration.Confirmation.flushed, "on"), (.unflushed, "off"),
                (.unlogged, "off"),
            ]
        )
        func setting(_ confirmation: PostgresSessionStore.Configuration.Confirmation, _ expected: String) async throws {
            let scratch = try await Scratch.shared { $0.confirmation = confirmation }
            let opener = PostgresOpener(
                info: try PostgresConnectionInfo(scratch.server.url, configuration: scratch.configuration),
                configuration: scratch.configuration,
                tables: PostgresOwnTables(
                    schema: PostgresSchema(scratch.configuration),
                    configuration: scratch.configuration,
                    statements: PostgresStatements(PostgresSchema(scratch.configuration)).all
                )
            )
            _ = try await scratch.store()
            let value = try await blocking {
                let link = try opener.open()
                #expect(PQexitPipelineMode(link.connection) == 1)
                return try link.query("SHOW synchronous_commit", until: .now + .seconds(60)).first?.first ?? nil
            }
            #expect(value == expected)
        }
    }
}
#endif
