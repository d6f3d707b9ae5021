#if Postgres
import Sessions
import TestServers
import Testing

@testable import SessionsPostgres

extension PostgresStoreTests {
    @Suite("When a standby takes over")
    struct FailoverTests {
        @Test("I1 I2 the primary is killed while 50 clients work, its synchronous standby promoted: the store goes on")
        func promotion() async throws {
            let primary = try await PostgresServer(settings: ["synchronous_standby_names=heir"])
            // It names its own standby from the start: a store that asks for standbys refuses a server that names none.
            let heir = try await PostgresServer(
                standbyOf: primary,
                named: "heir",
                settings: ["synchronous_standby_names=next", "wal_retrieve_retry_interval=100ms"]
            )
            let scratch = Scratch(primary) {
                $0.confirmation = .standbys
                $0.connectDeadline = .seconds(5)
            }
            let operatorsView = try await scratch.other()
            try await waitUntil("the standby confirms") {
                try await operatorsView.value("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'")
                    == "1"
            }
            let both = "postgresql://postgres@127.0.0.1:\(primary.port),127.0.0.1:\(heir.port)/postgres"
            let store = try await scratch.hastyStore(.seconds(5), at: both)
            let keys = try KeyRing([SessionSecret.generate()])
            let crowd = Crowd(sessions: try manager(store, keys), clients: 50)
            let next = try await crowd.work(whileRunning: {
                try await crowd.waitForCommits(300)
                try await primary.crash()
                let killed = ContinuousClock.now
                try await heir.promote()
                let promoted = ContinuousClock.now
                let next = try heir.startStandby(named: "next")
                try await crowd.waitForEverybody()
                report(
                    "a standby took over \(promoted - killed) after the kill, all 50 clients again "
                        + "\(ContinuousClock.now - promoted) after that"
                )
                return next
            })
            // Another process would see the same.
            let other = try await scratch.store(at: heir.url) { $0.connectDeadline = .seconds(60) }
            #expect(try await crowd.violations(seenBy: manager(other, keys)) == [])
            report("a standby took over: \(crowd.summary)")
            try await store.close()
            try await other.close()
            await next.crash()
            try await heir.stop()
            // The next start removes what it left in shared memory.
            try await primary.start()
            try await primary.stop()
        }
    }
}
#endif
