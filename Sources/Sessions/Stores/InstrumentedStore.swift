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
    private let own: Place
    /// The store that a manager moves from.
    private let old: Place?

    /// A store, and the same if its writes depend on the payload that was read, and not on a version.
    private struct Place: Sendable {
        let store: any SessionStore
        let payloads: (any PayloadConditionalSessionStore)?

        init(_ store: any SessionStore) {
            self.store = store
            payloads = store as? any PayloadConditionalSessionStore
        }
    }

    init(
        store: any SessionStore,
        old: (any SessionStore)? = nil,
        metrics: SessionMetrics,
        tracer: (any Tracer)?
    ) {
        self.store = store
        self.metrics = metrics
        self.tracer = tracer
        local = tracer == nil ? store as? any ProcessLocalSessionStore : nil
        copies = store as? any ReadThroughSessionStore
        own = Place(store)
        self.old = old.map(Place.init)
    }

    /// Where the record at `key` is, and its key there.
    private func place(of key: StoreKey) -> (Place, StoreKey) {
        if let old, let key = key.old { (old, key) } else { (own, key) }
    }

    /// The answer of a store that is at hand; `nil` if this one has to be awaited.
    func loadNow(_ key: StoreKey) -> StoredRecord?? {
        guard let local, !key.isOld else { return nil }
        metrics.loads.increment()
        let start = metrics.start()
        let record: StoredRecord? = local.load(key)
        metrics.loadLatency.record(since: start)
        if record != nil { metrics.hits.increment() }
        return .some(record)
    }

    /// A copy of the record, if the store holds one.
    func copy(of key: StoreKey) -> StoredRecord? {
        guard let copies, !key.isOld, let record = copies.copy(of: key) else { return nil }
        metrics.copies.increment()
        return record
    }

    func load(_ key: StoreKey) async throws -> StoredRecord? {
        metrics.loads.increment()
        let (place, key) = place(of: key)
        let record = try await measured("session.load", metrics.loadLatency) { try await place.store.load(key) }
        if record != nil { metrics.hits.increment() }
        return record
    }

    func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool {
        metrics.inserts.increment()
        let (place, key) = place(of: key)
        return try await measured("session.insert", metrics.writeLatency) {
            try await place.store.insert(record, at: key)
        }
    }

    /// Replaces the record at `key`, if it is still as it was `read`.
    func replace(_ record: StoredRecord, at key: StoreKey, ifStill read: StoredRecord) async throws -> ReplaceOutcome {
        metrics.replaces.increment()
        let (place, key) = place(of: key)
        return try await measured("session.replace", metrics.writeLatency) {
            if let payloads = place.payloads {
                return try await payloads.replace(record, at: key, ifPayload: read.payload)
            }
            return try await place.store.replace(record, at: key, ifVersion: read.version)
        }
    }

    func touch(_ key: StoreKey, until deadline: Timestamp, ifStill read: StoredRecord) async throws -> Bool {
        metrics.touches.increment()
        let (place, key) = place(of: key)
        return try await measured("session.touch", metrics.writeLatency) {
            if let payloads = place.payloads {
                return try await payloads.touch(key, until: deadline, ifPayload: read.payload)
            }
            return try await place.store.touch(key, until: deadline, ifVersion: read.version)
        }
    }

    /// Deletes the record at `key`, if it is still as it was `read`, or whatever it says if that is `nil`.
    func delete(_ key: StoreKey, ifStill read: StoredRecord?) async throws -> Bool {
        metrics.deletes.increment()
        let (place, key) = place(of: key)
        return try await measured("session.delete", metrics.writeLatency) {
            if let payloads = place.payloads, let read {
                return try await payloads.delete(key, ifPayload: read.payload)
            }
            return try await place.store.delete(key, ifVersion: read?.version)
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
