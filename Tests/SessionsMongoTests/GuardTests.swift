#if Mongo
import Sessions
import SessionsTesting
import Testing

@testable import SessionsMongo

extension MongoStoreTests {
    /// Each fails when its guard is taken out of the commands.
    @Suite("Guards")
    struct GuardTests {
        @Test("I1 of many that replace the same version one does, and each other one is handed a record that won")
        func replaceRace() async throws {
            let scratch = try await Scratch.replicaSet()
            let stores = [try await scratch.store(), try await scratch.store()]
            #expect(try await stores[0].insert(.sample(version: 1), at: .numbered(1)))
            for round in 0..<5 {
                let before = try #require(try await stores[0].load(.numbered(1)))
                let outcomes = try await withThrowingTaskGroup(of: (UInt64, ReplaceOutcome).self) { group in
                    for index in 0..<12 {
                        group.addTask {
                            let version = UInt64(100 * (round + 1) + index)
                            let record = StoredRecord.sample("by \(version)", version: version, owner: "a:b")
                            let store = stores[index % 2]
                            return (
                                version,
                                try await store.replace(record, at: .numbered(1), ifVersion: before.version)
                            )
                        }
                    }
                    return try await group.reduce(into: [(UInt64, ReplaceOutcome)]()) { $0.append($1) }
                }
                let winners = outcomes.filter { $0.1 == .replaced }
                #expect(winners.count == 1)
                let winner = try #require(try await stores[1].load(.numbered(1)))
                #expect(winner.version.rawValue == winners.first?.0)
                #expect(winner.payload == Array("by \(winner.version.rawValue)".utf8))
                for outcome in outcomes where outcome.1 != .replaced { #expect(outcome.1 == .conflict(winner)) }
            }
        }

        @Test("I2 nothing that was begun before a deletion brings the record back")
        func deleteWins() async throws {
            let scratch = try await Scratch.standalone()
            let store = try await scratch.store()
            for number in 0..<50 {
                let key = try StoreKey.numbered(number)
                #expect(try await store.insert(.sample(), at: key))
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        let isDeleted = try await store.delete(key, ifVersion: nil)
                        #expect(isDeleted)
                    }
                    group.addTask { _ = try await store.replace(.sample(version: 2), at: key, ifVersion: .first) }
                    group.addTask { _ = try await store.touch(key, until: .distantFuture, ifVersion: .first) }
                    try await group.waitForAll()
                }
                #expect(try await store.load(key) == nil)
                #expect(try await store.replace(.sample(version: 3), at: key, ifVersion: .first) == .gone)
                #expect(try await !store.touch(key, until: .distantFuture, ifVersion: .first))
                #expect(try await store.load(key) == nil)
            }
            #expect(try await store.count() == 0)
        }

        @Test("I7 a touch and a deletion have no effect on another version, and a touch never rewinds")
        func versions() async throws {
            let store = try await Scratch.standalone().store()
            let record = StoredRecord.sample(version: 2)
            #expect(try await store.insert(record, at: .numbered(1)))
            #expect(try await !store.touch(.numbered(1), until: .distantFuture, ifVersion: .first))
            #expect(try await !store.delete(.numbered(1), ifVersion: .first))
            #expect(try await store.load(.numbered(1)) == record)
            #expect(
                try await store.touch(
                    .numbered(1),
                    until: record.idleDeadline - .seconds(1),
                    ifVersion: record.version
                )
            )
            #expect(try await store.load(.numbered(1)) == record)
        }

        @Test("an owner's sessions are listed and deleted as the owner's alone, however much their names look alike")
        func owners() async throws {
            let store = try await Scratch.standalone().store()
            let names = ["a:b", "a:B", "a:b ", "a:\u{E9}", "a:e\u{301}", "a:$b", "a:{\"$gt\":\"\"}", "a:b\u{0}c", "a:"]
            for (number, name) in names.enumerated() {
                #expect(try await store.insert(.sample(owner: name), at: .numbered(number)))
            }
            for (number, name) in names.enumerated() {
                let entries = try await store.entries(of: OwnerKey(name))
                #expect(entries.map(\.key) == [try .numbered(number)])
                for other in names where OwnerKey(other) != OwnerKey(name) {
                    #expect(try await !store.delete(.numbered(number), ifOwner: OwnerKey(other)))
                }
            }
            for (number, name) in names.enumerated() {
                #expect(try await store.delete(.numbered(number), ifOwner: OwnerKey(name)))
            }
        }

        @Test("ST-05 an owner whose text is an expression's is kept as it is written, by a replace too")
        func expressions() async throws {
            let store = try await Scratch.standalone().store()
            for (number, name) in ["$version", "$$ROOT", "$payload", "$"].enumerated() {
                let record = StoredRecord.sample("{\"$set\":1}", version: 2, owner: name)
                #expect(try await store.insert(.sample(), at: .numbered(number)))
                #expect(try await store.replace(record, at: .numbered(number), ifVersion: .first) == .replaced)
                #expect(try await store.load(.numbered(number)) == record)
            }
        }

        @Test("an owner may have more sessions than a reply holds")
        func manySessions() async throws {
            let scratch = try await Scratch.standalone { $0.confirmation = .unflushed }
            let store = try await scratch.store()
            // Twenty of a megabyte each do not fit into one reply, and twelve hundred not into one page.
            let large = String(repeating: "x", count: 1_000_000)
            for number in 0..<20 {
                #expect(try await store.insert(.sample(large, owner: "a:large"), at: .numbered(number)))
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 100..<1300 {
                    group.addTask { _ = try await store.insert(.sample(owner: "a:many"), at: .numbered(number)) }
                }
                try await group.waitForAll()
            }
            #expect(try await Set(store.entries(of: OwnerKey("a:large")).map(\.key)).count == 20)
            #expect(try await Set(store.entries(of: OwnerKey("a:many")).map(\.key)).count == 1200)
            #expect(try await store.entries(after: nil, limit: 5000).count == 1220)
            #expect(try await store.entries(after: nil, limit: 7).count == 7)
            try await store.removeAll()
            #expect(try await store.count() == 0)
        }

        @Test("I5 the latest epoch counts, whoever raises it in whatever order")
        func epochs() async throws {
            let store = try await Scratch.replicaSet().store()
            let owner = OwnerKey("a:b")
            let start = StoredRecord.sample().idleDeadline
            try await withThrowingTaskGroup(of: Void.self) { group in
                for second in (0..<20).shuffled() {
                    group.addTask {
                        try await store.raiseEpoch(
                            of: owner,
                            to: start + .seconds(second),
                            keptUntil: start + .seconds(1000 - second)
                        )
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await store.epoch(of: owner) == start + .seconds(19))
            try await store.raiseEpoch(of: owner, to: start, keptUntil: start)
            #expect(try await store.epoch(of: owner) == start + .seconds(19))
        }

        @Test("I5 a login that a revocation overtakes is refused, and leaves no session")
        func revoked() async throws {
            let store = try await Scratch.standalone().store()
            let sessions = try manager(store)
            let browser = SessionBrowser()
            let error = await #expect(throws: SessionError.self) {
                try await browser.visit(sessions) { session in
                    session.logIn("ada")
                    try await sessions.revokeAll(of: "ada")
                }
            }
            #expect(error?.code == .revoked)
            #expect(try await store.count() == 0)
        }
    }
}
#endif
