import Foundation
import Sessions
import SessionsTesting
import TestServers
import Testing

@testable import Sessions

extension FileStoreTests {
    @Suite("Sweeping")
    struct SweepTests {
        let scratch: FileScratch

        init() throws { scratch = try FileScratch() }

        /// A moment in the time of a manual clock, after `seconds`.
        static func moment(_ seconds: Int64) -> Timestamp { Timestamp(microseconds: seconds * 1_000_000) }

        static func record(_ seconds: Int64, version: UInt64 = 1, owner: String? = nil) -> StoredRecord {
            .sample(version: version, idle: seconds * 1_000_000, absolute: .max, owner: owner)
        }

        @Test("ST-07: a sweep looks at what is due, and at nothing that lives on")
        func cost() async throws {
            let store = try scratch.store { $0.synchronous = .off }
            for number in 0..<1500 {
                #expect(try await store.insert(Self.record(100_000 + Int64(number)), at: .numbered(number)))
            }
            for number in 1500..<1510 { #expect(try await store.insert(Self.record(100), at: .numbered(number))) }
            let (writes, scans) = (store.writers.count, store.scanner.count)
            #expect(try await store.sweep(expiredBefore: Self.moment(200), limit: 1000) == 10)
            #expect(store.writers.count - writes <= 10, "no step for what lives on")
            #expect(store.scanner.count - scans == 3, "stray files, what is due, and that nothing is left")
            #expect(try await store.count() == 1500)
            let before = store.writers.count
            #expect(try await store.sweep(expiredBefore: Self.moment(200), limit: 1000) == 0)
            #expect(store.writers.count == before)
        }

        @Test("ST-07: a touch costs nothing in the index, and the sweep that comes to it finds its new time")
        func touched() async throws {
            let store = try scratch.store { $0.synchronous = .off }
            let key = try StoreKey.numbered(1)
            #expect(try await store.insert(Self.record(100), at: key))
            let first = try scratch.files("expiry")
            #expect(first.count == 1)
            for seconds in 101...110 {
                #expect(try await store.touch(key, until: Self.moment(Int64(seconds)), ifVersion: .init(rawValue: 1)))
            }
            #expect(try scratch.files("expiry") == first)
            #expect(try await store.sweep(expiredBefore: Self.moment(105), limit: 10) == 0)
            let second = try scratch.files("expiry")
            #expect(second.count == 1 && second != first)
            // Nothing to do until then.
            let writes = store.writers.count
            #expect(try await store.sweep(expiredBefore: Self.moment(110), limit: 10) == 0)
            #expect(store.writers.count == writes)
            #expect(try await store.sweep(expiredBefore: Self.moment(111), limit: 10) == 1)
            #expect(try scratch.files("expiry") == [])
            #expect(try scratch.paths("expiry").count <= 2, "directories of the past are removed")
        }

        @Test("I7: a deadline that a replace moves back is swept at its new time")
        func earlier() async throws {
            let store = try scratch.store { $0.synchronous = .off }
            let key = try StoreKey.numbered(1)
            #expect(try await store.insert(Self.record(100_000, owner: "app:1"), at: key))
            #expect(
                try await store.replace(Self.record(50, version: 2), at: key, ifVersion: .init(rawValue: 1))
                    == .replaced
            )
            #expect(try await store.sweep(expiredBefore: Self.moment(60), limit: 10) == 1)
            #expect(try scratch.files("records") == [])
            #expect(try scratch.files("owners") == [])
            // What is left of the old deadline goes when its time comes.
            #expect(try await store.sweep(expiredBefore: Self.moment(200_000), limit: 10) == 0)
            #expect(try scratch.files("expiry") == [])
        }

        @Test("a delete leaves nothing behind")
        func deleted() async throws {
            let store = try scratch.store { $0.synchronous = .off }
            for number in 0..<20 {
                let key = try StoreKey.numbered(number)
                #expect(try await store.insert(Self.record(100, owner: "app:1"), at: key))
                #expect(try await store.delete(key, ifVersion: nil))
            }
            for tree in ["records", "owners", "expiry", "temporary"] {
                #expect(try scratch.files(tree) == [], "\(tree)")
            }
        }

