import HTTPTypes
import Sessions
import Synchronization

/// How often a request asks its store, counted at the store.
struct RoundTripRows {
    func measure() async throws -> [Row] {
        let cases: [(name: String, calls: Int, run: (Visitor) async throws -> Void)] = [
            ("untouched", 0, { _ = try await $0.open().commit() }),
            ("read", 1, { try await $0.visit { _ = $0[.counter] } }),
            ("changed", 2, { try await $0.visit { $0.update(.counter) { $0 += 1 } } }),
            ("lost race", 3, { try await $0.loseRace() }),
            ("rotated", 2, { try await $0.visit { $0.rotate() } }),
            ("logged out", 2, { try await $0.visit { $0.logOut() } }),
        ]
        var rows: [Row] = []
        for (name, expected, run) in cases {
            let visitor = try await Visitor()
            try await run(visitor)
            rows.append(
                Row(
                    name: "Store calls of a request: \(name)",
                    value: Double(visitor.calls),
                    target: .atMost(Double(expected)),
                    detail: visitor.calls == expected ? "exactly" : "expected \(expected)"
                )
            )
        }
        return rows
    }
}

/// A browser with a session, and a store that counts.
private struct Visitor {
    private let store: CountingStore
    private let sessions: SessionManager
    private let fields: HTTPFields

    init() async throws {
        store = CountingStore(base: try MemorySessionStore())
        sessions = try SessionManager(
            store: store,
            keys: KeyRing([SessionSecret(bytes: (0..<32).map { _ in .random(in: .min ... .max) })]),
            configuration: .bench
        )
        let exchange = sessions.open(HTTPFields())
        try await exchange.session.set(.counter, to: 1)
        fields = [.cookie: try await exchange.commit().cookie]
        store.reset()
    }

    var calls: Int { store.count }

    func open() -> SessionExchange { sessions.open(fields) }

    func visit(_ body: (Session) -> Void) async throws {
        let exchange = open()
        body(try await exchange.session)
        _ = try await exchange.commit()
    }

    func loseRace() async throws {
        let exchange = open()
        let session = try await exchange.session
        let before = calls
        // Another request is faster, from beginning to end.
        try await visit { $0.update(.counter) { $0 += 1 } }
        store.reset(to: before)
        session.update(.counter) { $0 += 1 }
        _ = try await exchange.commit()
    }
}

/// Passes every call on, and counts it.
private final class CountingStore: SessionStore {
    private let base: any SessionStore
    private let calls = Atomic<Int>(0)

    init(base: any SessionStore) { self.base = base }

    var count: Int { calls.load(ordering: .relaxed) }

    func reset(to count: Int = 0) { calls.store(count, ordering: .relaxed) }

    private func counted() -> any SessionStore {
        calls.add(1, ordering: .relaxed)
        return base
    }

    func load(_ key: StoreKey) async throws -> StoredRecord? { try await counted().load(key) }

    func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool {
        try await counted().insert(record, at: key)
    }

    func replace(
        _ record: StoredRecord,
        at key: StoreKey,
        ifVersion version: RecordVersion
    ) async throws -> ReplaceOutcome {
        try await counted().replace(record, at: key, ifVersion: version)
    }

    func touch(_ key: StoreKey, until deadline: Timestamp, ifVersion version: RecordVersion) async throws -> Bool {
        try await counted().touch(key, until: deadline, ifVersion: version)
    }

    func delete(_ key: StoreKey, ifVersion version: RecordVersion?) async throws -> Bool {
        try await counted().delete(key, ifVersion: version)
    }
}
