#if SQLite
import CrashHelping
import Foundation
import Sessions
import SessionsSQLite

/// The other process of the SQLite store's tests: one that is killed, one that competes, one that may not write.
@main
struct CrashHelper {
    static func main() async throws {
        // The test waits for this process; it must not wait for ever.
        alarm(240)
        let arguments = CommandLine.arguments
        switch (arguments.dropFirst().first, arguments.count) {
        case ("hammer", 5):
            let store = try store(arguments[2])
            try await CrashHammer.hammer(store, prefix: arguments[3], tasks: Int(arguments[4]) ?? 1)
        case ("count", 5):
            guard let key = StoreKey(arguments[3]) else { exit(65) }
            let store = try store(arguments[2])
            let code = try await CrashHammer.count(store, key: key, times: Int(arguments[4]) ?? 1)
            if code != 0 { exit(code) }
            try await store.close()
        case ("nobody", 3):
            await openAsNobody(path: arguments[2])
        default:
            exit(64)
        }
    }

    /// A store whose calls do not fail because the machine is busy.
    private static func store(_ path: String) throws -> SQLiteSessionStore {
        var configuration = SQLiteSessionStore.Configuration()
        configuration.busyTimeout = .seconds(120)
        configuration.deadline = .seconds(240)
        return try SQLiteSessionStore(path: path, configuration: configuration)
    }

    /// Opens the store as a user who owns nothing, and says what came of it.
    static func openAsNobody(path: String) async {
        CrashHammer.becomeNobody()
        do {
            let store = try SQLiteSessionStore(path: path)
            try await store.close()
            CrashHammer.say("opened")
        } catch let error as SessionStoreError {
            CrashHammer.say(error.code.description)
        } catch {
            CrashHammer.say("\(error)")
        }
    }
}
#else
/// Nothing to do without the trait SQLite.
@main
struct CrashHelper {
    static func main() {}
}
#endif
