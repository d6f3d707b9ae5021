import Foundation
import HTTPTypes
import Sessions
import SessionsTesting
import TestServers
import Testing

@testable import Sessions

extension FileStoreTests {
    @Suite("The directory")
    struct DirectoryTests {
        let scratch: FileScratch

        init() throws { scratch = try FileScratch() }

        @Test("reopening finds everything")
        func reopen() async throws {
            let records = (0..<20).map { StoredRecord.sample("payload \($0)", version: UInt64($0 + 1), owner: "app:1") }
            let first = try scratch.store()
            for (number, record) in records.enumerated() {
                #expect(try await first.insert(record, at: .numbered(number)))
            }
            try await first.raiseEpoch(of: OwnerKey("app:1"), to: Timestamp(microseconds: 5), keptUntil: .distantFuture)
            try await first.close()
            #expect(try await storeErrorCode { try await first.load(.numbered(1)) } == .unavailable)
            try await first.close()

            let second = try scratch.store()
            for (number, record) in records.enumerated() { #expect(try await second.load(.numbered(number)) == record) }
            #expect(try await second.epoch(of: OwnerKey("app:1")) == Timestamp(microseconds: 5))
            #expect(try await second.entries(of: OwnerKey("app:1")).count == 20)
        }

        @Test("ST-01: whatever a key is, its files are in the directory, and their names are digits")
        func names() async throws {
            let store = try scratch.store()
            let texts = [
                ".", "..", "...", "-", "CON", "NUL", "a:b", "a=b", "_", "-rf", "k616263",
                String(repeating: "x", count: 100), String(repeating: "x", count: 101),
                String(repeating: "Y", count: 256),
            ]
            for text in texts {
                let key = try #require(StoreKey(text))
                #expect(try await store.insert(.sample(text, owner: "app:../../etc/passwd"), at: key))
                #expect(try await store.load(key)?.payload == Array(text.utf8))
            }
            try await store.raiseEpoch(
                of: OwnerKey("app:../../x\u{0}"),
                to: Timestamp(microseconds: 1),
                keptUntil: .distantFuture
            )
            for text in ["../../etc/passwd", "a/b", "\u{0}", "/etc/passwd", "%2e%2e%2f", "~", "a b"] {
                #expect(StoreKey(text) == nil)
            }
            let files = try scratch.files()
            #expect(files.count { $0.hasPrefix("records/") } == texts.count)
            for file in files where !["format", "lock"].contains(file) {
                #expect(file.wholeMatch(of: /(\w+\/)+[kxe0-9a-f-]+/) != nil, "\(file)")
                #expect(try #require(file.split(separator: "/").last).utf8.count <= 255)
            }
            // The names are the same in every version: another process has to find them.
            #expect(try FileScratch.relativePath(of: #require(StoreKey("abc"))) == "records/ba/7/k616263")
            let long = try #require(StoreKey(String(repeating: "a", count: 101)))
            #expect(FileScratch.relativePath(of: long).hasSuffix("/x" + String(FilePlace(long).name.dropFirst())))
            #expect(FilePlace(name: FilePlace(long).name[...]) == FilePlace(long))
        }

        @Test("ST-02: only this user may read what is there, whatever the umask", arguments: [0o000, 0o077, 0o777])
        func modes(mask: Int) async throws {
            try scratch.setMode(0o755)
            let before = umask(mode_t(mask))
            defer { umask(before) }
            let store = try scratch.store()
            #expect(try await store.insert(.sample(owner: "app:1"), at: .numbered(1)))
            try await store.raiseEpoch(of: OwnerKey("app:1"), to: Timestamp(microseconds: 5), keptUntil: .distantFuture)
            #expect(
                try await store.replace(.sample(version: 2), at: .numbered(1), ifVersion: .init(rawValue: 1))
                    == .replaced
            )
            #expect(try await store.load(.numbered(1)) != nil)
            umask(before)
            #expect(try scratch.mode() == 0o700)
            for path in try scratch.paths() {
                #expect(try scratch.mode(path) & 0o077 == 0, "\(path)")
                #expect(try scratch.mode(path) & 0o600 == 0o600, "\(path)")
            }
        }

        @Test(
            "CF-11: a directory that others may write is refused and left as it is",
            arguments: [0o777, 0o1777, 0o720, 0o702]
        )
        func writable(mode: Int) throws {
            try scratch.setMode(mode)
            let error = #expect(throws: SessionStoreError.self) { try scratch.store() }
            #expect(error?.code == .notPermitted)
            #expect(error?.message.contains("chmod 0700") == true)
            #expect(try scratch.paths() == [])
            #expect(try scratch.mode() == mode)
        }

        @Test(
            "CF-11: another user's directory is refused and left as it is",
            .enabled(if: getuid() == 0, "it takes a second user")
        )
        func ownership() async throws {
            #expect(chown(scratch.directory, 65534, 65534) == 0)
            #expect(throws: SessionStoreError(.notPermitted, "")) { try scratch.store() }
            #expect(try scratch.paths() == [])
            #expect(chown(scratch.directory, 0, 0) == 0)
            #expect(try await scratch.store().insert(.sample(), at: .numbered(1)))
            // And for that user, ours.
            let helper = try scratch.helper("nobody")
            #expect(try await helper.nextLine() == "notPermitted")
            // A part of it that was given away.
            #expect(chown(scratch.path("expiry"), 65534, 65534) == 0)
            #expect(throws: SessionStoreError(.notPermitted, "")) { try scratch.store() }
        }

