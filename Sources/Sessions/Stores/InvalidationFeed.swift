/// Carries the news that a record has changed from each node to all others.
///
/// A feed may lose messages, and says so when it knows. It makes copies on other nodes fresh sooner than
/// ``TieredSessionStore/staleness``, which holds without it.
///
/// A message names a record by a digest of its key. It authenticates nothing, yet only the application's nodes should be
/// able to send one: each costs a load, and a gap costs every copy.
public protocol InvalidationFeed: Sendable {
    /// Tells the other nodes. Returns at once and fails in silence; what cannot be sent becomes a gap elsewhere, or is left
    /// to ``TieredSessionStore/staleness``.
    func send(_ news: Invalidation)

    /// Calls `handler` with what other nodes send, one at a time, until the task is cancelled. A node may be told what it
    /// sent itself.
    ///
    /// It reconnects by itself, and calls `handler` with ``Invalidation/gap`` each time it begins to listen.
    ///
    /// - Throws: `CancellationError`, or why it cannot ever listen: a setting that is wrong.
    func listen(_ handler: @escaping @Sendable (Invalidation) -> Void) async throws
}

/// What an ``InvalidationFeed`` tells.
public enum Invalidation: Sendable, Hashable {
    /// The record whose key has this digest has changed.
    case changed(KeyDigest)
    /// Any record may have changed: messages may have been missed.
    case gap
}
