import Sessions
import SessionsRedis
import SessionsSQLite

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The store of the shop's sessions.
enum ShopStore {
    case sqlite(SQLiteSessionStore)
    case memory(MemorySessionStore)
    case redis(RedisSessionStore)

    /// Opens the store that the options ask for.
    init(_ options: ShopOptions) throws {
        switch options.store {
        case .memory: self = .memory(try MemorySessionStore())
        case .sqlite:
            try Self.makeDirectory(of: options.database)
            self = .sqlite(try SQLiteSessionStore(path: options.database))
        case .redis:
            // The key file stands there.
            try Self.makeDirectory(of: options.database)
            self = .redis(try RedisSessionStore(url: options.redis))
        }
    }

    /// What the session manager works with.
    var sessions: any SessionStore {
        switch self {
        case .sqlite(let store): store
        case .memory(let store): store
        case .redis(let store): store
        }
    }

    /// Finishes what was begun.
    func close() async throws {
        switch self {
        case .sqlite(let store): try await store.close()
        case .redis(let store): store.close()
        case .memory: break
        }
    }

    /// Makes the directory that the database stands in, readable by its owner only, if its parent exists.
    private static func makeDirectory(of path: String) throws {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
        let directory = String(path[..<slash])
        guard mkdir(directory, 0o700) != 0, errno != EEXIST else { return }
        throw StartFailure(
            description: "The directory \(directory) cannot be made: \(String(cString: strerror(errno))). "
                + "Choose another --database."
        )
    }
}
