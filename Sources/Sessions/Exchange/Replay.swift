/// An operation of an exchange that is being made, perhaps again: on a newer record or after another verb.
///
/// An `update` may read the session: it then sees what it is made on. It may not change it: how often that happened would
/// depend on how many other requests were faster.
struct Replay: Sendable {
    @TaskLocal static var current: Replay?

    let exchange: ObjectIdentifier
    /// What the operation is made on.
    let content: SessionContent
}

extension SessionExchange {
    /// Makes `operation`.
    func make(_ operation: Operation, _ content: inout SessionContent) throws {
        let replay = Replay(exchange: ObjectIdentifier(self), content: content)
        try Replay.$current.withValue(replay) { try operation.apply(&content) }
    }

    /// What an operation of this exchange is made on that this task is just making.
    var replayed: SessionContent? {
        Replay.current.flatMap { $0.exchange == ObjectIdentifier(self) ? $0.content : nil }
    }

    /// Carries out a verb, if the session has not ended.
    func carryOut(_ verb: (inout ExchangeState) -> Void) {
        let isNested = replayed != nil
        withState { state in
            guard !state.isEnded else { return }
            guard !isNested else { return state.fail(.nestedChange) }
            verb(&state)
        }
    }
}
