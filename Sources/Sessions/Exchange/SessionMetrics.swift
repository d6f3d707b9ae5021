import CoreMetrics

/// The numbers that a manager reports through swift-metrics.
///
/// Labels come from a closed set: no id, no user and no path ever becomes one (checklist DS-07).
struct SessionMetrics: Sendable {
    /// How long the store took.
    struct Latency: Sendable {
        private let timer: Timer

        init(operation: String) {
            timer = Timer(label: "sessions.store.latency", dimensions: [("operation", operation)])
        }

        func record(since start: ContinuousClock.Instant?) {
            if let start { timer.recordMicroseconds((ContinuousClock.now - start).wholeMicroseconds) }
        }
    }

    /// Nobody asked for numbers, so that no clock needs to be read.
    private let isSilent = MetricsSystem.factory is NOOPMetricsHandler

    /// When an operation begins; `nil` if nobody wants to know how long it takes.
    func start() -> ContinuousClock.Instant? { isSilent ? nil : .now }

    let loads = Counter(label: "sessions.loads")
    let hits = Counter(label: "sessions.load.hits")
    let inserts = Counter(label: "sessions.commits", dimensions: [("kind", "insert")])
    let replaces = Counter(label: "sessions.commits", dimensions: [("kind", "replace")])
    let deletes = Counter(label: "sessions.commits", dimensions: [("kind", "delete")])
    let touches = Counter(label: "sessions.touches")
    let conflicts = Counter(label: "sessions.conflicts")
    let replays = Counter(label: "sessions.replays")
    let refusals = Counter(label: "sessions.refusals")
    let failures = Counter(label: "sessions.store.failures")
    let loadLatency = Latency(operation: "load")
    let writeLatency = Latency(operation: "write")
}
