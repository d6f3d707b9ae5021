import Synchronization

/// Lets the commits to one handle pass one after the other within a process, instead of letting them fight.
///
/// Only commits wait here, never handlers. Whoever leaves hands on the record it has just written, so that the next
/// commit starts from the newest record and loses no race at all. That record is a head start and no truth: the write
/// stays conditional.
final class CommitQueue: Sendable {
    private typealias Waiter = CheckedContinuation<LoadedRecord?, Never>

    /// A key is in the table while a commit to it runs; its value are those that wait.
    private let lanes = Mutex<[StoreKey: [Waiter]]>([:])

    /// Waits for the turn of a commit to `key`.
    ///
    /// - Returns: the record that the commit before has just written, if it wrote one.
    func enter(_ key: StoreKey) async -> LoadedRecord? {
        let isFree = lanes.withLock { lanes in
            guard lanes[key] == nil else { return false }
            lanes[key] = []
            return true
        }
        if isFree { return nil }
        return await withCheckedContinuation { waiter in
            let isFree = lanes.withLock { lanes in
                guard lanes[key] != nil else {
                    lanes[key] = []
                    return true
                }
                lanes[key]?.append(waiter)
                return false
            }
            if isFree { waiter.resume(returning: nil) }
        }
    }

    /// Ends the turn, and hands on the newest record.
    func leave(_ key: StoreKey, newest: LoadedRecord?) {
        let next = lanes.withLock { lanes -> Waiter? in
            guard lanes[key]?.isEmpty == false else {
                lanes[key] = nil
                return nil
            }
            return lanes[key]?.removeFirst()
        }
        next?.resume(returning: newest)
    }
}
