import Sessions
import SessionsMongo
import SessionsPostgres
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
    case postgres(PostgresSessionStore)
    case redis(RedisSessionStore)
    /// The sessions are those of a Node service.
    case express(ConnectRedisStore)
    /// The sessions come from a Node service's.
    case moving(RedisSessionStore, from: ConnectRedisStore)
    case mongo(MongoSessionStore)
    case file(FileSessionStore)
    /// The sessions live in their cookies.
    case cookie

    /// Opens the store that the options ask for.
    init(_ options: ShopOptions) async throws {
        switch options.store {
        case .memory: self = .memory(try MemorySessionStore())
        case .sqlite:
            try Self.makeDirectory(of: options.database)
            self = .sqlite(try SQLiteSessionStore(path: options.database))
        case .postgres:
            // The file of keys stands where the database would.
            try Self.makeDirectory(of: options.database)
            self = .postgres(try await PostgresSessionStore(environment: "DATABASE_URL"))
        case .redis:
            // The file of keys stands where the database would.
            try Self.makeDirectory(of: options.database)
            let url = getenv("REDIS_URL").map { String(cString: $0) } ?? "redis://127.0.0.1:6379"
            switch options.express {
            case nil: self = .redis(try RedisSessionStore(url: url))
            case .beside: self = .express(try ConnectRedisStore(url: url))
            case .moving: self = .moving(try RedisSessionStore(url: url), from: try ConnectRedisStore(url: url))
            }
        case .mongo:
            // The file of keys stands where the database would.
            try Self.makeDirectory(of: options.database)
            self = .mongo(try await MongoSessionStore(environment: "MONGODB_URL"))
        case .file:
            try Self.makeDirectory(of: options.database)
            try Self.makeDirectory(of: options.directory + "/sessions")
            self = .file(try FileSessionStore(directory: options.directory))
        case .cookie:
            try Self.makeDirectory(of: options.database)
            self = .cookie
        }
    }

    /// What the session manager works with; `nil` if there is nothing to keep.
    var sessions: (any SessionStore)? {
        switch self {
        case .sqlite(let store): store
        case .memory(let store): store
        case .postgres(let store): store
        case .redis(let store), .moving(let store, _): store
        case .express(let store): store
        case .mongo(let store): store
        case .file(let store): store
        case .cookie: nil
        }
    }

    /// Finishes what was begun.
    func close() async throws {
        switch self {
        case .sqlite(let store): try await store.close()
        case .postgres(let store): try await store.close()
        case .redis(let store): store.close()
        case .express(let store): store.close()
        case .moving(let store, let old):
            store.close()
            old.close()
        case .mongo(let store): try await store.close()
        case .file(let store): try await store.close()
        case .memory, .cookie: break
        }
    }

    /// Makes the directory that the database stands in, readable by its owner only, if its parent exists.
    private static func makeDirectory(of path: String) throws {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
        let directory = String(path[..<slash])
        guard mkdir(directory, 0o700) != 0, errno != EEXIST else { return }
        throw StartFailure(
            description: "The directory \(directory) cannot be made: \(String(cString: strerror(errno))). "
                + "Choose another --database or --directory."
        )
    }
}
