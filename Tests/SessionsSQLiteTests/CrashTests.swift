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

        /// How often a process is killed; more with the environment's `SESSIONS_CRASH_ROUNDS`.
        static let rounds = ProcessInfo.processInfo.environment["SESSIONS_CRASH_ROUNDS"].flatMap(Int.init) ?? 8

        @Test("ST-02: what was answered is there, and nothing is half there, whenever the process is killed")
        func kill() async throws {
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
                #expect(try await history.check(store) == [], "round \(round)")
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
