import Sessions
import SessionsTesting
import Testing

/// Random operations on the memory store and on a plain model of it, compared after each.
@Suite struct MemorySessionStoreModelTests {
    /// A small generator whose numbers are the same in every run.
    private struct SeededGenerator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    private static let limit = 24
    private static let allowance = Duration.seconds(60)
    private static let owners = ["realm:a", "realm:b", "realm:\u{E9}", "realm:e\u{301}"].map { OwnerKey($0) }

    @Test("The store does what the model does, over random operations", arguments: 1...8)
    func model(seed: Int) throws {
        var random = SeededGenerator(state: UInt64(seed))
        let clock = ManualSessionClock()
        let store = try MemorySessionStore(limit: Self.limit, skewAllowance: Self.allowance, clock: clock)
        let keys = (0..<60).map {
            $0 < 50 ? StoreKey(SessionHandle(high: random.next(), low: random.next())) : StoreKey("k\($0)")
        }
        .compactMap { $0 }
        var model: [StoreKey: StoredRecord] = [:]
        var evicted = 0
        var refused = 0

        for operation in 0..<4000 {
            let key = keys[Int.random(in: keys.indices, using: &random)]
            let cutoff = clock.now() - Self.allowance
            let version = Bool.random(using: &random) ? model[key]?.version : RecordVersion(rawValue: random.next() | 1)
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<35:
                let record = record(clock.now(), &random)
                let live = model.filter { $0.value.expiresAt >= cutoff }
                let isRefused = record.owner == nil && live.count { $0.value.owner != nil } >= Self.limit
                if model[key] == nil, isRefused {
                    refused += 1
                    #expect(throws: SessionStoreError(.full, "")) { try store.insert(record, at: key) }
                    break
                }
                // A key whose record has expired may be found taken, or free.
                guard let inserted = try? store.insert(record, at: key) else {
                    #expect(isRefused && live[key] == nil)
                    break
                }
                if live[key] != nil {
                    #expect(!inserted)
                } else if model[key] == nil || inserted {
                    #expect(inserted)
                    model[key] = nil
                    if live.count >= Self.limit, let victim = Self.victim(in: live) {
                        model[victim] = nil
                        evicted += 1
                    }
                    model[key] = record
                }
            case 35..<55:
                let record = record(clock.now(), &random)
                let version = version ?? RecordVersion(rawValue: 1)
                let expected: ReplaceOutcome =
                    model[key].map { $0.version == version ? .replaced : .conflict($0) } ?? .gone
                #expect(try store.replace(record, at: key, ifVersion: version) == expected)
                if expected == .replaced { model[key] = record }
            case 55..<70:
                let version = version ?? RecordVersion(rawValue: 1)
                let deadline = clock.now() + .microseconds(Int.random(in: 0..<900_000_000, using: &random))
                let isCurrent = model[key]?.version == version
                #expect(store.touch(key, until: deadline, ifVersion: version) == isCurrent)
                if isCurrent, let current = model[key] {
                    model[key]?.idleDeadline = max(current.idleDeadline, deadline)
                }
            case 70..<78:
                let isDeleted = model[key].map { version == nil || $0.version == version } ?? false
                #expect(store.delete(key, ifVersion: version) == isDeleted)
                if isDeleted { model[key] = nil }
            case 78..<84:
                let owner = Self.owners[Int.random(in: Self.owners.indices, using: &random)]
                let isOwned = model[key].map { Self.bytes($0.owner) == Self.bytes(owner) } ?? false
                #expect(store.delete(key, ifOwner: owner) == isOwned)
                if isOwned { model[key] = nil }
            case 84..<94:
                clock.advance(by: .microseconds(Int.random(in: 0..<60_000_000, using: &random)))
            default:
                let limit = Int.random(in: 1...6, using: &random)
                let expired = model.filter { $0.value.expiresAt < cutoff }
                #expect(store.sweep(expiredBefore: cutoff, limit: limit) == min(limit, expired.count))
                // Which ones went is the store's choice.
                let left = expired.filter { store.load($0.key) == nil }
                #expect(left.count == min(limit, expired.count))
            }
            try #require(difference(store, &model, cutoff: clock.now() - Self.allowance) == nil)
            if operation.isMultiple(of: 16) { try #require(indexDifference(store, model, now: clock.now()) == nil) }
        }
        #expect(store.evictions.anonymous + store.evictions.owned == evicted)
        #expect(evicted > 0 && refused > 0, "the model never came to the limit")
    }

    private func record(_ now: Timestamp, _ random: inout SeededGenerator) -> StoredRecord {
        StoredRecord(
            payload: [UInt8](repeating: UInt8.random(in: 0...255, using: &random), count: 4),
            version: RecordVersion(rawValue: random.next() | 1),
            // To the microsecond, so that no two records are equally near their deadline.
            idleDeadline: now + .microseconds(Int.random(in: 0..<600_000_000, using: &random)),
            absoluteDeadline: now + .microseconds(Int.random(in: 0..<900_000_000, using: &random)),
            owner: Int.random(in: 0..<10, using: &random) < 8 ? Self.owners.randomElement(using: &random) : nil
        )
    }

    private static func victim(in live: [StoreKey: StoredRecord]) -> StoreKey? {
        let anonymous = live.filter { $0.value.owner == nil }
        return (anonymous.isEmpty ? live : anonymous).min { $0.value.expiresAt < $1.value.expiresAt }?.key
    }

    private static func bytes(_ owner: OwnerKey?) -> [UInt8]? {
        owner.map { Array($0.text.utf8) }
    }

    /// What is different; `nil` if nothing is.
    private func difference(
        _ store: MemorySessionStore,
        _ model: inout [StoreKey: StoredRecord],
        cutoff: Timestamp
    ) -> String? {
        for (key, record) in model {
            let found = store.load(key)
            if found == nil, record.expiresAt < cutoff {
                // The store may collect a record after the allowance, whenever it likes.
                model[key] = nil
            } else if found != record || Self.bytes(found?.owner) != Self.bytes(record.owner) {
                return "a record"
            }
        }
        return store.count() == model.count && model.count <= Self.limit ? nil : "the count"
    }

    /// What is different in the indexes; `nil` if nothing is.
    private func indexDifference(
        _ store: MemorySessionStore,
        _ model: [StoreKey: StoredRecord],
        now: Timestamp
    ) -> String? {
        for owner in Self.owners {
            let expected = model.filter { Self.bytes($0.value.owner) == Self.bytes(owner) }
            guard Set(store.entries(of: owner).map(\.key)) == Set(expected.keys) else {
                return "the entries of an owner"
            }
        }
        let page = store.entries(after: nil, limit: .max)
        let live = model.filter { $0.value.expiresAt > now }
        return page.map(\.key.text) == live.keys.map(\.text).sorted() ? nil : "a page"
    }
}
