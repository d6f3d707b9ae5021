/// A store that lives and dies with the process and never suspends.
///
/// Ephemeral keys are good enough for it, and its operations need no protection from cancellation.
package protocol ProcessLocalSessionStore: SessionStore {
    /// What ``SessionStore/load(_:)`` answers, at once.
    func load(_ key: StoreKey) -> StoredRecord?
}

extension MemorySessionStore: ProcessLocalSessionStore {}
