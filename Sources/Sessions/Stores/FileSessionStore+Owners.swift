extension FileSessionStore: OwnerIndexedSessionStore {
    /// How many records one step of a listing reads.
    static let page = 256

    /// The records of `owner`, found by the notes that were made before they were.
    public func entries(of owner: OwnerKey) async throws -> [StoredEntry] {
        let places = try await scan { root in
            let notes = FilePlace.notes(of: owner)
            var places: [FilePlace] = []
            try root.owners.leaf(notes.shard, notes.leaf)?.names { name in
                if name.hasPrefix(notes.prefix), let place = FilePlace(name: name.dropFirst(notes.prefix.count)) {
                    places.append(place)
                }
                return true
            }
            return places
        }
        var entries: [StoredEntry] = []
        var stale: [FilePlace] = []
        for start in stride(from: 0, to: places.count, by: Self.page) {
            let page = places[start..<min(start + Self.page, places.count)]
            let (found, others) = try await scan { try $0.entries(of: owner, at: page) }
            entries += found
            stale += others
        }
        do {
            for place in stale {
                try await write(shard: place.shard) { try $0.removeStaleNote(of: owner, record: place) }
            }
        } catch let error as SessionStoreError where error.code == .locked {
            // A note that stays says nothing wrong, and a process that was stopped keeps nobody from signing out.
        }
        return entries
    }

    /// Deletes the record at `key` if `owner` owns it.
    public func delete(_ key: StoreKey, ifOwner owner: OwnerKey) async throws -> Bool {
        try await write(key) { try $0.delete(FilePlace(key)) { $0.owner == owner } }
    }

    /// The owner's epoch.
    public func epoch(of owner: OwnerKey) async throws -> Timestamp? {
        try await readers.perform { [root, errors] in try root.epoch(of: owner, errors: errors) }
    }

    /// Sets the owner's epoch, unless it is later already; the latest `keptUntil` counts.
    public func raiseEpoch(of owner: OwnerKey, to epoch: Timestamp, keptUntil: Timestamp) async throws {
        try await write(shard: FilePlace(epochOf: owner).shard) {
            try $0.raiseEpoch(of: owner, to: epoch, keptUntil: keptUntil)
        }
    }
}

extension FileRoot {
    /// The records at `places` that `owner` owns, and the other places.
    fileprivate func entries(
        of owner: OwnerKey,
        at places: ArraySlice<FilePlace>
    ) throws -> (found: [StoredEntry], stale: [FilePlace]) {
        var (found, stale): ([StoredEntry], [FilePlace]) = ([], [])
        for place in places {
            if case (.record(let record), let key?) = try find(place), record.owner == owner {
                found.append(StoredEntry(key: key, record: record))
            } else {
                stale.append(place)
            }
        }
        return (found, stale)
    }
}
