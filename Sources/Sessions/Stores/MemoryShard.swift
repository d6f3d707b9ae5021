import Synchronization

/// A part of the memory store under a lock of its own.
///
/// Beside the records it publishes their nearest deadlines, so that the search for what has expired and for what to
/// evict looks at every shard without taking any lock.
final class MemoryShard: Sendable {
    private static let none = Timestamp.distantFuture.microseconds

    private let records = Mutex(MemoryRecords())
    private let anonymousDeadline = Atomic<Int64>(none)
    private let ownedDeadline = Atomic<Int64>(none)

    /// The nearest deadline of a record with an owner, or of one without; `nil` if there is no such record.
    func nearestDeadline(owned: Bool) -> Timestamp? {
        let deadline = owned ? ownedDeadline.load(ordering: .relaxed) : anonymousDeadline.load(ordering: .relaxed)
        return deadline == Self.none ? nil : Timestamp(microseconds: deadline)
    }

    func read<Result: Sendable>(_ body: (borrowing MemoryRecords) -> Result) -> Result {
        records.withLock { body($0) }
    }

    func change<Result: Sendable>(_ body: (inout MemoryRecords) -> Result) -> Result {
        records.withLock { records in
            let result = body(&records)
            Self.publish(records.nearestDeadline(owned: false), in: anonymousDeadline)
            Self.publish(records.nearestDeadline(owned: true), in: ownedDeadline)
            return result
        }
    }

    private static func publish(_ deadline: Timestamp?, in published: borrowing Atomic<Int64>) {
        // A record that lives for ever must not look like no record.
        let value = deadline.map { min($0.microseconds, none - 1) } ?? none
        // Writing only what changed keeps the line in every core's cache.
        if published.load(ordering: .relaxed) != value { published.store(value, ordering: .relaxed) }
    }
}
