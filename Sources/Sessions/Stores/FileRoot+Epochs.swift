// Owners' epochs, one file each. Everything but reading is done while the lock of the place's shard is held.
extension FileRoot {
    /// The epoch in a place; a file that is damaged is `nil` here, and set aside where the lock is held.
    private func readEpoch(_ place: FilePlace) throws -> (epoch: FileBytes.Epoch?, isDamaged: Bool) {
        switch try epochs.content(of: place) {
        case .missing: return (nil, false)
        case .foreign: return (nil, true)
        case .bytes(let bytes):
            guard let epoch = FileBytes.epoch(bytes), FilePlace(epochOf: epoch.owner) == place else {
                return (nil, true)
            }
            return (epoch, false)
        }
    }

    /// The epoch of an owner.
    ///
    /// - Throws: ``SessionStoreError`` with code `unusable` if it is damaged: without it, a session that was revoked could
    ///   live.
    func epoch(of owner: OwnerKey, errors: FileErrors) throws -> Timestamp? {
        let (epoch, isDamaged) = try readEpoch(FilePlace(epochOf: owner))
        if isDamaged { throw errors.damagedEpoch }
        return epoch?.epoch
    }

    func raiseEpoch(of owner: OwnerKey, to epoch: Timestamp, keptUntil: Timestamp) throws {
        let place = FilePlace(epochOf: owner)
        let (present, isDamaged) = try readEpoch(place)
        if isDamaged { try setAside(place, in: epochs) }
        let raised = FileBytes.Epoch(
            owner: owner,
            epoch: max(epoch, present?.epoch ?? epoch),
            keptUntil: max(keptUntil, present?.keptUntil ?? keptUntil)
        )
        // Whoever wrote it may have died before it was on the disk.
        guard raised != present else { return try force(place) }
        let due = FileDueNote(raised.keptUntil, place)
        try put(FileBytes.of(raised), place, in: epochs) {
            let isNew = try present == nil ? expiry.add(due, forced: true) : false
            return { [expiry] in if isNew { try expiry.remove(due) } }
        }
    }

    /// Forgets an epoch whose time is over, or makes a note of its new time.
    func collectEpoch(_ note: FileDueNote, before cutoff: Timestamp) throws {
        let (epoch, isDamaged) = try readEpoch(note.place)
        if isDamaged {
            // Whatever it said, its time is over: no request is under way that was opened before it.
            try setAside(note.place, in: epochs)
        } else if let present = epoch {
            if present.keptUntil < cutoff {
                try epochs.remove(note.place)
            } else if present.keptUntil != note.deadline {
                _ = try expiry.add(FileDueNote(present.keptUntil, note.place), forced: false)
            } else {
                return
            }
        }
        try expiry.remove(note)
    }
}
