import CoreMetrics
import Tracing

/// Asks a store, and measures it: one span, one latency and one count for each operation.
struct InstrumentedStore: Sendable {
    let store: any SessionStore
    let metrics: SessionMetrics
    let tracer: (any Tracer)?

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
        let start = ContinuousClock.now
        do {
            let result: Result
            if let tracer {
                result = try await tracer.withSpan(name, ofKind: .client) { _ in try await body() }
            } else {
                result = try await body()
            }
            latency.record(ContinuousClock.now - start)
            return result
        } catch {
            latency.record(ContinuousClock.now - start)
            metrics.failures.increment()
            throw error
        }
    }
}
