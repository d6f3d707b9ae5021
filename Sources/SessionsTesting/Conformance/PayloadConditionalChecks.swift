import Logging
package import Sessions

/// The rules of ``PayloadConditionalSessionStore``, for a store on another system's table: that table has neither versions,
/// owners nor absolute deadlines, so the checks of ``SessionStoreConformance`` do not apply.
package struct PayloadConditionalCheck: Sendable, CustomStringConvertible {
    package let description: String
    private let body: @Sendable (Subject) async throws -> Void

    private init(_ description: String, _ body: @escaping @Sendable (Subject) async throws -> Void) {
        self.description = description
        self.body = body
    }

    /// Checks two stores on one empty table, of which two processes might have one each.
    ///
    /// - Parameters:
    ///   - id: Makes an id that the table can keep, another one each time. By default any text is one.
    ///   - spelling: How the table spells JSON: what it would spell otherwise would not come back as it was.
    package func run(
        _ one: some PayloadConditionalSessionStore,
        _ other: some PayloadConditionalSessionStore,
        id: (@Sendable () -> String)? = nil,
        spelling: Spelling = .compact
    ) async throws {
        if id != nil, keepsAnyID { return }
        let id = id ?? { "id-\(UInt64.random(in: .min ... .max))" }
        try await body(Subject(one: one, other: other, id: id, spelling: spelling))
    }

    /// How a table spells the JSON that it keeps.
    package enum Spelling: Sendable {
        /// Without spaces, as JavaScript does, and in the order in which it came.
        case compact
        /// As PostgreSQL's `jsonb`: with spaces, and short names first.
        case jsonb
    }

    /// Whether this is about ids of any kind.
    private var keepsAnyID: Bool { description.hasPrefix("every id") }

    private struct Subject: Sendable {
        let one: any PayloadConditionalSessionStore
        let other: any PayloadConditionalSessionStore
        let id: @Sendable () -> String
        let spelling: Spelling

        func key(_ known: String? = nil) throws -> StoreKey {
            let id = known ?? id()
            guard let key = StoreKey(foreignID: id) else { throw ConformanceFailure("\(id) makes no key") }
            return key
        }

        /// A record that lives for `seconds`.
        func record(_ number: Int = 0, seconds: Int = 3600) -> StoredRecord {
            let payload = payload(number)
            let now = SystemSessionClock().now()
            return StoredRecord(
                payload: payload,
                version: RecordVersion(of: payload),
                idleDeadline: now + .seconds(seconds),
                absoluteDeadline: now + .seconds(1_000_000)
            )
        }

        func payload(_ number: Int) -> [UInt8] {
            switch spelling {
            case .compact:
                let cookie = #"{"originalMaxAge":null,"expires":null,"path":"/"}"#
                return Array(#"{"cookie":\#(cookie),"n":\#(number),"ü":"\" \\ ' €"}"#.utf8)
            case .jsonb:
                let cookie = #"{"path": "/", "expires": null, "originalMaxAge": null}"#
                return Array(#"{"n": \#(number), "ü": "\" \\ ' €", "cookie": \#(cookie)}"#.utf8)
            }
        }

        func expect(_ record: StoredRecord?, at key: StoreKey, after what: String) async throws {
            for store in [one, other] {
                let found = try await store.load(key)
                try require(found?.payload == record?.payload, "after \(what), load returned another payload")
                guard let found, let record else { continue }
                try require(
                    found.version == RecordVersion(of: found.payload),
                    "after \(what), the version is not the payload's"
                )
                // Other systems count whole seconds, and time passes between two looks at a time to live: between the
                // clock's and the server's when it is set, and again when it is read.
                let difference = found.idleDeadline.duration(since: record.idleDeadline)
                try require(
                    difference > .seconds(-30) && difference < .seconds(30),
                    "after \(what), the idle deadline is \(difference) from what it was set to"
                )
            }
        }

        /// Throws unless `body` throws the error that says what this store cannot do.
        func unsupported(_ what: String, _ body: () async throws -> some Any) async throws {
            do {
                _ = try await body()
            } catch let error as SessionError where error.code == .unsupported {
                return
            }
            throw ConformanceFailure("\(what) did not throw unsupported")
        }

        /// A manager on one of the stores.
        func manager(_ store: some SessionStore) throws -> SessionManager {
            var configuration = SessionConfiguration.express()
            // No change is lost of those who are not too slow, and a machine may be.
            configuration.contentionDeadline = .seconds(600)
            return try .express(
                secrets: ["keyboard cat"],
                store: store,
                acknowledging: [.concurrentChangesAreLost, .endedSessionsComeBack, .keysAreCredentials],
                configuration: configuration,
                generateID: id,
                logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }
            )
        }
    }

    /// All of them.
    package static let all = [
        PayloadConditionalCheck("a new record comes back as it is, and its key is taken") { subject in
            let (key, record) = (try subject.key(), subject.record())
            try await subject.expect(nil, at: key, after: "nothing")
            try require(await subject.one.insert(record, at: key), "insert returned false at a free key")
            try await subject.expect(record, at: key, after: "an insert")
            try require(
                await !subject.other.insert(subject.record(1), at: key),
                "insert returned true at a key that is taken"
            )
            try await subject.expect(record, at: key, after: "an insert at a key that was taken")
        },
        PayloadConditionalCheck("a replace needs the payload that was read, and hands back what is there") { subject in
            let (key, first, second) = (try subject.key(), subject.record(1), subject.record(2, seconds: 7200))
            var outcome = try await subject.one.replace(second, at: key, ifPayload: first.payload)
            try require(outcome == .gone, "replace returned \(outcome) where nothing is")
            try await subject.expect(nil, at: key, after: "a replace where nothing is")
            _ = try await subject.one.insert(first, at: key)
            outcome = try await subject.other.replace(subject.record(3), at: key, ifPayload: second.payload)
            guard case .conflict(let current?) = outcome, current.payload == first.payload else {
                throw ConformanceFailure("replace with another payload returned no conflict with the current record")
            }
            try await subject.expect(first, at: key, after: "a replace that lost")
            outcome = try await subject.other.replace(second, at: key, ifPayload: first.payload)
            try require(outcome == .replaced, "replace with the current payload did not replace")
            try await subject.expect(second, at: key, after: "a replace")
        },
        PayloadConditionalCheck("a touch moves the deadline forward, and nothing else") { subject in
            let key = try subject.key()
            var record = subject.record()
            _ = try await subject.one.insert(record, at: key)
            let later = record.idleDeadline + .seconds(3600)
            try require(
                await !subject.one.touch(key, until: later, ifPayload: subject.record(1).payload),
                "touch returned true with another payload"
            )
            try await subject.expect(record, at: key, after: "a touch with another payload")
            try require(
                await subject.one.touch(key, until: later, ifPayload: record.payload),
                "touch returned false with the current payload"
            )
            record.idleDeadline = later
            try await subject.expect(record, at: key, after: "a touch")
            try require(
                await subject.other.touch(key, until: later + .seconds(-3600), ifPayload: record.payload),
                "touch returned false for an earlier deadline"
            )
            try await subject.expect(record, at: key, after: "a touch that would rewind")
            let missing = try await subject.one.touch(subject.key(), until: later, ifPayload: record.payload)
            try require(!missing, "touch returned true where nothing is")
        },
        PayloadConditionalCheck("a delete needs the payload that was read, or none") { subject in
            let (key, record) = (try subject.key(), subject.record())
            _ = try await subject.one.insert(record, at: key)
            try require(
                await !subject.other.delete(key, ifPayload: subject.record(1).payload),
                "delete returned true with another payload"
            )
            try await subject.expect(record, at: key, after: "a delete with another payload")
            try require(
                await subject.other.delete(key, ifPayload: record.payload),
                "delete returned false with the current payload"
            )
            try await subject.expect(nil, at: key, after: "a delete")
            _ = try await subject.one.insert(record, at: key)
            try require(await subject.other.delete(key), "an unconditional delete returned false")
            try await subject.expect(nil, at: key, after: "an unconditional delete")
            try require(await !subject.one.delete(key), "delete returned true where nothing is")
        },
        PayloadConditionalCheck("by version, the same") { subject in
            let (key, record) = (try subject.key(), subject.record())
            _ = try await subject.one.insert(record, at: key)
            let (old, new) = (RecordVersion(of: record.payload), subject.record(1))
            let wrong = try await subject.one.replace(new, at: key, ifVersion: RecordVersion(of: new.payload))
            guard case .conflict = wrong else { throw ConformanceFailure("replace ignored the version") }
            try require(
                await subject.one.replace(new, at: key, ifVersion: old) == .replaced,
                "replace by the version did not replace"
            )
            try require(await !subject.one.delete(key, ifVersion: old), "delete ignored the version")
            try require(
                await !subject.one.touch(key, until: new.idleDeadline, ifVersion: old),
                "touch ignored the version"
            )
            try require(await subject.one.delete(key, ifVersion: nil), "an unconditional delete returned false")
        },
        PayloadConditionalCheck("every id is kept, and apart from every other") { subject in
            let ids = ["%", "/foo?x=1", "ü", "u\u{308}", " ", "a'b\"c\\", "*", "A", "a", "$where", "a.b.c", "\n"]
            for (number, id) in ids.enumerated() {
                let isNew = try await subject.one.insert(subject.record(number), at: subject.key(id))
                try require(isNew, "the id \(number) is taken")
            }
            for (number, id) in ids.enumerated() {
                try await subject.expect(subject.record(number), at: subject.key(id), after: "inserts at other ids")
            }
        },
        PayloadConditionalCheck("I1: of replaces that race on one payload, exactly one wins each time") { subject in
            let key = try subject.key()
            _ = try await subject.one.insert(subject.record(0), at: key)
            for round in 0..<10 {
                guard let read = try await subject.one.load(key) else { throw ConformanceFailure("the record is gone") }
                let winners = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for writer in 0..<8 {
                        let store = writer.isMultiple(of: 2) ? subject.one : subject.other
                        let record = subject.record(1 + round * 8 + writer)
                        group.addTask {
                            try await store.replace(record, at: key, ifPayload: read.payload) == .replaced
                        }
                    }
                    return try await group.reduce(0) { $1 ? $0 + 1 : $0 }
                }
                try require(winners == 1, "\(winners) of 8 replaces on one payload have won")
            }
        },
        PayloadConditionalCheck("I1: of requests that change one session at the same time, none loses its change") {
            subject in
            let browser = SessionBrowser()
            let key = SessionKey<Int>("visits", default: 0)
            let managers = [try subject.manager(subject.one), try subject.manager(subject.other)]
            try await browser.visit(managers[0]) { $0.set(key, to: 0) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<24 {
                    let sessions = managers[writer % 2]
                    group.addTask {
                        _ = try await browser.copy().visit(sessions) { session in session.update(key) { $0 += 1 } }
                    }
                }
                try await group.waitForAll()
            }
            let count = try await browser.visit(managers[1]) { $0[key] }
            try require(count == 24, "24 requests have added one each, and the sum is \(count)")
        },
        PayloadConditionalCheck("I2, I4: a destroy and a rotation at the same time leave at most what says it lives") {
            subject in
            let key = SessionKey<Int>("visits", default: 0)
            let managers = [try subject.manager(subject.one), try subject.manager(subject.other)]
            for _ in 0..<10 {
                let browser = SessionBrowser()
                try await browser.visit(managers[0]) { $0.set(key, to: 1) }
                let (rotating, destroying) = (browser.copy(), browser.copy())
                let isDestroyed = try await withThrowingTaskGroup(of: Bool.self) { group in
                    group.addTask {
                        do {
                            try await rotating.visit(managers[0]) { $0.rotate(grace: .zero) }
                        } catch let error as SessionError where error.code == .ended {}
                        return false
                    }
                    group.addTask {
                        do {
                            return try await destroying.visit(managers[1]) { session in
                                defer { session.destroy() }
                                return session[key] == 1
                            }
                        } catch let error as SessionError where error.code == .ended {
                            return false
                        }
                    }
                    return try await group.reduce(false) { $0 || $1 }
                }
                let lives = try await rotating.visit(managers[1]) { $0[key] == 1 }
                try require(!isDestroyed || !lives, "a session that was destroyed is there under its new id")
                let oldLives = try await browser.visit(managers[1]) { $0[key] == 1 }
                try require(!oldLives, "the old id opens the session after a rotation or a destroy")
            }
        },
        PayloadConditionalCheck("a table without owners: listing and revoking say so, and no session ends") { subject in
            if subject.one is any OwnerIndexedSessionStore { return }
            let (browser, sessions) = (SessionBrowser(), try subject.manager(subject.one))
            let key = SessionKey<Int>("visits", default: 0)
            try await browser.visit(sessions) { session in
                session.logIn("ada", keeping: .all)
                session.set(key, to: 1)
            }
            let handle = try await browser.visit(sessions) { $0.handle }
            try await subject.unsupported("list") { try await sessions.list("ada") }
            try await subject.unsupported("revoke") { try await sessions.revoke(handle, of: "ada") }
            try await subject.unsupported("revokeAll") { try await sessions.revokeAll(of: "ada") }
            try await subject.unsupported("listSessions") {
                try await browser.visit(sessions) { try await $0.listSessions() }
            }
            try await subject.unsupported("revokeOthers") {
                try await browser.visit(sessions) { try await $0.revokeOthers() }
            }
            let (owner, value) = try await browser.visit(sessions) { ($0.owner, $0[key]) }
            try require(owner == "ada" && value == 1, "a session ended, though nothing could be revoked")
        },
        PayloadConditionalCheck("sessions are found by what they hold, and end; others stay") { subject in
            guard let store = subject.one as? any PayloadConditionalSessionStore & EnumerableSessionStore else {
                return
            }
            var keys: [StoreKey] = []
            for number in 0..<7 {
                let key = try subject.key()
                _ = try await store.insert(subject.record(number), at: key)
                keys.append(key)
            }
            // A document says the same in another spelling.
            var doomed: Set<[UInt8]> = []
            for number in [1, 4] {
                guard let record = try await store.load(keys[number]) else {
                    throw ConformanceFailure("a record is gone")
                }
                doomed.insert(record.payload)
            }
            let count = try await store.deleteAll(pageSize: 2) { doomed.contains($0) }
            try require(count == 2, "of seven sessions two were to end, and \(count) did")
            for (number, key) in keys.enumerated() {
                let isThere = try await subject.other.load(key) != nil
                try require(isThere == (number % 3 != 1), "session \(number) is \(isThere ? "there" : "gone")")
            }
            let again = try await store.deleteAll { doomed.contains($0) }
            try require(again == 0, "sessions ended twice")
        },
    ]
}
