import Sessions

// Going through everything a store keeps.
extension SessionStoreConformance {
    static let enumerationChecks: [Check] = [
        Check("enumerate-pages", "pages show every record once, in the byte order of the keys", needs: .enumeration) {
            subject in
            let store = try subject.enumeration()
            try require(await store.entries(after: nil, limit: 10).isEmpty, "An empty store has entries")
            let entries = try await insertMany(subject)
            for limit in [1, 7, entries.count, entries.count + 1, 1000] {
                var found: [StoredEntry] = []
                while true {
                    let page = try await store.entries(after: found.last?.key, limit: limit)
                    try require(page.count <= limit, "A page of at most \(limit) entries has \(page.count)")
                    if page.isEmpty { break }
                    found += page
                    try require(found.count <= entries.count, "Pages of \(limit) show more records than there are")
                }
                try require(
                    found.map(\.key) == entries.map(\.key),
                    "Pages of \(limit) leave a record out, show one twice, or are not in the byte order of the keys"
                )
                try subject.expect(entries, in: found, "In pages of \(limit)")
            }
        },
        Check("enumerate-between", "a page may begin after a key that is not there", needs: .enumeration) { subject in
            let store = try subject.enumeration()
            let entries = try await insertMany(subject)
            let middle = entries[entries.count / 2].key
            try require(await store.delete(middle, ifVersion: nil), "delete of a record returned false")
            let page = try await store.entries(after: middle, limit: 3)
            try require(
                page.map(\.key) == entries[(entries.count / 2 + 1)...].prefix(3).map(\.key),
                "A page after a key whose record was deleted does not begin with the next key"
            )
        },
        Check("enumerate-count", "count counts every record", needs: .enumeration) { subject in
            let store = try subject.enumeration()
            let before = try await store.count()
            try require(before == 0, "count returned \(before) for an empty store")
            let entries = try await insertMany(subject)
            var count = try await store.count()
            try require(count == entries.count, "count returned \(count), there are \(entries.count)")
            _ = try await store.insert(subject.record(), at: entries[0].key)
            _ = try await store.replace(subject.record(), at: entries[1].key, ifVersion: entries[1].record.version)
            _ = try await store.delete(entries[2].key, ifVersion: nil)
            _ = try await store.delete(entries[2].key, ifVersion: nil)
            count = try await store.count()
            try require(count == entries.count - 1, "count returned \(count), there are \(entries.count - 1)")
        },
        Check("enumerate-clear", "removeAll deletes every record, from every index", needs: .enumeration) { subject in
            let store = try subject.enumeration()
            let owner = OwnerKey("realm:one")
            let entries = try await insertMany(subject)
            let (owned, record) = try await subject.insert(subject.record(owner: owner))
            try await store.removeAll()
            let count = try await store.count()
            try require(count == 0, "count returned \(count) after removeAll")
            try require(await store.entries(after: nil, limit: 10).isEmpty, "removeAll left entries")
            for key in entries.map(\.key) + [owned] {
                try await subject.expect(nil, at: key, after: "removeAll")
            }
            if let store = store as? any OwnerIndexedSessionStore {
                try subject.expect([], in: await store.entries(of: owner), "After removeAll, among an owner's entries")
            }
            try await subject.insert(record, at: owned)
            try await subject.expect(record, at: owned, after: "an insert that came after removeAll")
        },
    ]

    /// Native keys and others, with what sorts around them; in the byte order of their texts.
    private static func insertMany(_ subject: ConformanceSubject) async throws -> [StoredEntry] {
        let texts = [
            "a", "A", "aa", "a.a", "a:a", "a-a", "a_a", "a=a", "0", "9", "-", "_", ".", ":", "=", "z", "Z",
            "zzzzzzzzzz",
        ]
        let keys = texts.compactMap { StoreKey($0) } + (0..<30).map { _ in subject.key() }
        var entries: [StoredEntry] = []
        for (index, key) in keys.shuffled().enumerated() {
            let record = subject.record([UInt8(index)])
            try await subject.insert(record, at: key)
            entries.append(StoredEntry(key: key, record: record))
        }
        return entries.sorted { $0.key.text.utf8.lexicographicallyPrecedes($1.key.text.utf8) }
    }
}
