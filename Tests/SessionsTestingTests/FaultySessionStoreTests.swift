import Sessions
import SessionsTesting
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(5))) struct FaultySessionStoreTests {
    private let base = WrongStore(clock: ManualSessionClock())
    private let faults = StoreFaults()
    private let key = StoreKey(SessionHandle.random())
    private var store: FaultySessionStore<WrongStore> { FaultySessionStore(base, faults: faults) }

    private func record(_ text: String) -> StoredRecord {
        StoredRecord(
            payload: Array(text.utf8),
            version: .random(),
            idleDeadline: .distantFuture,
            absoluteDeadline: .distantFuture
        )
    }

    @Test("Calls are told in the order of their arrival, with what became of them")
    func calls() async throws {
        let (first, second) = (record("first"), record("second"))
        #expect(try await store.load(key) == nil)
        #expect(try await store.insert(first, at: key))
        #expect(try await !store.insert(second, at: key))
        #expect(try await store.load(key) == first)
        #expect(try await store.replace(second, at: key, ifVersion: first.version) == .replaced)
        #expect(try await store.replace(second, at: key, ifVersion: first.version) == .conflict(second))
        #expect(try await store.touch(key, until: .distantFuture, ifVersion: second.version))
        #expect(try await store.delete(key, ifVersion: nil))
        #expect(try await store.replace(second, at: key, ifVersion: second.version) == .gone)
        #expect(
            faults.calls.map(\.description) == [
                "load: no", "insert: yes", "insert: no", "load: yes", "replace: yes", "replace: conflict", "touch: yes",
                "delete: yes", "replace: no",
            ]
        )
        #expect(faults.count(of: .replace) == 3)
        faults.forgetCalls()
        #expect(faults.calls.isEmpty)
        _ = try await store.load(key)
        #expect(faults.operations == [.load])
    }

    @Test("A held call waits before anything is applied, until the gate opens")
    func holdBefore() async throws {
        let record = record("held")
        let gate = faults.hold(.insert)
        let insert = Task { try await store.insert(record, at: key) }
        try await gate.waitForArrival()
        #expect(base.load(key) == nil)
        #expect(faults.calls.map(\.outcome) == [.pending])
        gate.open()
        #expect(try await insert.value)
        #expect(try await !store.insert(record, at: key), "an open gate lets everything through")
        #expect(gate.arrivals == 2)
    }

    @Test("A call held after the store has answered is applied, and its reply is late")
    func holdAfter() async throws {
        let record = record("late")
        let gate = faults.hold(.insert, next: 1, .after)
        let insert = Task { try await store.insert(record, at: key) }
        try await gate.waitForArrival()
        #expect(base.load(key) == record)
        #expect(try await !store.insert(record, at: key), "only the next call is held")
        gate.open()
        #expect(try await insert.value)
    }

    @Test("A gate admits waiting calls in the order of their arrival")
    func admit() async throws {
        let gate = faults.hold(.insert)
        var inserts: [Task<Bool, any Error>] = []
        for index in 1...3 {
            inserts.append(Task { try await store.insert(record("\(index)"), at: key) })
            try await gate.waitForArrival(index)
        }
        gate.admit()
        #expect(try await inserts[0].value)
        gate.admit(2)
        #expect(try await !inserts[1].value)
        #expect(try await !inserts[2].value)
        #expect(base.load(key)?.payload == Array("1".utf8))
    }

    @Test("A held call whose task is cancelled throws, and nothing is applied")
    func cancelHeld() async throws {
        let gate = faults.hold(.insert)
        let insert = Task { try await store.insert(record("cancelled"), at: key) }
        try await gate.waitForArrival()
        insert.cancel()
        await #expect(throws: CancellationError.self) { try await insert.value }
        #expect(base.load(key) == nil)
        #expect(faults.calls.map(\.outcome) == [.failedBefore])
    }

    @Test("A call that fails before is not applied, and only as many fail as were told to")
    func failBefore() async throws {
        faults.failBefore(.insert, next: 2)
        for _ in 1...2 {
            await #expect(throws: StoreFaults.unavailable) { try await store.insert(record("lost"), at: key) }
        }
        #expect(base.load(key) == nil)
        #expect(try await store.insert(record("kept"), at: key))
        #expect(faults.calls.map(\.outcome) == [.failedBefore, .failedBefore, .yes])
    }

    @Test("A call that fails after is applied, and its reply is lost")
    func failAfter() async throws {
        let record = record("applied")
        faults.failAfter(.insert, with: SessionStoreError(.timedOut, "late"))
        let error = await #expect(throws: SessionStoreError.self) { try await store.insert(record, at: key) }
        #expect(error?.code == .timedOut)
        #expect(base.load(key) == record)
        #expect(faults.calls.map(\.outcome) == [.replyLost])
    }

    @Test("A duplicated call is applied twice, and the second reply is given")
    func duplicate() async throws {
        let (first, second) = (record("first"), record("second"))
        faults.duplicate(.insert)
        #expect(try await !store.insert(first, at: key))
        #expect(base.load(key) == first)
        faults.duplicate(.replace)
        #expect(try await store.replace(second, at: key, ifVersion: first.version) == .conflict(second))
        #expect(faults.calls.count == 2)
    }

    @Test("Others come in right before or right after the call that was named")
    func interleave() async throws {
        let (first, second, third) = (record("first"), record("second"), record("third"))
        let (base, key) = (base, key)
        _ = await base.insert(first, at: key)
        faults.before(.replace, call: 2) { _ = await base.delete(key, ifVersion: nil) }
        faults.after(.load, call: 2) { _ = await base.replace(third, at: key, ifVersion: second.version) }
        #expect(try await store.load(key) == first)
        #expect(try await store.replace(second, at: key, ifVersion: first.version) == .replaced)
        #expect(try await store.load(key) == second)
        #expect(base.load(key) == third)
        #expect(try await store.replace(first, at: key, ifVersion: third.version) == .gone)
        #expect(faults.operations == [.load, .replace, .load, .replace], "what others do is not counted")
    }

    @Test("Rules for one operation apply in the order in which they were given, until they are cleared")
    func rules() async throws {
        let gate = faults.hold(.load)
        faults.failBefore(.load)
        let load = Task { try await store.load(key) }
        try await gate.waitForArrival()
        #expect(faults.calls.map(\.outcome) == [.pending])
        faults.clear()
        #expect(try await store.load(key) == nil)
        gate.open()
        await #expect(throws: StoreFaults.unavailable) { try await load.value }
    }

    @Test("What the wrapped store throws is passed on and told")
    func baseFails() async throws {
        let inner = StoreFaults()
        inner.failBefore(.load)
        let store = FaultySessionStore(FaultySessionStore(base, faults: inner), faults: faults)
        await #expect(throws: StoreFaults.unavailable) { try await store.load(key) }
        #expect(faults.calls.map(\.outcome) == [.failed])
    }

    @Test("It has the refinements of the wrapped store, and no others")
    func refinements() async throws {
        let full: any SessionStore = store
        #expect(full is any SweepingSessionStore)
        #expect(full is any OwnerIndexedSessionStore)
        #expect(full is any EnumerableSessionStore)
        let bare: any SessionStore = FaultySessionStore(BareStore(base: base))
        #expect(!(bare is any SweepingSessionStore))
        #expect(!(bare is any OwnerIndexedSessionStore))
        #expect(!(bare is any EnumerableSessionStore))
    }

    @Test("Every operation can fail", arguments: StoreOperation.allCases)
    func everyOperation(_ operation: StoreOperation) async throws {
        faults.failBefore(operation)
        let owner = OwnerKey("realm:user")
        await #expect(throws: StoreFaults.unavailable) {
            switch operation {
            case .load: _ = try await store.load(key)
            case .insert: _ = try await store.insert(record(""), at: key)
            case .replace: _ = try await store.replace(record(""), at: key, ifVersion: .random())
            case .touch: _ = try await store.touch(key, until: .distantFuture, ifVersion: .random())
            case .delete: _ = try await store.delete(key, ifVersion: nil)
            case .sweep: _ = try await store.sweep(expiredBefore: .distantFuture, limit: 1)
            case .entriesOfOwner: _ = try await store.entries(of: owner)
            case .deleteIfOwner: _ = try await store.delete(key, ifOwner: owner)
            case .epoch: _ = try await store.epoch(of: owner)
            case .raiseEpoch: try await store.raiseEpoch(of: owner, to: .distantFuture, keptUntil: .distantFuture)
            case .count: _ = try await store.count()
            case .entries: _ = try await store.entries(after: nil, limit: 1)
            case .removeAll: try await store.removeAll()
            }
        }
        #expect(faults.calls.map(\.description) == ["\(operation): failedBefore"])
    }
}
