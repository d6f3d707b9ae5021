#if Redis
public import Sessions
import SessionsRedisCodec

/// For an operator, not for a request: each call goes through the keys of the whole database with `SCAN`, which holds
/// nobody up but takes its time. Nothing of it uses `KEYS`.
extension RedisSessionStore: EnumerableSessionStore {
    /// How many records there are; goes through all keys.
    public func count() async throws -> Int {
        var found: Set<StoreKey> = []
        try await scan { found.formUnion($0) }
        return found.count
    }

    /// Up to `limit` entries that come after `key`, in the order of their keys; goes through all keys for each page, so
    /// ask for large ones.
    public func entries(after key: StoreKey?, limit: Int) async throws -> [StoredEntry] {
        guard limit > 0 else { return [] }
        var start = key
        while true {
            var page = KeyPage(after: start, limit: limit)
            try await scan { page.add($0) }
            let keys = page.keys()
            guard let last = keys.last else { return [] }
            let records = try await loadAll(keys)
            let entries = zip(keys, records).compactMap { key, record in
                record.map { StoredEntry(key: key, record: $0) }
            }
            // A page whose records have all gone meanwhile is not the end.
            if !entries.isEmpty { return entries }
            start = last
        }
    }

    /// Deletes every record that is there when it is called; epochs stay, and indexes forget by themselves.
    public func removeAll() async throws {
        var found: Set<StoreKey> = []
        try await scan { found.formUnion($0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, key) in found.enumerated() {
                if index >= 64 { try await group.next() }
                group.addTask { _ = try await self.delete(key, ifVersion: nil) }
            }
            try await group.waitForAll()
        }
    }

    /// Goes through the records' keys.
    private func scan(_ body: ([StoreKey]) -> Void) async throws {
        try await scan(keys.pattern) { body($0.compactMap { keys.key(of: $0) }) }
    }

    /// Goes through the keys that fit a pattern, on every primary. One that is there all the time comes at least once.
    func scan(_ pattern: [UInt8], _ body: ([[UInt8]]) -> Void) async throws {
        for primary in try await client.primaries() {
            var cursor = RedisKeys.zero
            repeat {
                let words = [Array("SCAN".utf8), cursor, Array("MATCH".utf8), pattern, Array("COUNT".utf8)]
                let command = RedisCommand(words + [Array("1000".utf8)], key: nil)
                let reply = try await primary.send(command)
                if case .error(let error) = reply { throw RedisRefusal(error).error() }
                let page = try page(in: reply)
                cursor = page.cursor
                body(page.items)
            } while cursor != RedisKeys.zero
        }
    }
}

/// The first keys after one, from keys that come in any order and more than once.
struct KeyPage {
    private let start: String.UTF8View?
    private let limit: Int
    private var found: Set<StoreKey> = []

    init(after key: StoreKey?, limit: Int) {
        start = key?.text.utf8
        self.limit = limit
    }

    mutating func add(_ more: [StoreKey]) {
        for key in more where start.map({ $0.lexicographicallyPrecedes(key.text.utf8) }) ?? true { found.insert(key) }
        if found.count / 2 > limit { found = Set(keys()) }
    }

    func keys() -> [StoreKey] {
        Array(found.sorted { $0.text.utf8.lexicographicallyPrecedes($1.text.utf8) }.prefix(limit))
    }
}
#endif
