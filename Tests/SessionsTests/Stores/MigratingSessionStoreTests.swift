import SessionsTesting
import Testing

@testable import Sessions

typealias Side = FaultySessionStore<MemorySessionStore>
typealias Moving = MigratingSessionStore<Side, Side>

@Suite("Moving from one store to another")
struct MigratingSessionStoreTests {
    private static let checks = SessionStoreConformance.checks(for: Moving.self)

    private static func side(_ clock: any SessionClock) throws -> Side {
        try FaultySessionStore(MemorySessionStore(clock: clock))
    }

    @Test(
        "a store that is moved keeps the contract in each phase",
        arguments: checks,
        [Moving.Phase.preparing, .moving]
    )
    func conforms(_ check: SessionStoreConformance.Check, phase: Moving.Phase) async throws {
        let outcome = try await check.run { clock in
            try Moving(from: Self.side(clock), to: Self.side(clock), phase: phase, clock: clock)
        }
        #expect(outcome == .passed)
    }

    // All but inserts of one key at once, one into each store: a key is minted once.
    @Test(
        "nodes of which some prepare and some move keep it together",
        arguments: checks.filter { $0.name != "race-insert" }
    )
    func mixed(_ check: SessionStoreConformance.Check) async throws {
        let outcome = try await check.run { clock in
            let (old, new) = (try Self.side(clock), try Self.side(clock))
            return RotatingSessionStore(
                try [Moving.Phase.preparing, .moving, .moving].map { phase in
                    try Moving(from: old, to: new, phase: phase, clock: clock)
                }
            )
        }
        #expect(outcome == .passed)
    }

    @Test("a random history on nodes of which some prepare and some move is possible")
    func history() async throws {
        let clock = SystemSessionClock()
        let (old, new) = (try Self.side(clock), try Self.side(clock))
        let keys = try KeyRing([SessionSecret.generate()])
        let nodes = try [Moving.Phase.preparing, .preparing, .moving, .moving].map { phase in
            LocalHistoryNode(
                try SessionManager(store: Moving(from: old, to: new, phase: phase, clock: clock), keys: keys)
            )
        }
        let history = await HistoryWorkload(seed: 5).run(on: nodes, requests: 3000)
        #expect(history.events.count >= 3000)
        // A touch by a node that prepares leaves the version alone, so a move that read the record before undoes it.
        // Nodes that all move do not do this to each other: that is promised, and has tests of its own below.
        let violations = history.violations().filter { $0.reason != "an idle deadline went back" }
        #expect(violations.map(\.description) == [])
        // Some were moved meanwhile, or ended on the way; the rest can be.
        #expect(old.faults.operations.contains(.delete))
        _ = try await Moving(from: old, to: new, phase: .moving, clock: clock).moveAll()
        #expect(old.base.count() == 0)
    }

    /// Two stores, and the way between them.
    private struct Pair {
        let clock = ManualSessionClock()
        let old: Side
        let new: Side
        let keys: KeyRing
        let browser: SessionBrowser

        init() throws {
            old = try MigratingSessionStoreTests.side(clock)
            new = try MigratingSessionStoreTests.side(clock)
            keys = try KeyRing([SessionSecret.generate()])
            browser = SessionBrowser(clock: clock)
        }

        func store(_ phase: Moving.Phase) throws -> Moving {
            try Moving(from: old, to: new, phase: phase, clock: clock)
        }

        func manager(_ store: some SessionStore) throws -> SessionManager {
            try SessionManager(store: store, keys: keys, clock: clock)
        }

        func manager(_ phase: Moving.Phase) throws -> SessionManager { try manager(store(phase)) }

        var counts: [Int] { [old.base.count(), new.base.count()] }
    }

