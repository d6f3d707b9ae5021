import Synchronization
import Testing

@testable import Sessions

/// Ending sessions of another system's table by what they hold, while that system goes on writing.
@Suite("deleteAll(where:)")
struct DeleteAllTests {
    private struct Refused: Error {}

    /// Another system's table, and what that system does to it just before a conditional delete.
    private final class Table: PayloadConditionalSessionStore, EnumerableSessionStore {
        private let rows: Mutex<[StoreKey: [UInt8]]>
        private let meanwhile: Mutex<[@Sendable (inout [StoreKey: [UInt8]]) -> Void]>

        init(_ rows: [String: String], meanwhile: [@Sendable (inout [StoreKey: [UInt8]]) -> Void] = []) {
            let pairs = rows.compactMap { id, payload in StoreKey(id).map { ($0, Array(payload.utf8)) } }
            self.rows = Mutex(Dictionary(uniqueKeysWithValues: pairs))
            self.meanwhile = Mutex(meanwhile)
        }

        var ids: [String] { rows.withLock { $0.keys.map(\.text).sorted() } }

        private static func record(_ payload: [UInt8]) -> StoredRecord { StoredRecord(foreign: payload, until: nil) }

        func load(_ key: StoreKey) async throws -> StoredRecord? { rows.withLock { $0[key] }.map(Self.record) }
        func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool { throw Refused() }
        func replace(
            _ record: StoredRecord,
            at key: StoreKey,
            ifPayload payload: [UInt8]
        ) async throws -> ReplaceOutcome { throw Refused() }
        func touch(_ key: StoreKey, until deadline: Timestamp, ifPayload payload: [UInt8]) async throws -> Bool {
            throw Refused()
        }
        func delete(_ key: StoreKey) async throws -> Bool { throw Refused() }

        func delete(_ key: StoreKey, ifPayload payload: [UInt8]) async throws -> Bool {
            let change = meanwhile.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            return rows.withLock { rows in
                change?(&rows)
                guard rows[key] == payload else { return false }
                rows[key] = nil
                return true
            }
        }

        func count() async throws -> Int { rows.withLock { $0.count } }
        func entries(after key: StoreKey?, limit: Int) async throws -> [StoredEntry] {
            let rows = rows.withLock { $0 }
            return rows.keys.sorted { $0.text < $1.text }.filter { $0.text > (key?.text ?? "") }.prefix(limit)
                .compactMap { key in rows[key].map { StoredEntry(key: key, record: Self.record($0)) } }
        }
        func removeAll() async throws { throw Refused() }
    }

    private static func isAnns(_ payload: [UInt8]) -> Bool { payload.starts(with: "ann".utf8) }

    @Test("sessions that match end, on every page, and no others", arguments: [Int.min, 1, 2, 3, 1000])
    func pages(size: Int) async throws {
        let table = Table(["a": "ann", "b": "bob", "c": "ann 2", "d": "ann", "e": "eve"])
        #expect(try await table.deleteAll(pageSize: size, where: Self.isAnns) == 3)
        #expect(table.ids == ["b", "e"])
        #expect(try await table.deleteAll(pageSize: size, where: Self.isAnns) == 0)
    }

    @Test("one that was written meanwhile is looked at again: still theirs, it ends; somebody else's by now, it stays")
    func changed() async throws {
        let key = try #require(StoreKey("a"))
        let theirs = Table(
            ["a": "ann"],
            meanwhile: [{ $0[key] = Array("ann 2".utf8) }, { $0[key] = Array("ann 3".utf8) }]
        )
        #expect(try await theirs.deleteAll(where: Self.isAnns) == 1)
        #expect(theirs.ids.isEmpty)
        let others = Table(["a": "ann", "b": "ann"], meanwhile: [{ $0[key] = Array("bob".utf8) }])
        #expect(try await others.deleteAll(where: Self.isAnns) == 1)
        #expect(others.ids == ["a"])
    }

    @Test("one that is gone meanwhile is not counted")
    func gone() async throws {
        let key = try #require(StoreKey("a"))
        let table = Table(["a": "ann", "b": "ann"], meanwhile: [{ $0[key] = nil }])
        #expect(try await table.deleteAll(where: Self.isAnns) == 1)
        #expect(table.ids.isEmpty)
    }

    @Test("what the closure throws ends the call, and what came before it has ended")
    func throwing() async throws {
        let table = Table(["a": "ann", "b": "?", "c": "ann"])
        await #expect(throws: Refused.self) {
            try await table.deleteAll { payload in
                guard payload != Array("?".utf8) else { throw Refused() }
                return Self.isAnns(payload)
            }
        }
        #expect(table.ids == ["b", "c"])
    }
}
