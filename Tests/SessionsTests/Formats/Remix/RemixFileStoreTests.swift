import CrashHelping
import Foundation
import SessionsTesting
import Synchronization
import TestServers
import Testing

@testable import Sessions

extension FileStoreTests {
    /// Remix's directory: its names, its bytes, and what a store owes beyond them.
    @Suite("Remix's file storage")
    struct RemixFileStoreTests {
        let scratch: FileScratch

        init() throws { scratch = try FileScratch() }

        static let vector = "39/c43384c8cd129ee2612c7637cc522feab783539d2d7e8c3a9e776307d811ee"

        private func store(steps: FileSteps = FileSteps(), lifetime: Duration = .seconds(3600)) throws -> RemixFileStore
        {
            var configuration = FileSessionStore.Configuration()
            configuration.lockTimeout = .seconds(60)
            configuration.deadline = .seconds(86_400)
            return try RemixFileStore(
                directory: scratch.directory,
                lifetime: lifetime,
                configuration: configuration,
                steps: steps
            )
        }

        private func key(_ id: String = RemixService.id) throws -> StoreKey { try #require(StoreKey(foreignID: id)) }

        private func record(_ json: String, seconds: Int = 3600) -> StoredRecord {
            StoredRecord(foreign: Array(json.utf8), until: SystemSessionClock().now() + .seconds(seconds))
        }

        /// Has Remix write a file.
        private func remixWrites(_ json: String, _ path: String = vector) throws {
            let url = URL(fileURLWithPath: scratch.path(path))
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(json.utf8).write(to: url)
        }

        @Test("the rules of a store on another system's table", arguments: PayloadConditionalCheck.all)
        func conformance(_ check: PayloadConditionalCheck) async throws {
            let (one, other) = (try store(), try store())
            try await check.run(one, other)
            try await one.close()
            try await other.close()
        }

        @Test("a session is where Remix looks for it, as the JSON and no byte more, for this user alone")
        func layout() async throws {
            let store = try store()
            #expect(try await store.insert(record("[{},{}]"), at: key()))
            #expect(try scratch.files().filter { !$0.hasPrefix(".swift-sessions") } == [Self.vector])
            #expect(try String(contentsOfFile: scratch.path(Self.vector), encoding: .utf8) == "[{},{}]")
            #expect(try scratch.mode(Self.vector) == 0o600 && scratch.mode("39") == 0o700 && scratch.mode() == 0o700)
            #expect(try scratch.paths(".swift-sessions/temporary").isEmpty)
        }

        @Test("what Remix wrote is read, and lives for the store's lifetime since")
        func remixWrote() async throws {
            let store = try store()
            try remixWrites(#"[{"visits":1},{}]"#)
            let found = try #require(try await store.load(key()))
            #expect(found.payload == Array(#"[{"visits":1},{}]"#.utf8))
            let left = found.idleDeadline.duration(since: SystemSessionClock().now())
            #expect(left > .seconds(3500) && left <= .seconds(3600))
            #expect(try await store.delete(key(), ifPayload: found.payload))
            #expect(try await store.load(key()) == nil)
        }

        @Test("a directory that is missing is made, with what leads to it")
        func missing() async throws {
            let path = scratch.path("var/sessions")
            let store = try RemixFileStore(directory: path)
            #expect(try await store.insert(record("[{},{}]"), at: key()))
            #expect(try scratch.mode("var/sessions") == 0o700)
        }

        @Test("what is no directory of its own is refused")
        func unusable() throws {
            let file = scratch.path("file")
            try Data().write(to: URL(fileURLWithPath: file))
            #expect(throws: SessionStoreError(.unusable, "")) { try RemixFileStore(directory: file) }
            #expect(throws: SessionStoreError(.unusable, ""), "it holds a file") { try store() }
            try FileManager.default.removeItem(atPath: file)
            try FileManager.default.createDirectory(atPath: scratch.path("ab"), withIntermediateDirectories: false)
            try FileManager.default.createSymbolicLink(atPath: file, withDestinationPath: scratch.path("ab"))
            #expect(throws: SessionStoreError(.unusable, "")) { try RemixFileStore(directory: file) }
            try FileManager.default.removeItem(atPath: file)
            try scratch.setMode(0o770)
            #expect(throws: SessionStoreError(.notPermitted, "")) { try store() }
            #expect(throws: SessionConfigurationError(.lifetime, "")) {
                try RemixFileStore(directory: file, lifetime: .zero)
            }
        }

        @Test("ST-02: a link in a file's or a directory's place is not followed", arguments: [true, false])
        func links(isFile: Bool) async throws {
            let store = try store()
            let target = scratch.path("target")
            try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: false)
            let secret = target + Self.vector.dropFirst(2)
            try Data("[{},{}]".utf8).write(to: URL(fileURLWithPath: secret))
            if isFile {
                try remixWrites("")
                try FileManager.default.removeItem(atPath: scratch.path(Self.vector))
            }
            try FileManager.default.createSymbolicLink(
                atPath: scratch.path(isFile ? Self.vector : "39"),
                withDestinationPath: isFile ? secret : target
            )
            #expect(try await storeErrorCode { try await store.load(key()) } == .unusable)
            #expect(try await storeErrorCode { try await store.insert(record("[1]"), at: key()) } == .unusable)
            #expect(try await storeErrorCode { try await store.delete(key()) } == .unusable)
            #expect(try String(contentsOfFile: secret, encoding: .utf8) == "[{},{}]")
        }