    @Test("nobody is logged out: from the old store alone, by way of each phase, to the new store alone")
    func wholeWay() async throws {
        let pair = try Pair()
        let browser = pair.browser
        try await browser.visit(try pair.manager(pair.old)) { $0.logIn("ada") }
        let idle = SessionBrowser(clock: pair.clock)
        try await idle.visit(try pair.manager(pair.old)) { $0.set(.visits, to: 7) }
        try await browser.visit(try pair.manager(.preparing)) { $0.set(.visits, to: 1) }
        #expect(pair.counts == [2, 0])
        #expect(try await browser.visit(try pair.manager(.moving)) { $0[.visits] } == 1)
        #expect(pair.counts == [2, 0])
        try await browser.visit(try pair.manager(.moving)) { session in session.update(.visits) { $0 += 1 } }
        #expect(pair.counts == [1, 1])
        // A node that has not gone on yet finds it there.
        try await browser.visit(try pair.manager(.preparing)) { session in session.update(.visits) { $0 += 1 } }
        #expect(pair.counts == [1, 1])
        #expect(try await pair.manager(.moving).list("ada").count == 1)
        #expect(try await pair.store(.moving).moveAll() == 1)
        #expect(try await pair.store(.moving).moveAll() == 0)
        #expect(pair.counts == [0, 2])
        let new = try pair.manager(pair.new)
        #expect(try await browser.visit(new) { $0[.visits] } == 3)
        #expect(try await browser.visit(new) { $0.owner } == "ada")
        #expect(try await idle.visit(new) { $0[.visits] } == 7)
    }

    @Test("a new session begins in the store of its phase")
    func beginnings() async throws {
        let pair = try Pair()
        try await SessionBrowser(clock: pair.clock).visit(try pair.manager(.preparing)) { $0.set(.visits, to: 1) }
        #expect(pair.counts == [1, 0])
        try await SessionBrowser(clock: pair.clock).visit(try pair.manager(.moving)) { $0.set(.visits, to: 1) }
        #expect(pair.counts == [1, 1])
    }

