import Synchronization

/// One call that waits for a thread to carry it out.
///
/// It is answered once, whoever comes first: the thread or the deadline.
final class FileCall: Sendable {
    /// Hands the caller what the call returned.
    typealias Reply = @Sendable () -> Void

    /// When the call was made.
    let began = ContinuousClock.now
    private let body: @Sendable () throws -> Reply
    private let refuse: @Sendable (SessionStoreError) -> Void
    private let answered = Atomic(false)

    init(body: @escaping @Sendable () throws -> Reply, refuse: @escaping @Sendable (SessionStoreError) -> Void) {
        self.body = body
        self.refuse = refuse
    }

    /// Whether the caller has its answer.
    var isAnswered: Bool { answered.load(ordering: .acquiring) }

    /// Carries the call out and answers.
    func run(_ errors: FileErrors) {
        do {
            let reply = try body()
            if claim() { reply() }
        } catch {
            fail(errors.error(for: error))
        }
    }

    /// Answers with an error.
    func fail(_ error: SessionStoreError) {
        if claim() { refuse(error) }
    }

    /// Whether the caller had no answer yet; from now on it has.
    private func claim() -> Bool {
        !answered.exchange(true, ordering: .acquiringAndReleasing)
    }
}
