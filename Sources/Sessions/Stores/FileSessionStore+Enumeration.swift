import Logging

extension FileSessionStore: EnumerableSessionStore {
    /// How many records there are; reads the name of every one.
    public func count() async throws -> Int {
        var count = 0
        for shard in 0..<FilePlace.shards {
            let (found, foreign) = try await scan { root in
                var (found, foreign) = (0, 0)
                try root.records.names(in: shard) { name in
                    if FilePlace(name: name[...]) != nil { found += 1 } else { foreign += 1 }
                    return true
                }
                return (found, foreign)
            }
            count += found
            warn(foreign, in: shard)
        }
        return count
    }

    /// Up to `limit` entries that come after `key`, in the order of their keys.
    ///
    /// Each page reads the name of every record: meant for operators and tests. Take large pages.
    public func entries(after key: StoreKey?, limit: Int) async throws -> [StoredEntry] {
        guard limit > 0 else { return [] }
        var entries: [StoredEntry] = []
        var last = key
        while entries.count < limit {
            let wanted = limit - entries.count
            var page = FilePage(after: last, limit: wanted)
            for shard in 0..<FilePlace.shards {
                page = try await scan { [page] root in
                    var page = page
                    try root.records.names(in: shard) { name in
                        try page.add(name, in: root)
                        return true
                    }
                    return page
                }
            }
            let candidates = page.finish()
            for start in stride(from: 0, to: candidates.count, by: Self.page) {
                let part = candidates[start..<min(start + Self.page, candidates.count)]
                entries += try await scan { root in
                    try part.compactMap { candidate in
                        guard case .record(let record) = try root.find(candidate.place).found else { return nil }
                        return StoredEntry(key: candidate.key, record: record)
                    }
                }
            }
            guard candidates.count == wanted else { break }
            // Some may be gone by now, and others come after them.
            last = candidates.last?.key
        }
        return entries
    }

    /// Deletes every record that is there when it is called; epochs stay.
    public func removeAll() async throws {
        for shard in 0..<FilePlace.shards {
            let places = try await scan { root in
                var places: [FilePlace] = []
                try root.records.names(in: shard) { name in
                    if let place = FilePlace(name: name[...]) { places.append(place) }
                    return true
                }
                return places
            }
            let step = 64
            for start in stride(from: 0, to: places.count, by: step) {
                let part = places[start..<min(start + step, places.count)]
                try await write(shard: shard) { root in
                    for place in part { _ = try root.delete(place) { _ in true } }
                }
            }
        }
    }

    private func warn(_ foreign: Int, in shard: Int) {
        guard foreign > 0 else { return }
        logger.warning(
            "The session directory holds files that are not sessions",
            metadata: [
                "directory": "\(errors.path)/records/\(FilePlace.shardName(shard))", "count": "\(foreign)",
            ]
        )
    }
}

/// Picks the records of one page, in the byte order of their keys, from names that come in any order.
struct FilePage: Sendable {
    struct Candidate: Sendable {
        let key: StoreKey
        let place: FilePlace
        /// In whose order the keys are.
        fileprivate let order: String
    }

    private let start: String?
    private let limit: Int
    private var candidates: [Candidate] = []
    /// Once enough candidates are known, nothing beyond this one can be in the page.
    private var end: String?

    init(after key: StoreKey?, limit: Int) {
        start = key.map(FilePlace.order)
        self.limit = limit
    }

    /// Adds the record with this name, if it may be in the page.
    mutating func add(_ name: String, in root: FileRoot) throws {
        // Nearly always, in a large directory, the name alone tells.
        let isSpelled = name.utf8.first == UInt8(ascii: "k")
        guard !isSpelled || !isOutside(name), let place = FilePlace(name: name[...]), !place.isEpoch,
            let key = try place.key ?? root.find(place).key
        else { return }
        let order = FilePlace.order(key)
        guard !isOutside(order) else { return }
        candidates.append(Candidate(key: key, place: place, order: order))
        if candidates.count / 2 >= limit { trim() }
    }

    private func isOutside(_ order: String) -> Bool {
        start.map { order <= $0 } ?? false || end.map { order > $0 } ?? false
    }

    mutating func finish() -> [Candidate] {
        trim()
        return candidates
    }

    private mutating func trim() {
        candidates.sort { $0.order < $1.order }
        guard candidates.count >= limit else { return }
        candidates.removeLast(candidates.count - limit)
        end = candidates.last?.order
    }
}
