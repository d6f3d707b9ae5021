import Foundation
import Logging
import Sessions
import Testing

@testable import Sessions

extension FileStoreTests {
    @Suite("Files that are not ours")
    struct DamageTests {
        let scratch: FileScratch
        let store: FileSessionStore

        init() throws {
            scratch = try FileScratch()
            store = try scratch.store()
        }

        /// What is done to a record's file.
        enum Damage: CaseIterable, CustomTestStringConvertible {
            case empty, garbage, nesting, cutShort, oneBit, longer, anotherKey, epoch
            case link, dangling, directory, pipe, absurdSize

            var testDescription: String { "\(self)" }
        }

        /// Two records, and the first one's file damaged.
        func prepare(_ damage: Damage) async throws -> (key: StoreKey, other: StoreKey, victim: String) {
            let (key, other) = (try StoreKey.numbered(1), try StoreKey.numbered(2))
            #expect(try await store.insert(.sample("one", owner: "app:1"), at: key))
            #expect(try await store.insert(.sample("two", owner: "app:1"), at: other))
            let (manager, path) = (FileManager.default, scratch.path(of: key))
            let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            let victim = scratch.path("victim")
            try Data("victim".utf8).write(to: URL(fileURLWithPath: victim))
            func put(_ data: Data) throws { try data.write(to: URL(fileURLWithPath: path)) }
            switch damage {
            case .empty: try put(Data())
            case .garbage: try put(Data((0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 31) }))
            case .nesting: try put(Data(repeating: UInt8(ascii: "["), count: 100_000))
            case .cutShort: try put(bytes.dropLast())
            case .oneBit:
                var changed = bytes
                changed[changed.count / 2] ^= 1
                try put(changed)
            case .longer: try put(bytes + [0])
            case .anotherKey: try put(Data(contentsOf: URL(fileURLWithPath: scratch.path(of: other))))
            case .epoch:
                let epoch = FileBytes.Epoch(
                    owner: OwnerKey("app:1"),
                    epoch: Timestamp(microseconds: 1),
                    keptUntil: .distantFuture
                )
                try put(Data(FileBytes.of(epoch)))
            case .absurdSize: #expect(truncate(path, 1 << 40) == 0)
            case .link, .dangling, .directory, .pipe:
                try manager.removeItem(atPath: path)
                switch damage {
                case .link: try manager.createSymbolicLink(atPath: path, withDestinationPath: victim)
                case .dangling: try manager.createSymbolicLink(atPath: path, withDestinationPath: victim + "-none")
                case .directory: try manager.createDirectory(atPath: path, withIntermediateDirectories: false)
                default: #expect(mkfifo(path, 0o600) == 0)
                }
            }
            return (key, other, victim)
        }

        func expectSetAside(_ key: StoreKey, _ other: StoreKey, _ victim: String) async throws {
            #expect(try scratch.paths("damaged").count == 1)
            #expect(scratch.log.lines(.warning).count == 1)
            #expect(scratch.log.lines(.warning).allSatisfy { !$0.contains(key.text) })
            #expect(try await store.load(other) == .sample("two", owner: "app:1"))
            #expect(try String(contentsOfFile: victim, encoding: .utf8) == "victim")
            #expect(!FileManager.default.fileExists(atPath: victim + "-none"))
        }

        @Test(
            "ST-03, ST-04: a load of what is no whole record finds none, and it is set aside",
            arguments: Damage.allCases
        )
        func load(_ damage: Damage) async throws {
            let (key, other, victim) = try await prepare(damage)
            #expect(try await store.load(key) == nil)
            try await expectSetAside(key, other, victim)
            #expect(try await store.load(key) == nil)
            #expect(try await store.entries(of: OwnerKey("app:1")).map(\.key) == [other])
            #expect(try await store.count() == 1)
            #expect(try await store.entries(after: nil, limit: 10).map(\.key) == [other])
            #expect(scratch.log.lines(.warning).count == 1)
            // Nothing of it is left in the indexes.
            #expect(try scratch.files("owners").count == 1)
        }

        @Test(
            "ST-02: no write follows a link, nor waits for a pipe, nor believes what is damaged",
            arguments: Damage.allCases
        )
        func write(_ damage: Damage) async throws {
            let (key, other, victim) = try await prepare(damage)
            let one = RecordVersion(rawValue: 1)
            #expect(try await store.replace(.sample("new"), at: key, ifVersion: one) == .gone)
            #expect(try await !store.touch(key, until: .distantFuture, ifVersion: one))
            #expect(try await !store.delete(key, ifVersion: nil))
            #expect(try await !store.delete(key, ifOwner: OwnerKey("app:1")))
            #expect(try await store.insert(.sample("new", version: 2), at: key))
            #expect(try await store.load(key) == .sample("new", version: 2))
            try await expectSetAside(key, other, victim)
        }