        @Test("a note that is not where its time belongs is removed, and not looked into again and again")
        func misplaced() async throws {
            let store = try scratch.store { $0.synchronous = .off }
            #expect(try await store.insert(Self.record(100), at: .numbered(1)))
            #expect(try await store.insert(Self.record(100_000), at: .numbered(2)))
            let notes = try scratch.files("expiry")
            try #require(notes.count == 2)
            let (early, late) = (URL(fileURLWithPath: notes[0]), URL(fileURLWithPath: notes[1]))
            for (note, folder) in [(early, late), (late, early)] {
                let path = folder.deletingLastPathComponent().relativePath + "/" + note.lastPathComponent
                #expect(FileManager.default.createFile(atPath: scratch.path(path), contents: Data()))
            }
            let due = try await store.scan { try $0.expiry.due(before: Self.moment(200_000), limit: 100) }
            // A sweep goes on until it finds nothing.
            try #require(due.count == 2)
            #expect(try scratch.files("expiry") == notes)
            #expect(try await store.sweep(expiredBefore: Self.moment(200_000), limit: 100) == 2)
            #expect(try scratch.files("expiry") == [])
        }

        @Test("a sweep that is killed again and again loses nothing that lives, and the next one ends it")
        func killed() async throws {
            let store = try scratch.store { $0.synchronous = .off }
            for number in 0..<600 {
                let idle: Int64 = number.isMultiple(of: 3) ? 2_000_000 : 5
                let owner = "app:\(number % 7)"
                #expect(try await store.insert(.sample(idle: idle, owner: owner), at: .numbered(number)))
            }
            for round in 1...4 {
                let helper = try scratch.helper("sweep")
                let lines = try await helper.lines(killAfter: round * 5)
                _ = try await helper.exitCode()
                #expect(lines.allSatisfy { $0.hasPrefix("swept ") })
            }
            _ = try await store.sweep(expiredBefore: Timestamp(microseconds: 10), limit: 10_000)
            #expect(try await store.count() == 200)
            for number in stride(from: 0, to: 600, by: 3) { #expect(try await store.load(.numbered(number)) != nil) }
            #expect(try scratch.files("expiry").count == 200)
            var owned = 0
            for owner in 0..<7 { owned += try await store.entries(of: OwnerKey("app:\(owner)")).count }
            #expect(owned == 200)
            #expect(try scratch.files("owners").count == 200)
        }

        @Test("sweeps of several processes at once do no harm")
        func several() async throws {
            let store = try scratch.store { $0.synchronous = .off }
            for number in 0..<300 {
                #expect(
                    try await store.insert(.sample(idle: number < 100 ? 2_000_000 : 5), at: .numbered(number))
                )
            }
            let helpers = try (0..<3).map { _ in try scratch.helper("sweep") }
            var deleted = 0
            for helper in helpers {
                for line in try await helper.lines() { deleted += Int(line.split(separator: " ")[1]) ?? 0 }
                #expect(try await helper.exitCode() == 0)
            }
            #expect(deleted == 200, "each is counted once")
            #expect(try await store.count() == 100)
        }

        @Test("SessionSweeper collects what has expired, with the store as it is")
        func sweeper() async throws {
            let clock = ManualSessionClock()
            let store = try scratch.store { $0.synchronous = .off }
            for number in 0..<30 {
                var record = StoredRecord.sample(absolute: .max)
                record.idleDeadline = clock.now() + .seconds(number < 20 ? 10 : 10_000)
                #expect(try await store.insert(record, at: .numbered(number)))
            }
            clock.advance(by: .seconds(100))
            let sweeper = try SessionSweeper(store: store, batch: 100, clock: clock, logger: .silent)
            #expect(try await sweeper.sweepOnce() == 20)
            #expect(try await store.count() == 10)
        }
    }
}
