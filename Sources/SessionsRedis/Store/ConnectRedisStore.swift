#if Redis
public import Sessions
import SessionsRedisCodec

/// The records of a Node service on express-session and connect-redis: its keys, its JSON, its expiry.
///
/// ```swift
/// let sessions = try SessionManager.express(
///     secrets: ["keyboard cat"],
///     store: ConnectRedisStore(url: "redis://localhost:6379"),
///     acknowledging: [.concurrentChangesAreLost, .endedSessionsComeBack, .keysAreCredentials]
/// )
/// ```
///
/// A session is one key, `sess:` and its id, whose value is the session's JSON and whose time to live is its deadline. Each
/// operation is one command or one script that compares and writes in one step on the server; the condition is that the
/// value is still the bytes that were read. Node asks for no condition, and writes whatever is there.
///
/// Times are sent and read as time that is left, as connect-redis does, so that nobody's clock has to agree with the
/// server's. A touch moves the time to live alone: `cookie.expires` in the JSON falls behind, as it does with Node. A key
/// that never expires (`disableTTL`) stays so until this package writes its session.
///
/// The connection, and what an answered write survives, are those of ``RedisSessionStore``.
public final class ConnectRedisStore: Sendable {
    let redis: RedisSessionStore
    let prefix: [UInt8]

    /// Creates a store with a client of its own; it connects when it is first used.
    ///
    /// - Parameters:
    ///   - url: See ``RedisClient/Configuration/init(url:)``.
    ///   - prefix: connect-redis's `prefix`. Default `sess:`.
    ///   - configuration: How the store uses the server; its `keyPrefix` and `skewAllowance` mean nothing here.
    /// - Throws: `SessionConfigurationError` with code `store` if the URL or the configuration does not make sense.
    public init(
        url: String,
        prefix: String = "sess:",
        configuration: RedisSessionStore.Configuration = .init()
    ) throws {
        redis = try RedisSessionStore(url: url, configuration: configuration)
        self.prefix = Array(prefix.utf8)
    }

    /// Creates a store on a client that the application has; it closes the client itself.
    ///
    /// - Parameters:
    ///   - client: The client.
    ///   - prefix: connect-redis's `prefix`. Default `sess:`.
    ///   - configuration: How the store uses the server; its `keyPrefix` and `skewAllowance` mean nothing here.
    /// - Throws: `SessionConfigurationError` with code `store` if the configuration does not make sense, or asks for a
    ///   confirmation that the client cannot bring.
    public init(
        client: some RedisCommandClient,
        prefix: String = "sess:",
        configuration: RedisSessionStore.Configuration = .init()
    ) throws {
        redis = try RedisSessionStore(client: client, configuration: configuration)
        self.prefix = Array(prefix.utf8)
    }

    /// Ends the connections of a store that was created with a URL; every later call throws `unavailable`.
    public func close() { redis.close() }

    /// The key that Node keeps the session under.
    private func name(_ key: StoreKey) throws -> [UInt8] {
        guard let id = key.foreignID else { throw RedisSessionStore.unexpected }
        return prefix + id.utf8
    }

    /// A value and its milliseconds to live, as ``RedisScript/connectLoad`` answers them.
    private func record(in reply: RedisValue) throws -> StoredRecord? {
        switch reply {
        case .null, .integer(0): return nil
        case .array(let parts):
            guard parts.count == 2, case .bytes(let payload) = parts[0], case .integer(let milliseconds) = parts[1]
            else {
                throw RedisSessionStore.unexpected
            }
            let life = milliseconds < 0 ? nil : Duration.milliseconds(milliseconds)
            return StoredRecord(foreign: payload, until: life.map { SystemSessionClock().now() + $0 })
        default: throw RedisSessionStore.unexpected
        }
    }

    /// The milliseconds that are left until `deadline`. Without one there would be no time to live, and with none the server
    /// refuses.
    private static func life(until deadline: Timestamp) -> [UInt8] {
        let left = deadline.duration(since: SystemSessionClock().now())
        return Array(String(max(left.wholeMicroseconds / 1000, 1)).utf8)
    }
}

extension ConnectRedisStore: PayloadConditionalSessionStore {
    /// The record at `key`, with the time its key has left to live as its idle deadline.
    public func load(_ key: StoreKey) async throws -> StoredRecord? {
        let name = try name(key)
        if redis.isDoubtful(name) { return try record(in: await redis.write(.connectLoadConfirmed, name, [])) }
        return try record(in: await redis.write(.connectLoad, name, [], isConfirmed: false))
    }

    /// Keeps a new record with `SET … NX`; `false` if there is one at `key` already.
    public func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool {
        let name = try name(key)
        let words = [RedisKeys.set, name, record.payload, RedisKeys.nx, Self.px, Self.life(until: record.expiresAt)]
        switch try await redis.write(RedisCommand(words, key: name), proves: { $0 != .null }) {
        case .null: return false
        case .bytes: return true
        default: throw RedisSessionStore.unexpected
        }
    }

    private static let px = Array("PX".utf8)