        @Test("CF-11: a path that is no directory says what to change")
        func paths() throws {
            let missing = #expect(throws: SessionStoreError.self) { try scratch.store(at: scratch.path("none")) }
            #expect(missing?.code == .unavailable)
            #expect(missing?.message.contains("does not exist") == true)
            #expect(!FileManager.default.fileExists(atPath: scratch.path("none")))

            let other = try FileScratch()
            let link = scratch.path("link")
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: other.directory)
            for path in [link, link + "/", link + "//"] {
                let error = #expect(throws: SessionStoreError.self) { try scratch.store(at: path) }
                #expect(error?.code == .unusable)
                #expect(error?.message.contains("symbolic link") == true)
            }
            #expect(try other.paths() == [])

            #expect(FileManager.default.createFile(atPath: scratch.path("file"), contents: nil))
            #expect(throws: SessionStoreError(.unusable, "")) { try scratch.store(at: scratch.path("file")) }
            for path in ["", "a\u{0}b"] {
                #expect(throws: SessionConfigurationError(.store, "")) { try FileSessionStore(directory: path) }
            }
        }

        @Test("a directory with other files is refused and left as it is")
        func foreign() throws {
            try scratch.setMode(0o755)
            let data = Data("mine".utf8)
            try data.write(to: URL(fileURLWithPath: scratch.path("notes.txt")))
            let error = #expect(throws: SessionStoreError.self) { try scratch.store() }
            #expect(error?.code == .unusable)
            #expect(try scratch.paths() == ["notes.txt"])
            #expect(try scratch.mode() == 0o755)
            try FileManager.default.removeItem(atPath: scratch.path("notes.txt"))
            try Data("something else".utf8).write(to: URL(fileURLWithPath: scratch.path("format")))
            #expect(throws: SessionStoreError(.unusable, "")) { try scratch.store() }
            #expect(try scratch.paths() == ["format"])
            #expect(try scratch.mode() == 0o755)
        }

        @Test("a directory of a later version is refused and left as it is")
        func version() throws {
            try scratch.setMode(0o755)
            try Data("swift-sessions files 2\n".utf8).write(to: URL(fileURLWithPath: scratch.path("format")))
            let error = #expect(throws: SessionStoreError.self) { try scratch.store() }
            #expect(error?.code == .unusable)
            #expect(error?.message.contains("later version") == true)
            #expect(try scratch.paths() == ["format"])
            #expect(try scratch.mode() == 0o755)
        }

        @Test("a directory whose making was interrupted is finished", arguments: 0...4)
        func interrupted(step: Int) async throws {
            for name in ["locks", "records", "expiry"].prefix(step) {
                try FileManager.default.createDirectory(
                    atPath: scratch.path(name),
                    withIntermediateDirectories: false,
                    attributes: [.posixPermissions: 0o700]
                )
            }
            if step == 4 { try Data("swift-ses".utf8).write(to: URL(fileURLWithPath: scratch.path("format.new"))) }
            #expect(try await scratch.store().insert(.sample(), at: .numbered(1)))
            #expect(try await scratch.store().load(.numbered(1)) == .sample())
        }

        @Test("stores that are made at once on an empty directory agree")
        func together() async throws {
            let stores = try await withThrowingTaskGroup(of: FileSessionStore.self) { group in
                for _ in 0..<8 { group.addTask { [scratch] in try scratch.store() } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for (number, store) in stores.enumerated() {
                #expect(try await store.insert(.sample(), at: .numbered(number)))
            }
            for store in stores { #expect(try await store.count() == 8) }
        }

        @Test("a directory that is removed in use is an error, and no end of sessions")
        func removed() async throws {
            let store = try scratch.store()
            #expect(try await store.insert(.sample(owner: "app:1"), at: .numbered(1)))
            try FileManager.default.removeItem(atPath: scratch.directory)
            #expect(try await storeErrorCode { try await store.load(.numbered(1)) } == .unavailable)
            #expect(try await storeErrorCode { try await store.insert(.sample(), at: .numbered(2)) } == .unavailable)
            #expect(try await storeErrorCode { try await store.delete(.numbered(1), ifVersion: nil) } == .unavailable)
            #expect(try await storeErrorCode { try await store.entries(of: OwnerKey("app:1")) } == .unavailable)
        }

        @Test("ID-04, I9: neither names nor files hold a credential")
        func unspeakable() async throws {
            let store = try scratch.store()
            let manager = try SessionManager(store: store, keys: KeyRing([.generate()]))
            var search = SecretSearch()
            for user in 0..<10 {
                var exchange = manager.open(HTTPFields())
                let session = try await exchange.session
                session.logIn("user-\(user)")
                let field = try #require(try await exchange.commit().cookies.first?.field)
                let cookie = try #require(field.value.split(separator: ";").first)
                search.add(credential: String(cookie.split(separator: "=")[1]))
                exchange = manager.open(HTTPFields([HTTPField(name: .cookie, value: String(cookie))]))
                #expect(try await exchange.session.owner == "user-\(user)")
            }
            for path in try scratch.files() {
                let data = try Data(contentsOf: URL(fileURLWithPath: scratch.path(path)))
                #expect(search.piece(in: path) == nil && search.piece(in: Array(data)) == nil, "\(path)")
            }
        }
    }
}
