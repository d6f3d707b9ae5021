// What the samples for tests leave to the reader.

import Sessions
import SessionsTesting
import Testing

var check: SessionStoreConformance.Check { fatalError() }
var nodes: [LocalHistoryNode] { fatalError() }
var one: SessionManager { fatalError() }
var other: SessionManager { fatalError() }

struct MyStore: SessionStore {
    init() throws {}
    init(_ url: String) throws {}
    init(clock: any SessionClock) throws {}
    func load(_ key: StoreKey) async throws -> StoredRecord? { fatalError() }
    func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool { fatalError() }
    func replace(_ record: StoredRecord, at key: StoreKey, ifVersion: RecordVersion) async throws -> ReplaceOutcome {
        fatalError()
    }
    func touch(_ key: StoreKey, until: Timestamp, ifVersion: RecordVersion) async throws -> Bool { fatalError() }
    func delete(_ key: StoreKey, ifVersion: RecordVersion?) async throws -> Bool { fatalError() }
}
