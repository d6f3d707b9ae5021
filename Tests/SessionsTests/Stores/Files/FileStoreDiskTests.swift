import Foundation
import Sessions
import Synchronization
import TestServers
import Testing

@testable import Sessions

extension FileStoreTests {
    @Suite("What is on the disk")
    struct DiskTests {
        let scratch: FileScratch
        let disk = SpiedDisk()

        init() throws { scratch = try FileScratch() }

        /// A store whose disk is watched, and told to fail or hang.
        func watchedStore(
            _ configure: (inout FileSessionStore.Configuration) -> Void = { _ in }
        ) throws -> FileSessionStore {
            var steps = FileSteps()
            steps.beforeForce = { [disk] in try disk.force($0) }
            steps.beforeMove = { [disk] in disk.note("move") }
            return try scratch.store(steps: steps, configure)
        }

        static let one = RecordVersion(rawValue: 1)
        static let owner = OwnerKey("app:1")

        @Test("ST-02: a file and the notes that lead to it are on the disk before it has its place, and then its place")
        func order() async throws {
            let (store, key) = (try watchedStore(), try StoreKey.numbered(1))
            // Its directories, which are forced once.
            #expect(try await store.insert(.sample(owner: "app:1"), at: key))
            #expect(try await store.delete(key, ifVersion: nil))
            try await store.raiseEpoch(of: Self.owner, to: .init(microseconds: 1), keptUntil: .distantFuture)

            _ = disk.take()
            #expect(try await store.insert(.sample(owner: "app:1"), at: key))
            #expect(disk.take() == ["temporary", "expiry", "owners", "move", "records"])
            #expect(
                try await store.replace(.sample(version: 2, owner: "app:1"), at: key, ifVersion: Self.one) == .replaced
            )
            #expect(disk.take() == ["temporary", "move", "records"])
            #expect(try await store.touch(key, until: .init(microseconds: 1_500_000), ifVersion: .init(rawValue: 2)))
            #expect(disk.take() == ["temporary", "move", "records"])
            #expect(try await store.load(key) != nil)
            #expect(try await store.entries(of: Self.owner).count == 1)
            #expect(disk.take() == [])
            #expect(try await store.delete(key, ifVersion: nil))
            #expect(disk.take() == ["records"])
            #expect(try await store.insert(.sample(), at: key))
            #expect(disk.take() == ["temporary", "expiry", "move", "records"])
            try await store.raiseEpoch(of: Self.owner, to: .init(microseconds: 2), keptUntil: .distantFuture)
            #expect(disk.take() == ["temporary", "move", "epochs"])
        }

