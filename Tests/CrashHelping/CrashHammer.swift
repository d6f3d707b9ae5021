import Foundation
package import Sessions

/// What the processes do that tests kill, or let compete, on a store of any kind.
package enum CrashHammer {
    /// Writes as fast as it can until the process is killed, with as many tasks as asked for.
    ///
    /// Each line is in the pipe before the next step: `begin` with the state that the write leads to before it is sent,
    /// `done` after it was answered. ``CrashHistory`` reads them.
    package static func hammer(_ store: some SessionStore, prefix: String, tasks: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<tasks {
                group.addTask {
                    guard let key = StoreKey("\(prefix)-\(task)") else { exit(65) }
                    try await hammer(store, key: key)
                }
            }
            try await group.waitForAll()
        }
    }

    private static func hammer(_ store: some SessionStore, key: StoreKey) async throws {
        var record = StoredRecord(
            payload: [],
            version: .random(),
            idleDeadline: Timestamp(microseconds: 1),
            absoluteDeadline: .distantFuture
        )
        for step in 0... {
            let present = record.version
            let kind = step % 8
            switch kind {
            case 3: record.idleDeadline.microseconds += 1
            case 7: break
            default:
                record.version = .random()
                record.payload = payload(kind == 6 ? 20_000 : .random(in: 0...5000))
            }
            say("begin \(key) \(step) \(kind == 7 ? "gone" : CrashHistory.state(of: record))")
            let succeeded =
                switch kind {
                case 0: try await store.insert(record, at: key)
                case 3: try await store.touch(key, until: record.idleDeadline, ifVersion: present)
                case 7: try await store.delete(key, ifVersion: present)
                default: try await store.replace(record, at: key, ifVersion: present) == .replaced
                }
            say("\(succeeded ? "done" : "wrong") \(key) \(step)")
        }
    }

    /// Adds one to the number in a record, many times, against whoever does the same.
    ///
    /// - Returns: what to exit with: 0, or 66 if there is no record, or 67 if it went away.
    package static func count(_ store: some SessionStore, key: StoreKey, times: Int) async throws -> Int32 {
        for _ in 0..<times {
            guard var current = try await store.load(key) else { return 66 }
            while true {
                var next = current
                next.version = .random()
                let number = (Int(String(decoding: current.payload, as: UTF8.self)) ?? 0) + 1
                next.payload = Array("\(number)".utf8)
                let outcome = try await store.replace(next, at: key, ifVersion: current.version)
                if outcome == .replaced { break }
                guard case .conflict(let newer?) = outcome else { return 67 }
                current = newer
            }
        }
        return 0
    }

    /// Bytes that no other payload has.
    private static func payload(_ length: Int) -> [UInt8] {
        let pattern = UInt64.random(in: 0 ... .max)
        return (0..<length).map { UInt8(truncatingIfNeeded: (pattern &+ UInt64($0)) >> (UInt64($0 % 8) * 8)) }
    }

    /// Becomes a user who owns nothing, if this is root.
    package static func becomeNobody() {
        guard getuid() != 0 || (setgid(65534) == 0 && setuid(65534) == 0) else { exit(68) }
    }

    /// Puts a line into the pipe to the test.
    package static func say(_ line: String) {
        FileHandle.standardOutput.write(Data("\(line)\n".utf8))
    }
}
