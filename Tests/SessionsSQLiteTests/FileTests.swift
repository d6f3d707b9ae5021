#if SQLite
import Foundation
import GRDB
import Sessions
import Testing

@testable import SessionsSQLite

extension SQLiteStoreTests {
    @Suite("The file")
    struct FileTests {
        let scratch: Scratch

        init() throws { scratch = try Scratch() }

        @Test("reopening finds everything")
        func reopen() async throws {
            let records = (0..<20).map { StoredRecord.sample("payload \($0)", version: UInt64($0 + 1), owner: "app:1") }
            let first = try scratch.store()
            for (number, record) in records.enumerated() {
                #expect(try await first.insert(record, at: .numbered(number)))
            }
            try await first.raiseEpoch(of: OwnerKey("app:1"), to: Timestamp(microseconds: 5), keptUntil: .distantFuture)
            try await first.close()
            #expect(!FileManager.default.fileExists(atPath: scratch.path + "-wal"))

            let second = try scratch.store()
            for (number, record) in records.enumerated() { #expect(try await second.load(.numbered(number)) == record) }
            #expect(try await second.epoch(of: OwnerKey("app:1")) == Timestamp(microseconds: 5))
            #expect(try await second.entries(of: OwnerKey("app:1")).count == 20)
        }

        @Test("a store that is let go without being closed loses nothing")
        func letGo() async throws {
            do {
                let store = try scratch.store()
                #expect(try await store.insert(.sample(), at: .numbered(1)))
            }
            #expect(try await scratch.store().load(.numbered(1)) == .sample())
        }

        @Test("ST-02: nobody else may read the file, nor its -wal and -shm")
        func modes() async throws {
            let store = try scratch.store()
            #expect(try await store.insert(.sample(), at: .numbered(1)))
            for suffix in ["", "-wal", "-shm"] {
                #expect(try mode(suffix) == 0o600, "\(suffix)")
            }
            try await store.close()
        }

        @Test("ST-02: a session database that others may read is theirs no longer", arguments: [0o644, 0o660, 0o666])
        func openModes(mode: Int) async throws {
            let first = try scratch.store()
            #expect(try await first.insert(.sample(), at: .numbered(1)))
            for suffix in ["", "-wal", "-shm"] { try setMode(mode, suffix) }
            let second = try scratch.store()
            #expect(try await second.load(.numbered(1)) == .sample())
            for suffix in ["", "-wal", "-shm"] { #expect(try self.mode(suffix) == 0o600, "\(suffix)") }
            try await first.close()
            try await second.close()

            // And by way of a link to it: SQLite's other files are beside what it leads to.
            try setMode(mode)
            let link = scratch.directory + "/link"
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: scratch.path)
            try await SQLiteSessionStore(path: link).close()
            #expect(try self.mode() == 0o600)
        }

        @Test("ST-02: an empty file that others may read is theirs no longer, before anything is in it")
        func emptyFile() async throws {
            #expect(FileManager.default.createFile(atPath: scratch.path, contents: nil))
            try setMode(0o644)
            let store = try scratch.store()
            #expect(try mode() == 0o600)
            #expect(try mode("-wal") == 0o600)
            try await store.close()
        }

        @Test("another program's database keeps its mode")
        func foreignMode() throws {
            try scratch.connection().inDatabase { try $0.execute(sql: "CREATE TABLE player (id INTEGER)") }
            try setMode(0o644)
            #expect(throws: SessionStoreError(.unusable, "")) { try scratch.store() }
            #expect(try mode() == 0o644)
        }

        func setMode(_ mode: Int, _ suffix: String = "") throws {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: scratch.path + suffix)
        }

        func mode(_ suffix: String = "") throws -> Int {
            let attributes = try FileManager.default.attributesOfItem(atPath: scratch.path + suffix)
            return try #require(attributes[.posixPermissions] as? Int) & 0o777
        }

        @Test("a commit reaches the disk before it is answered; less is a setting")
        func synchronous() async throws {
            func settings(_ store: SQLiteSessionStore) async throws -> [Int?] {
                try await store.write { database, _ in
                    try [
                        // Inside a transaction, so that this is the connection that commits.
                        Int.fetchOne(database, sql: "PRAGMA synchronous"),
                        Int.fetchOne(database, sql: "PRAGMA fullfsync"),
                    ]
                }
            }
            #expect(try await settings(scratch.store()) == [2, 1])
            #expect(try await settings(scratch.store { $0.synchronous = .normal }) == [1, 0])
            let mode = try await scratch.connection().read { try String.fetchOne($0, sql: "PRAGMA journal_mode") }
            #expect(mode == "wal")
        }

        @Test("a file that is no database is refused and left as it is", arguments: [16, 512, 5000, 100_000])
        func junk(length: Int) throws {
            let junk = Data((0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7 + 1) })
            try junk.write(to: URL(fileURLWithPath: scratch.path))
            #expect(throws: SessionStoreError(.unusable, "")) { try scratch.store() }
            #expect(try scratch.bytes() == junk)
        }

