import SessionsTesting
import Synchronization
import Testing

@testable import Sessions

/// What Curveball calls a custom store: five methods, and no more.
final class DictionaryStore: SessionStore {
    private let records = Mutex<[StoreKey: StoredRecord]>([:])

    func load(_ key: StoreKey) async throws -> StoredRecord? {
        records.withLock { $0[key] }
    }

    func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool {
        records.withLock { records in
            guard records[key] == nil else { return false }
            records[key] = record
            return true
        }
    }

    func replace(
        _ record: StoredRecord,
        at key: StoreKey,
        ifVersion version: RecordVersion
    ) async throws -> ReplaceOutcome {
        records.withLock { records in
            guard let current = records[key] else { return .gone }
            guard current.version == version else { return .conflict(current) }
            records[key] = record
            return .replaced
        }
    }

    func touch(_ key: StoreKey, until deadline: Timestamp, ifVersion version: RecordVersion) async throws -> Bool {
        records.withLock { records in
            guard var record = records[key], record.version == version else { return false }
            record.idleDeadline = max(record.idleDeadline, deadline)
            records[key] = record
            return true
        }
    }

    func delete(_ key: StoreKey, ifVersion version: RecordVersion?) async throws -> Bool {
        records.withLock { records in
            guard let record = records[key], version == nil || record.version == version else { return false }
            records[key] = nil
            return true
        }
    }

    var keys: [StoreKey] { records.withLock { Array($0.keys) } }
}

@Suite("Custom stores and custom ids")
struct CustomStoreTests {
    @Test("Curveball: a store of one's own is five methods: it begins, counts, logs in, rotates and ends")
    func customStore() async throws {
        let store = DictionaryStore()
        let sessions = try SessionManager(
            store: store,
            keys: KeyRing([SessionSecret.generate()]),
            logger: .silent
        )
        let browser = SessionBrowser()
        for _ in 0..<3 { try await browser.visit(sessions) { $0.update(.visits) { $0 += 1 } } }
        try await browser.visit(sessions) { $0.logIn("ada", keeping: .all) }
        #expect(try await browser.visit(sessions) { "\($0.owner ?? "") \($0[.visits])" } == "ada 3")
        #expect(store.keys.count == 1)
        try await browser.visit(sessions) { $0.destroy() }
        #expect(store.keys.isEmpty)
    }

    @Test("Primate: a manager of one's own decides the id; express genid (express 62)")
    func customID() async throws {
        let store = DictionaryStore()
        let sessions = try SessionManager.express(
            secrets: ["keyboard cat"],
            store: store,
            acknowledging: .keysAreCredentials,
            generateID: { "tenant-7-" + Base64URL.encode(Array("a number that nobody can guess".utf8)) },
            logger: .silent
        )
        let browser = SessionBrowser()
        try await browser.visit(sessions) { $0.set(.visits, to: 1) }
        #expect(store.keys.map(\.text) == ["tenant-7-YSBudW1iZXIgdGhhdCBub2JvZHkgY2FuIGd1ZXNz"])
        #expect(try await browser.visit(sessions) { $0[.visits] } == 1)
    }
}
