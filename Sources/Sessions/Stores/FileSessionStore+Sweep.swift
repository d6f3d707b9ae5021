import Synchronization

extension FileSessionStore: SweepingSessionStore {
    /// How much one step of a sweep looks into under one lock.
    private static let step = 16

    /// How much of the index is read at once.
    private static let listed = 16_384

    /// Deletes up to `limit` expired records, by small steps with pauses while others write, and removes what processes
    /// that died have left of their writes.
    ///
    /// It reads the part of an index by deadlines whose time has come. Beside what has expired there are records that were
    /// touched since, which it notes under their new deadline. Where it was interrupted, the next sweep goes on. What
    /// is in a shard whose lock another process does not give back is left for the next sweep.
    ///
    /// - Throws: ``SessionStoreError``, and `CancellationError` between two steps.
    public func sweep(expiredBefore cutoff: Timestamp, limit: Int) async throws -> Int {
        var locked = try await removeTemporaries()
        var deleted = 0
        while deleted < limit {
            let notes = try await nextNotes(before: cutoff, except: locked)
            guard let shard = notes.first?.place.shard else { break }
            try Task.checkCancellation()
            let began = ContinuousClock.now
            let others = writers.count
            do {
                deleted += try await collect(notes, in: shard, before: cutoff, limit: limit - deleted)
            } catch let error as SessionStoreError where error.code == .locked {
                locked.insert(shard)
            }
            // A write that comes during a step waits for it, if it is to the same shard. So steps are short, and take at
            // most a tenth of the time when somebody else writes.
            if writers.count > others + 1 { try await Task.sleep(for: min(.now - began, .milliseconds(50)) * 10) }
        }
        return deleted
    }

    /// Looks into notes of one shard, until `limit` records are deleted.
    private func collect(_ notes: [FileDueNote], in shard: Int, before cutoff: Timestamp, limit: Int) async throws
        -> Int
    {
        let (deleted, rest) = try await write(shard: shard) { root in
            var deleted = 0
            for (index, note) in notes.enumerated() {
                if deleted == limit { return (deleted, Array(notes[index...])) }
                if try root.collect(note, before: cutoff) { deleted += 1 }
            }
            return (deleted, [])
        }
        if !rest.isEmpty { due.withLock { $0 += rest } }
        return deleted
    }

    /// Some notes of one shard that nobody has looked into; none if nothing is left that was due before `cutoff`, except
    /// in the shards `locked`.
    private func nextNotes(before cutoff: Timestamp, except locked: Set<Int>) async throws -> [FileDueNote] {
        let left = takeNotes(except: locked)
        if !left.isEmpty { return left }
        let listed = try await scan { try $0.expiry.due(before: cutoff, limit: Self.listed) }
        // By shards, so that a step takes one lock; and not by the same one first in every process.
        let first = Int.random(in: 0..<FilePlace.shards)
        func order(_ note: FileDueNote) -> Int { (note.place.shard - first) & (FilePlace.shards - 1) }
        let notes = listed.sorted { order($0) < order($1) }
        due.withLock { $0 = notes.reversed() }
        return takeNotes(except: locked)
    }

    /// Takes some notes of one shard from those that were listed, perhaps by a sweep with another cutoff.
    private func takeNotes(except locked: Set<Int>) -> [FileDueNote] {
        due.withLock { due in
            // Listed again by the next sweep.
            while let note = due.last, locked.contains(note.place.shard) { due.removeLast() }
            var notes: [FileDueNote] = []
            let shard = due.last?.place.shard
            while notes.count < Self.step, let note = due.last, note.place.shard == shard {
                notes.append(note)
                due.removeLast()
            }
            return notes
        }
    }

    /// Removes files of writes that were never finished.
    ///
    /// One that is being written is not there any more once its shard's lock is to be had.
    ///
    /// - Returns: the shards whose locks were not to be had.
    private func removeTemporaries() async throws -> Set<Int> {
        let shards = try await scan { root in
            var shards: [Int] = []
            try root.temporary.names { name in
                if let shard = FilePlace.shard(named: name) { shards.append(shard) }
                return true
            }
            return shards
        }
        var locked: Set<Int> = []
        for shard in shards {
            do {
                try await write(shard: shard) { try $0.removeTemporary(of: shard) }
            } catch let error as SessionStoreError where error.code == .locked {
                locked.insert(shard)
            }
        }
        return locked
    }
}
