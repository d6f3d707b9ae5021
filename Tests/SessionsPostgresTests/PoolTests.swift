#if Postgres
import Sessions
import TestServers
import Testing

@testable import SessionsPostgres

extension PostgresStoreTests {
    @Suite("ST-10 bounded")
    struct PoolTests {
        let scratch: Scratch
        let other: OtherProgram

        init() async throws {
            scratch = try await Scratch.shared { $0.confirmation = .unflushed }
            other = try await scratch.other()
        }

        /// Runs `body` while another program keeps the records locked, so that no write ends.
        func lockingTable(_ body: () async throws -> Void) async throws {
            try await other.query("BEGIN; LOCK TABLE \(scratch.table) IN EXCLUSIVE MODE")
            do {
                try await body()
            } catch {
                try await other.query("ROLLBACK")
                throw error
            }
            try await other.query("ROLLBACK")
        }

        @Test("a call that finds no free connection ends at its deadline, and says which limit was reached")
        func noConnection() async throws {
            let proxy = try FaultProxy(to: scratch.server.port)
            defer { proxy.stop() }
            // Time enough for the first one to reach the server.
            let store = try await scratch.hastyStore(.seconds(5), at: scratch.server.url(at: proxy.port)) {
                $0.connectionLimit = 1
            }
            proxy.next(.holdReply, to: "insert")
            async let first = storeError { try await store.insert(.sample(), at: .numbered(1)) }
            try await waitUntil("the first one has the connection, and its reply is held") { proxy.isHolding }
            async let second = storeError { try await store.insert(.sample(), at: .numbered(2)) }
            let errors = [try await first, try await second]
            #expect(errors.map(\.?.code) == [.timedOut, .timedOut])
            #expect(errors.count { $0?.message.contains("connectionLimit") == true } == 1)
            proxy.release()
            try await waitUntil("the store works again") {
                try await storeError { try await store.insert(.sample(), at: .numbered(3)) } == nil
            }
        }

        @Test("ST-10 a connection that was given up counts until the server has answered: none takes its place")
        func givenUp() async throws {
            let proxy = try FaultProxy(to: scratch.server.port)
            defer { proxy.stop() }
            let store = try await scratch.hastyStore(.milliseconds(500), at: scratch.server.url(at: proxy.port)) {
                $0.connectionLimit = 1
            }
            try await waitUntil("the store works") {
                try await storeError { try await store.load(.numbered(1)) } == nil
            }
            let connections = proxy.traffic.connections
            proxy.next(.holdReply, to: "insert")
            var number = 0
            func insert() async throws {
                number += 1
                let error = try await storeError { try await store.insert(.sample(), at: .numbered(number)) }
                #expect(error?.code == .timedOut)
            }
            // One that was held up until its deadline has not reached the server.
            try await waitUntil("a reply is held") {
                try await insert()
                return proxy.isHolding
            }
            for _ in 0..<2 { try await insert() }
            #expect(proxy.traffic.connections == connections)
            proxy.release()
            try await waitUntil("the store works again") {
                try await storeError { try await store.insert(.sample(), at: .numbered(1000)) } == nil
            }
        }

        @Test("a call beyond queueLimit fails at once, and is not carried out")
        func queueLimit() async throws {
            let store = try await scratch.store {
                $0.connectionLimit = 1
                $0.queueLimit = 2
            }
            try await lockingTable {
                async let first = store.insert(.sample(), at: .numbered(1))
                try await scratch.other().waitForBlocked()
                async let second = store.insert(.sample(), at: .numbered(2))
                async let third = store.insert(.sample(), at: .numbered(3))
                try await waitUntil("two calls wait") { store.pool.waitingCount == 2 }
                let error = try await storeError { try await store.insert(.sample(), at: .numbered(4)) }
                #expect(error?.code == .unavailable)
                #expect(error?.message.contains("queueLimit") == true)
                try await other.query("ROLLBACK")
                #expect(try await (first, second, third) == (true, true, true))
            }
            #expect(try await store.load(.numbered(4)) == nil)
        }

