import Synchronization

/// How much a memory store keeps, and how much it may.
///
/// What has an owner is counted apart as well: nothing without an owner may take its place.
struct MemoryUsage: ~Copyable, Sendable {
    /// How much one record takes.
    struct Weight: Sendable {
        let bytes: Int
        let isOwned: Bool

        init(of record: StoredRecord, at key: StoreKey) {
            let keyBytes = key.handle == nil ? key.text.utf8.count : 16
            bytes = record.payload.count + (record.owner?.text.utf8.count ?? 0) + keyBytes + 192
            isOwned = record.owner != nil
        }
    }

    let limit: Int
    let byteLimit: Int
    private let records = Atomic<Int>(0)
    private let bytes = Atomic<Int>(0)
    private let ownedRecords = Atomic<Int>(0)
    private let ownedBytes = Atomic<Int>(0)

    init(limit: Int, byteLimit: Int) {
        self.limit = limit
        self.byteLimit = byteLimit
    }

    /// How many records there are.
    var count: Int { records.load(ordering: .relaxed) }

    var isOverLimit: Bool {
        records.load(ordering: .relaxed) > limit || bytes.load(ordering: .relaxed) > byteLimit
    }

    /// Whether what has an owner is too much by itself.
    var isOverLimitWithOwned: Bool {
        ownedRecords.load(ordering: .relaxed) > limit || ownedBytes.load(ordering: .relaxed) > byteLimit
    }

    /// Whether a record without an owner would fit if it were the only one.
    func hasRoom(forAnonymous weight: Weight) -> Bool {
        ownedRecords.load(ordering: .relaxed) < limit && fits(weight.bytes, replacing: 0)
    }

    /// Whether the record without an owner that replaces another one would fit if it were the only one.
    func hasRoom(forAnonymous weight: Weight, replacing old: Weight) -> Bool {
        weight.bytes <= old.bytes || fits(weight.bytes, replacing: old.isOwned ? old.bytes : 0)
    }

    private func fits(_ bytes: Int, replacing owned: Int) -> Bool {
        ownedBytes.load(ordering: .relaxed) - owned <= byteLimit - bytes
    }

    func add(_ weight: Weight) {
        records.add(1, ordering: .relaxed)
        bytes.add(weight.bytes, ordering: .relaxed)
        guard weight.isOwned else { return }
        ownedRecords.add(1, ordering: .relaxed)
        ownedBytes.add(weight.bytes, ordering: .relaxed)
    }

    func subtract(_ weight: Weight) {
        records.subtract(1, ordering: .relaxed)
        bytes.subtract(weight.bytes, ordering: .relaxed)
        guard weight.isOwned else { return }
        ownedRecords.subtract(1, ordering: .relaxed)
        ownedBytes.subtract(weight.bytes, ordering: .relaxed)
    }

    /// A record has been replaced by another one.
    func replace(_ old: Weight, by new: Weight) {
        bytes.add(new.bytes - old.bytes, ordering: .relaxed)
        guard old.isOwned || new.isOwned else { return }
        ownedRecords.add((new.isOwned ? 1 : 0) - (old.isOwned ? 1 : 0), ordering: .relaxed)
        ownedBytes.add((new.isOwned ? new.bytes : 0) - (old.isOwned ? old.bytes : 0), ordering: .relaxed)
    }
}
