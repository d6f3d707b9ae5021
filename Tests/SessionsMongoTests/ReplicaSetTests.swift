#if Mongo
import Foundation
import Sessions
import SessionsTesting
import Synchronization
import TestServers
import Testing

@testable import SessionsMongo

extension MongoStoreTests {
    @Suite("Faults of a replica set")
    struct ReplicaSetTests {
        /// The set whose members are killed and paused. Each test leaves it whole.
        private static let set = Task { try await MongoReplicaSet() }

        @Test("a write that meets an election is sent once more, and the server applies it once")
        func retryableWrites() async throws {
            let proxies = Proxies()
            let set = try await MongoReplicaSet(members: 1, host: proxies.make)
            let proxy = try proxies.first
            let store = try await Scratch(set.url).store()
            let record = StoredRecord.sample()
            // The connection is cut where the reply should come: the server has done it.
            for (number, fault) in [FaultProxy.Fault.loseReply, .loseRequest].enumerated() {
                let key = try StoreKey.numbered(number)
                proxy.next(fault, to: "insert")
                // Without the server's help the second attempt would find the key taken.
                #expect(try await store.insert(record, at: key))
                proxy.next(fault, to: "findAndModify")
                let second = StoredRecord.sample("second", version: 2)
                #expect(try await store.replace(second, at: key, ifVersion: .first) == .replaced)
                proxy.next(fault, to: "update")
                #expect(try await store.touch(key, until: second.idleDeadline + .seconds(1), ifVersion: second.version))
                proxy.next(fault, to: "delete")
                #expect(try await store.delete(key, ifVersion: second.version))
            }
            #expect(proxy.faultCount == 8)
            let member = set.members[0]
            for failure in [#""errorCode":10107,"errorLabels":["RetryableWriteError"]"#] {
                let key = StoreKey(.random())
                let commands = #""failCommands":["insert","findAndModify","delete","find"]"#
                try await member.fail(1, "\(commands),\(failure)")
                #expect(try await store.insert(record, at: key))
                try await member.fail(1, "\(commands),\(failure)")
                #expect(try await store.load(key) == record)
                try await member.fail(1, "\(commands),\(failure)")
                #expect(try await store.replace(.sample(version: 2), at: key, ifVersion: .first) == .replaced)
                try await member.fail(1, "\(commands),\(failure)")
                #expect(try await store.delete(key, ifVersion: nil))
            }
            await set.stop()
        }

        @Test("a connection that breaks twice is an error, and the manager finds out by the version what became of it")
        func lostTwice() async throws {
            let proxies = Proxies()
            let set = try await MongoReplicaSet(members: 1, host: proxies.make)
            let store = try await Scratch(set.url).store()
            let sessions = try manager(store)
            let browser = SessionBrowser()
            try await browser.visit(sessions) { $0.set(.number, to: 1) }
            for (round, fault) in [FaultProxy.Fault.loseReply, .cutReply(after: 30)].enumerated() {
                try proxies.first.next(fault, to: "findAndModify", times: 2)
                try await browser.visit(sessions) { session in session.update(.number) { $0 += 1 } }
                #expect(try await browser.visit(sessions) { $0[.number] } == round + 2)
            }
            #expect(try proxies.first.faultCount == 4)
            await set.stop()
        }

        @Test("a write that a majority does not confirm is an error in bounded time; so is a read")
        func noMajority() async throws {
            let set = try await Self.set.value
            let scratch = Scratch(set.url)
            #expect(try await scratch.store().insert(.sample(), at: .numbered(1)))
            let store = try await scratch.hastyStore(.seconds(1))
            let primary = try await set.primary()
            // It steps down only when it has missed the others for a while; until then it is a primary that is alone.
            for member in set.members where member.port != primary.port { try member.pause() }
            let write = try await storeError { try await store.insert(.sample(), at: .numbered(2)) }
            #expect(write?.code == .timedOut || write?.code == .unavailable)
            let read = try await storeError { try await store.load(.numbered(1)) }
            #expect(read?.code == .timedOut || read?.code == .unavailable)
            for member in set.members where member.port != primary.port { try member.resume() }
            try await waitUntil("the store works again") {
                try await storeError { try await store.load(.numbered(1)) } == nil
            }
            try await set.waitForMembers()
        }

