import Foundation
import Sessions
import TestServers
import Testing

@testable import Sessions

extension FileStoreTests {
    @Suite("No space, no rights")
    struct SpaceTests {
        let scratch: FileScratch

        init() throws { scratch = try FileScratch() }

        @Test("a file that may not grow as large is full; the record that was there is there")
        func fileSize() async throws {
            let store = try scratch.store()
            let key = try StoreKey.numbered(1)
            #expect(try await store.insert(.sample("old", owner: "app:1"), at: key))
            let helper = try scratch.helper("limited", key.text, "65536")
            #expect(try await helper.nextLine() == "full")
            #expect(try await helper.nextLine() == "replaced", "nothing is in the way of what fits")
            #expect(try await helper.exitCode() == 0)
            #expect(try await store.load(key)?.payload == Array("small".utf8))
            #expect(try scratch.paths("temporary") == [])
        }

        /// A volume in memory, mounted in the scratch directory and gone after it.
        final class Volume {
            let path: String

            init(_ scratch: FileScratch, _ options: String) async throws {
                path = scratch.path("volume")
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
                try #require(
                    await HelperProcess.run("/bin/mount", ["-t", "tmpfs", "-o", "mode=0700,\(options)", "tmpfs", path])
                )
            }

            func remount(_ options: String) async throws {
                try #require(await HelperProcess.run("/bin/mount", ["-o", "remount,\(options)", path]))
            }

            deinit { umount2(path, Int32(MNT_DETACH)) }
        }

        @Test(
            "a full volume is an error; nothing that was answered is lost, logging out works, and then all else",
            .enabled(if: canMount, "it takes the right to mount a volume"),
            arguments: ["size=2m", "nr_inodes=900"]
        )
        func full(options: String) async throws {
            let volume = try await Volume(scratch, options)
            let store = try scratch.store(at: volume.path)
            var kept: [StoreKey: StoredRecord] = [:]
            var failures = 0
            for number in 0..<5000 where failures < 20 {
                let key = try StoreKey.numbered(number)
                let record = StoredRecord.sample(String(repeating: "x", count: 3000), owner: "app:\(number % 3)")
                do {
                    if try await store.insert(record, at: key) { kept[key] = record }
                } catch let error as SessionStoreError {
                    #expect(error.code == .full)
                    #expect(error.message.contains("space"))
                    #expect(try await store.load(key) == nil)
                    failures += 1
                }
            }
            #expect(failures == 20 && kept.count > 20)
            // A larger record does not fit, and the one that is there stays.
            let first = try #require(kept.keys.first)
            let large = StoredRecord.sample(String(repeating: "y", count: 1_000_000), version: 2)
            if options.hasPrefix("size") {
                #expect(
                    try await storeErrorCode {
                        try await store.replace(large, at: first, ifVersion: .init(rawValue: 1))
                    }
                        == .full
                )
            }
            try await expect(kept, in: store)
            let notes = try count(volume.path + "/owners")
            #expect(notes == kept.count, "what was not kept is not in the index of owners")
            #expect(try count(volume.path + "/temporary") == 0)

            // Ending a session takes no space.
            let ended = Array(kept.keys.prefix(kept.count / 2))
            for key in ended {
                #expect(try await store.delete(key, ifVersion: .init(rawValue: 1)))
                kept[key] = nil
            }
            try await expect(kept, in: store)
            let key = try StoreKey.numbered(9_999)
            #expect(try await store.insert(.sample(), at: key))
            kept[key] = .sample()
            try await expect(kept, in: try scratch.store(at: volume.path))
            #expect(try await store.sweep(expiredBefore: Timestamp(microseconds: 5_000_000), limit: .max) == kept.count)
            #expect(try count(volume.path + "/owners") == 0 && count(volume.path + "/expiry") == 0)
        }

        func expect(_ kept: [StoreKey: StoredRecord], in store: FileSessionStore) async throws {
            #expect(try await store.count() == kept.count)
            for (key, record) in kept { #expect(try await store.load(key) == record) }
            for owner in 0..<3 {
                let name = OwnerKey("app:\(owner)")
                #expect(try await store.entries(of: name).count == kept.values.count { $0.owner == name })
            }
        }

        /// How many files there are below a directory.
        func count(_ path: String) throws -> Int {
            try FileManager.default.subpathsOfDirectory(atPath: path).count { name in
                let attributes = try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")
                return attributes[.type] as? FileAttributeType == .typeRegular
            }
        }

        @Test(
            "a volume that is read-only by now is an error of writes; loads go on, and nothing is lost",
            .enabled(if: canMount, "it takes the right to mount a volume")
        )
        func readOnly() async throws {
            let volume = try await Volume(scratch, "size=2m")
            let store = try scratch.store(at: volume.path)
            let key = try StoreKey.numbered(1)
            #expect(try await store.insert(.sample(owner: "app:1"), at: key))
            try await volume.remount("ro")
            let one = RecordVersion(rawValue: 1)
            #expect(try await storeErrorCode { try await store.insert(.sample(), at: .numbered(2)) } == .notPermitted)
            #expect(
                try await storeErrorCode { try await store.replace(.sample(version: 2), at: key, ifVersion: one) }
                    == .notPermitted
            )
            #expect(try await storeErrorCode { try await store.delete(key, ifVersion: nil) } == .notPermitted)
            #expect(try await store.load(key) == .sample(owner: "app:1"))
            #expect(try await store.entries(of: OwnerKey("app:1")).count == 1)
            #expect(throws: SessionStoreError(.notPermitted, "")) { try scratch.store(at: volume.path) }
            try await volume.remount("rw")
            #expect(try await store.replace(.sample(version: 2), at: key, ifVersion: one) == .replaced)
        }

        @Test("a directory that this user may not write is refused", arguments: [0o500, 0o400, 0o000])
        func permissions(mode: Int) async throws {
            try scratch.setMode(mode)
            // Another user's is refused before its mode matters, so it becomes nobody's.
            guard getuid() == 0 else {
                #expect(throws: SessionStoreError(.notPermitted, "")) { try scratch.store() }
                return try scratch.setMode(0o700)
            }
            #expect(chown(scratch.directory, 65534, 65534) == 0)
            #expect(try await scratch.helper("nobody").nextLine() == "notPermitted")
            #expect(chown(scratch.directory, 0, 0) == 0)
            try scratch.setMode(0o700)
            #expect(try scratch.paths() == [])
        }

        /// Whether volumes can be mounted here: by root on Linux, where that is not forbidden.
        static let canMount: Bool = {
            #if os(Linux)
            let path = "/tmp/file-store-mount-\(UInt32.random(in: .min ... .max))"
            guard getuid() == 0, mkdir(path, 0o700) == 0 else { return false }
            defer { rmdir(path) }
            guard mount("tmpfs", path, "tmpfs", 0, "size=64k") == 0 else { return false }
            umount(path)
            return true
            #else
            return false
            #endif
        }()
    }
}