        @Test("ST-02: a listing and a sweep survive it too", arguments: Damage.allCases)
        func sweep(_ damage: Damage) async throws {
            let (key, other, victim) = try await prepare(damage)
            #expect(try await store.entries(of: OwnerKey("app:1")).map(\.key) == [other])
            try await expectSetAside(key, other, victim)
            #expect(try await store.sweep(expiredBefore: Timestamp(microseconds: 5_000_000), limit: 10) == 1)
            #expect(try scratch.files("expiry") == [])
            #expect(try scratch.files("owners") == [])
        }

        @Test(
            "ST-02: a link in place of a directory is an error, and is not followed",
            arguments: ["records", "owners"]
        )
        func linkedDirectory(tree: String) async throws {
            let key = try StoreKey.numbered(1)
            #expect(try await store.insert(.sample(owner: "app:1"), at: key))
            let other = try FileScratch()
            let shard = try #require(try FileManager.default.contentsOfDirectory(atPath: scratch.path(tree)).first)
            try FileManager.default.moveItem(atPath: scratch.path("\(tree)/\(shard)"), toPath: other.path("moved"))
            try FileManager.default.createSymbolicLink(
                atPath: scratch.path("\(tree)/\(shard)"),
                withDestinationPath: other.path("moved")
            )
            let before = try other.paths()
            let code = try await storeErrorCode {
                try await store.replace(.sample(version: 2, owner: "app:1"), at: key, ifVersion: .init(rawValue: 1))
            }
            // A replace that keeps its owner does not look at the index.
            #expect(code == (tree == "records" ? .unusable : nil))
            #expect(try await storeErrorCode { try await store.entries(of: OwnerKey("app:1")) } == .unusable)
            #expect(try other.paths() == before)
        }

        @Test("ST-02: a temporary file, a lock or a note that somebody planted is not followed")
        func planted() async throws {
            let key = try StoreKey.numbered(1)
            let shard = FilePlace.shardName(FilePlace(key).shard)
            let victim = scratch.path("victim")
            try Data("victim".utf8).write(to: URL(fileURLWithPath: victim))
            let link = { (path: String) in
                try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: victim)
            }
            try link(scratch.path("temporary/\(shard)"))
            #expect(try await store.insert(.sample(), at: key))
            #expect(try await store.load(key) == .sample())
            try FileManager.default.removeItem(atPath: scratch.path("locks/\(shard)"))
            try link(scratch.path("locks/\(shard)"))
            #expect(try await storeErrorCode { try await store.delete(key, ifVersion: nil) } == .unusable)
            #expect(try String(contentsOfFile: victim, encoding: .utf8) == "victim")
        }

        @Test("names that are none of ours are passed over, and said")
        func names() async throws {
            let key = try StoreKey.numbered(1)
            #expect(try await store.insert(.sample(), at: key))
            let folder = URL(fileURLWithPath: scratch.path(of: key)).deletingLastPathComponent().path
            for name in [".DS_Store", "k6G", "k0", "K61", "k616", "x00", "e00", "k2f", "kff", "notes.txt", "k"] {
                #expect(FileManager.default.createFile(atPath: "\(folder)/\(name)", contents: Data("x".utf8)))
            }
            #expect(try await store.count() == 1)
            #expect(scratch.log.lines(.warning).count == 1)
            #expect(try await store.entries(after: nil, limit: 10).map(\.key) == [key])
            try await store.removeAll()
            #expect(try await store.count() == 0)
            #expect(FileManager.default.fileExists(atPath: "\(folder)/notes.txt"))

            // In the indexes too.
            #expect(try await store.insert(.sample(owner: "app:1"), at: key))
            for index in ["owners", "expiry"] {
                let file = try #require(try scratch.files(index).first)
                let folder = URL(fileURLWithPath: scratch.path(file)).deletingLastPathComponent().path
                for name in ["x", "notes.txt", "0000-k61", "zz", "8000000000000000-", "-k61"] {
                    #expect(FileManager.default.createFile(atPath: "\(folder)/\(name)", contents: Data()))
                }
            }
            #expect(try await store.entries(of: OwnerKey("app:1")).map(\.key) == [key])
            #expect(try await store.sweep(expiredBefore: Timestamp(microseconds: 5_000_000), limit: 10) == 1)
        }

        @Test(
            "a damaged epoch refuses logins until the owner is revoked again, or its time is over",
            arguments: [true, false]
        )
        func epoch(revokes: Bool) async throws {
            let (owner, end) = (OwnerKey("app:1"), Timestamp(microseconds: 1_000))
            try await store.raiseEpoch(of: owner, to: Timestamp(microseconds: 5), keptUntil: end)
            let path = try #require(try scratch.files("epochs").first)
            try Data("damaged".utf8).write(to: URL(fileURLWithPath: scratch.path(path)))
            #expect(try await storeErrorCode { try await store.epoch(of: owner) } == .unusable)
            if revokes {
                try await store.raiseEpoch(of: owner, to: Timestamp(microseconds: 7), keptUntil: end)
                #expect(try await store.epoch(of: owner) == Timestamp(microseconds: 7))
            } else {
                _ = try await store.sweep(expiredBefore: end + .seconds(1), limit: 10)
                #expect(try await store.epoch(of: owner) == nil)
            }
            #expect(try scratch.paths("damaged").count == 1)
        }
    }
}