        @Test("a conflict hands back no record that a majority has not confirmed")
        func unconfirmedConflict() async throws {
            // Nobody takes the primary's place, however long it is held up: the other one would copy from it.
            let set = try await MongoReplicaSet(electable: 1)
            let scratch = Scratch(set.url)
            #expect(try await scratch.store().insert(.sample(), at: .numbered(1)))
            let store = try await scratch.hastyStore(.seconds(1))
            let local = try await scratch.store { $0.confirmation = .primary }
            let primary = try await set.primary()
            // They vote, so that it stays the primary, and copy nothing.
            let others = set.members.filter { $0.port != primary.port }
            for member in others {
                try await member.command(#"{"configureFailPoint":"stopReplProducer","mode":"alwaysOn"}"#)
            }
            for member in others {
                try await member.command(
                    #"{"waitForFailPoint":"stopReplProducer","timesEntered":{"$numberLong":"1"},"maxTimeMS":30000}"#
                )
            }
            let second = StoredRecord.sample("second", version: 2)
            let write = try await storeError {
                try await store.replace(second, at: .numbered(1), ifVersion: .first)
            }
            #expect(write?.code == .timedOut || write?.code == .unavailable)
            // It may not even have been begun by its deadline. By this one, if not before, the primary has the second, and
            // an election may undo it.
            _ = try await local.replace(second, at: .numbered(1), ifVersion: .first)
            let late = try await storeError {
                try await store.replace(.sample("third", version: 3), at: .numbered(1), ifVersion: .first)
            }
            #expect(late?.code == .timedOut || late?.code == .unavailable)
            for member in others {
                try await member.command(#"{"configureFailPoint":"stopReplProducer","mode":"off"}"#)
            }
            try await waitUntil("the second is confirmed") {
                try await storeError { try await store.load(.numbered(1)) } == nil
            }
            #expect(
                try await scratch.store().replace(.sample("third", version: 3), at: .numbered(1), ifVersion: .first)
                    == .conflict(second)
            )
            await set.stop()
        }

        @Test("I2 a primary that has been replaced and does not know it shows no session that was destroyed meanwhile")
        func stalePrimary() async throws {
            let set = try await Self.set.value
            let scratch = Scratch(set.url)
            let store = try await scratch.store()
            let key = try StoreKey.numbered(1)
            #expect(try await store.insert(.sample(), at: key))
            var old = try await set.primary()
            // Clients that see this member alone, as if the network had been cut between it and the others. Their deadline is
            // short, and another member may have been elected meanwhile.
            var alone: [MongoSessionStore] = []
            try await waitUntil("two clients see the primary alone") {
                old = try await set.primary()
                return try await storeError { () async throws -> Void in
                    var configuration = scratch.configuration
                    configuration.deadline = .seconds(2)
                    let certain = try await MongoSessionStore(old.url, configuration: configuration, isDirect: true)
                    configuration.reads = .primary
                    let fast = try await MongoSessionStore(old.url, configuration: configuration, isDirect: true)
                    alone = [certain, fast]
                    for store in alone { _ = try #require(try await store.load(key)) }
                } == nil
            }
            let (certain, fast) = (alone[0], alone[1])
            // When it hears that there is a new one, it is held up on its way to believe it.
            try await old.command(#"{"configureFailPoint":"blockHeartbeatStepdown","mode":"alwaysOn"}"#)
            try old.pause()
            _ = try await set.primary(otherThan: old)
            #expect(try await store.delete(key, ifVersion: nil))
            #expect(try await store.load(key) == nil)
            try old.resume()
            // This is what the setting is for.
            let plain = try? await fast.load(key)
            report("a replaced primary answers a plain read with \(plain == nil ? "nothing" : "the destroyed session")")
            let answer = try? await certain.load(key)
            #expect(answer == nil)
            try await old.command(#"{"configureFailPoint":"blockHeartbeatStepdown","mode":"off"}"#)
            try await set.waitForMembers()
        }

        @Test(
            "I1 I2 the primary is killed while 50 clients work: what was answered is there, what was destroyed is not"
        )
        func election() async throws {
            let set = try await Self.set.value
            let scratch = Scratch(set.url)
            let keys = try KeyRing([SessionSecret.generate()])
            let crowd = Crowd(sessions: try manager(try await scratch.hastyStore(.seconds(5)), keys), clients: 50)
            try await crowd.work(whileRunning: {
                for round in 0..<2 {
                    try await crowd.waitForCommits(150)
                    try await set.waitForMembers()
                    let primary = try await set.primary()
                    let killed = ContinuousClock.now
                    try await primary.crash()
                    let next = try await set.primary()
                    let elected = ContinuousClock.now
                    #expect(next.port != primary.port)
                    try await crowd.waitForEverybody()
                    report(
                        "primary killed, round \(round): elected after \(elected - killed), all 50 clients again "
                            + "\(ContinuousClock.now - elected) later"
                    )
                    try await primary.start()
                }
            })
            // Another process would see the same, and so would the member that was killed.
            try await set.waitForMembers()
            #expect(try await crowd.violations(seenBy: manager(try await scratch.store(), keys)) == [])
            report("primary killed: \(crowd.summary)")
            try await set.waitForMembers()
        }

        @Test("I1 I2 the primary steps down again and again while 50 clients work: hardly a request notices")
        func stepDown() async throws {
            let set = try await Self.set.value
            let scratch = Scratch(set.url)
            let keys = try KeyRing([SessionSecret.generate()])
            let crowd = Crowd(sessions: try manager(try await scratch.hastyStore(.seconds(10)), keys), clients: 50)
            try await crowd.work(whileRunning: {
                for _ in 0..<2 {
                    try await crowd.waitForCommits(60)
                    try await set.waitForMembers()
                    let primary = try await set.primary()
                    let next = try #require(set.members.first { $0.port != primary.port })
                    try await waitUntil("the next one is elected") {
                        (try? await next.command(#"{"replSetStepUp":1}"#)) != nil
                    }
                }
                try await crowd.waitForCommits(60)
            })
            #expect(try await crowd.violations(seenBy: manager(try await scratch.store(), keys)) == [])
            report("stepped down: \(crowd.summary)")
            try await set.waitForMembers()
        }
    }
}

/// A proxy in front of each member, which is what the members and their clients know them by.
final class Proxies: Sendable {
    private let proxies = Mutex<[FaultProxy]>([])

    func make(_ port: Int) throws -> String {
        let proxy = try FaultProxy(to: port)
        proxies.withLock { $0.append(proxy) }
        return "127.0.0.1:\(proxy.port)"
    }

    var first: FaultProxy {
        get throws { try #require(proxies.withLock { $0.first }) }
    }
}
#endif
