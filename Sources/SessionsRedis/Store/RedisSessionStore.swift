#if Redis
public import Sessions
import SessionsRedisCodec
import Synchronization

/// Keeps records in Redis or Valkey: one server, Sentinel, or a cluster.
///
/// ```swift
/// let store = try RedisSessionStore(url: "redis://localhost:6379")
/// ```
///
/// A session is one key, and each operation on it one command: `GET`, `SET … NX`, `DEL`, or a script that compares and
/// writes in one step on the server. There is no command that writes whatever is there. Keys expire on the server at the
/// session's deadline plus ``Configuration/skewAllowance``: there is nothing to sweep.
///
/// What an answered write survives is ``Configuration/confirmation``'s to say; see the module's page.
///
/// Cancelling the task of a caller does not cut a method short; the client's deadline bounds how long it takes. Every
/// method throws `SessionStoreError`, whose message says what to change.
public final class RedisSessionStore: Sendable {
    let client: any RedisCommandClient
    let keys: RedisKeys
    let configuration: Configuration
    private let owned: RedisClient?
    /// How long a method may take, where the client says it.
    private let callDeadline: Duration?
    /// Keys with a write whose confirmation did not come. What a load finds there does not count before replicas have it.
    private let unconfirmed = Mutex(DoubtfulKeys())

    /// Creates a store with a client of its own; it connects when it is first used.
    ///
    /// - Parameters:
    ///   - url: See ``RedisClient/Configuration/init(url:)``.
    ///   - configuration: How the store uses the server.
    /// - Throws: `SessionConfigurationError` with code `store` if the URL or the configuration does not make sense.
    public convenience init(url: String, configuration: Configuration = Configuration()) throws {
        let client = try RedisClient(url: url)
        try self.init(client: client, owned: client, configuration: configuration)
    }

    /// Creates a store on a client that the application has; it closes the client itself.
    ///
    /// - Throws: `SessionConfigurationError` with code `store` if the configuration does not make sense, or asks for a
    ///   confirmation that the client cannot bring.
    public convenience init(client: some RedisCommandClient, configuration: Configuration = Configuration()) throws {
        try self.init(client: client, owned: nil, configuration: configuration)
    }

    private init(client: any RedisCommandClient, owned: RedisClient?, configuration: Configuration) throws {
        try configuration.validate(client)
        self.client = client
        self.owned = owned
        callDeadline = (client as? RedisClient)?.callDeadline
        self.configuration = configuration
        keys = RedisKeys(prefix: configuration.keyPrefix)
    }

    /// Ends the connections of a store that was created with a URL; every later call throws `unavailable`.
    ///
    /// Call it after the last request. A store on a client of the application's leaves that open.
    public func close() { owned?.close() }

    // MARK: Asking

    /// Sends a command that only reads.
    func read(_ command: RedisCommand) async throws -> RedisValue {
        try await named { try await client.send(command) }
    }

    /// Sends a command that writes, and waits for what confirms it.
    ///
    /// - Parameter proves: Whether the command, so answered, has written: then its confirmation covers all that was written to
    ///   its key before.
    func write(
        _ command: RedisCommand,
        proves: @Sendable (RedisValue) -> Bool = { _ in true }
    ) async throws -> RedisValue {
        guard case .replicas(let count, let within) = configuration.confirmation,
            let client = client as? any RedisConfirmingClient
        else { return try await read(command) }
        let milliseconds = Int(within.wholeMicroseconds / 1000)
        // A doubt that comes up meanwhile is about another write.
        let doubt = command.key.flatMap { key in unconfirmed.withLock { $0.mark(of: key) } }
        do {
            return try await named {
                let (reply, replicas) = try await client.send(command, waitingFor: count, milliseconds: milliseconds)
                // A refusal changed nothing, so there is nothing to confirm.
                if case .error = reply { return reply }
                guard replicas >= count else { throw Self.unconfirmed(count, replicas) }
                if let key = command.key, let doubt, proves(reply) { unconfirmed.withLock { $0.remove(key, doubt) } }
                return reply
            }
        } catch let unknown as UnknownScript {
            throw unknown
        } catch {
            if let key = command.key { unconfirmed.withLock { $0.insert(key) } }
            throw error
        }
    }