        @Test("a thousand calls at once use no more connections than they may")
        func connectionLimit() async throws {
            let store = try await scratch.store(at: scratch.server.url + "?application_name=limited") {
                $0.connectionLimit = 3
            }
            let watcher = try await scratch.other()
            func connections() async throws -> String? {
                try await watcher.value("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'limited'")
            }
            // None ends before there are as many as there may be: somebody may still take its key.
            try await other.query(
                """
                BEGIN; INSERT INTO \(scratch.table) (key, payload, version, idle_deadline, absolute_deadline) \
                SELECT 'key-' || n, 'x', 7, 'infinity', 'infinity' FROM generate_series(0, 999) AS n
                """
            )
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<1000 { group.addTask { try await store.insert(.sample(), at: .numbered(number)) } }
                try await waitUntil("there are three connections") { try await connections() == "3" }
                try await other.query("ROLLBACK")
                for try await isInserted in group { #expect(isInserted) }
            }
            #expect(try await connections() == "3")
            #expect(try await store.count() == 1000)
        }

        @Test("a scan does not take every connection: loads and writes go on beside it")
        func scans() async throws {
            let store = try await scratch.store { $0.connectionLimit = 2 }
            #expect(try await store.insert(.sample(), at: .numbered(1)))
            #expect(try await store.insert(.sample(), at: .numbered(2)))
            try await other.query("BEGIN; UPDATE \(scratch.table) SET version = version WHERE key = 'key-2'")
            async let first: Void = store.removeAll()
            async let second: Void = store.removeAll()
            try await scratch.other().waitForBlocked()
            for _ in 0..<20 { #expect(try await store.load(.numbered(1)) != nil) }
            #expect(try await store.insert(.sample(), at: .numbered(3)))
            try await other.query("ROLLBACK")
            _ = try await (first, second)
        }

        @Test("a statement that the server does not finish in time is timedOut, and makes room for another connection")
        func statementDeadline() async throws {
            let store = try await scratch.hastyStore(.milliseconds(300)) { $0.connectionLimit = 1 }
            // Somebody may still take its key. They do not lock the table: a connection could not be opened meanwhile.
            try await other.query(
                """
                BEGIN; INSERT INTO \(scratch.table) (key, payload, version, idle_deadline, absolute_deadline) \
                VALUES ('key-1', 'theirs', 7, 'infinity', 'infinity')
                """
            )
            let error = try await storeError { try await store.insert(.sample(), at: .numbered(1)) }
            #expect(error?.code == .timedOut)
            // The server's own limit began with the statement, a little after the call's. Until it has answered, the store may
            // have no other connection.
            try await waitUntil("there is a connection again") {
                try await storeError { try await store.load(.numbered(1)) } == nil
            }
            try await other.query("ROLLBACK")
            let patient = try await scratch.patientStore()
            #expect(try await patient.load(.numbered(1)) == nil)
            #expect(try await patient.insert(.sample(), at: .numbered(1)))
        }

        @Test("calls after close() are refused, those before it are carried out, and its connections are gone")
        func close() async throws {
            let store = try await scratch.store(at: scratch.server.url + "?application_name=closing")
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<50 { group.addTask { try await store.insert(.sample(), at: .numbered(number)) } }
                for try await isInserted in group { #expect(isInserted) }
            }
            try await store.close()
            try await store.close()
            #expect(try await storeError { try await store.load(.numbered(1)) }?.code == .unavailable)
            try await waitUntil("its connections are gone") {
                try await self.other.value(
                    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'closing'"
                ) == "0"
            }
        }

        @Test("a store that is released without being closed leaves no connection behind")
        func release() async throws {
            do {
                let store = try await scratch.store(at: scratch.server.url + "?application_name=released")
                #expect(try await store.insert(.sample(), at: .numbered(1)))
            }
            try await waitUntil("its connections are gone") {
                try await self.other.value(
                    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'released'"
                ) == "0"
            }
        }

        @Test("a load that the server cannot carry out fails alone, whatever shares its round trip")
        func sharedRoundTrip() async throws {
            let store = try await scratch.store { $0.connectionLimit = 1 }
            for number in 0..<40 { #expect(try await store.insert(.sample(), at: .numbered(number))) }
            let unprepared = PostgresStatement("nothing", .load, [], "")
            try await other.query("BEGIN; UPDATE \(scratch.table) SET version = version WHERE key = 'key-0'")
            // While the only connection waits for this one, the loads collect.
            async let deletion = store.delete(.numbered(0), ifVersion: nil)
            try await scratch.other().waitForBlocked()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 1..<20 {
                    group.addTask {
                        let record = try await store.load(.numbered(number))
                        #expect(record == .sample())
                    }
                }
                try await waitUntil("19 loads wait") { store.pool.waitingCount == 19 }
                group.addTask {
                    let error = try await storeError {
                        try await store.pool.perform(unprepared, PostgresParameters()) { $0.count }
                    }
                    #expect(error?.message.contains("26000") == true)
                }
                try await waitUntil("the one that fails waits") { store.pool.waitingCount == 20 }
                for number in 20..<40 {
                    group.addTask {
                        let record = try await store.load(.numbered(number))
                        #expect(record == .sample())
                    }
                }
                try await waitUntil("39 loads and the one that fails wait") { store.pool.waitingCount == 40 }
                try await other.query("ROLLBACK")
                try await group.waitForAll()
            }
            #expect(try await deletion)
        }

        static let nonsense: [(name: String, change: @Sendable (inout PostgresSessionStore.Configuration) -> Void)] = [
            ("connectionLimit", { $0.connectionLimit = 0 }), ("connectionLimit", { $0.connectionLimit = 201 }),
            ("queueLimit", { $0.queueLimit = 0 }), ("deadline", { $0.deadline = .zero }),
            ("deadline", { $0.deadline = .seconds(86_401) }), ("connectDeadline", { $0.connectDeadline = .zero }),
        ]

        @Test("settings that make no sense are refused, with what to change", arguments: nonsense.indices)
        func settings(_ index: Int) async throws {
            let (name, change) = Self.nonsense[index]
            let error = await #expect(throws: SessionConfigurationError.self) { try await scratch.store(change) }
            #expect(error?.code == .limit)
            #expect(error?.message.contains(name) == true)
        }

        @Test("ten nodes that sweep together delete everything that has expired, once, and nothing else (ST-07)")
        func sweepTogether() async throws {
            try await other.query("SELECT 1")
            let store = try await scratch.store { $0.connectionLimit = 2 }
            try await other.query(
                """
                INSERT INTO \(scratch.table) SELECT 'k' || n, 'x', n, '1970-01-01Z'::timestamptz + n * interval '1 s', \
                'infinity' FROM generate_series(1, 6000) AS n
                """
            )
            var stores = [store]
            for _ in 0..<9 { stores.append(try await scratch.store { $0.connectionLimit = 2 }) }
            let cutoff = Timestamp(microseconds: 5_000_000_000)
            var deleted = 0
            try await withThrowingTaskGroup(of: Int.self) { group in
                for store in stores {
                    group.addTask {
                        var deleted = 0
                        while true {
                            let count = try await store.sweep(expiredBefore: cutoff, limit: 300)
                            deleted += count
                            if count < 300 { return deleted }
                        }
                    }
                }
                for try await count in group { deleted += count }
            }
            #expect(deleted == 4999)
            #expect(try await store.count() == 1001)
        }

        @Test(
            "deadlines do not depend on the connection's time zone",
            arguments: [
                "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "Africa/Monrovia",
            ]
        )
        func timeZone(_ zone: String) async throws {
            let odd = try await scratch.store(at: scratch.server.url + "?options=-c%20TimeZone%3D" + zone)
            let plain = try await scratch.store(at: scratch.server.url + "?options=-c%20TimeZone%3DUTC")
            let record = StoredRecord.sample(idle: 1_767_225_600_123_457, absolute: 1_767_225_600_999_999)
            #expect(try await odd.insert(record, at: .numbered(1)))
            #expect(try await plain.load(.numbered(1)) == record)
            #expect(try await odd.load(.numbered(1)) == record)
            #expect(
                try await other.value("SET TimeZone = 'UTC'; SELECT expires_at::text FROM \(scratch.table)")
                    == "2026-01-01 00:00:00.123457+00"
            )
            #expect(try await plain.sweep(expiredBefore: record.expiresAt, limit: 10) == 0)
            #expect(try await odd.sweep(expiredBefore: record.expiresAt + .microseconds(1), limit: 10) == 1)
        }
    }
}
#endif
