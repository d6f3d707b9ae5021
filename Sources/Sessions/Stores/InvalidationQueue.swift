import Synchronization

/// News on its way between a feed and a node, bounded: what does not fit is forgotten, and is a gap then.
///
/// Whoever is slow loses messages knowingly, and nothing grows with it.
package final class InvalidationQueue: Sendable {
    /// What is told at once: the gap first, which stands for everything before it.
    package struct Batch: Sendable, Hashable {
        package var isGap = false
        package var changed: [KeyDigest] = []

        package init(isGap: Bool = false, changed: [KeyDigest] = []) {
            self.isGap = isGap
            self.changed = changed
        }

        package var isEmpty: Bool { !isGap && changed.isEmpty }
    }

    private struct State {
        var isGap = false
        /// A record that changes again before it was told is told once.
        var known: Set<KeyDigest> = []
        var changed: [KeyDigest] = []
        /// How many at the front of `changed` have been taken already.
        var taken = 0
        var wake: (@Sendable () -> Void)?

        mutating func forgetAll() {
            isGap = true
            known = []
            changed = []
            taken = 0
        }
    }

    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limit: How many records it names at most.
    package init(limit: Int) {
        self.limit = limit
    }

    /// Calls `wake` whenever something has come, and once at the beginning.
    package func onNews(_ wake: (@Sendable () -> Void)?) {
        state.withLock { $0.wake = wake }
        wake?()
    }

    package func add(_ news: some Sequence<Invalidation>) {
        let wake = state.withLock { state in
            for news in news {
                switch news {
                case .gap: state.forgetAll()
                case .changed(let digest): if state.known.insert(digest).inserted { state.changed.append(digest) }
                }
                if state.known.count > limit { state.forgetAll() }
            }
            return state.wake
        }
        wake?()
    }

    package func add(_ news: Invalidation) { add(CollectionOfOne(news)) }

    /// Takes what came first.
    package func take(_ count: Int = .max) -> Batch {
        state.withLock { state in
            let end = state.taken + min(count, state.changed.count - state.taken)
            let batch = Batch(isGap: state.isGap, changed: Array(state.changed[state.taken..<end]))
            state.isGap = false
            state.known.subtract(batch.changed)
            state.taken = end
            // Moves no more than was taken since the last time.
            if state.taken * 2 >= state.changed.count {
                state.changed.removeFirst(state.taken)
                state.taken = 0
            }
            return batch
        }
    }

    /// Takes back what could not be told. It need not come first: a change that is told later is told.
    package func giveBack(_ batch: Batch) {
        if batch.isGap { add(.gap) }
        add(batch.changed.map { .changed($0) })
    }

    /// Tells `handler` what comes, until the task is cancelled.
    package func deliver(to handler: @Sendable (Invalidation) -> Void) async {
        let (signals, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        onNews { continuation.yield() }
        defer { onNews(nil) }
        for await _ in signals {
            let batch = take()
            if batch.isGap { handler(.gap) }
            for digest in batch.changed { handler(.changed(digest)) }
        }
    }
}
