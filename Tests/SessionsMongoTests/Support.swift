#if Mongo
import Foundation
import Logging
import Sessions
import SessionsTesting
import TestServers
import Testing

@testable import SessionsMongo

/// The servers that the tests share which do not harm them.
enum SharedServers {
    private static let standaloneTask = Task { try await MongoServer() }
    // Nothing is elected anew because the machine is busy.
    private static let replicaSetTask = Task { try await MongoReplicaSet(electable: 1, electionTimeout: 10_000) }

    static var standalone: MongoServer {
        get async throws { try await standaloneTask.value }
    }

    static var replicaSet: MongoReplicaSet {
        get async throws { try await replicaSetTask.value }
    }
}

/// A collection of a test's own, on a server.
final class Scratch: Sendable {
    let url: String
    let configuration: MongoSessionStore.Configuration

    init(_ url: String, _ configure: (inout MongoSessionStore.Configuration) -> Void = { _ in }) {
        self.url = url
        var configuration = MongoSessionStore.Configuration()
        configuration.collection = "t\(UInt64.random(in: .min ... .max))"
        // No test fails because its machine is busy. One that is about time says which.
        configuration.deadline = .seconds(60)
        configuration.connectDeadline = .seconds(60)
        configure(&configuration)
        self.configuration = configuration
    }

    static func standalone(
        _ configure: (inout MongoSessionStore.Configuration) -> Void = { _ in }
    ) async throws -> Scratch {
        Scratch(try await SharedServers.standalone.url, configure)
    }

    static func replicaSet(
        _ configure: (inout MongoSessionStore.Configuration) -> Void = { _ in }
    ) async throws -> Scratch {
        Scratch(try await SharedServers.replicaSet.url, configure)
    }

    /// A store on the collection; `url` leads to the server in another way.
    func store(
        at url: String? = nil,
        _ configure: (inout MongoSessionStore.Configuration) -> Void = { _ in }
    ) async throws -> MongoSessionStore {
        var configuration = configuration
        configure(&configuration)
        return try await MongoSessionStore(url ?? self.url, configuration: configuration)
    }

    /// A store whose deadline is short on purpose.
    ///
    /// That is no time for a busy machine: a store with more makes the collection before, and opening is tried again.
    func hastyStore(
        _ deadline: Duration,
        at url: String? = nil,
        _ configure: (inout MongoSessionStore.Configuration) -> Void = { _ in }
    ) async throws -> MongoSessionStore {
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
    func patientStore() async throws -> MongoSessionStore {
        try await store {
            $0.deadline = .seconds(60)
            $0.connectDeadline = .seconds(60)
        }
    }

    /// What another program does to the database; `@` stands for the collection's name.
    @discardableResult
    func other(_ json: String) async throws -> String {
        let json = json.replacingOccurrences(of: "@", with: configuration.collection)
        return try await MongoShell.run(json, in: configuration.database ?? "test", at: url)
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

/// The refusal that `body` throws.
func configurationError(_ body: () async throws -> some Any) async throws -> SessionConfigurationError? {
    do {
        _ = try await body()
        return nil
    } catch let error as SessionConfigurationError {
        return error
    }
}

func manager(_ store: MongoSessionStore, _ keys: KeyRing? = nil) throws -> SessionManager {
    var configuration = SessionConfiguration()
    // What was lost is sent again however busy the machine is.
    configuration.contentionDeadline = .seconds(60)
    return try SessionManager(
        store: store,
        keys: keys ?? KeyRing([SessionSecret.generate()]),
        configuration: configuration,
        logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }
    )
}

/// Says what was measured: a test asserts no time.
func report(_ text: String) { print("MongoDB: \(text)") }

extension StoreKey {
    static func numbered(_ number: Int) throws -> StoreKey { try #require(StoreKey("key-\(number)")) }
}

extension RecordVersion {
    static let first = RecordVersion(rawValue: 1)
}

extension StoredRecord {
    /// A record that is over in a thousand seconds, or as many as are given.
    static func sample(
        _ text: String = "{}",
        version: UInt64 = 1,
        seconds: Int = 1000,
        owner: String? = nil
    ) -> StoredRecord {
        let start = Timestamp(microseconds: Int64(Date().timeIntervalSince1970) * 1_000_000)
        return StoredRecord(
            payload: Array(text.utf8),
            version: RecordVersion(rawValue: version),
            idleDeadline: start + .seconds(seconds),
            absoluteDeadline: start + .seconds(seconds + 1000),
            owner: owner.map(OwnerKey.init)
        )
    }
}

extension SessionKey<Int> {
    static var number: Self { Self("number", default: 0) }
}
#endif
