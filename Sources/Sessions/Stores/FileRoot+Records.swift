// What is done with files. Everything but `load` is done while the lock of the place's shard is held.
extension FileRoot {
    /// What is found where a record should be.
    enum Found {
        case missing
        case record(StoredRecord)
        case damaged
    }

    /// Reads a record. Without a lock: a file is replaced by renaming, so it is read as it was or as it is.
    func find(_ place: FilePlace) throws -> (found: Found, key: StoreKey?) {
        switch try records.content(of: place) {
        case .missing: return (.missing, nil)
        case .foreign: return (.damaged, nil)
        case .bytes(let bytes):
            // Its own key too: a file that was moved or copied is not the record of another key.
            guard let entry = FileBytes.record(bytes), FilePlace(entry.key) == place else { return (.damaged, nil) }
            return (.record(entry.record), entry.key)
        }
    }

    /// The record at a place, where the lock is held; what is no record of ours is set aside.
    func present(_ place: FilePlace) throws -> StoredRecord? {
        try settle(place)
        switch try find(place).found {
        case .missing: return nil
        case .record(let record): return record
        case .damaged:
            try setAside(place, in: records)
            return nil
        }
    }

    func insert(_ record: StoredRecord, at key: StoreKey) throws -> Bool {
        let place = FilePlace(key)
        guard try present(place) == nil else {
            // The caller may have sent it before: to a process that died before it was on the disk.
            try force(place)
            return false
        }
        try write(record, at: key, place, replacing: nil)
        return true
    }

    func replace(_ record: StoredRecord, at key: StoreKey, ifVersion version: RecordVersion) throws -> ReplaceOutcome {
        let place = FilePlace(key)
        guard let present = try present(place) else { return .gone }
        guard present.version == version else { return .conflict(present) }
        try write(record, at: key, place, replacing: present)
        return .replaced
    }

    func touch(_ key: StoreKey, until deadline: Timestamp, ifVersion version: RecordVersion) throws -> Bool {
        let place = FilePlace(key)
        guard let present = try present(place), present.version == version else { return false }
        guard deadline > present.idleDeadline else { return true }
        var record = present
        record.idleDeadline = deadline
        try write(record, at: key, place, replacing: present)
        return true
    }

    /// Deletes the record at a place, if `condition` is true for it.
    func delete(_ place: FilePlace, if condition: (StoredRecord) -> Bool) throws -> Bool {
        guard let present = try present(place) else {
            // Deleted by one who may have died before that was on the disk.
            try force(place)
            return false
        }
        guard condition(present) else { return false }
        try disk.change(place) { try records.remove(place) }
        try settle(place)
        try removeNotes(of: present, at: place)
        return true
    }

    /// What the indexes say about a record that is gone. A note that stays says nothing wrong: it is looked into.
    private func removeNotes(of record: StoredRecord, at place: FilePlace) throws {
        if let owner = record.owner { try owners.remove(FilePlace(noteOf: owner, record: place)) }
        try expiry.remove(FileDueNote(record.expiresAt, place))
    }

    // MARK: Writing

    /// Puts a record in its place.
    ///
    /// Its bytes and the notes that lead to it are on the disk before it has a name. So a disk that is full, and a
    /// process that dies, leave the record that was there, and none is in its place that the indexes do not know.
    private func write(
        _ record: StoredRecord,
        at key: StoreKey,
        _ place: FilePlace,
        replacing present: StoredRecord?
    ) throws {
        guard record.payload.count < FileBytes.limit / 2, record.owner?.text.utf8.count ?? 0 < FileBytes.limit / 4
        else {
            throw SessionStoreError(
                .full,
                "A record of \(record.payload.count) bytes is too large for a file of the store."
            )
        }
        // There is a note already that is no later than the present deadline.
        let due = FileDueNote(record.expiresAt, place)
        let needsDue = present.map { due.deadline < $0.expiresAt } ?? true
        let note = record.owner.flatMap { owner in
            owner == present?.owner ? nil : FilePlace(noteOf: owner, record: place)
        }
        try put(FileBytes.of(record, at: key), place, in: records) {
            let isNewDue = try needsDue ? expiry.add(due, forced: true) : false
            do {
                let isNewNote = try note.map { try owners.note($0) } ?? false
                return { [expiry, owners] in
                    if isNewDue { try expiry.remove(due) }
                    if isNewNote, let note { try owners.remove(note) }
                }
            } catch {
                if isNewDue { try? expiry.remove(due) }
                throw error
            }
        }
        if let owner = present?.owner, owner != record.owner {
            try owners.remove(FilePlace(noteOf: owner, record: place))
        }
    }

