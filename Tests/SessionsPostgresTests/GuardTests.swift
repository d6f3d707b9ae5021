#if Postgres
import Foundation
import Sessions
import Synchronization
import TestServers
import Testing

@testable import SessionsPostgres

extension PostgresStoreTests {
    @Suite("What is not connected to, and what is given up")
    struct GuardTests {
        @Test("ST-11, I2 a connection string that takes any server is refused, and a standby is not used")
        func anyServer() async throws {
            let error = #expect(throws: SessionConfigurationError.self) {
                try PostgresConnectionInfo(
                    "postgresql://u@localhost/x?target_session_attrs=any",
                    configuration: PostgresSessionStore.Configuration()
                )
            }
            #expect(error?.message.contains("read-write") == true)
            let server = try await PostgresServer()
            let scratch = Scratch(server)
            _ = try await scratch.store()
            try await server.stop()
            let data = URL(fileURLWithPath: server.certificate).deletingLastPathComponent()
            try Data().write(to: data.appendingPathComponent("standby.signal"))
            try await server.start()
            for role in ["", "?target_session_attrs=read-write", "?target_session_attrs=primary"] {
                let error = try await storeError { try await scratch.store(at: server.url + role) }
                #expect(error?.code == .unavailable, "\(role)")
            }
            // Of several servers the primary is found.
            let primary = try await SharedServer.server
            let both = "127.0.0.1:\(server.port),127.0.0.1:\(primary.port)"
            let store = try await scratch.store(at: "postgresql://postgres@\(both)/postgres")
            #expect(try await store.insert(.sample(), at: .numbered(1)))
        }

