#if SQLite
import Foundation
import GRDB
import Sessions
import Testing

@testable import SessionsSQLite

extension SQLiteStoreTests {
    @Suite("kill -9")
    struct CrashTests {
        let scratch: Scratch

        init() throws { scratch = try Scratch() }

        /// What a helper said about one key: the states its writes lead to, and how many of them were answered.
        struct History {
            var states: [String] = []
            var answered = 0
        }

        /// How often a process is killed; more with the environment's `SESSIONS_CRASH_ROUNDS`.
        static let rounds = ProcessInfo.processInfo.environment["SESSIONS_CRASH_ROUNDS"].flatMap(Int.init) ?? 8

        @Test("ST-02: what was answered is there, and nothing is half there, whenever the process is killed")
        func kill() async throws {
            var histories: [String: History] = [:]
            for round in 0..<Self.rounds {
                let helper = try Helper(["hammer", scratch.path, "round-\(round)", "16"])
                let lines = try await helper.lines(killAfter: .random(in: 1...1500)) { $0.hasPrefix("done") }
                #expect(try await helper.exitCode() == -SIGKILL)
                try note(lines, in: &histories)

                let store = try scratch.store()
                for (text, history) in histories {
                    let key = try #require(StoreKey(text))
                    let state = try await store.load(key).map(state) ?? "gone"
                    // A write that was under way may have come to be or not: the state before it, or the one after.
                    let last = history.answered == 0 ? "gone" : history.states[history.answered - 1]
                    let allowed = [last] + history.states[history.answered...]
                    #expect(allowed.count <= 2)
                    #expect(allowed.contains(state), "round \(round), \(text): \(state) is not among \(allowed)")
                    // From now on this is what every later round has to find.
                    histories[text] = History(states: [state], answered: 1)
                }
                try await store.close()
                let check = try await scratch.connection().read {
                    try String.fetchOne($0, sql: "PRAGMA integrity_check")
                }
                #expect(check == "ok")
            }
            #expect(histories.count > Self.rounds)
        }

        func note(_ lines: [Substring], in histories: inout [String: History]) throws {
            for line in lines {
                let words = line.split(separator: " ").map(String.init)
                var history = histories[words[1], default: History()]
                switch words[0] {
                case "begin": history.states.append(words[3])
                case "done": history.answered += 1
                default: Issue.record("the helper says: \(line)")
                }
                histories[words[1]] = history
            }
        }

        func state(of record: StoredRecord) -> String {
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325
            for byte in record.payload { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            return "\(record.version.rawValue)/\(record.idleDeadline.microseconds)/\(record.payload.count)/\(hash)"
        }
    }
}
#endif
