/// The epochs of owners, each kept until its time is over.
struct MemoryEpochs: Sendable {
    private struct Entry {
        let owner: OwnerKey
        var epoch: Timestamp
        var keptUntil: Timestamp
    }

    private var entries = MemorySlots<Entry>()
    private var slots: [OwnerKey: UInt32] = [:]
    private var ends = MemoryDeadlineHeap()

    /// The owner's epoch.
    func epoch(of owner: OwnerKey) -> Timestamp? {
        slots[owner].flatMap { entries[$0]?.epoch }
    }

    /// Sets the owner's epoch, unless it is later already.
    ///
    /// Neither the epoch nor its end ever goes back.
    mutating func raise(_ owner: OwnerKey, to epoch: Timestamp, keptUntil: Timestamp) {
        guard let slot = slots[owner], let entry = entries[slot] else {
            let slot = entries.insert(Entry(owner: owner, epoch: epoch, keptUntil: keptUntil))
            slots[owner] = slot
            ends.set(slot, to: keptUntil)
            return
        }
        let end = max(entry.keptUntil, keptUntil)
        entries.elements[Int(slot)] = Entry(owner: owner, epoch: max(entry.epoch, epoch), keptUntil: end)
        ends.set(slot, to: end)
    }

    /// Forgets epochs whose end is before `cutoff`, at most `limit` of them.
    ///
    /// - Returns: how many were forgotten.
    mutating func forget(before cutoff: Timestamp, limit: Int) -> Int {
        for forgotten in 0..<limit {
            guard let (end, slot) = ends.first, end < cutoff else { return forgotten }
            ends.remove(slot)
            if let entry = entries.remove(slot) { slots[entry.owner] = nil }
        }
        return limit
    }
}