        @Test("ST-02: a write that does not come to its end leaves what was there", arguments: [true, false])
        func interrupted(isNew: Bool) async throws {
            struct Stop: Error {}
            let stops = Atomic(false)
            var steps = FileSteps()
            steps.beforeMove = { if stops.load(ordering: .relaxed) { throw Stop() } }
            let store = try store(steps: steps)
            let old = record("[{},{}]")
            if !isNew { #expect(try await store.insert(old, at: key())) }
            stops.store(true, ordering: .relaxed)
            let code = try await storeErrorCode {
                if isNew { return try await store.insert(record("[1]"), at: key()) }
                return try await store.replace(record("[1]"), at: key(), ifPayload: old.payload) == .replaced
            }
            #expect(code == .unavailable)
            #expect(try await store.load(key())?.payload == (isNew ? nil : old.payload))
            #expect(try scratch.paths(".swift-sessions/temporary").isEmpty)
        }

        @Test("ST-02: what was written is on the disk before it is answered: the file, its name and its directory")
        func forced() async throws {
            let forced = Mutex<[String]>([])
            var steps = FileSteps()
            steps.beforeForce = { name in forced.withLock { $0.append(name) } }
            let store = try store(steps: steps)
            #expect(try await store.insert(record("[{},{}]"), at: key()))
            #expect(forced.withLock { $0 } == ["root", "temporary", "sessions"])
        }

        @Test("a file that Remix is writing is not taken for the session")
        func halfWritten() async throws {
            let (path, whole) = (scratch.path(Self.vector), Array(#"[{"visits":1},{}]"#.utf8))
            var steps = FileSteps()
            steps.beforeReread = { try Data(whole).write(to: URL(fileURLWithPath: path)) }
            let store = try store(steps: steps)
            try remixWrites(#"[{"visits"#)
            // However long this machine takes, that was just now.
            let later = Date(timeIntervalSinceNow: 3600)
            try FileManager.default.setAttributes([.modificationDate: later], ofItemAtPath: path)
            #expect(try await store.load(key())?.payload == whole)
        }

        @Test("what a process that died has left is no obstacle")
        func leftover() async throws {
            _ = try store()
            try Data("half".utf8).write(to: URL(fileURLWithPath: scratch.path(".swift-sessions/temporary/39")))
            let store = try store()
            #expect(try await store.insert(record("[{},{}]"), at: key()))
            #expect(try await store.load(key())?.payload == Array("[{},{}]".utf8))
        }

        @Test("I1: while another process holds the lock, a write waits, and takes in what that one wrote")
        func lock() async throws {
            let old = record("[{},{}]")
            let first = try store()
            #expect(try await first.insert(old, at: key()))
            // It has given its lock back then.
            try await first.close()
            let store = try store()
            // A lock belongs to who opened its file, so that it keeps out this process's store like another process.
            let locks = FileLocks(
                try FileDescriptor.directory(at: scratch.path(".swift-sessions")).directory("locks"),
                FileSteps()
            )
            let outcome: Task<ReplaceOutcome, any Error>
            do {
                guard let lock = try locks.lock(0x39) else { throw CancellationError() }
                outcome = Task { [key = try key(), new = record("[2]")] in
                    try await store.replace(new, at: key, ifPayload: old.payload)
                }
                try remixWrites("[1]")
                _ = consume lock
            }
            guard case .conflict(let current?) = try await outcome.value else {
                Issue.record("the write did not notice")
                return
            }
            #expect(current.payload == Array("[1]".utf8))
        }

        @Test("a sweep deletes what nobody has used for the lifetime, and nothing else; the limit is kept")
        func sweep() async throws {
            let store = try store()
            for number in 0..<20 {
                #expect(try await store.insert(record("[{},{}]", seconds: number), at: key("\(number)")))
            }
            #expect(try await store.insert(record("[{},{}]"), at: key("live")))
            let cutoff = SystemSessionClock().now() + .seconds(1000)
            #expect(try await store.sweep(expiredBefore: cutoff, limit: 8) == 8)
            #expect(try await store.sweep(expiredBefore: cutoff, limit: 100) == 12)
            #expect(try await store.sweep(expiredBefore: cutoff, limit: 100) == 0)
            #expect(try await store.load(key("live")) != nil)
        }

        @Test("I1: two other processes and this one lose no change, I2: and see each other's deletions")
        func processes() async throws {
            let store = try store()
            let key = try key()
            #expect(try await store.insert(record("0"), at: key))
            let helpers = try (0..<2).map { _ in try scratch.helper("countInRemixFile", key.text, "150") }
            #expect(try await CrashHammer.count(store, key: key, times: 150) == 0)
            for helper in helpers { #expect(try await helper.exitCode() == 0) }
            #expect(try await store.load(key)?.payload == Array("450".utf8))
            #expect(try await store.delete(key))
            #expect(try await scratch.helper("countInRemixFile", key.text, "1").exitCode() == 66)
        }

        @Test("I1: two stores and many requests lose no change of one session")
        func counting() async throws {
            var configuration = SessionConfiguration.remix()
            // Nothing is lost to those who are not too slow, and a machine may be.
            configuration.contentionDeadline = .seconds(600)
            let managers = try (0..<2)
                .map { _ in
                    try SessionManager.remix(
                        secrets: ["s"],
                        store: store(),
                        acknowledging: [.concurrentChangesAreLost, .endedSessionsComeBack],
                        configuration: configuration,
                        logger: .silent
                    )
                }
            let browser = SessionBrowser()
            try await browser.visit(managers[0]) { $0.set(.visits, to: 0) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<30 {
                    group.addTask {
                        try await browser.copy().visit(managers[writer % 2]) { session in
                            session.update(.visits) { $0 += 1 }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await browser.visit(managers[1]) { $0[.visits] } == 30)
        }
    }
}
