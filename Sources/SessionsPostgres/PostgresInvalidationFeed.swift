#if Postgres
import Foundation
public import Sessions
import Synchronization

/// Tells other nodes of changes by way of a PostgreSQL server: `NOTIFY` and `LISTEN` on one channel.
///
/// ```swift
/// let feed = try PostgresInvalidationFeed(environment: "DATABASE_URL")
/// let store = try await TieredSessionStore(PostgresSessionStore(environment: "DATABASE_URL"), feed: feed)
/// ```
///
/// It has one connection, for both, and a thread that waits for it: nothing blocks a thread of Swift's cooperative pool. What
/// changes while a notification is under way goes out together in the next one; each has less than the 8000 bytes that the
/// server takes. PostgreSQL loses no notification while a connection lasts. One that is lost, or dead by
/// ``Configuration/heartbeat``, is a `gap`, and is made anew.
///
/// Every role of a database may listen on any of its channels, so messages hold digests of keys (see `KeyDigest`). One feed
/// serves one tier: it leaves out what it sent itself.
public final class PostgresInvalidationFeed: InvalidationFeed {
    private let info: PostgresConnectionInfo
    private let configuration: Configuration
    private let outgoing: InvalidationQueue
    private let incoming: InvalidationQueue
    private let identity = UInt64.random(in: .min ... .max)
    private let isListening = Atomic(false)

    /// Creates a feed on the database that `connection` leads to. It connects when it begins to listen.
    ///
    /// - Parameters:
    ///   - connection: What libpq connects with; see ``PostgresSessionStore/init(_:configuration:)``. PgBouncer has to be in
    ///     session mode.
    ///   - configuration: How the feed uses the server.
    /// - Throws: `SessionConfigurationError` for a setting that makes no sense, a connection string that libpq does not
    ///   understand, and a connection that would leave the machine without proof of the server's identity.
    public init(_ connection: String, configuration: Configuration = Configuration()) throws {
        try configuration.validate()
        info = try PostgresConnectionInfo(connection, configuration: configuration.connecting)
        self.configuration = configuration
        outgoing = InvalidationQueue(limit: configuration.bufferLimit)
        incoming = InvalidationQueue(limit: configuration.bufferLimit)
    }

    /// Creates a feed on the database that the value of an environment variable leads to.
    ///
    /// - Throws: `SessionConfigurationError` if the variable is not set or empty, and what ``init(_:configuration:)`` throws.
    public convenience init(environment variable: String, configuration: Configuration = Configuration()) throws {
        guard let connection = ProcessInfo.processInfo.environment[variable], !connection.isEmpty else {
            throw SessionConfigurationError(
                .store,
                "The environment variable \(variable) is not set. Set it to the database's URI, such as "
                    + "postgresql://user@host/database?sslmode=verify-full."
            )
        }
        try self.init(connection, configuration: configuration)
    }

    /// Tells the other nodes, with the next notification.
    public func send(_ news: Invalidation) { outgoing.add(news) }

    /// Calls `handler` with what other nodes send, until the task is cancelled.
    ///
    /// - Throws: `CancellationError`; `SessionConfigurationError` with code `store` if it listens already;
    ///   `SessionStoreError` if the first attempt finds that it cannot ever listen: `notPermitted` or `unusable`.
    public func listen(_ handler: @escaping @Sendable (Invalidation) -> Void) async throws {
        guard !isListening.exchange(true, ordering: .acquiringAndReleasing) else {
            throw SessionConfigurationError(
                .store,
                "A feed serves one tier: what it sent itself it does not tell. Give each TieredSessionStore a feed of its own."
            )
        }
        defer { isListening.store(false, ordering: .releasing) }
        let listener = try PostgresListener(
            info: info,
            configuration: configuration,
            sender: identity,
            outgoing: outgoing,
            incoming: incoming
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.incoming.deliver(to: handler) }
            group.addTask { try await listener.run() }
            defer { group.cancelAll() }
            try await group.next()
        }
        throw CancellationError()
    }
}
#endif
