#if Hummingbird
import Synchronization

/// A place where handlers wait until a test lets them go on.
final class Gate: Sendable {
    private struct State {
        var arrivals = 0
        var isOpen = false
        var passers: [CheckedContinuation<Void, Never>] = []
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []

        mutating func takePassers() -> [CheckedContinuation<Void, Never>] {
            guard isOpen else { return [] }
            defer { passers = [] }
            return passers
        }
    }

    private let state = Mutex(State())

    /// Opens by itself when so many have arrived; never if that is `nil`.
    private let opensAt: Int?

    init(opensAt: Int? = nil) {
        self.opensAt = opensAt
    }

    /// Waits until the gate is open.
    func pass() async {
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state in
                state.arrivals += 1
                if state.arrivals == opensAt { state.isOpen = true }
                state.passers.append(continuation)
                let arrivals = state.arrivals
                let watchers = state.watchers.filter { $0.count <= arrivals }.map(\.continuation)
                state.watchers.removeAll { $0.count <= arrivals }
                return watchers + state.takePassers()
            }
            for continuation in ready { continuation.resume() }
        }
    }

    /// Suspends until `count` handlers have come to the gate.
    func waitForArrivals(_ count: Int = 1) async {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                if state.arrivals >= count { return true }
                state.watchers.append((count, continuation))
                return false
            }
            if isReady { continuation.resume() }
        }
    }

    /// Lets everybody through, now and from now on.
    func open() {
        let ready = state.withLock { state in
            state.isOpen = true
            return state.takePassers()
        }
        for continuation in ready { continuation.resume() }
    }
}
#endif
