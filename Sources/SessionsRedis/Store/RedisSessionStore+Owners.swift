#if Redis
public import Sessions
import SessionsRedisCodec

extension RedisSessionStore: OwnerIndexedSessionStore {
    /// How long a member of an index is left alone, whatever becomes of its record: a login writes the index first, and
    /// whoever looks meanwhile must not take it for a session that is over.
    private static let pendingTime = Array("600000".utf8)

    /// The records of `owner`: the index's members, each looked up and compared, because the index is in another slot than
    /// the records and may be behind. Members whose record is gone or another's are taken out.
    public func entries(of owner: OwnerKey) async throws -> [StoredEntry] {
        let name = keys.index(of: owner)
        var members: Set<[UInt8]> = []
        var cursor = RedisKeys.zero
        repeat {
            let words = [Array("ZSCAN".utf8), name, cursor, Array("COUNT".utf8), Array("500".utf8)]
            let page = try page(in: await read(RedisCommand(words, key: name)))
            cursor = page.cursor
            for (index, item) in page.items.enumerated() where index.isMultiple(of: 2) { members.insert(item) }
        } while cursor != RedisKeys.zero
        let (entries, stale) = try await verified(members, owner)
        if !stale.isEmpty { try await trim(stale, name) }
        return entries
    }

    /// Deletes the record at `key` if `owner` owns it.
    public func delete(_ key: StoreKey, ifOwner owner: OwnerKey) async throws -> Bool {
        try flag(in: await write(RedisScript.deleteOwned, keys.record(key), [RecordText.ownerField(owner)]))
    }

    /// The owner's epoch.
    public func epoch(of owner: OwnerKey) async throws -> Timestamp? {
        let name = keys.epoch(of: owner)
        let reply =
            isDoubtful(name)
            ? try await write(.loadEpochConfirmed, name, [])
            : try await read(RedisCommand([RedisKeys.get, name], key: name))
        switch reply {
        case .null: return nil
        case .bytes(let text):
            guard let epoch = RecordText.moment(text, at: 0) else { throw Self.foreign }
            return epoch
        default: throw Self.unexpected
        }
    }

    /// Sets the owner's epoch, unless it is later already; the latest `keptUntil` counts.
    public func raiseEpoch(of owner: OwnerKey, to epoch: Timestamp, keptUntil: Timestamp) async throws {
        let arguments = [RecordText.hexadecimal(epoch), RecordText.hexadecimal(keptUntil), skew]
        guard try flag(in: await write(.raiseEpoch, keys.epoch(of: owner), arguments)) else { throw Self.unexpected }
    }

    // MARK: The index

    /// Adds a record that is about to be written to its owner's index.
    func index(_ key: StoreKey, _ record: StoredRecord, _ owner: OwnerKey) async throws {
        let name = keys.index(of: owner)
        let score = Array(String((record.absoluteDeadline + .microseconds(999)).microseconds / 1000).utf8)
        let arguments = [Array(key.text.utf8), score, Self.pendingTime, skew]
        guard case .array(let sample) = try await write(.index, name, arguments) else { throw Self.unexpected }
        guard !sample.isEmpty else { return }
        // Somebody logs in again and again, and never looks: a few members at each login keep the index from growing. It
        // is housekeeping, and its failing is no reason to refuse a login.
        let members = Set(sample.compactMap { if case .bytes(let member) = $0 { member } else { nil } })
        try? await bounded(part: 0.25) {
            let stale = try await verified(members, owner).stale
            if !stale.isEmpty { try await trim(stale, name) }
        }
    }

    /// Looks members up.
    private func verified(
        _ members: Set<[UInt8]>,
        _ owner: OwnerKey
    ) async throws -> (entries: [StoredEntry], stale: [[UInt8]]) {
        // A mark that a login is under way is no key.
        let known = members.compactMap { member in
            String(validating: member, as: UTF8.self).flatMap { StoreKey($0) }.map { (member, $0) }
        }
        var entries: [StoredEntry] = []
        var stale: [[UInt8]] = []
        let records = try await loadAll(known.map(\.1))
        for ((member, key), record) in zip(known, records) {
            if let record, record.owner == owner {
                entries.append(StoredEntry(key: key, record: record))
            } else {
                stale.append(member)
            }
        }
        return (entries, stale)
    }

    /// Loads many records, some at the same time.
    func loadAll(_ keys: [StoreKey]) async throws -> [StoredRecord?] {
        var records = [StoredRecord?](repeating: nil, count: keys.count)
        try await withThrowingTaskGroup(of: (Int, StoredRecord?).self) { group in
            for index in keys.indices {
                if index >= 64, let (done, record) = try await group.next() { records[done] = record }
                group.addTask { (index, try await self.load(keys[index])) }
            }
            for try await (done, record) in group { records[done] = record }
        }
        return records
    }

    private func trim(_ members: [[UInt8]], _ name: [UInt8]) async throws {
        var rest = members[...]
        while !rest.isEmpty {
            let some = Array(rest.prefix(500))
            rest = rest.dropFirst(some.count)
            _ = try await write(.trim, name, some, isConfirmed: false)
        }
    }

    /// The next cursor and the items of an answer to `SCAN` or `ZSCAN`.
    func page(in reply: RedisValue) throws -> (cursor: [UInt8], items: [[UInt8]]) {
        guard case .array(let parts) = reply, parts.count == 2, case .bytes(let cursor) = parts[0],
            case .array(let items) = parts[1]
        else { throw Self.unexpected }
        return (cursor, items.compactMap { if case .bytes(let item) = $0 { item } else { nil } })
    }
}
#endif