    /// Runs a script that writes, by its hash; by its text where the server does not have it.
    ///
    /// - Parameter isConfirmed: Whether to wait for what confirms it.
    func write(
        _ script: RedisScript,
        _ key: [UInt8],
        _ arguments: [[UInt8]],
        isConfirmed: Bool = true
    ) async throws -> RedisValue {
        let end = RedisBound.end ?? callDeadline.map { .now + $0 }
        do {
            let command = script.byHash(key, arguments)
            return isConfirmed ? try await write(command) : try await read(command)
        } catch is UnknownScript {
            let command = script.byText(key, arguments)
            do {
                return try await RedisBound.$end.withValue(end) {
                    isConfirmed ? try await write(command) : try await read(command)
                }
            } catch is UnknownScript {
                throw RedisRefusal.unknownScript.error()
            }
        }
    }

    /// Runs a script in the form that fits the confirmation.
    func write(
        _ script: (plain: RedisScript, confirmed: RedisScript),
        _ key: [UInt8],
        _ arguments: [[UInt8]]
    ) async throws -> RedisValue {
        if case .replicas = configuration.confirmation { return try await write(script.confirmed, key, arguments) }
        return try await write(script.plain, key, arguments)
    }

    /// Runs what sends several commands within the time of one call, or within `part` of it.
    func bounded<Value>(part: Double = 1, _ body: () async throws -> Value) async throws -> Value {
        guard let callDeadline else { return try await body() }
        let end = ContinuousClock.now + callDeadline * part
        return try await RedisBound.$end.withValue(RedisBound.end.map { min($0, end) } ?? end) { try await body() }
    }

    /// Whether a write to `key` was not confirmed.
    func isDoubtful(_ key: [UInt8]) -> Bool {
        guard case .replicas = configuration.confirmation else { return false }
        return unconfirmed.withLock { $0.mark(of: key) != nil }
    }

    /// Throws what a server's refusal means.
    private func named(_ body: () async throws -> RedisValue) async throws -> RedisValue {
        let reply = try await body()
        guard case .error(let error) = reply else { return reply }
        let refusal = RedisRefusal(error)
        if refusal == .unknownScript { throw UnknownScript() }
        throw refusal.error()
    }

    /// The server does not have a script: nothing was done, and its text does it.
    private struct UnknownScript: Error {}

    /// A record's bytes as they came; an error if they are none.
    func record(in reply: RedisValue) throws -> StoredRecord? {
        switch reply {
        case .null: return nil
        case .bytes(let bytes):
            guard let record = RecordText.decode(bytes) else { throw Self.foreign }
            return record
        default: throw Self.unexpected
        }
    }

    func flag(in reply: RedisValue) throws -> Bool {
        switch reply {
        case .integer(1): true
        case .integer(0): false
        default: throw Self.unexpected
        }
    }

    /// When the server may collect a record, in milliseconds since 1970.
    func expiry(_ moment: Timestamp) -> [UInt8] {
        let milliseconds = (moment + configuration.skewAllowance).microseconds / 1000
        // A time before 1970 is an error to the server; one long past is not.
        return Array(String(max(milliseconds, 1)).utf8)
    }

    var skew: [UInt8] { Array(String(configuration.skewAllowance.wholeMicroseconds / 1000).utf8) }
}

extension RedisSessionStore: SessionStore {
    /// The record at `key`, from its primary.
    public func load(_ key: StoreKey) async throws -> StoredRecord? {
        let name = keys.record(key)
        if isDoubtful(name) { return try record(in: await write(.loadConfirmed, name, [])) }
        return try record(in: await read(RedisCommand([RedisKeys.get, name], key: name)))
    }

