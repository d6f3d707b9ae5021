#if SQLite
import Foundation
import GRDB
import Sessions
import TestServers
import Testing

@testable import SessionsSQLite

extension SQLiteStoreTests {
    @Suite("Several processes")
    struct ProcessTests {
        let scratch: Scratch

        init() throws { scratch = try Scratch() }

        @Test("three stores on one file lose no change")
        func stores() async throws {
            let stores = try (0..<3).map { _ in try scratch.store() }
            let key = try StoreKey.numbered(1)
            #expect(try await stores[0].insert(.sample("0"), at: key))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for store in stores { group.addTask { try await count(store, key, times: 100) } }
                try await group.waitForAll()
            }
            for store in stores {
                let record = try #require(try await store.load(key))
                #expect(String(decoding: record.payload, as: UTF8.self) == "300")
            }
        }

        @Test("I1: two other processes and this one lose no change, I2: and see each other's deletions")
        func processes() async throws {
            let store = try scratch.store()
            let key = try StoreKey.numbered(1)
            #expect(try await store.insert(.sample("0"), at: key))
            let helpers = try (0..<2).map { _ in
                try HelperProcess("SessionsSQLiteCrashHelper", ["count", scratch.path, key.text, "150"])
            }
            try await count(store, key, times: 150)
            for helper in helpers { #expect(try await helper.exitCode() == 0) }
            let record = try #require(try await store.load(key))
            #expect(String(decoding: record.payload, as: UTF8.self) == "450")

            #expect(try await store.delete(key, ifVersion: nil))
            let late = try HelperProcess("SessionsSQLiteCrashHelper", ["count", scratch.path, key.text, "1"])
            #expect(try await late.exitCode() == 66)
        }

        @Test("a file, or a directory, that this user may not write is a clear error")
        func permissions() async throws {
            try await scratch.store().close()
            try FileManager.default.setAttributes([.posixPermissions: 0o444], ofItemAtPath: scratch.path)
            try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: scratch.directory)
            let before = try scratch.bytes()
            #expect(try await outcome() == "notPermitted")
            try FileManager.default.setAttributes([.posixPermissions: 0o000], ofItemAtPath: scratch.path)
            #expect(try await outcome() == "notPermitted")
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: scratch.path)
            #expect(try scratch.bytes() == before)

            try FileManager.default.removeItem(atPath: scratch.path)
            try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: scratch.directory)
            #expect(try await outcome() == "notPermitted")
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: scratch.directory)
        }

        @Test(
            "ST-02: another user's file is refused and left as it is, though it may be written",
            .enabled(if: getuid() == 0, "it takes a second user")
        )
        func ownership() async throws {
            let store = try scratch.store()
            #expect(try await store.insert(.sample(), at: .numbered(1)))
            try await store.close()
            try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: scratch.directory)
            try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: scratch.path)
            let before = try scratch.bytes()
            #expect(try await outcome() == "notPermitted")
            #expect(try scratch.bytes() == before)
            #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.directory) == ["sessions.sqlite"])
        }

        /// What opening the store comes to for somebody without rights.
        func outcome() async throws -> String {
            let helper = try HelperProcess("SessionsSQLiteCrashHelper", ["nobody", scratch.path])
            let line = try await helper.lines().joined()
            _ = try await helper.exitCode()
            return line
        }

        /// Adds one to the number in a record, many times, against whoever does the same.
        func count(_ store: SQLiteSessionStore, _ key: StoreKey, times: Int) async throws {
            for _ in 0..<times {
                var current = try #require(try await store.load(key))
                while true {
                    var next = current
                    next.version = .random()
                    let number = try #require(Int(String(decoding: current.payload, as: UTF8.self)))
                    next.payload = Array("\(number + 1)".utf8)
                    switch try await store.replace(next, at: key, ifVersion: current.version) {
                    case .replaced: break
                    case .conflict(let newer):
                        current = try #require(newer)
                        continue
                    case .gone:
                        Issue.record("gone")
                    }
                    break
                }
            }
        }
    }
}
#endif
