#if Hummingbird
/// A place where handlers wait until a test lets them go on.
final class Gate: Sendable {
    private struct State {
        var arrivals = 0
        var isOpen = false
    }

    private let state = Awaited(State())

    /// Opens by itself when so many have arrived; never if that is `nil`.
    private let opensAt: Int?

    init(opensAt: Int? = nil) {
        self.opensAt = opensAt
    }

    /// Waits until the gate is open.
    func pass() async {
        state.change { state in
            state.arrivals += 1
            if state.arrivals == opensAt { state.isOpen = true }
        }
        await state.wait { $0.isOpen }
    }

    /// Suspends until `count` handlers have come to the gate.
    func waitForArrivals(_ count: Int = 1) async {
        await state.wait { $0.arrivals >= count }
    }

    /// Lets everybody through, now and from now on.
    func open() {
        state.change { $0.isOpen = true }
    }
}
#endif