    /// Replaces the value at `key`, and its time to live, if the value is still `payload`; a conflict hands back what is
    /// there.
    public func replace(
        _ record: StoredRecord,
        at key: StoreKey,
        ifPayload payload: [UInt8]
    ) async throws -> ReplaceOutcome {
        let arguments = [payload, record.payload, Self.life(until: record.expiresAt)]
        switch try await redis.write(RedisScript.connectReplace, name(key), arguments) {
        case .integer(1): return .replaced
        case .integer(0): return .gone
        case let reply: return try self.record(in: reply).map { .conflict($0) } ?? .gone
        }
    }

    /// Raises the time to live if the value is still `payload`. It waits for no replica.
    public func touch(_ key: StoreKey, until deadline: Timestamp, ifPayload payload: [UInt8]) async throws -> Bool {
        let arguments = [payload, Self.life(until: deadline)]
        return try redis.flag(in: await redis.write(.connectTouch, name(key), arguments, isConfirmed: false))
    }

    /// Deletes the key if its value is still `payload`.
    public func delete(_ key: StoreKey, ifPayload payload: [UInt8]) async throws -> Bool {
        try redis.flag(in: await redis.write(RedisScript.connectDelete, name(key), [payload]))
    }

    /// Deletes the key, whatever its value.
    public func delete(_ key: StoreKey) async throws -> Bool {
        let name = try name(key)
        // Where replicas confirm, what somebody else has deleted is gone only when they have heard of it.
        if case .replicas = redis.configuration.confirmation {
            return try redis.flag(in: await redis.write(.deleteConfirmed, name, []))
        }
        return try redis.flag(in: await redis.write(RedisCommand([RedisKeys.del, name], key: name)))
    }
}

/// connect-redis's `length`, `all` and `clear`. They go through the keys of the whole database with `SCAN`.
extension ConnectRedisStore: EnumerableSessionStore {
    /// How many sessions there are.
    public func count() async throws -> Int { try await keys().count }

    /// Up to `limit` sessions that come after `key`, in the order of their keys; goes through all keys for each page.
    public func entries(after key: StoreKey?, limit: Int) async throws -> [StoredEntry] {
        guard limit > 0 else { return [] }
        var start = key
        while true {
            var page = KeyPage(after: start, limit: limit)
            page.add(Array(try await keys()))
            let next = page.keys()
            guard let last = next.last else { return [] }
            var entries: [StoredEntry] = []
            for key in next {
                if let record = try await load(key) { entries.append(StoredEntry(key: key, record: record)) }
            }
            // A page whose sessions have all gone meanwhile is not the end.
            if !entries.isEmpty { return entries }
            start = last
        }
    }

    /// Deletes every session that is there when it is called.
    public func removeAll() async throws {
        for key in try await keys() { _ = try await delete(key) }
    }

    private func keys() async throws -> Set<StoreKey> {
        var keys: Set<StoreKey> = []
        // A prefix is text and no pattern.
        let pattern = prefix.flatMap { Array("\\*?[]".utf8).contains($0) ? [UInt8(ascii: "\\"), $0] : [$0] }
        try await redis.scan(pattern + [UInt8(ascii: "*")]) { names in
            for name in names where name.starts(with: prefix) {
                guard let id = String(validating: name.dropFirst(prefix.count), as: UTF8.self) else { continue }
                if let key = StoreKey(foreignID: id) { keys.insert(key) }
            }
        }
        return keys
    }
}

extension RedisScript {
    private static let answer = "return {value, redis.call('PTTL', KEYS[1])} "

    /// The value and its milliseconds to live, -1 for ever; 0 if there is none.
    fileprivate static let connectLoad = RedisScript(connectLoadText)

    private static let connectLoadText =
        "local value = redis.call('GET', KEYS[1]) if not value then return 0 end " + answer

    /// Writes something that changes nothing, so that the `WAIT` after it covers what others have written.
    private static let connectMark = """
        local function mark()
          local first = redis.call('GETRANGE', KEYS[1], 0, 0)
          if first ~= '' then
            redis.call('SETRANGE', KEYS[1], 0, first)
          elseif redis.call('EXISTS', KEYS[1]) == 0 then
            redis.call('SET', KEYS[1], '', 'PX', 1000)
            redis.call('DEL', KEYS[1])
          end
        end

        """

    /// The same, for where a write to the key was not confirmed.
    fileprivate static let connectLoadConfirmed = RedisScript(connectMark + "mark() " + connectLoadText)

    private static func connectPair(_ text: (_ mark: String) -> String) -> (plain: RedisScript, confirmed: RedisScript)
    {
        (RedisScript(text("")), RedisScript(connectMark + text("mark() ")))
    }

    /// `value read, value, time to live`: 1 replaced, 0 gone, or what is there as ``connectLoad`` answers it.
    fileprivate static let connectReplace = connectPair { mark in
        """
        local value = redis.call('GET', KEYS[1])
        if not value then \(mark)return 0 end
        if value ~= ARGV[1] then \(mark)\(answer)end
        redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
        return 1
        """
    }

    /// `value read, time to live`: 1 raised or longer already, 0 gone or changed. A key that never expires stays so.
    fileprivate static let connectTouch = RedisScript(
        """
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        local rest = redis.call('PTTL', KEYS[1])
        if rest >= 0 and rest < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
        return 1
        """
    )

    /// `value read`: 1 deleted, 0 not.
    fileprivate static let connectDelete = connectPair { mark in
        """
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then \(mark)return 0 end
        return redis.call('DEL', KEYS[1])
        """
    }
}
#endif
