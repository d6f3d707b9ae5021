import Sessions

/// A store without any refinement.
struct BareStore: SessionStore {
    let base: WrongStore

    func load(_ key: StoreKey) -> StoredRecord? {
        base.load(key)
    }

    func insert(_ record: StoredRecord, at key: StoreKey) async -> Bool {
        await base.insert(record, at: key)
    }

    func replace(_ record: StoredRecord, at key: StoreKey, ifVersion version: RecordVersion) async -> ReplaceOutcome {
        await base.replace(record, at: key, ifVersion: version)
    }

    func touch(_ key: StoreKey, until deadline: Timestamp, ifVersion version: RecordVersion) async -> Bool {
        await base.touch(key, until: deadline, ifVersion: version)
    }

    func delete(_ key: StoreKey, ifVersion version: RecordVersion?) async -> Bool {
        await base.delete(key, ifVersion: version)
    }
}