    /// Writes a file beside its place and moves it there.
    ///
    /// - Parameter announce: Makes the notes that lead to it; returns what undoes them.
    func put(
        _ bytes: [UInt8],
        _ place: FilePlace,
        in tree: FileTree,
        announce: () throws -> () throws -> Void
    ) throws {
        let name = FilePlace.shardName(place.shard)
        let leaf = try tree.makeLeaf(place.shard, place.leaf)
        do {
            try writeTemporary(bytes, name)
            let undo = try announce()
            do {
                try steps.beforeMove()
                try disk.change(place) { try temporary.move(name, to: leaf, as: place.name) }
            } catch {
                try? undo()
                throw error
            }
        } catch {
            // It would keep space that is needed.
            _ = try? temporary.remove(name)
            throw error
        }
        // From here on everybody sees it, so nothing is undone.
        try settle(place)
    }

    /// Waits until what this process has changed in a place is on the disk.
    private func settle(_ place: FilePlace) throws {
        if !disk.isSettled(place) { try force(place) }
    }

    /// Waits until what anybody has changed in a place is on the disk.
    func force(_ place: FilePlace) throws {
        try (place.isEpoch ? epochs : records).synchronize(place)
        disk.settled(place)
    }

    private func writeTemporary(_ bytes: [UInt8], _ name: String) throws {
        let file: FileDescriptor
        do {
            file = try temporary.newFile(name)
        } catch FileFailure.alreadyThere {
            // Whoever wrote it held this lock, and died.
            try temporary.remove(name)
            file = try temporary.newFile(name)
        }
        try file.write(bytes)
        try disk.force(file, "temporary")
    }

    // MARK: Setting aside

    /// Moves what is no file of ours out of the way, if it is still there, for an operator to look at.
    func setAside(_ place: FilePlace, in tree: FileTree) throws {
        guard let leaf = try tree.leaf(place.shard, place.leaf) else { return }
        let name = Hexadecimal.encode(UInt64.random(in: .min ... .max))
        do {
            try leaf.move(place.name, to: damaged, as: name)
        } catch FileFailure.notThere {
            return
        }
        onSetAside(name)
    }

    /// Removes what a process that died has left of a write.
    func removeTemporary(of shard: Int) throws {
        try temporary.remove(FilePlace.shardName(shard))
    }

    /// Removes a note that an owner owns a record, if that is not so.
    func removeStaleNote(of owner: OwnerKey, record place: FilePlace) throws {
        let present = try present(place)
        // Deleted by one who may have died before that was on the disk, and left the note.
        if present == nil { try force(place) }
        if present?.owner != owner { try owners.remove(FilePlace(noteOf: owner, record: place)) }
    }

    // MARK: What is over

    /// Looks into a note whose deadline has passed: deletes what is over, and makes a note of the new deadline of what is
    /// not.
    ///
    /// Nothing is forced to the disk: what a power loss undoes is over all the same.
    ///
    /// - Returns: whether a record was deleted.
    func collect(_ note: FileDueNote, before cutoff: Timestamp) throws -> Bool {
        if note.place.isEpoch {
            try collectEpoch(note, before: cutoff)
            return false
        }
        var isDeleted = false
        if let present = try present(note.place) {
            if present.expiresAt < cutoff {
                try records.remove(note.place)
                try removeNotes(of: present, at: note.place)
                isDeleted = true
            } else if present.expiresAt != note.deadline {
                _ = try expiry.add(FileDueNote(present.expiresAt, note.place), forced: false)
            } else {
                return false
            }
        }
        try expiry.remove(note)
        return isDeleted
    }
}
