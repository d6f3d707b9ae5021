#if SQLite
import Foundation
import Sessions
import SessionsSQLite

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The other process of the SQLite store's tests: one that is killed, one that competes, one that may not write.
@main
struct CrashHelper {
    static func main() async throws {
        // The test waits for this process; it must not wait for ever.
        alarm(240)
        let arguments = CommandLine.arguments
        switch (arguments.dropFirst().first, arguments.count) {
        case ("hammer", 5):
            try await hammer(path: arguments[2], prefix: arguments[3], tasks: Int(arguments[4]) ?? 1)
        case ("count", 5):
            try await count(path: arguments[2], key: arguments[3], times: Int(arguments[4]) ?? 1)
        case ("nobody", 3):
            await openAsNobody(path: arguments[2])
        default:
            exit(64)
        }
    }

    /// Writes as fast as it can until it is killed.
    ///
    /// Each line is in the pipe before the next step: `begin` with the state that the write leads to before it is sent,
    /// `done` after it was answered.
    static func hammer(path: String, prefix: String, tasks: Int) async throws {
        let store = try SQLiteSessionStore(path: path)
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

    static func hammer(_ store: SQLiteSessionStore, key: StoreKey) async throws {
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
            say("begin \(key) \(step) \(kind == 7 ? "gone" : state(of: record))")
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
    static func count(path: String, key: String, times: Int) async throws {
        let store = try SQLiteSessionStore(path: path)
        guard let key = StoreKey(key) else { exit(65) }
        for _ in 0..<times {
            guard var current = try await store.load(key) else { exit(66) }
            while true {
                var next = current
                next.version = .random()
                let number = (Int(String(decoding: current.payload, as: UTF8.self)) ?? 0) + 1
                next.payload = Array("\(number)".utf8)
                switch try await store.replace(next, at: key, ifVersion: current.version) {
                case .replaced: break
                case .conflict(let newer?):
                    current = newer
                    continue
                case .conflict(nil), .gone: exit(67)
                }
                break
            }
        }
        try await store.close()
    }

    /// Opens the store as a user who owns nothing, and says what came of it.
    static func openAsNobody(path: String) async {
        guard getuid() != 0 || (setgid(65534) == 0 && setuid(65534) == 0) else { exit(68) }
        do {
            let store = try SQLiteSessionStore(path: path)
            try await store.close()
            say("opened")
        } catch let error as SessionStoreError {
            say(error.code.description)
        } catch {
            say("\(error)")
        }
    }

    /// Bytes that no other payload has.
    static func payload(_ length: Int) -> [UInt8] {
        let pattern = UInt64.random(in: 0 ... .max)
        return (0..<length).map { UInt8(truncatingIfNeeded: (pattern &+ UInt64($0)) >> (UInt64($0 % 8) * 8)) }
    }

    static func state(of record: StoredRecord) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in record.payload { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return "\(record.version.rawValue)/\(record.idleDeadline.microseconds)/\(record.payload.count)/\(hash)"
    }

    static func say(_ line: String) {
        FileHandle.standardOutput.write(Data("\(line)\n".utf8))
    }
}
#else
/// Nothing to do without the trait SQLite.
@main
struct CrashHelper {
    static func main() {}
}
#endif
