#if Postgres
import Foundation
import HTTPTypes
import Logging
import Sessions
import SessionsTesting
import Synchronization
import TestServers
import Testing

@testable import SessionsPostgres

/// The server that the tests share which do not harm it.
enum SharedServer {
    private static let task = Task {
        try await PostgresServer(settings: ["max_connections=300", "shared_buffers=64MB"])
    }

    static var server: PostgresServer {
        get async throws { try await task.value }
    }
}

/// A table of a test's own, on a server.
final class Scratch: Sendable {
    let server: PostgresServer
    let configuration: PostgresSessionStore.Configuration

    init(
        _ server: PostgresServer,
        _ configure: (inout PostgresSessionStore.Configuration) -> Void = { _ in }
    ) {
        self.server = server
        var configuration = PostgresSessionStore.Configuration()
        configuration.table = "t\(UInt64.random(in: .min ... .max))"
        // No test fails because its machine is busy. One that is about time says which.
        configuration.deadline = .seconds(60)
        configuration.connectDeadline = .seconds(60)
        configure(&configuration)
        self.configuration = configuration
    }

    static func shared(
        _ configure: (inout PostgresSessionStore.Configuration) -> Void = { _ in }
    ) async throws -> Scratch {
        Scratch(try await SharedServer.server, configure)
    }

    /// A store on the table; `url` leads to the server in another way.
    func store(
        at url: String? = nil,
        _ configure: (inout PostgresSessionStore.Configuration) -> Void = { _ in }
    ) async throws -> PostgresSessionStore {
        var configuration = configuration
        configure(&configuration)
        return try await PostgresSessionStore(url ?? server.url, configuration: configuration)
    }

    /// A store whose deadline is short on purpose.
    ///
    /// That is no time for a busy machine: a store with more makes the tables before, and opening is tried again.
    func hastyStore(
        _ deadline: Duration,
        at url: String? = nil,
        _ configure: (inout PostgresSessionStore.Configuration) -> Void = { _ in }
    ) async throws -> PostgresSessionStore {
        try await patientStore().close()
        let end = ContinuousClock.now + .seconds(60)
        while true {
            do {
                return try await store(at: url) {
                    configure(&$0)
                    $0.deadline = deadline
                }
            } catch let error as SessionStoreError {
                guard ContinuousClock.now < end else { throw error }
            }
        }
    }

    /// A store with time, for what is to work.
    func patientStore() async throws -> PostgresSessionStore {
        try await store {
            $0.deadline = .seconds(60)
            $0.connectDeadline = .seconds(60)
        }
    }

    /// The table's name as statements have it.
    var table: String { PostgresSchema(configuration).records }

    /// A connection of a program that is not the store.
    func other() async throws -> OtherProgram { try await OtherProgram(server) }
}

/// A connection of a program that is not the store: an operator's, or somebody's whose transaction stays open.
final class OtherProgram: Sendable {
    private let link: PostgresLink

    init(_ server: PostgresServer, url: String? = nil) async throws {
        var configuration = PostgresSessionStore.Configuration()
        configuration.connectDeadline = .seconds(60)
        let info = try PostgresConnectionInfo(url ?? server.socketURL, configuration: configuration)
        link = try await blocking { try PostgresLink(info) }
    }

    @discardableResult
    func query(_ sql: String) async throws -> [[String?]] {
        let link = link
        return try await blocking { try link.query(sql, until: .now + .seconds(60)) }
    }

    func value(_ sql: String) async throws -> String? {
        try await query(sql).first?.first ?? nil
    }

    /// Returns once `count` statements wait for a lock.
    func waitForBlocked(_ count: Int = 1) async throws {
        try await waitUntil("\(count) statements wait for a lock") {
            try await self.value(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database() "
                    + "AND backend_type = 'client backend'"
            ) == "\(count)"
        }
    }
}

/// A manager that sends again what was lost, however busy the machine is.
func manager(_ store: PostgresSessionStore, _ keys: KeyRing? = nil) throws -> SessionManager {
    var configuration = SessionConfiguration()
    configuration.contentionDeadline = .seconds(60)
    return try SessionManager(
        store: store,
        keys: keys ?? KeyRing([SessionSecret.generate()]),
        configuration: configuration,
        logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }
    )
}

/// Runs blocking code on a thread of its own.
func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
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

extension StoreKey {
    static func numbered(_ number: Int) throws -> StoreKey { try #require(StoreKey("key-\(number)")) }
}

extension StoredRecord {
    static func sample(
        _ text: String = "{}",
        version: UInt64 = 1,
        idle: Int64 = 1_000_000,
        absolute: Int64 = 2_000_000,
        owner: String? = nil
    ) -> StoredRecord {
        StoredRecord(
            payload: Array(text.utf8),
            version: RecordVersion(rawValue: version),
            idleDeadline: Timestamp(microseconds: idle),
            absoluteDeadline: Timestamp(microseconds: absolute),
            owner: owner.map(OwnerKey.init)
        )
    }
}

extension SessionKey<Int> {
    static var number: Self { Self("number", default: 0) }
}
#endif
