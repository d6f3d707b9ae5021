#if Postgres
import CLibPQ
import Foundation
import Sessions
import TestServers
import Testing

@testable import SessionsPostgres

extension PostgresStoreTests {
    @Suite("Connecting")
    struct ConnectionTests {
        /// A server that takes nobody without TLS and a password.
        static let secured = Task {
            let server = try await PostgresServer(
                settings: ["password_encryption=scram-sha-256"],
                accessRules: ["hostssl all all 127.0.0.1/32 scram-sha-256", "hostssl all all ::1/128 scram-sha-256"],
                certificate: true
            )
            try await OtherProgram(server).query("CREATE ROLE app LOGIN SUPERUSER PASSWORD 'p@ss/word:1'")
            return server
        }

        func url(
            password: String = "p%40ss%2Fword%3A1",
            host: String = "localhost",
            _ options: String = ""
        ) async throws -> String {
            let server = try await Self.secured.value
            return "postgresql://app:\(password)@\(host):\(server.port)/postgres?hostaddr=127.0.0.1"
                + "&sslmode=verify-full&sslrootcert=\(server.certificate)\(options)"
        }

        @Test("TLS with a password, the server's name checked")
        func tls() async throws {
            let server = try await Self.secured.value
            let store = try await Scratch(server).store(at: url())
            #expect(try await store.insert(.sample(), at: .numbered(1)))
            #expect(try await store.load(.numbered(1)) == .sample())
            let encrypted = try await OtherProgram(server).value(
                "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'app'"
            )
            #expect(encrypted == "t")
        }

        @Test("a server whose certificate is not for its name is refused")
        func wrongName() async throws {
            let scratch = Scratch(try await Self.secured.value)
            let error = try await storeError { try await scratch.store(at: url(host: "127.0.0.1")) }
            #expect(error?.code == .unavailable)
            #expect(error?.message.contains("certificate") == true)
        }

        @Test("a wrong password is notPermitted, and neither it nor the right one is in the text (I9)")
        func wrongPassword() async throws {
            let scratch = Scratch(try await Self.secured.value)
            let error = try await storeError { try await scratch.store(at: url(password: "wr0ng-secret")) }
            #expect(error?.code == .notPermitted)
            #expect(error.map { "\($0)" }?.contains("wr0ng-secret") == false)
            let plain = try await storeError {
                try await scratch.store(
                    at: "postgresql://app:wr0ng-secret@127.0.0.1:\(scratch.server.port)/postgres?sslmode=disable"
                )
            }
            #expect(plain?.code == .notPermitted)
            #expect(plain.map { "\($0)" }?.contains("wr0ng-secret") == false)
        }

        @Test(
            "a connection that leaves the machine without proof of the server's identity is refused, before it is made",
            arguments: [
                "postgresql://u@db.example/x", "postgresql://u@db.example/x?sslmode=disable",
                "postgresql://u@db.example/x?sslmode=require", "postgresql://u@db.example/x?sslmode=prefer",
                "postgresql://u@db.example/x?sslmode=verify-ca", "host=192.0.2.1 user=u sslmode=allow",
                "postgresql://u@localhost,db.example/x", "host=localhost hostaddr=192.0.2.1 user=u",
                "host=127.evil.example user=u", "host=127.0.0.1.evil.example user=u", "host=::2 user=u",
            ]
        )
        func unsafe(_ connection: String) throws {
            let error = #expect(throws: SessionConfigurationError.self) {
                try PostgresConnectionInfo(connection, configuration: PostgresSessionStore.Configuration())
            }
            #expect(error?.code == .store)
            #expect(error?.message.contains("sslmode=verify-full") == true)
            var configuration = PostgresSessionStore.Configuration()
            configuration.serverVerification = .trustedNetwork
            _ = try PostgresConnectionInfo(connection, configuration: configuration)
        }

        @Test(
            "what stays on the machine, and what proves who it is, is taken",
            arguments: [
                "postgresql://u@localhost/x", "postgresql://u@127.0.0.2/x", "postgresql://u@[::1]/x",
                "host=/run user=u",
                "user=u", "postgresql://u@db.example/x?sslmode=verify-full",
                "postgresql://u@db.example/x?sslmode=verify-ca&sslrootcert=/etc/ca.pem",
                "postgresql://u@db.example,db2.example/x?sslmode=verify-full&target_session_attrs=primary",
            ]
        )
        func safe(_ connection: String) throws {
            _ = try PostgresConnectionInfo(connection, configuration: PostgresSessionStore.Configuration())
        }