        @Test(
            "a password whose @ or / is not encoded is refused before anything is looked up, and not quoted (I9, LG-01)",
            arguments: [
                "postgresql://u:first@s3cret@127.0.0.1/x", "postgresql://u:1@s3cret@127.0.0.1:5432/x?sslmode=disable",
                "postgresql://u:s3cret/tail@127.0.0.1/x", "postgres://u:12/s3cret@127.0.0.1/x",
                "postgresql://u:s3cret/@127.0.0.1/x", "postgresql://u:a?s3@cret@127.0.0.1/x",
                "host=127.0.0.1,x@s3cret user=u", "host=localhost port=s3cret", "postgresql://u@localhost:s3cret/x",
                "host=localhost hostaddr=a@s3cret", "host=localhost port=5432,s3cret",
            ]
        )
        func strayPassword(_ connection: String) async throws {
            let error = await #expect(throws: SessionConfigurationError.self) {
                try await PostgresSessionStore(connection)
            }
            #expect(error?.code == .store && error?.message.contains("%40") == true)
            #expect(error.map { "\($0)" }?.contains("s3") == false)
        }

        @Test(
            "an encoded password, an abstract socket and an @ in an option are taken",
            arguments: [
                "postgresql://u:p%40%2F@127.0.0.1/x", "postgresql://u:p?a@127.0.0.1/x", "host=@abstract user=u",
                "postgresql://u@localhost/x?application_name=a@b@c", "postgresql:///x?host=/run",
                "host=/run/a user=u@x",
                "host=localhost,localhost port=5432,", "postgresql://u:pw@[::1]:5432/x",
            ]
        )
        func rightPassword(_ connection: String) throws {
            _ = try PostgresConnectionInfo(connection, configuration: PostgresSessionStore.Configuration())
        }

        @Test(
            "each host is judged by its own address, and by its name where it has none",
            arguments: [
                "host=db.example,localhost hostaddr=,127.0.0.1 sslmode=disable user=u",
                "host=localhost,localhost hostaddr=127.0.0.1,192.0.2.1 sslmode=disable user=u",
                "hostaddr=192.0.2.1 sslmode=disable user=u",
            ]
        )
        func addresses(_ connection: String) throws {
            let error = #expect(throws: SessionConfigurationError.self) {
                try PostgresConnectionInfo(connection, configuration: PostgresSessionStore.Configuration())
            }
            #expect(error?.message.contains("sslmode=verify-full") == true)
            _ = try PostgresConnectionInfo(
                "host=db.example,localhost hostaddr=127.0.0.1, sslmode=disable user=u",
                configuration: PostgresSessionStore.Configuration()
            )
        }

        @Test("tables are seen as they were at one moment, while another store makes them")
        func inspection() async throws {
            let scratch = try await Scratch.shared()
            let schema = PostgresSchema(scratch.configuration)
            let maker = try await scratch.other()
            let isOver = Flag()
            let rows = Rows()
            let end = ContinuousClock.now + .seconds(60)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    let other = try await scratch.other()
                    group.addTask {
                        while !isOver.isSet, !Task.isCancelled { rows.add(try await other.query(schema.inspection)) }
                    }
                }
                var rounds = 0
                // Those who look may be held up for as long as many rounds take.
                while rounds < 300 || (rows.all.count < 2 && ContinuousClock.now < end) {
                    rounds += 1
                    try await maker.query(
                        "BEGIN; CREATE TABLE \(schema.records) (); CREATE TABLE \(schema.versions) (); COMMIT"
                    )
                    try await maker.query("BEGIN; DROP TABLE \(schema.records); DROP TABLE \(schema.versions); COMMIT")
                }
                isOver.set()
                try await group.waitForAll()
            }
            #expect(rows.all == [["t", "f", nil, "f"], ["t", "t", "p", "t"]])
        }

        @Test("a pooler that lends connections for a transaction is refused; one that lends them for a session is not")
        func pooler() async throws {
            let server = try await SharedServer.server
            let lender = try await PgBouncer(to: server, mode: "transaction")
            let error = try await storeError { try await Scratch(server).store(at: server.url(at: lender.port)) }
            #expect(error?.code == .unusable && error?.message.contains("pool_mode=session") == true)
            let pooler = try await PgBouncer(to: server, mode: "session")
            let store = try await Scratch(server).store(at: server.url(at: pooler.port))
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<100 { group.addTask { try await store.insert(.sample(), at: .numbered(number)) } }
                for try await isInserted in group { #expect(isInserted) }
            }
            #expect(try await store.load(.numbered(99)) == .sample())
            try await store.close()
        }

        @Test(
            "ST-10 a server that falls silent, and keeps its connections, does not hold up loads once another answers"
        )
        func silence() async throws {
            let scratch = try await Scratch.shared {
                $0.connectionLimit = 2
                $0.connectDeadline = .seconds(5)
            }
            let proxy = try FaultProxy(to: scratch.server.port)
            defer { proxy.stop() }
            let patient = try await scratch.patientStore()
            #expect(try await patient.insert(.sample(), at: .numbered(1)))
            try await patient.close()
            let store = try await scratch.hastyStore(.milliseconds(500), at: scratch.server.url(at: proxy.port))
            // Both connections are there. So many loads at once may miss the deadline, which is not what this is about.
            try await waitUntil("there are two connections") {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<200 {
                        group.addTask { _ = try await storeError { try await store.load(.numbered(1)) } }
                    }
                    try await group.waitForAll()
                }
                return proxy.connectionCount == 2
            }
            // What is asked on them is never answered, and nothing is closed.
            proxy.dropReplies()
            let first = try StoreKey.numbered(1)
            async let one = storeError { try await store.load(first) }
            async let other = storeError { try await store.load(first) }
            let errors = [try await one, try await other]
            #expect(errors.map(\.?.code) == [.timedOut, .timedOut])
            proxy.dropReplies(false)
            try await waitUntil("the store works again") {
                try await storeError { try await store.load(.numbered(1)) } == nil
            }
        }
    }
}

/// What several tasks have seen.
private final class Rows: Sendable {
    private let rows = Mutex(Set<[String?]>())
    var all: Set<[String?]> { rows.withLock { $0 } }
    func add(_ new: [[String?]]) { rows.withLock { $0.formUnion(new) } }
}

/// Set once, by one task for others.
private final class Flag: Sendable {
    private let state = Mutex(false)
    var isSet: Bool { state.withLock { $0 } }
    func set() { state.withLock { $0 = true } }
}
#endif