    @Test(
        "I1, I4: a move that stops after any step loses neither the session nor the change",
        arguments: 0..<3,
        [0, 1]
    )
    func interruptedMove(step: Int, reply: Int) async throws {
        let pair = try Pair()
        try await pair.browser.visit(try pair.manager(pair.old)) { $0.set(.visits, to: 1) }
        let (side, operation) = [(pair.old, StoreOperation.replace), (pair.new, .insert), (pair.old, .delete)][step]
        // The step is not taken, or taken and not answered; the store is dead for as long as this request tries.
        if reply == 0 {
            side.faults.failBefore(operation, next: 10)
        } else {
            side.faults.failAfter(operation, next: 10)
        }
        let moving = try pair.manager(.moving)
        let isAnswered = await succeeds {
            try await pair.browser.visit(moving) { session in session.update(.visits) { $0 += 1 } }
        }
        side.faults.clear()
        let isDone = step > 0 || reply == 1
        let visits = try await pair.browser.visit(moving) { $0[.visits] }
        #expect(visits == (isDone ? 2 : 1))
        if isAnswered { #expect(visits == 2) }
        try await pair.browser.visit(moving) { session in session.update(.visits) { $0 += 1 } }
        #expect(try await pair.browser.visit(try pair.manager(pair.new)) { $0[.visits] } == visits + 1)
        _ = try await pair.store(.moving).moveAll()
        #expect(pair.counts == [0, 1])
    }

    @Test("I2: an end that stops after any step is an error until it is complete, and then an end", arguments: 0..<6)
    func interruptedEnd(step: Int) async throws {
        let pair = try Pair()
        let isMoved = step >= 3
        try await pair.browser.visit(try pair.manager(isMoved ? pair.new : pair.old)) { $0.set(.visits, to: 1) }
        let thief = pair.browser.copy()
        let (side, operation) = [
            (pair.old, StoreOperation.replace), (pair.new, .insert), (pair.old, .delete),
            (pair.new, .replace), (pair.old, .delete), (pair.new, .load),
        ][step]
        side.faults.failBefore(operation, next: 10)
        let moving = try pair.manager(.moving)
        #expect(await !succeeds { try await pair.browser.visit(moving) { $0.destroy() } })
        side.faults.clear()
        try await pair.browser.visit(moving) { $0.destroy() }
        for manager in [try pair.manager(.moving), try pair.manager(.preparing), try pair.manager(pair.new)] {
            #expect(try await thief.copy().visit(manager) { $0.isNew })
        }
        #expect(pair.old.base.count() == 0)
    }

    @Test("I2: a node that completes somebody's move late cannot bring back what was destroyed meanwhile")
    func lateHelper() async throws {
        let pair = try Pair()
        try await pair.browser.visit(try pair.manager(pair.old)) { $0.set(.visits, to: 1) }
        let thief = pair.browser.copy()
        // One request moves the session and stands still before the new store has it.
        let gate = pair.new.faults.hold(.insert, next: 1)
        let slow = Task { [browser = pair.browser.copy()] in
            try await browser.visit(try pair.manager(.moving)) { $0.set(.visits, to: 2) }
        }
        try await gate.waitForArrival()
        // Another completes the move and ends the session.
        try await pair.browser.visit(try pair.manager(.moving)) { session in
            #expect(session[.visits] == 2)
            session.destroy()
        }
        gate.open()
        try await slow.value
        #expect(try await thief.visit(try pair.manager(.moving)) { $0.isNew })
        #expect(try await thief.visit(try pair.manager(pair.new)) { $0.isNew })
        #expect(pair.old.base.count() == 0)
        // The tombstone is a record that goes like any other.
        pair.clock.advance(by: .seconds(86_400))
        #expect(try await pair.store(.moving).sweep(expiredBefore: pair.clock.now() + .seconds(1), limit: 10) == 1)
        #expect(pair.counts == [0, 0])
    }

    @Test("I1: a node that still writes to the old store and one that moves the session lose nothing of each other")
    func preparingAgainstMoving() async throws {
        for moment in [StoreFaults.Moment.before, .after] {
            let pair = try Pair()
            try await pair.browser.visit(try pair.manager(pair.old)) { $0.set(.visits, to: 1) }
            let gate = pair.old.faults.hold(.replace, next: 1, moment)
            let slow = Task { [browser = pair.browser.copy()] in
                try await browser.visit(try pair.manager(.moving)) { session in session.update(.visits) { $0 += 1 } }
            }
            try await gate.waitForArrival()
            try await pair.browser.visit(try pair.manager(.preparing)) { session in session.update(.visits) { $0 += 1 }
            }
            gate.open()
            try await slow.value
            #expect(try await pair.browser.visit(try pair.manager(.preparing)) { $0[.visits] } == 3)
        }
    }

    @Test("I7: a touch while a session is being moved is not undone")
    func touchDuringMove() async throws {
        let pair = try Pair()
        try await pair.browser.visit(try pair.manager(pair.old)) { $0.set(.visits, to: 1) }
        let entry = try #require(pair.old.base.entries(after: nil, limit: 1).first)
        let later = entry.record.idleDeadline + .seconds(600)
        let gate = pair.old.faults.hold(.replace, next: 1, .before)
        let moving = Task { try await pair.store(.moving).moveAll() }
        try await gate.waitForArrival()
        let isTouched = try await pair.store(.moving).touch(entry.key, until: later, ifVersion: entry.record.version)
        gate.open()
        _ = try await moving.value
        #expect(isTouched)
        #expect(pair.counts == [0, 1])
        #expect(try await pair.new.load(entry.key)?.idleDeadline == later)
    }

    @Test("I7: a session that a touch moves meanwhile has still the version that a replace asks for")
    func replaceDuringTouch() async throws {
        let pair = try Pair()
        try await pair.browser.visit(try pair.manager(pair.old)) { $0.set(.visits, to: 1) }
        let entry = try #require(pair.old.base.entries(after: nil, limit: 1).first)
        let (key, version) = (entry.key, entry.record.version)
        var changed = entry.record
        changed.version = .random()
        let gate = pair.old.faults.hold(.replace, next: 1, .before)
        let replacing = Task { [changed] in try await pair.store(.moving).replace(changed, at: key, ifVersion: version)
        }
        try await gate.waitForArrival()
        let later = entry.record.idleDeadline + .seconds(600)
        #expect(try await pair.store(.moving).touch(key, until: later, ifVersion: version))
        gate.open()
        #expect(try await replacing.value == .replaced)
        #expect(try await pair.new.load(key)?.version == changed.version)
    }

    @Test("I7: a touch finds a session that is moved meanwhile", arguments: [Moving.Phase.preparing, .moving])
    func touchAfterMove(_ phase: Moving.Phase) async throws {
        let pair = try Pair()
        try await pair.browser.visit(try pair.manager(pair.old)) { $0.set(.visits, to: 1) }
        let entry = try #require(pair.old.base.entries(after: nil, limit: 1).first)
        let later = entry.record.idleDeadline + .seconds(600)
        // Where the touch looks first there is nothing yet, and where it writes there is nothing any more.
        let gate = pair.old.faults.hold(phase == .preparing ? .touch : .replace, next: 1, .before)
        let touching = Task {
            try await pair.store(phase).touch(entry.key, until: later, ifVersion: entry.record.version)
        }
        try await gate.waitForArrival()
        #expect(try await pair.store(.moving).moveAll() == 1)
        gate.open()
        #expect(try await touching.value)
        #expect(try await pair.new.load(entry.key)?.idleDeadline == later)
    }

    @Test("I1: a change that finds its session half moved, by a touch, is not lost")
    func replaceDuringMove() async throws {
        let pair = try Pair()
        try await pair.browser.visit(try pair.manager(pair.old)) { $0.set(.visits, to: 1) }
        let entry = try #require(pair.old.base.entries(after: nil, limit: 1).first)
        let (key, version) = (entry.key, entry.record.version)
        var changed = entry.record
        changed.version = .random()
        let found = pair.old.faults.hold(.replace, next: 1, .before)
        let replacing = Task { [changed] in try await pair.store(.moving).replace(changed, at: key, ifVersion: version)
        }
        try await found.waitForArrival()
        // The touch leaves the version as it is, and has moved the session but for the last step.
        let moved = pair.old.faults.hold(.delete, next: 1, .before)
        let later = entry.record.idleDeadline + .seconds(600)
        let touching = Task { try await pair.store(.moving).touch(key, until: later, ifVersion: version) }
        try await moved.waitForArrival()
        found.open()
        #expect(try await replacing.value == .replaced)
        moved.open()
        #expect(try await touching.value)
        #expect(try await pair.new.load(key)?.version == changed.version)
        #expect(pair.counts == [0, 1])
    }

    @Test("a session that is moved between the looks into one store and the other is found")
    func loadDuringMove() async throws {
        let pair = try Pair()
        try await pair.browser.visit(try pair.manager(pair.old)) { $0.set(.visits, to: 1) }
        let entry = try #require(pair.old.base.entries(after: nil, limit: 1).first)
        let gate = pair.new.faults.hold(.load, next: 1, .after)
        let loading = Task { try await pair.store(.moving).load(entry.key) }
        try await gate.waitForArrival()
        #expect(try await pair.store(.moving).moveAll() == 1)
        gate.open()
        #expect(try await loading.value == entry.record)
    }

    @Test("I2: a replace that a deletion overtakes finds the session gone, and not its tombstone")
    func replaceDuringEnd() async throws {
        let pair = try Pair()
        try await pair.browser.visit(try pair.manager(pair.new)) { $0.set(.visits, to: 1) }
        let entry = try #require(pair.new.base.entries(after: nil, limit: 1).first)
        var changed = entry.record
        changed.version = .random()
        let gate = pair.new.faults.hold(.replace, next: 1, .before)
        let replacing = Task { [changed] in
            try await pair.store(.moving).replace(changed, at: entry.key, ifVersion: entry.record.version)
        }
        try await gate.waitForArrival()
        #expect(try await pair.store(.moving).delete(entry.key, ifVersion: nil))
        gate.open()
        #expect(try await replacing.value == .gone)
    }

    @Test("LC-12: an epoch that a node has raised counts on nodes of every phase, and on those of one store alone")
    func epochs() async throws {
        let pair = try Pair()
        let owner = OwnerKey("shop:ada")
        let end = pair.clock.now() + .seconds(1000)
        let nodes: [any OwnerIndexedSessionStore] = try [pair.old, pair.store(.preparing), pair.store(.moving)]
        for (number, node) in nodes.enumerated() {
            let epoch = pair.clock.now() + .seconds(number)
            try await node.raiseEpoch(of: owner, to: epoch, keptUntil: end)
            for other in nodes { #expect(try await other.epoch(of: owner) == epoch) }
            // There is no node of the new store alone before all of them move.
            if number > 0 { #expect(try await pair.new.epoch(of: owner) == epoch) }
        }
    }

    @Test("enumeration shows every session once, and no tombstone")
    func enumeration() async throws {
        let pair = try Pair()
        for number in 0..<40 {
            let browser = SessionBrowser(clock: pair.clock)
            try await browser.visit(try pair.manager(number < 20 ? .preparing : .moving)) {
                $0.set(.visits, to: number)
            }
            if number % 4 == 0 { try await browser.visit(try pair.manager(.moving)) { $0.destroy() } }
        }
        let store = try pair.store(.moving)
        #expect(try await store.count() == 30)
        for limit in [1, 3, 100] {
            var (keys, last): ([String], StoreKey?) = ([], nil)
            while true {
                let page = try await store.entries(after: last, limit: limit)
                keys += page.map(\.key.text)
                last = page.last?.key
                if page.count < limit { break }
            }
            #expect(keys.count == 30)
            #expect(Set(keys).count == 30)
        }
    }
}

private func succeeds(_ body: () async throws -> Void) async -> Bool {
    do {
        try await body()
        return true
    } catch {
        return false
    }
}
