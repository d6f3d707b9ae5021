#if Mongo
import Sessions
import Synchronization

/// One call that waits for a thread to carry it out.
///
/// It is answered once, whoever comes first: the thread or the deadline.
final class MongoCall: Sendable {
    /// Hands the caller what the call returned.
    typealias Reply = @Sendable () -> Void

    /// When the call was made.
    let began = ContinuousClock.now
    private let body: @Sendable (MongoConnection) throws -> Reply
    private let refuse: @Sendable (any Error) -> Void
    private let answered = Atomic(false)

    init(
        body: @escaping @Sendable (MongoConnection) throws -> Reply,
        refuse: @escaping @Sendable (any Error) -> Void
    ) {
        self.body = body
        self.refuse = refuse
    }

    /// Carries the call out and answers; one that has failed by its deadline is not begun.
    func run(_ connection: MongoConnection) {
        guard !answered.load(ordering: .acquiring) else { return }
        do {
            let reply = try body(connection)
            if claim() { reply() }
        } catch {
            // What the servers are may contradict the configuration, when a store is opened.
            fail(error)
        }
    }

    /// Answers with an error.
    func fail(_ error: any Error) {
        if claim() { refuse(error) }
    }

    /// Whether the caller had no answer yet; from now on it has.
    private func claim() -> Bool {
        !answered.exchange(true, ordering: .acquiringAndReleasing)
    }
}
#endif
