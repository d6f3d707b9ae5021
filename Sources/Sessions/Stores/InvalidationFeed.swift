/// Carries the news that a record has changed from each node to all others.
///
/// A feed may lose messages, and says so when it knows. It makes copies on other nodes fresh sooner than
/// ``TieredSessionStore/staleness``, which holds without it.
///
/// A message is a record's key. It authenticates nothing (it is the handle of a session and not its credential), yet only
/// the application's nodes should be able to send one: each costs a load.
public protocol InvalidationFeed: Sendable {
    /// Tells the other nodes that the record at `key` has changed. Returns at once and fails in silence.
    func send(_ key: StoreKey)

    /// Calls `handler` with what other nodes send, until the task is cancelled. A node may be told what it sent itself.
    ///
    /// It reconnects by itself, and calls `handler` with ``Invalidation/gap`` each time it begins to listen.
    ///
    /// - Throws: `CancellationError`, or why it cannot ever listen: a setting that is wrong.
    func listen(_ handler: @escaping @Sendable (Invalidation) -> Void) async throws
}

/// What an ``InvalidationFeed`` tells.
public enum Invalidation: Sendable, Hashable {
    /// The record at the key has changed.
    case changed(StoreKey)
    /// Messages may have been missed.
    case gap
}
