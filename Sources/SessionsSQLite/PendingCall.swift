#if SQLite
import GRDB
import Sessions
import Synchronization

/// One method call of a store that waits for a connection to carry it out.
///
/// It is answered once, whoever comes first: the connection or the deadline. What it returns is inside its ``Reply``: a
/// type with a parameter for it would look up its metadata with every step.
final class PendingCall: Sendable {
    /// Hands the caller what the call returned.
    typealias Reply = @Sendable () -> Void

    private struct State {
        var isAnswered = false
        var reply: Reply?
    }

    /// When the call was made.
    let began = ContinuousClock.now
    private let body: @Sendable (Database) throws -> Reply
    private let refuse: @Sendable (SessionStoreError) -> Void
    private let state = Mutex(State())

    init(
        body: @escaping @Sendable (Database) throws -> Reply,
        refuse: @escaping @Sendable (SessionStoreError) -> Void
    ) {
        self.body = body
        self.refuse = refuse
    }

    /// Whether the caller has its answer.
    var isAnswered: Bool { state.withLock { $0.isAnswered } }

    /// Carries the call out and keeps its reply; running it again replaces that.
    func run(in database: Database) throws {
        let reply = try body(database)
        state.withLock { $0.reply = reply }
    }

    /// Answers with what ``run(in:)`` came to.
    func answer() {
        let reply = state.withLock { state in
            defer { state = State(isAnswered: true) }
            return state.isAnswered ? nil : state.reply
        }
        reply?()
    }

    /// Carries the call out and answers.
    func runAndAnswer(in database: Database) throws {
        let reply = try body(database)
        if claim() { reply() }
    }

    /// Answers with an error.
    func fail(_ error: SessionStoreError) {
        if claim() { refuse(error) }
    }

    /// Whether the caller has no answer yet; from now on it has.
    private func claim() -> Bool {
        state.withLock { state in
            defer { state = State(isAnswered: true) }
            return !state.isAnswered
        }
    }
}
#endif