        @Test("a service file is looked at too")
        func service() async throws {
            let directory = try ServerDirectory("pg-service")
            let file = directory.file("services")
            try Data("[sessions]\nhost=192.0.2.1\nsslmode=prefer\n".utf8).write(to: URL(fileURLWithPath: file))
            setenv("PGSERVICEFILE", file, 1)
            defer { unsetenv("PGSERVICEFILE") }
            let error = await #expect(throws: SessionConfigurationError.self) {
                try await PostgresSessionStore("service=sessions user=u")
            }
            #expect(error?.message.contains("sslmode=verify-full") == true)
        }

        @Test("a server that may be a standby is refused", arguments: ["standby", "prefer-standby", "read-only"])
        func standby(_ role: String) throws {
            let error = #expect(throws: SessionConfigurationError.self) {
                try PostgresConnectionInfo(
                    "postgresql://localhost/x?target_session_attrs=\(role)",
                    configuration: PostgresSessionStore.Configuration()
                )
            }
            #expect(error?.message.contains("read-write") == true)
        }

        @Test(
            "a connection string that is none is refused, and not quoted (I9)",
            arguments: [
                "postgresql://u:s3cret@host:port:x/db?%zz", "host='s3cret", "s3cret",
                "postgresql://u:s3cret%zz@host/db",
                "host=x s3cret=1",
            ]
        )
        func malformed(_ connection: String) throws {
            let error = #expect(throws: SessionConfigurationError.self) {
                try PostgresConnectionInfo(connection, configuration: PostgresSessionStore.Configuration())
            }
            #expect(error.map { "\($0)" }?.contains("s3cret") == false)
        }

        @Test("DATABASE_URL is read, and missed where it is not set")
        func environment() async throws {
            let scratch = try await Scratch.shared()
            let name = "TEST_DATABASE_URL"
            unsetenv(name)
            let error = await #expect(throws: SessionConfigurationError.self) {
                try await PostgresSessionStore(environment: name)
            }
            #expect(error?.message.contains(name) == true)
            setenv(name, scratch.server.url, 1)
            defer { unsetenv(name) }
            let store = try await PostgresSessionStore(environment: name, configuration: scratch.configuration)
            #expect(try await store.count() == 0)
        }

        @Test("I1 a role whose search path has an = of its own does not replace another version")
        func hostileOperator() async throws {
            let scratch = try await Scratch.shared()
            let name = "h\(UInt64.random(in: .min ... .max))"
            let other = try await scratch.other()
            try await other.query(
                """
                CREATE SCHEMA \(name);
                CREATE FUNCTION \(name).same(bigint, bigint) RETURNS boolean LANGUAGE sql AS 'SELECT true';
                CREATE OPERATOR \(name).= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = \(name).same);
                CREATE ROLE \(name) LOGIN SUPERUSER;
                ALTER ROLE \(name) SET search_path = \(name), pg_catalog
                """
            )
            let store = try await scratch.store(at: "postgresql://\(name)@127.0.0.1:\(scratch.server.port)/postgres")
            #expect(try await store.insert(.sample(), at: .numbered(1)))
            let outcome = try await store.replace(
                .sample(version: 2),
                at: .numbered(1),
                ifVersion: RecordVersion(rawValue: 9)
            )
            #expect(outcome == .conflict(.sample()))
        }

        @Test("a role that may not see every row is told so, and finds no session missing")
        func rowSecurity() async throws {
            let scratch = try await Scratch.shared()
            let role = "v\(UInt64.random(in: .min ... .max))"
            let store = try await scratch.store()
            #expect(try await store.insert(.sample(), at: .numbered(1)))
            let schema = PostgresSchema(scratch.configuration)
            try await scratch.other().query(
                """
                CREATE ROLE \(role) LOGIN;
                GRANT SELECT, INSERT, UPDATE, DELETE ON \(schema.records), \(schema.epochs) TO \(role);
                GRANT SELECT ON \(schema.versions) TO \(role);
                ALTER TABLE \(schema.records) ENABLE ROW LEVEL SECURITY
                """
            )
            let error = try await storeError {
                let limited = try await scratch.store(
                    at: "postgresql://\(role)@127.0.0.1:\(scratch.server.port)/postgres"
                )
                return try await limited.load(.numbered(1))
            }
            #expect(error?.code == .notPermitted)
        }

        @Test("nothing that role, database or connection string set changes what statements mean")
        func hostileDefaults() async throws {
            let scratch = try await Scratch.shared()
            let role = "h\(UInt64.random(in: .min ... .max))"
            let other = try await scratch.other()
            try await other.query("CREATE ROLE \(role) LOGIN SUPERUSER")
            for setting in [
                "default_transaction_isolation = 'serializable'", "default_transaction_read_only = on",
                "search_path = nowhere", "bytea_output = 'escape'", "DateStyle = 'German'",
                // Not shorter: it holds for the statements that set another one.
                "synchronous_commit = off", "statement_timeout = '20s'", "IntervalStyle = 'sql_standard'",
            ] {
                try await other.query("ALTER ROLE \(role) SET \(setting)")
            }
            let store = try await scratch.store(at: "postgresql://\(role)@127.0.0.1:\(scratch.server.port)/postgres")
            // What an answered write survives is the configuration's to say, and how long a statement takes at most.
            try await other.query(
                """
                CREATE TABLE public.\(role) (setting text);
                CREATE FUNCTION public.\(role)() RETURNS trigger LANGUAGE plpgsql AS \
                'BEGIN INSERT INTO public.\(role) VALUES (current_setting(''synchronous_commit'') || '' '' || \
                current_setting(''statement_timeout'')); RETURN NEW; END';
                CREATE TRIGGER seen BEFORE INSERT ON \(scratch.table) FOR EACH ROW EXECUTE FUNCTION public.\(role)()
                """
            )
            #expect(try await store.insert(.sample("\u{0}\\x00", owner: "shop:\\"), at: .numbered(1)))
            #expect(try await other.value("SELECT string_agg(setting, ',') FROM public.\(role)") == "on 1min")
            #expect(try await store.load(.numbered(1)) == .sample("\u{0}\\x00", owner: "shop:\\"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        _ = try await store.replace(.sample(), at: .numbered(1), ifVersion: RecordVersion(rawValue: 1))
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}
#endif
