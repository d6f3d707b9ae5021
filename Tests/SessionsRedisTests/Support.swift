#if Redis
import Sessions
import SessionsRedis
import SessionsTesting
import Synchronization
import TestServers
import Testing

/// A server that is started when the first test asks for it, and shared by a suite.
///
/// Whoever is the last to let go of it ends it; until then it serves everybody.
actor Shared<Server: Sendable> {
    private let start: @Sendable () async throws -> Server
    private var starting: Task<Server, any Error>?

    init(_ start: @escaping @Sendable () async throws -> Server) { self.start = start }

    var server: Server {
        get async throws {
            if let starting { return try await starting.value }
            let task = Task { [start] in try await start() }
            starting = task
            return try await task.value
        }
    }

    /// Ends it. The next who asks gets a new one.
    func end() { starting = nil }
}

enum Servers {
    static let standalone = Shared { try await RedisServer() }
    /// One where nobody takes over from a server that a busy machine holds up.
    static let cluster = Shared { try await RedisClusterGroup(RedisClusterGroup.patience) }
}

extension RedisServer {
    var address: RedisAddress { .host("127.0.0.1", port: port) }

    /// A client that gives a busy machine time: where a test is about a deadline it says which.
    func client(_ configure: (inout RedisClient.Configuration) -> Void = { _ in }) throws -> RedisClient {
        var configuration = RedisClient.Configuration(.standalone(address))
        configuration.connectDeadline = .seconds(20)
        configuration.callDeadline = .seconds(30)
        configure(&configuration)
        return try RedisClient(configuration)
    }

    /// A store with keys of its own.
    func store(
        _ client: RedisClient? = nil,
        _ configure: (inout RedisSessionStore.Configuration) -> Void = { _ in }
    ) throws -> RedisSessionStore {
        try RedisSessionStore(client: client ?? self.client(), configuration: .fresh(configure))
    }
}

extension RedisSessionStore.Configuration {
    private static let count = Atomic(0)

    /// With a prefix that no other test has.
    static func fresh(_ configure: (inout Self) -> Void = { _ in }) -> Self {
        var configuration = Self()
        configuration.keyPrefix = "test-\(count.wrappingAdd(1, ordering: .relaxed).newValue):"
        configure(&configuration)
        return configuration
    }
}

extension RedisClusterGroup {
    func client(_ configure: (inout RedisClient.Configuration) -> Void = { _ in }) throws -> RedisClient {
        var configuration = RedisClient.Configuration(.cluster(nodes.prefix(2).map(\.address)))
        configuration.connectDeadline = .seconds(20)
        configuration.callDeadline = .seconds(30)
        configure(&configuration)
        return try RedisClient(configuration)
    }
}

extension StoredRecord {
    /// A record that lives for a while.
    static func sample(
        _ text: String = "{}",
        version: RecordVersion = .random(),
        idle: Duration = .seconds(3600),
        absolute: Duration = .seconds(86_400),
        owner: String? = nil
    ) -> StoredRecord {
        let now = SystemSessionClock().now()
        return StoredRecord(
            payload: Array(text.utf8),
            version: version,
            idleDeadline: now + idle,
            absoluteDeadline: now + absolute,
            owner: owner.map { OwnerKey($0) }
        )
    }
}

/// What `body` returns, once it is answered.
///
/// A deadline that is short on purpose is no time for a busy machine: what is to work is asked again while it misses it, for
/// a minute at most.
func answered<Value>(_ body: () async throws -> Value) async throws -> Value {
    let end = ContinuousClock.now + .seconds(60)
    while true {
        do {
            return try await body()
        } catch let error as SessionStoreError {
            guard ContinuousClock.now < end else { throw error }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

/// The store's error that `body` throws.
func storeError(_ body: () async throws -> some Any) async throws -> SessionStoreError? {
    do {
        _ = try await body()
        return nil
    } catch let error as SessionStoreError {
        return error
    }
}
#endif
