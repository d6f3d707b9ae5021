import Sessions
import SessionsTesting
import Synchronization
import Testing

@Suite struct MemorySessionStoreTests {
    private let clock = ManualSessionClock()
    private let user = OwnerKey("realm:user")

    private func record(expiresIn life: Duration, owner: OwnerKey? = nil, payload: Int = 8) -> StoredRecord {
        StoredRecord(
            payload: [UInt8](repeating: 7, count: payload),
            version: .random(),
            idleDeadline: clock.now() + life,
            absoluteDeadline: clock.now() + .seconds(86_400),
            owner: owner
        )
    }

    private func insert(_ record: StoredRecord, into store: MemorySessionStore) throws -> StoreKey {
        let key = StoreKey(SessionHandle.random())
        #expect(try store.insert(record, at: key))
        return key
    }

    // MARK: Eviction (ST-08, DS-01)

    @Test("ST-08: at the limit the anonymous record nearest its deadline goes first", arguments: [4, 16384])
    func evictionOrder(limit: Int) throws {
        let store = try MemorySessionStore(limit: limit, clock: clock)
        // The nearest deadlines are those of owned records.
        let owned = try (0..<2).map { try insert(record(expiresIn: .seconds(10 + $0), owner: user), into: store) }
        let anonymous = try (0..<(limit - 2)).map { index in
            try insert(record(expiresIn: .seconds(1000 + index * 37 % (limit - 2))), into: store)
        }
        let order = anonymous.sorted {
            (store.load($0)?.idleDeadline ?? .distantFuture) < (store.load($1)?.idleDeadline ?? .distantFuture)
        }
        for gone in 1...2 {
            _ = try insert(record(expiresIn: .seconds(50_000)), into: store)
            #expect(store.count() == limit)
            #expect(order.prefix(gone).allSatisfy { store.load($0) == nil })
            #expect(order.dropFirst(gone).allSatisfy { store.load($0) != nil })
        }
        #expect(owned.allSatisfy { store.load($0) != nil })
        #expect(store.evictions == .init(anonymous: 2, owned: 0))
    }

    @Test("ST-08: an owned record is evicted for an owned one, when there is no anonymous one, nearest deadline first")
    func evictionOfOwned() throws {
        let store = try MemorySessionStore(limit: 3, clock: clock)
        let keys = try [30, 10].map { try insert(record(expiresIn: .seconds($0), owner: user), into: store) }
        let anonymous = try insert(record(expiresIn: .seconds(500)), into: store)
        let third = try insert(record(expiresIn: .seconds(5), owner: user), into: store)
        #expect(store.load(anonymous) == nil)
        #expect(store.evictions == .init(anonymous: 1, owned: 0))
        let fourth = try insert(record(expiresIn: .seconds(1), owner: user), into: store)
        #expect((keys + [third, fourth]).map { store.load($0) != nil } == [true, true, false, true])
        #expect(store.load(fourth) != nil, "a new record does not make room for itself")
        #expect(store.evictions == .init(anonymous: 1, owned: 1))
        #expect(store.entries(of: user).count == 3)
    }

    @Test("ST-08: an insert without an owner is refused where only owned records could make room for it")
    func anonymousInsertIntoOwned() throws {
        let store = try MemorySessionStore(limit: 3, clock: clock)
        let keys = try [30, 10, 20].map { try insert(record(expiresIn: .seconds($0), owner: user), into: store) }
        let key = StoreKey(SessionHandle.random())
        for _ in 0..<3 {
            #expect(throws: SessionStoreError(.full, "")) { try store.insert(record(expiresIn: .seconds(90)), at: key) }
        }
        #expect(try !store.insert(record(expiresIn: .seconds(90)), at: keys[0]), "a taken key is no error")
        #expect(keys.allSatisfy { store.load($0) != nil })
        #expect(store.load(key) == nil)
        #expect(store.count() == 3)
        #expect(store.evictions == .init(anonymous: 0, owned: 0))
        // What has expired makes room, with or without an owner.
        clock.advance(by: .seconds(71))
        #expect(try store.insert(record(expiresIn: .seconds(90)), at: key))
        #expect(keys.map { store.load($0) != nil } == [true, false, true])
    }

