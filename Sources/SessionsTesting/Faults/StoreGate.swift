import Synchronization

/// A gate that store calls wait at until a test opens it; see ``StoreFaults/hold(_:next:_:)``.
public final class StoreGate: Sendable {
    private struct State {
        var arrivals = 0
        var admitted = 0
        var isOpen = false
    }

    private let state = Mutex(State())
    private let changed = Signal()

    init() {}

    /// How many calls have come to the gate, those that went on included.
    public var arrivals: Int { state.withLock { $0.arrivals } }

    /// Suspends the current task until `count` calls in all have come to the gate.
    ///
    /// - Throws: `CancellationError` when the task is cancelled first.
    public func waitForArrival(_ count: Int = 1) async throws {
        try await changed.wait { self.arrivals >= count }
    }

    /// Lets everything through, now and from now on.
    public func open() {
        state.withLock { $0.isOpen = true }
        changed.send()
    }

    /// Lets `count` more calls through, in the order of their arrival.
    public func admit(_ count: Int = 1) {
        state.withLock { $0.admitted += count }
        changed.send()
    }

    /// Waits for the gate to open.
    func pass() async throws {
        let place = state.withLock { state in
            state.arrivals += 1
            return state.arrivals
        }
        changed.send()
        try await changed.wait { self.state.withLock { $0.isOpen || place <= $0.admitted } }
    }
}
