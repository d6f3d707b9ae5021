#if SQLite
import CrashHelping
import Foundation
import GRDB
import Sessions
import TestServers
import Testing

@testable import SessionsSQLite

extension SQLiteStoreTests {
    @Suite("kill -9")
    struct CrashTests {
        let scratch: Scratch

        init() throws { scratch = try Scratch() }

        /// How often a process is killed, at least. `make fuzz` sets the environment's `SESSIONS_CRASH_ROUNDS` to 1000.
        static let crashes = ProcessInfo.processInfo.environment["SESSIONS_CRASH_ROUNDS"].flatMap(Int.init) ?? rounds

        /// How often in one directory. After each time all that was ever written there is looked at.
        static let rounds = 8

        /// Each of them has the suite's time limit for itself.
        static let runs = max((crashes + rounds - 1) / rounds, 1)

        @Test(
            "ST-02: what was answered is there, and nothing is half there, whenever the process is killed",
            arguments: 0..<runs
        )
        func kill(run: Int) async throws {
            var history = CrashHistory()
            for round in 0..<Self.rounds {
                let helper = try HelperProcess(
                    "SessionsSQLiteCrashHelper",
                    ["hammer", scratch.path, "round-\(round)", "16"]
                )
                let lines = try await helper.lines(killAfter: .random(in: 1...1500)) { $0.hasPrefix("done") }
                #expect(try await helper.exitCode() == -SIGKILL)
                #expect(history.note(lines) == [])

                let store = try scratch.store()
                #expect(try await history.check(store) == [], "run \(run), round \(round)")
                try await store.close()
                let check = try await scratch.connection().read {
                    try String.fetchOne($0, sql: "PRAGMA integrity_check")
                }
                #expect(check == "ok")
            }
            #expect(history.count > Self.rounds)
        }
    }
}
#endif