        @Test("a file that does not get its place leaves no note of itself, and takes none away")
        func noPlace() async throws {
            let (sound, key) = (try scratch.store(), try StoreKey.numbered(1))
            #expect(try await sound.insert(.sample(owner: "app:1"), at: key))
            let notes = try scratch.files("owners") + scratch.files("expiry")
            var steps = FileSteps()
            steps.beforeMove = { throw FileFailure(EIO) }
            let store = try scratch.store(steps: steps)
            // One that ends earlier, and belongs to somebody else: notes of its own.
            let other = StoredRecord.sample(version: 2, idle: 1, absolute: 2, owner: "app:2")
            #expect(
                try await storeErrorCode { try await store.replace(other, at: key, ifVersion: Self.one) }
                    == .unavailable
            )
            #expect(try await storeErrorCode { try await store.insert(other, at: .numbered(2)) } == .unavailable)
            #expect(try scratch.files("owners") + scratch.files("expiry") == notes)
            #expect(try scratch.files("temporary") == [])
            #expect(try await sound.load(key) == .sample(owner: "app:1"))
        }

        @Test("with .off, nothing waits for the disk")
        func off() async throws {
            let store = try watchedStore { $0.synchronous = .off }
            #expect(try await store.insert(.sample(owner: "app:1"), at: .numbered(1)))
            #expect(try await store.delete(.numbered(1), ifVersion: nil))
            #expect(try await !store.delete(.numbered(1), ifVersion: nil))
            #expect(disk.take() == ["move"])
        }

        @Test("forcing asks the system")
        func system() throws {
            #expect(mkfifo(scratch.path("pipe"), 0o600) == 0)
            let directory = try FileDescriptor.directory(at: scratch.directory)
            // A pipe is on no disk, which only the system knows.
            let pipe = try directory.file("pipe")
            var failed = false
            do {
                try FileDisk(isSynchronous: true, steps: FileSteps()).force(pipe, "pipe")
            } catch is FileFailure {
                failed = true
            }
            #expect(failed)
            try FileDisk(isSynchronous: false, steps: FileSteps()).force(pipe, "pipe")
        }

        @Test("ST-02: a write whose disk fails after it was seen is not believed until the disk has it")
        func fails() async throws {
            let (store, key) = (try watchedStore(), try StoreKey.numbered(1))
            #expect(try await store.insert(.sample("old", owner: "app:1"), at: key))
            disk.fail("records")
            let new = StoredRecord.sample("new", version: 2, owner: "app:1")
            #expect(
                try await storeErrorCode { try await store.replace(new, at: key, ifVersion: Self.one) } == .unavailable
            )
            // It has its place already.
            #expect(try await scratch.store().load(key) == new)
            #expect(try await storeErrorCode { try await store.load(key) } == .unavailable)
            #expect(
                try await storeErrorCode {
                    try await store.touch(key, until: .init(microseconds: 1), ifVersion: .init(rawValue: 2))
                }
                    == .unavailable
            )
            disk.recover()
            _ = disk.take()
            #expect(try await store.load(key) == new)
            #expect(disk.take() == ["records"])
            #expect(try await store.load(key) == new)
            #expect(disk.take() == [])

            // The same with its end, and everything that says that it has ended.
            disk.fail("records")
            for _ in 0..<2 {
                #expect(try await storeErrorCode { try await store.delete(key, ifVersion: nil) } == .unavailable)
                #expect(try await storeErrorCode { try await store.load(key) } == .unavailable)
                #expect(try await storeErrorCode { try await store.entries(of: Self.owner) } == .unavailable)
            }
            disk.recover()
            #expect(try await store.entries(of: Self.owner) == [])
            #expect(try await store.load(key) == nil)
            #expect(try await !store.delete(key, ifVersion: nil))
            #expect(try scratch.files("owners") == [])
        }

        @Test("ST-02: a new record and an epoch whose disk fails are not believed either")
        func newFails() async throws {
            let (store, key) = (try watchedStore(), try StoreKey.numbered(1))
            // Their directories.
            #expect(try await store.insert(.sample(), at: key))
            #expect(try await store.delete(key, ifVersion: nil))
            for tree in ["temporary", "expiry"] {
                disk.fail(tree)
                #expect(try await storeErrorCode { try await store.insert(.sample(), at: key) } == .unavailable)
                #expect(try scratch.files("records") == [], "nobody has seen it")
            }
            disk.fail("records")
            for _ in 0..<2 {
                #expect(try await storeErrorCode { try await store.insert(.sample(), at: key) } == .unavailable)
                #expect(try await storeErrorCode { try await store.load(key) } == .unavailable)
            }
            disk.fail("epochs")
            for _ in 0..<2 {
                let code = try await storeErrorCode {
                    try await store.raiseEpoch(of: Self.owner, to: .init(microseconds: 1), keptUntil: .distantFuture)
                }
                #expect(code == .unavailable)
            }
            disk.recover()
            _ = disk.take()
            #expect(try await !store.insert(.sample("other"), at: key))
            #expect(disk.take().allSatisfy { $0 == "records" })
            #expect(try await store.load(key) == .sample())
            try await store.raiseEpoch(of: Self.owner, to: .init(microseconds: 1), keptUntil: .distantFuture)
            #expect(disk.take() == ["epochs"])
        }

        @Test(
            "ST-02: a write whose disk hangs is not believed: who asks what became of it waits, and gets an error in time"
        )
        func hangs() async throws {
            let store = try watchedStore { ($0.lockTimeout, $0.deadline) = (.milliseconds(10), .milliseconds(500)) }
            let (key, other) = (try StoreKey.numbered(1), try StoreKey.numbered(inShardOf: .numbered(1), isSame: false))
            // One that missed the deadline may have been carried out.
            _ = try await patiently { try await store.insert(.sample("old"), at: key) }
            _ = try await patiently { try await store.insert(.sample(), at: other) }
            for change in ["replace", "delete"] {
                let gate = ThreadGate()
                disk.hang("records", gate)
                // Again where it missed the deadline before it came to the disk.
                while !gate.isReached {
                    try Task.checkCancellation()
                    let code = try await storeErrorCode {
                        if change == "delete" { return try await store.delete(key, ifVersion: nil) }
                        return try await store.replace(.sample("new"), at: key, ifVersion: Self.one) == .replaced
                    }
                    try #require(code == .timedOut)
                }
                #expect(try await scratch.store().load(key)?.payload == (change == "delete" ? nil : Array("new".utf8)))
                #expect(try await storeErrorCode { try await store.load(key) } == .timedOut)
                #expect(try await patiently { try await store.load(other) } == .sample())
                gate.open()
                var record: StoredRecord?
                repeat {
                } while try await storeErrorCode { record = try await store.load(key) } == .timedOut
                #expect(record == (change == "delete" ? nil : .sample("new")))
            }
        }

        @Test("ST-02: what another process did and died of is on the disk before it is said to be so")
        func othersDied() async throws {
            let key = try StoreKey.numbered(1)
            let first = try scratch.store()
            #expect(try await first.insert(.sample(owner: "app:1"), at: key))
            try await first.raiseEpoch(of: Self.owner, to: .init(microseconds: 1), keptUntil: .distantFuture)
            let store = try watchedStore()
            _ = disk.take()
            #expect(try await !store.insert(.sample("other"), at: key))
            #expect(disk.take() == ["records"])
            try await store.raiseEpoch(of: Self.owner, to: .init(microseconds: 1), keptUntil: .distantFuture)
            #expect(disk.take() == ["epochs"])
            // Removed, and its notes not.
            try FileManager.default.removeItem(atPath: scratch.path(of: key))
            #expect(try await !store.delete(key, ifVersion: nil))
            #expect(disk.take() == ["records"])
            #expect(try await store.entries(of: Self.owner) == [])
            #expect(disk.take() == ["records"])
            #expect(try scratch.files("owners") == [])
        }

        @Test("ST-02: directories that another process has made are on the disk before anything in them is answered")
        func directories() async throws {
            let key = try StoreKey.numbered(1)
            #expect(try await scratch.store { $0.synchronous = .off }.insert(.sample(owner: "app:1"), at: key))
            let store = try watchedStore()
            #expect(try await store.delete(key, ifVersion: nil))
            _ = disk.take()
            #expect(try await store.insert(.sample(owner: "app:1"), at: key))
            #expect(
                disk.take() == [
                    "records/", "records/", "temporary", "expiry/", "expiry/", "expiry", "owners/", "owners/", "owners",
                    "move", "records",
                ]
            )
            #expect(try await store.delete(key, ifVersion: nil))
            #expect(try await store.insert(.sample(owner: "app:1"), at: key))
            #expect(disk.take() == ["records", "temporary", "expiry", "owners", "move", "records"])
            // One that failed is asked again.
            let next = try watchedStore()
            disk.fail("records/")
            for _ in 0..<2 {
                let code = try await storeErrorCode {
                    try await next.replace(.sample(version: 2, owner: "app:1"), at: key, ifVersion: Self.one)
                }
                #expect(code == .unavailable)
            }
            #expect(try await next.load(key) == .sample(owner: "app:1"))
        }
    }
}

/// Notes what is forced to the disk, and lets it fail or hang.
final class SpiedDisk: Sendable {
    private struct State {
        var events: [String] = []
        var failing: String?
        var hanging: (tree: String, gate: ThreadGate)?
    }

    private let state = Mutex(State())

    func note(_ event: String) { state.withLock { $0.events.append(event) } }

    func force(_ tree: String) throws {
        let (fails, gate) = state.withLock { state in
            state.events.append(tree)
            guard let hanging = state.hanging, hanging.tree == tree else {
                return (state.failing == tree, nil as ThreadGate?)
            }
            state.hanging = nil
            return (state.failing == tree, hanging.gate)
        }
        gate?.wait()
        if fails { throw FileFailure(EIO) }
    }

    /// What was noted since the last time.
    func take() -> [String] {
        state.withLock { state in
            defer { state.events = [] }
            return state.events
        }
    }

    func fail(_ tree: String) { state.withLock { $0.failing = tree } }

    func recover() { state.withLock { $0.failing = nil } }

    /// Holds up the next one.
    func hang(_ tree: String, _ gate: ThreadGate) { state.withLock { $0.hanging = (tree, gate) } }
}