    /// Keeps a new record with `SET … NX`; `false` if there is one at `key` already.
    public func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool {
        let name = keys.record(key)
        let text = try RecordText.encode(record)
        let words = [RedisKeys.set, name, text, RedisKeys.nx, RedisKeys.pxat, expiry(record.expiresAt)]
        let command = RedisCommand(words, key: name)
        guard let owner = record.owner else { return try await insert(command) }
        return try await bounded {
            try await index(key, record, owner)
            return try await insert(command)
        }
    }

    private func insert(_ command: RedisCommand) async throws -> Bool {
        // One that has not written confirms nothing.
        switch try await write(command, proves: { $0 != .null }) {
        case .null: return false
        case .bytes: return true
        default: throw Self.unexpected
        }
    }

    /// Replaces the record at `key` if its version is `version`; a conflict hands back the current record.
    ///
    /// One command, but three where the record gets another owner or another absolute deadline: then the owner's index
    /// is written in between, before the record.
    public func replace(
        _ record: StoredRecord,
        at key: StoreKey,
        ifVersion version: RecordVersion
    ) async throws -> ReplaceOutcome {
        let name = keys.record(key)
        let text = try RecordText.encode(record)
        var arguments = [RecordText.hexadecimal(version.rawValue), text, expiry(record.expiresAt), RedisKeys.zero]
        let reply: RedisValue
        if let owner = record.owner {
            arguments[3] = Array(String(text.count - record.payload.count).utf8)
            reply = try await bounded {
                let reply = try await write(RedisScript.replace, name, arguments)
                guard reply == .integer(2) else { return reply }
                try await index(key, record, owner)
                arguments[3] = RedisKeys.zero
                return try await write(RedisScript.replace, name, arguments)
            }
        } else {
            reply = try await write(RedisScript.replace, name, arguments)
        }
        switch reply {
        case .integer(1): return .replaced
        case .integer(0): return .gone
        default: return try self.record(in: reply).map { .conflict($0) } ?? .gone
        }
    }

    /// Moves the idle deadline forward if the record's version is `version`.
    ///
    /// It waits for no replica: a failover that undoes it costs some idle time.
    public func touch(_ key: StoreKey, until deadline: Timestamp, ifVersion version: RecordVersion) async throws -> Bool
    {
        let name = keys.record(key)
        let arguments = [RecordText.hexadecimal(version.rawValue), RecordText.hexadecimal(deadline), skew]
        return try flag(in: await write(.touch, name, arguments, isConfirmed: false))
    }

    /// Deletes the record at `key`, if its version is `version` or that is `nil`.
    public func delete(_ key: StoreKey, ifVersion version: RecordVersion?) async throws -> Bool {
        let name = keys.record(key)
        if let version {
            return try flag(
                in: await write(RedisScript.deleteVersion, name, [RecordText.hexadecimal(version.rawValue)])
            )
        }
        // Where replicas confirm, what somebody else has deleted is gone only when they have heard of it.
        if case .replicas = configuration.confirmation { return try flag(in: await write(.deleteConfirmed, name, [])) }
        return try flag(in: await write(RedisCommand([RedisKeys.del, name], key: name)))
    }
}

extension RedisSessionStore {
    static func unconfirmed(_ asked: Int, _ count: Int) -> SessionStoreError {
        SessionStoreError(
            .unavailable,
            "\(count) of \(asked) replicas have confirmed a write in time. Look at the replicas, or at their connection to "
                + "the primary."
        )
    }

    static var foreign: SessionStoreError {
        SessionStoreError(
            .unusable,
            "What is at a key of the store is no session of this version. Give the sessions a keyPrefix of their own, or "
                + "update the package."
        )
    }

    static var unexpected: SessionStoreError {
        SessionStoreError(
            .unusable,
            "Redis's answer is not what the command brings. See that no proxy or module changes commands."
        )
    }
}
#endif