        @Test("another program's database is refused and left as it is", arguments: [true, false])
        func foreign(wal: Bool) throws {
            let other = try scratch.connection()
            try other.inDatabase {
                if wal { try $0.execute(sql: "PRAGMA journal_mode = WAL") }
                try $0.execute(sql: "CREATE TABLE player (id INTEGER PRIMARY KEY, name TEXT); PRAGMA user_version = 3")
            }
            try other.close()
            let before = try scratch.bytes()
            let error = #expect(throws: SessionStoreError.self) { try scratch.store() }
            #expect(error?.code == .unusable)
            #expect(error?.message.contains("another program's") == true)
            #expect(try scratch.bytes() == before)
        }

        @Test("an empty database that is marked as another program's is refused")
        func marked() throws {
            let other = try scratch.connection()
            try other.inDatabase { try $0.execute(sql: "PRAGMA application_id = 77") }
            try other.close()
            let before = try scratch.bytes()
            #expect(throws: SessionStoreError(.unusable, "")) { try scratch.store() }
            #expect(try scratch.bytes() == before)
        }

        @Test("a damaged file is a clear error, at the latest when the damage is met")
        func damaged() async throws {
            let store = try scratch.store()
            for number in 0..<300 {
                let text = String(repeating: "x", count: 3000)
                #expect(try await store.insert(.sample(text), at: .numbered(number)))
            }
            try await store.close()
            var bytes = try scratch.bytes()
            // All pages but the first, which holds the schema: a torn disk.
            for index in stride(from: 8192, to: bytes.count, by: 7) { bytes[index] = 0xA5 }
            try bytes.write(to: URL(fileURLWithPath: scratch.path))
            let code = try await errorCode {
                let store = try scratch.store()
                for number in 0..<300 { _ = try await store.load(.numbered(number)) }
            }
            #expect(code == .unusable)
        }

        @Test("a damaged header is refused and the file left as it is")
        func damagedHeader() async throws {
            try await scratch.store().close()
            var bytes = try scratch.bytes()
            bytes.replaceSubrange(0..<100, with: Data(repeating: 0xFF, count: 100))
            try bytes.write(to: URL(fileURLWithPath: scratch.path))
            #expect(throws: SessionStoreError(.unusable, "")) { try scratch.store() }
            #expect(try scratch.bytes() == bytes)
        }

        @Test("a file whose tables are gone is a clear error")
        func dropped() async throws {
            let store = try scratch.store()
            try await scratch.connection().write { try $0.execute(sql: "DROP TABLE sessions") }
            #expect(try await errorCode { try await store.load(.numbered(1)) } == .unusable)
            #expect(try await errorCode { try await store.insert(.sample(), at: .numbered(1)) } == .unusable)
        }

        @Test("a path that cannot be a file says what to change")
        func paths() throws {
            let missing = #expect(throws: SessionStoreError.self) {
                try SQLiteSessionStore(path: scratch.directory + "/none/sessions.sqlite")
            }
            #expect(missing?.code == .unavailable)
            #expect(missing?.message.contains("directory does not exist") == true)
            #expect(throws: SessionStoreError(.unusable, "")) { try SQLiteSessionStore(path: scratch.directory) }
            for path in ["", ":memory:", "a\u{0}b"] {
                #expect(throws: SessionConfigurationError(.store, "")) { try SQLiteSessionStore(path: path) }
            }
        }

        @Test("ST-02: a link to nowhere is not followed")
        func danglingLink() throws {
            let target = scratch.directory + "/target"
            try FileManager.default.createSymbolicLink(atPath: scratch.path, withDestinationPath: target)
            #expect(throws: SessionStoreError.self) { try scratch.store() }
            #expect(!FileManager.default.fileExists(atPath: target))
        }

        @Test("a path that looks like a URI is a path")
        func uri() async throws {
            let directory = scratch.directory + "/file:x?mode=memory"
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
            let path = directory + "/s?cache=shared"
            try await SQLiteSessionStore(path: path).close()
            #expect(FileManager.default.fileExists(atPath: path))
        }

        @Test("closing waits for what is queued; afterwards every method says so")
        func close() async throws {
            let store = try scratch.store()
            try await withThrowingTaskGroup(of: Bool.self) { group in
                try await store.holdingWriter { hold in
                    for number in 0..<20 {
                        group.addTask { try await store.insert(.sample(), at: .numbered(number)) }
                    }
                    await hold.calls(20)
                    async let closing: Void = store.close()
                    hold.open()
                    try await closing
                }
                for try await inserted in group { #expect(inserted) }
            }
            try await store.close()
            #expect(try await errorCode { try await store.load(.numbered(1)) } == .unavailable)
            #expect(try await errorCode { try await store.insert(.sample(), at: .numbered(99)) } == .unavailable)
            #expect(try await scratch.store().count() == 20)
        }
    }
}
#endif
