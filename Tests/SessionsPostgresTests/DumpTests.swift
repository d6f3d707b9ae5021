#if Postgres
import Logging
import Sessions
import SessionsTesting
import TestServers
import Testing

@testable import SessionsPostgres

extension PostgresStoreTests {
    @Suite("I9 unspeakable")
    struct DumpTests {
        @Test("ID-04 neither a dump of the database nor the server's log holds a piece of a credential")
        func dump() async throws {
            let server = try await PostgresServer(
                settings: ["log_statement=all", "log_error_verbosity=verbose", "log_min_messages=info"]
            )
            let scratch = Scratch(server)
            let store = try await scratch.store()
            let sessions = try SessionManager(
                store: store,
                keys: KeyRing([SessionSecret.generate()]),
                logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }
            )
            var search = SecretSearch()
            var handles: [String] = []
            for number in 0..<100 {
                let browser = SessionBrowser()
                try await browser.visit(sessions) { $0.set(.number, to: number) }
                for value in browser.cookies.values { search.add(credential: value) }
                try await browser.visit(sessions) { $0.logIn("user-\(number)") }
                for value in browser.cookies.values { search.add(credential: value) }
                handles.append(try await browser.visit(sessions) { $0.handle.description })
            }
            let dump = try await server.dump()
            // It is the dump of these sessions, and credentials would be found in it.
            for handle in handles { #expect(dump.contains(handle)) }
            #expect(dump.contains("user-99") || dump.contains(hexadecimal("user-99")))
            #expect(search.piece(in: try await server.dumpedBytes()) == nil)
            // The statements are in the log, and values are not inside them.
            let log = try server.log()
            #expect(log.contains("WHERE key = $1"))
            #expect(log.contains("execute load"))
            try await server.stop()
        }

        func hexadecimal(_ text: String) -> String {
            text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
    }
}
#endif
