import Synchronization

/// Reads messages as they come, and knows from their numbers when one was lost.
package final class InvalidationInbox: Sendable {
    private struct State {
        /// The number of each sender's last message.
        var last: [UInt64: UInt64] = [:]
        /// When this node last heard itself, on ``ContinuousClock``.
        var heardSelf = ContinuousClock.now
    }

    /// Beyond so many senders it begins anew: whoever can send may invent them.
    private static let senderLimit = 4096

    private let sender: UInt64
    private let news: InvalidationQueue
    private let state = Mutex(State())

    /// - Parameters:
    ///   - sender: Who this node is: what it sent itself it knows already.
    ///   - news: What is told.
    package init(sender: UInt64, news: InvalidationQueue) {
        self.sender = sender
        self.news = news
    }

    /// When this node last heard itself: until then everything that was sent came.
    package var heardSelf: ContinuousClock.Instant { state.withLock(\.heardSelf) }

    /// It listens from now on. What was sent before is lost.
    package func begin() {
        state.withLock { $0.heardSelf = .now }
        news.add(.gap)
    }

    /// It listens no more, until it begins again.
    package func end() { news.add(.gap) }

    package func receive(_ text: some Collection<UInt8>) {
        // Somebody speaks whom this version does not understand; they may have told of a change.
        guard let message = InvalidationMessage(text) else { return news.add(.gap) }
        let isComplete = state.withLock { state in
            if message.sender == sender { state.heardSelf = .now }
            if state.last.count >= Self.senderLimit, state.last[message.sender] == nil { state.last = [:] }
            let last = state.last[message.sender] ?? 0
            state.last[message.sender] = max(last, message.number)
            // One that comes late was missed when the next one came.
            return message.number <= last || message.number == last + 1
        }
        if message.sender == sender { return }
        var all: [Invalidation] = message.batch.isGap || !isComplete ? [.gap] : []
        all += message.batch.changed.map { .changed($0) }
        if !all.isEmpty { news.add(all) }
    }
}
