/// The records of one shard: found by key, by owner and by deadline.
///
/// Everything here happens under the shard's lock. What is removed is handed back, so that its memory is freed after
/// the lock is.
///
/// A record lies in a slot; the dictionary, the heaps and the owner's list hold slot numbers. That is what keeps a
/// million sessions small: no set or list object an owner, no second copy of a key.
struct MemoryRecords: Sendable {
    private struct Slot {
        let key: StoreKey
        var record: StoredRecord
        /// The neighbours in the list of the owner's records.
        var next: UInt32
        var previous: UInt32
    }

    private static let none = UInt32.max

    private var slots = MemorySlots<Slot>()
    private var slotsByKey: [StoreKey: UInt32] = [:]
    private var firstOfOwner: [OwnerKey: UInt32] = [:]
    private var anonymous = MemoryDeadlineHeap()
    private var owned = MemoryDeadlineHeap()

    /// The earliest deadline of a record with an owner, or of one without.
    func nearestDeadline(owned: Bool) -> Timestamp? {
        (owned ? self.owned : anonymous).first?.deadline
    }

    // MARK: One record

    func contains(_ key: StoreKey) -> Bool {
        slotsByKey[key] != nil
    }

    func record(at key: StoreKey) -> StoredRecord? {
        guard let slot = slotsByKey[key] else { return nil }
        return slots[slot]?.record
    }

    mutating func insert(_ record: StoredRecord, at key: StoreKey) -> Bool {
        guard slotsByKey[key] == nil else { return false }
        let slot = slots.insert(Slot(key: key, record: record, next: Self.none, previous: Self.none))
        slotsByKey[key] = slot
        index(slot, record)
        return true
    }

    /// - Returns: the outcome, and the record that was replaced.
    mutating func replace(
        _ record: StoredRecord,
        at key: StoreKey,
        ifVersion version: RecordVersion
    ) -> (outcome: ReplaceOutcome, replaced: StoredRecord?) {
        guard let slot = slotsByKey[key], let current = slots[slot]?.record else { return (.gone, nil) }
        guard current.version == version else { return (.conflict(current), nil) }
        slots.elements[Int(slot)]?.record = record
        if current.owner == record.owner {
            // The text that the index holds already, not a second copy of it.
            slots.elements[Int(slot)]?.record.owner = current.owner
            setDeadline(slot, record)
        } else {
            unindex(slot, current)
            index(slot, record)
        }
        return (.replaced, current)
    }

    mutating func touch(_ key: StoreKey, until deadline: Timestamp, ifVersion version: RecordVersion) -> Bool {
        guard let slot = slotsByKey[key], var record = slots[slot]?.record, record.version == version else {
            return false
        }
        guard deadline > record.idleDeadline else { return true }
        record.idleDeadline = deadline
        slots.elements[Int(slot)]?.record.idleDeadline = deadline
        setDeadline(slot, record)
        return true
    }

    mutating func remove(_ key: StoreKey, if condition: (StoredRecord) -> Bool) -> StoredEntry? {
        guard let slot = slotsByKey[key], let record = slots[slot]?.record, condition(record) else { return nil }
        return remove(slot)
    }

    // MARK: Many records

    /// Removes records whose deadline is before `cutoff`, at most `limit` of them.
    mutating func collect(before cutoff: Timestamp, limit: Int) -> [StoredEntry] {
        var collected: [StoredEntry] = []
        for owned in [false, true] {
            while collected.count < limit, let deadline = nearestDeadline(owned: owned), deadline < cutoff,
                let entry = removeNearest(owned: owned)
            {
                collected.append(entry)
            }
        }
        return collected
    }

    /// Removes the record with the earliest deadline, among those with an owner or those without.
    mutating func removeNearest(owned: Bool) -> StoredEntry? {
        (owned ? self.owned : anonymous).first.flatMap { remove($0.slot) }
    }

    func entries(of owner: OwnerKey) -> [StoredEntry] {
        var entries: [StoredEntry] = []
        var next = firstOfOwner[owner] ?? Self.none
        while next != Self.none, let slot = slots[next] {
            entries.append(StoredEntry(key: slot.key, record: slot.record))
            next = slot.next
        }
        return entries
    }

    /// The entries in `count` slots from slot `start` on that are `wanted`; `nil` when there are no more slots.
    ///
    /// A record keeps its slot for its whole life, so a walk from slot 0 up meets every record that stays once.
    func entries(from start: Int, count: Int, wanted: (StoreKey) -> Bool) -> [StoredEntry]? {
        guard start < slots.elements.count else { return nil }
        return slots.elements[start...].prefix(count).compactMap { slot in
            guard let slot, wanted(slot.key) else { return nil }
            return StoredEntry(key: slot.key, record: slot.record)
        }
    }

    // MARK: Indexes

    private mutating func remove(_ slot: UInt32) -> StoredEntry? {
        guard let element = slots[slot] else { return nil }
        unindex(slot, element.record)
        slotsByKey[element.key] = nil
        _ = slots.remove(slot)
        return StoredEntry(key: element.key, record: element.record)
    }

    private mutating func setDeadline(_ slot: UInt32, _ record: StoredRecord) {
        if record.owner == nil {
            anonymous.set(slot, to: record.expiresAt)
        } else {
            owned.set(slot, to: record.expiresAt)
        }
    }

    private mutating func index(_ slot: UInt32, _ record: StoredRecord) {
        setDeadline(slot, record)
        guard let owner = record.owner else { return }
        let next = firstOfOwner.updateValue(slot, forKey: owner) ?? Self.none
        slots.elements[Int(slot)]?.next = next
        slots.elements[Int(slot)]?.previous = Self.none
        if next != Self.none { slots.elements[Int(next)]?.previous = slot }
    }

    private mutating func unindex(_ slot: UInt32, _ record: StoredRecord) {
        guard let owner = record.owner else { return anonymous.remove(slot) }
        owned.remove(slot)
        guard let element = slots[slot] else { return }
        if element.next != Self.none { slots.elements[Int(element.next)]?.previous = element.previous }
        if element.previous != Self.none {
            slots.elements[Int(element.previous)]?.next = element.next
        } else {
            firstOfOwner[owner] = element.next == Self.none ? nil : element.next
        }
    }
}
