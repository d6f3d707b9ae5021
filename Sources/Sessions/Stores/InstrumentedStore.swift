import CoreMetrics
import Tracing

/// Asks a store, and measures it: one span, one latency and one count for each operation.
struct InstrumentedStore: Sendable {
    let store: any SessionStore
    let metrics: SessionMetrics
    let tracer: (any Tracer)?
    /// The store, if it answers without suspending and no span has to be made of it.
    private let local: (any ProcessLocalSessionStore)?
    /// The store, if it holds copies.
    private let copies: (any ReadThroughSessionStore)?

    init(store: any SessionStore, metrics: SessionMetrics, tracer: (any Tracer)?) {
        self.store = store
        self.metrics = metrics
        self.tracer = tracer
        local = tracer == nil ? store as? any ProcessLocalSessionStore : nil
        copies = store as? any ReadThroughSessionStore
    }

    /// The answer of a store that is at hand; `nil` if this one has to be awaited.
    func loadNow(_ key: StoreKey) -> StoredRecord?? {
        guard let local else { return nil }
        metrics.loads.increment()
        let start = metrics.start()
        let record: StoredRecord? = local.load(key)
        metrics.loadLatency.record(since: start)
        if record != nil { metrics.hits.increment() }
        return .some(record)
    }

    /// A copy of the record, if the store holds one.
    func copy(of key: StoreKey) -> StoredRecord? {
        guard let copies, let record = copies.copy(of: key) else { return nil }
        metrics.copies.increment()
        return record
    }

    func load(_ key: StoreKey) async throws -> StoredRecord? {
        metrics.loads.increment()
        let record = try await measured("session.load", metrics.loadLatency) { try await store.load(key) }
        if record != nil { metrics.hits.increment() }
        return record
    }

    func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool {
        metrics.inserts.increment()
        return try await measured("session.insert", metrics.writeLatency) { try await store.insert(record, at: key) }
    }

    func replace(
        _ record: StoredRecord,
        at key: StoreKey,
        ifVersion version: RecordVersion
    ) async throws -> ReplaceOutcome {
        metrics.replaces.increment()
        return try await measured("session.replace", metrics.writeLatency) {
            try await store.replace(record, at: key, ifVersion: version)
        }
    }

    func touch(_ key: StoreKey, until deadline: Timestamp, ifVersion version: RecordVersion) async throws -> Bool {
        metrics.touches.increment()
        return try await measured("session.touch", metrics.writeLatency) {
            try await store.touch(key, until: deadline, ifVersion: version)
        }
    }

    func delete(_ key: StoreKey, ifVersion version: RecordVersion?) async throws -> Bool {
        metrics.deletes.increment()
        return try await measured("session.delete", metrics.writeLatency) {
            try await store.delete(key, ifVersion: version)
        }
    }

    /// Runs one operation of the store.
    func measured<Result: Sendable>(
        _ name: String,
        _ latency: SessionMetrics.Latency,
        _ body: () async throws -> Result
    ) async throws -> Result {
        let start = metrics.start()
        do {
            let result: Result
            if let tracer {
                result = try await tracer.withSpan(name, ofKind: .client) { _ in try await body() }
            } else {
                result = try await body()
            }
            latency.record(since: start)
            return result
        } catch {
            latency.record(since: start)
            metrics.failures.increment()
            throw error
        }
    }
}