    @Test("ST-08: one large record without an owner signs nobody out, and evicts nobody when it cannot fit")
    func largeAnonymousInsert() throws {
        let store = try MemorySessionStore(limit: 1000, byteLimit: 20_000, clock: clock)
        let owned = try (0..<10).map {
            try insert(record(expiresIn: .seconds(10 + $0), owner: user, payload: 800), into: store)
        }
        let anonymous = try insert(record(expiresIn: .seconds(5), payload: 1000), into: store)
        #expect(throws: SessionStoreError(.full, "")) {
            try store.insert(record(expiresIn: .seconds(90), payload: 12_000), at: StoreKey(.random()))
        }
        #expect(store.load(anonymous) != nil)
        _ = try insert(record(expiresIn: .seconds(90), payload: 9000), into: store)
        #expect(store.load(anonymous) == nil)
        #expect(owned.allSatisfy { store.load($0) != nil })
        #expect(store.evictions == .init(anonymous: 1, owned: 0))
        // One with an owner may.
        _ = try insert(record(expiresIn: .seconds(90), owner: user, payload: 12_000), into: store)
        #expect(
            owned.map { store.load($0) != nil } == Array(repeating: false, count: 3) + Array(repeating: true, count: 7)
        )
        #expect(store.evictions == .init(anonymous: 2, owned: 3))
    }

    @Test("ST-08: a record without an owner that grows signs nobody out, and is refused where only that would do")
    func growingAnonymousRecord() throws {
        let store = try MemorySessionStore(limit: 1000, byteLimit: 10_000, clock: clock)
        let owned = try (0..<5).map {
            try insert(record(expiresIn: .seconds(10 + $0), owner: user, payload: 1000), into: store)
        }
        let small = record(expiresIn: .seconds(90))
        let key = try insert(small, into: store)
        let large = record(expiresIn: .seconds(90), payload: 5000)
        #expect(throws: SessionStoreError(.full, "")) { try store.replace(large, at: key, ifVersion: small.version) }
        #expect(store.load(key) == small)
        #expect(try store.replace(large, at: key, ifVersion: .random()) == .conflict(small), "a lost race is no error")
        #expect(try store.replace(large, at: StoreKey(.random()), ifVersion: small.version) == .gone)
        #expect(owned.allSatisfy { store.load($0) != nil })
        // It may grow where there is room, and be replaced by as much as there is of it.
        let medium = record(expiresIn: .seconds(90), payload: 3000)
        #expect(try store.replace(medium, at: key, ifVersion: small.version) == .replaced)
        let same = record(expiresIn: .seconds(90), payload: 3000)
        #expect(try store.replace(same, at: key, ifVersion: medium.version) == .replaced)
        #expect(store.evictions == .init(anonymous: 0, owned: 0))
        // With an owner it may grow at the cost of others.
        let login = record(expiresIn: .seconds(90), owner: user, payload: 5000)
        #expect(try store.replace(login, at: key, ifVersion: same.version) == .replaced)
        #expect(owned.map { store.load($0) != nil } == [false, false, true, true, true])
        // What has expired makes room for the growing one too.
        clock.advance(by: .seconds(75))
        let logout = record(expiresIn: .seconds(90), payload: 9000)
        #expect(try store.replace(logout, at: key, ifVersion: login.version) == .replaced)
        #expect(store.load(key) == logout)
        #expect(store.evictions == .init(anonymous: 0, owned: 2))
    }

    @Test(
        "ST-08: visitors and sign-ins that race for the last places sign nobody out but for a sign-in",
        arguments: [50, 20_000]
    )
    func racingInserts(limit: Int) async throws {
        let store = try MemorySessionStore(limit: limit, clock: clock)
        for index in 0..<(limit - 5) {
            _ = try insert(record(expiresIn: .seconds(100 + index), owner: user), into: store)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<4 {
                group.addTask {
                    for _ in 0..<1000 {
                        if task == 0 {
                            let key = try insert(record(expiresIn: .seconds(90), owner: user), into: store)
                            #expect(store.delete(key, ifVersion: nil))
                        } else {
                            _ = try? store.insert(record(expiresIn: .seconds(90)), at: StoreKey(.random()))
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(store.entries(of: user).count == limit - 5)
        #expect(store.evictions.owned == 0)
        #expect(store.count() <= limit)
        #expect(store.entries(after: nil, limit: .max).count == store.count())
    }

    @Test("What a touch, a replace or an owner changes counts for eviction")
    func evictionFollowsChanges() throws {
        let store = try MemorySessionStore(limit: 3, clock: clock)
        let records = [10, 20, 30].map { record(expiresIn: .seconds($0)) }
        let keys = try records.map { try insert($0, into: store) }
        #expect(store.touch(keys[0], until: clock.now() + .seconds(100), ifVersion: records[0].version))
        let owned = record(expiresIn: .seconds(1), owner: user)
        #expect(try store.replace(owned, at: keys[1], ifVersion: records[1].version) == .replaced)
        _ = try insert(record(expiresIn: .seconds(500)), into: store)
        #expect(keys.map { store.load($0) != nil } == [true, true, false])
        _ = try insert(record(expiresIn: .seconds(500)), into: store)
        #expect(keys.map { store.load($0) != nil } == [false, true, false])
    }

    @Test("ST-08: what has expired is collected before anything live is evicted")
    func collectionBeforeEviction() throws {
        let store = try MemorySessionStore(limit: 3, clock: clock)
        let expired = try insert(record(expiresIn: .seconds(10), owner: user), into: store)
        let live = try insert(record(expiresIn: .seconds(500)), into: store)
        _ = try insert(record(expiresIn: .seconds(600)), into: store)
        clock.advance(by: .seconds(70) + .microseconds(1))
        _ = try insert(record(expiresIn: .seconds(600)), into: store)
        #expect(store.load(expired) == nil)
        #expect(store.load(live) != nil)
        #expect(store.evictions == .init(anonymous: 0, owned: 0))
    }

    @Test(
        "ST-08, DS-01: a flood of anonymous inserts stays at the limit and signs nobody out",
        arguments: [100, 20_000]
    )
    func flood(limit: Int) async throws {
        let store = try MemorySessionStore(limit: limit, clock: clock)
        let owned = try (0..<(limit - 10)).map {
            try insert(record(expiresIn: .seconds(60 + $0), owner: user), into: store)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<limit / 2 {
                        _ = try insert(record(expiresIn: .seconds(3600)), into: store)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(store.count() == limit)
        #expect(store.entries(after: nil, limit: .max).count == limit)
        #expect(owned.allSatisfy { store.load($0) != nil })
        #expect(store.evictions == .init(anonymous: 2 * limit - 10, owned: 0))
    }

    @Test("ST-08: concurrent inserts into the smallest store leave one record")
    func smallestStore() async throws {
        let store = try MemorySessionStore(limit: 1, clock: clock)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<500 {
                        _ = try insert(record(expiresIn: .seconds(3600)), into: store)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(store.count() == 1)
        #expect(store.entries(after: nil, limit: 10).count == 1)
    }

    @Test("ST-08: payloads are bounded too, and make room in the same order")
    func byteLimit() throws {
        let store = try MemorySessionStore(limit: 1000, byteLimit: 10_000, clock: clock)
        let owned = record(expiresIn: .seconds(10), owner: user, payload: 1000)
        let ownedKey = try insert(owned, into: store)
        for index in 0..<100 { _ = try insert(record(expiresIn: .seconds(100 + index), payload: 1000), into: store) }
        #expect(store.count() == 8)
        #expect(store.load(ownedKey) == owned)
        let grown = record(expiresIn: .seconds(10), owner: user, payload: 9000)
        #expect(try store.replace(grown, at: ownedKey, ifVersion: owned.version) == .replaced)
        #expect(store.load(ownedKey) == grown)
        #expect(store.count() == 1)
        #expect(store.delete(ownedKey, ifVersion: nil))
        _ = try insert(record(expiresIn: .seconds(10), payload: 9700), into: store)
        #expect(store.count() == 1)
        #expect(store.evictions == .init(anonymous: 100, owned: 0))
    }

    @Test("A record that could never fit is refused with an error, and nothing makes room for it")
    func tooLarge() throws {
        let store = try MemorySessionStore(limit: 10, byteLimit: 10_000, clock: clock)
        let small = record(expiresIn: .seconds(10))
        let key = try insert(small, into: store)
        let large = record(expiresIn: .seconds(10), payload: 10_000)
        #expect(throws: SessionStoreError(.full, "")) { try store.insert(large, at: StoreKey(.random())) }
        #expect(throws: SessionStoreError(.full, "")) { try store.replace(large, at: key, ifVersion: small.version) }
        #expect(store.load(key) == small)
        #expect(store.count() == 1)
    }

    @Test("A refused insert makes no room at the limit")
    func refusedInsert() throws {
        let store = try MemorySessionStore(limit: 2, clock: clock)
        let keys = try [10, 20].map { try insert(record(expiresIn: .seconds($0)), into: store) }
        #expect(try !store.insert(record(expiresIn: .seconds(30)), at: keys[1]))
        #expect(store.load(keys[0]) != nil)
        #expect(store.count() == 2)
        #expect(store.evictions == .init(anonymous: 0, owned: 0))
    }

    @Test("Each eviction is told to the handler")
    func evictionHandler() throws {
        let store = try MemorySessionStore(limit: 2, clock: clock)
        let told = Mutex<[Bool]>([])
        store.onEviction { owned in told.withLock { $0.append(owned) } }
        for _ in 0..<2 { _ = try insert(record(expiresIn: .seconds(10)), into: store) }
        for _ in 0..<3 { _ = try insert(record(expiresIn: .seconds(10), owner: user), into: store) }
        #expect(told.withLock { $0 } == [false, false, true])
    }

    @Test("A record that lives for ever can be evicted")
    func eternalRecord() throws {
        let store = try MemorySessionStore(limit: 1, clock: clock)
        var eternal = record(expiresIn: .zero)
        (eternal.idleDeadline, eternal.absoluteDeadline) = (.distantFuture, .distantFuture)
        let key = try insert(eternal, into: store)
        _ = try insert(record(expiresIn: .seconds(10)), into: store)
        #expect(store.load(key) == nil)
    }

    // MARK: Collection

    @Test("Expired records go as new ones come, only after the allowance, and without a sweeper")
    func opportunisticCollection() throws {
        let store = try MemorySessionStore(limit: 1000, skewAllowance: .seconds(60), clock: clock)
        for _ in 0..<100 { _ = try insert(record(expiresIn: .seconds(100)), into: store) }
        clock.advance(by: .seconds(160))
        _ = try insert(record(expiresIn: .seconds(10_000)), into: store)
        #expect(store.count() == 101, "the allowance is not over")
        clock.advance(by: .microseconds(1))
        for _ in 0..<100 { _ = try insert(record(expiresIn: .seconds(10_000)), into: store) }
        #expect(store.count() == 101)
        #expect(store.evictions == .init(anonymous: 0, owned: 0))
    }

    @Test("Sign-ins and sign-outs that come and go leave nothing behind")
    func churn() throws {
        let store = try MemorySessionStore(limit: 100, byteLimit: 1_000_000, clock: clock)
        for index in 0..<10_000 {
            let key = try insert(record(expiresIn: .seconds(3600), owner: OwnerKey("realm:\(index)")), into: store)
            #expect(store.delete(key, ifVersion: nil))
        }
        #expect(store.count() == 0)
        #expect(store.evictions == .init(anonymous: 0, owned: 0))
        // What is counted has come back to zero with them: a record of all the bytes there are still fits.
        _ = try insert(record(expiresIn: .seconds(3600), payload: 1_000_000 - 208), into: store)
        #expect(store.count() == 1)
    }

    @Test("Epochs whose time is over are forgotten as others are raised")
    func epochsForgotten() throws {
        let store = try MemorySessionStore(clock: clock)
        store.raiseEpoch(of: user, to: clock.now(), keptUntil: clock.now() + .seconds(100))
        clock.advance(by: .seconds(160))
        store.raiseEpoch(of: OwnerKey("realm:other"), to: clock.now(), keptUntil: clock.now() + .seconds(100))
        #expect(store.epoch(of: user) != nil)
        clock.advance(by: .microseconds(1))
        store.raiseEpoch(of: OwnerKey("realm:other"), to: clock.now(), keptUntil: clock.now() + .seconds(100))
        #expect(store.epoch(of: user) == nil)
    }

    @Test("A sweep forgets every epoch whose time is over, however many")
    func manyEpochs() throws {
        let store = try MemorySessionStore(clock: clock)
        let owners = (0..<200).map { OwnerKey("realm:\($0)") }
        for (index, owner) in owners.enumerated() {
            store.raiseEpoch(of: owner, to: clock.now(), keptUntil: clock.now() + .seconds(index < 150 ? 100 : 1000))
        }
        #expect(store.sweep(expiredBefore: clock.now() + .seconds(500), limit: 1) == 0)
        #expect(owners.map { store.epoch(of: $0) != nil } == owners.indices.map { $0 >= 150 })
    }

    @Test("removeAll keeps epochs: nothing opened before a revocation lives after it")
    func epochsSurvive() throws {
        let store = try MemorySessionStore(clock: clock)
        store.raiseEpoch(of: user, to: clock.now(), keptUntil: .distantFuture)
        store.removeAll()
        #expect(store.epoch(of: user) == clock.now())
    }

    // MARK: Configuration

    @Test("CF-12: limits that make no sense are refused with what to change")
    func refusals() {
        let refusals: [(() throws -> MemorySessionStore, String)] = [
            ({ try MemorySessionStore(limit: 0) }, "Set limit to 1 or more."),
            ({ try MemorySessionStore(limit: -1) }, "Set limit to 1 or more."),
            ({ try MemorySessionStore(byteLimit: 0) }, "Set byteLimit to 1 or more."),
            ({ try MemorySessionStore(skewAllowance: .seconds(-1)) }, "Set it to zero or more."),
        ]
        for (make, advice) in refusals {
            let error = #expect(throws: SessionConfigurationError.self) { try make() }
            #expect(error?.code == .limit)
            #expect(error?.message.hasSuffix(advice) == true)
        }
    }

    @Test("The byte limit follows the limit unless it is given")
    func defaultByteLimit() throws {
        #expect(try MemorySessionStore(limit: 10).byteLimit == 64 << 20)
        #expect(try MemorySessionStore(limit: 100_000).byteLimit == 409_600_000)
        #expect(try MemorySessionStore(limit: .max).byteLimit == .max)
        #expect(try MemorySessionStore(limit: 10, byteLimit: 5000).byteLimit == 5000)
    }
}
