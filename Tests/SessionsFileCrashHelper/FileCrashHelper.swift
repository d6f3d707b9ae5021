import CrashHelping
import Foundation
import Logging
import Sessions

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The other process of the file store's tests: one that is killed or stopped, one that competes, one that may not write.
@main
struct FileCrashHelper {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 3 else { exit(64) }
        // The test waits for this process; it must not wait for ever.
        alarm(arguments[1] == "measure" ? 3600 : 240)
        let (directory, rest) = (arguments[2], Array(arguments.dropFirst(3)))
        switch (arguments[1], rest.count) {
        case ("hammer", 2):
            try await CrashHammer.hammer(
                store(directory, FileSteps()),
                prefix: rest[0],
                tasks: Int(rest[1]) ?? 1
            )
        case ("count", 2):
            guard let key = StoreKey(rest[0]) else { exit(65) }
            let store = try store(directory, FileSteps())
            exit(try await CrashHammer.count(store, key: key, times: Int(rest[1]) ?? 1))
        case ("countInRemixFile", 2):
            guard let key = StoreKey(rest[0]) else { exit(65) }
            let store = try RemixFileStore(directory: directory)
            exit(try await CrashHammer.count(store, key: key, times: Int(rest[1]) ?? 1))
        case ("sweep", 0): try await sweep(directory)
        case ("dieBefore", 1): try await die(directory, rest[0], before: true)
        case ("dieAfter", 1): try await die(directory, rest[0], before: false)
        case ("hold", 1): try await hold(directory, rest[0])
        case ("nobody", 0): await openAsNobody(directory)
        case ("limited", 2): try await writeLimited(directory, rest[0], limit: UInt64(rest[1]) ?? 0)
        case ("measure", 1): try await FileMeasurement(directory: directory, count: Int(rest[0]) ?? 0).run()
        default: exit(64)
        }
    }

    /// Sweeps everything in small portions until it is killed, or nothing is left.
    static func sweep(_ directory: String) async throws {
        let store = try store(directory, FileSteps())
        while true {
            let deleted = try await store.sweep(expiredBefore: Timestamp(microseconds: 10), limit: 7)
            CrashHammer.say("swept \(deleted)")
            if deleted < 7 { return }
        }
    }

    /// Replaces the record at `key` and dies on the way.
    static func die(_ directory: String, _ key: String, before: Bool) async throws {
        var steps = FileSteps()
        if before {
            steps.beforeMove = { kill(getpid(), SIGKILL) }
        } else {
            // It has its place, and the disk has not confirmed that.
            steps.beforeForce = { if $0 == "records" { kill(getpid(), SIGKILL) } }
        }
        let store = try store(directory, steps)
        guard let key = StoreKey(key), var record = try await store.load(key) else { exit(65) }
        let version = record.version
        record.version = .random()
        record.payload = Array("written by the one that died".utf8)
        record.owner = OwnerKey("app:died")
        record.idleDeadline = Timestamp(microseconds: 1)
        _ = try await store.replace(record, at: key, ifVersion: version)
    }

    /// Begins to insert a record at `key`, says so, and never comes to an end: it has the lock.
    static func hold(_ directory: String, _ key: String) async throws {
        var steps = FileSteps()
        steps.beforeMove = {
            CrashHammer.say("held")
            while true { sleep(1) }
        }
        guard let key = StoreKey(key) else { exit(65) }
        let record = StoredRecord(
            payload: [],
            version: .random(),
            idleDeadline: .distantFuture,
            absoluteDeadline: .distantFuture
        )
        _ = try await store(directory, steps).insert(record, at: key)
    }

    /// A store whose calls do not fail because the machine is busy.
    private static func store(_ directory: String, _ steps: FileSteps) throws -> FileSessionStore {
        var configuration = FileSessionStore.Configuration()
        configuration.lockTimeout = .seconds(120)
        configuration.deadline = .seconds(300)
        return try FileSessionStore(
            directory: directory,
            configuration: configuration,
            logger: Logger(label: "helper") { _ in SwiftLogNoOpLogHandler() },
            steps: steps
        )
    }

    /// Opens the store as a user who owns nothing, and says what came of it.
    static func openAsNobody(_ directory: String) async {
        CrashHammer.becomeNobody()
        do {
            try await FileSessionStore(directory: directory).close()
            CrashHammer.say("opened")
        } catch let error as SessionStoreError {
            CrashHammer.say(error.code.description)
        } catch {
            CrashHammer.say("\(error)")
        }
    }

    /// Replaces the record at `key` by one that no file may be large enough for, and says what came of it.
    static func writeLimited(_ directory: String, _ key: String, limit: UInt64) async throws {
        signal(SIGXFSZ, SIG_IGN)
        var size = rlimit(rlim_cur: rlim_t(limit), rlim_max: rlim_t(limit))
        #if canImport(Glibc)
        guard setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &size) == 0 else { exit(69) }
        #else
        guard setrlimit(RLIMIT_FSIZE, &size) == 0 else { exit(69) }
        #endif
        let store = try FileSessionStore(directory: directory)
        guard let key = StoreKey(key), var record = try await store.load(key) else { exit(65) }
        let version = record.version
        record.version = .random()
        record.payload = Array(repeating: 7, count: Int(limit) * 2)
        do {
            CrashHammer.say("\(try await store.replace(record, at: key, ifVersion: version))")
        } catch let error as SessionStoreError {
            CrashHammer.say(error.code.description)
        }
        record.payload = Array("small".utf8)
        CrashHammer.say("\(try await store.replace(record, at: key, ifVersion: version))")
    }
}
