import CoreMetrics

/// The numbers that a manager reports through swift-metrics.
///
/// Labels come from a closed set: no id, no user and no path ever becomes one (checklist DS-07).
struct SessionMetrics: Sendable {
    /// How long the store took.
    struct Latency: Sendable {
        private let timer: Timer

        init(operation: String, factory: any MetricsFactory) {
            timer = Timer(label: "sessions.store.latency", dimensions: [("operation", operation)], factory: factory)
        }

        func record(since start: ContinuousClock.Instant?) {
            if let start { timer.recordMicroseconds((ContinuousClock.now - start).wholeMicroseconds) }
        }
    }

    let loads: Counter
    let hits: Counter
    let copies: Counter
    let inserts: Counter
    let replaces: Counter
    let deletes: Counter
    let touches: Counter
    let conflicts: Counter
    let replays: Counter
    let refusals: Counter
    let failures: Counter
    let anonymousEvictions: Counter
    let ownedEvictions: Counter
    let loadLatency: Latency
    let writeLatency: Latency

    /// Nobody asked for numbers, so that no clock needs to be read.
    private let isSilent: Bool

    init(factory: any MetricsFactory = MetricsSystem.factory) {
        isSilent = factory is NOOPMetricsHandler
        func counter(_ label: String, _ dimensions: [(String, String)] = []) -> Counter {
            Counter(label: label, dimensions: dimensions, factory: factory)
        }
        loads = counter("sessions.loads")
        hits = counter("sessions.load.hits")
        copies = counter("sessions.copies")
        inserts = counter("sessions.commits", [("kind", "insert")])
        replaces = counter("sessions.commits", [("kind", "replace")])
        deletes = counter("sessions.commits", [("kind", "delete")])
        touches = counter("sessions.touches")
        conflicts = counter("sessions.conflicts")
        replays = counter("sessions.replays")
        refusals = counter("sessions.refusals")
        failures = counter("sessions.store.failures")
        anonymousEvictions = counter("sessions.evictions", [("kind", "anonymous")])
        ownedEvictions = counter("sessions.evictions", [("kind", "owned")])
        loadLatency = Latency(operation: "load", factory: factory)
        writeLatency = Latency(operation: "write", factory: factory)
    }

    /// When an operation begins; `nil` if nobody wants to know how long it takes.
    func start() -> ContinuousClock.Instant? { isSilent ? nil : .now }

    /// Counts what `store` evicts to make room, if it is a store that does (checklist ST-08).
    ///
    /// A store that several managers share is counted once, by the manager that was made last.
    func countEvictions(of store: any SessionStore) {
        guard let store = store as? MemorySessionStore else { return }
        store.onEviction { [anonymousEvictions, ownedEvictions] owned in
            (owned ? ownedEvictions : anonymousEvictions).increment()
        }
    }
}
