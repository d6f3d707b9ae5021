import Synchronization

/// Lets the commits to one handle pass one after the other within a process, instead of letting them fight.
///
/// Only commits wait here, never handlers. Whoever leaves hands on the record it has just written, so that the next
/// commit starts from the newest record and loses no race at all. That record is a head start and no truth: the write
/// stays conditional, and a request may have read a later one, if another process wrote while the answer to the commit
/// before was on its way.
final class CommitQueue: Sendable {
    /// What a commit hands to the next.
    struct Handover: Sendable {
        /// The record it has just written, if it wrote one.
        var newest: LoadedRecord?
        /// Whether it ended because the store failed.
        var isStoreFailing = false
        /// Commits that are known to come before `newest`, beside those that it knows of itself.
        private var earlier: Set<RecordVersion> = []

        init(isStoreFailing: Bool = false) { self.isStoreFailing = isStoreFailing }

        /// What a commit begins with whose request has read `base`: `newest` only if that is known to be no older.
        func start(from base: LoadedRecord?) -> LoadedRecord? {
            guard let base, let newest else { return base }
            let version = base.stored.version
            return newest.lineage.contains(version) || earlier.contains(version) ? newest : base
        }

        /// What is handed on by whoever was handed this, and leaves `record`.
        func followed(by record: LoadedRecord?) -> Handover {
            var next = Handover()
            next.newest = record
            if let record, let newest, record.lineage.contains(newest.stored.version), earlier.count < 1024 {
                next.earlier = earlier.union(newest.lineage)
            }
            return next
        }
    }

    private typealias Waiter = CheckedContinuation<Handover?, Never>

    /// Those that wait for one key, in the order in which they came.
    private struct Lane {
        private var waiters: [Waiter] = []
        private var first = 0

        var count: Int { waiters.count - first }

        mutating func append(_ waiter: Waiter) { waiters.append(waiter) }

        mutating func next() -> Waiter? {
            guard first < waiters.count else { return nil }
            if first == 1024 {
                // In large pieces, or each one would cost a move of all the others.
                waiters.removeFirst(first)
                first = 0
            }
            first += 1
            return waiters[first - 1]
        }
    }

    /// How many commits may wait for one handle: a client that sends more at once hears 503 (checklist DS-05).
    static let limit = 4096

    /// A key is in the table while a commit to it runs.
    private let lanes = Mutex<[StoreKey: Lane]>([:])

    /// Waits for the turn of a commit to `key`.
    ///
    /// - Throws: ``SessionError/Code/contended`` if too many wait already.
    func enter(_ key: StoreKey) async throws -> Handover {
        let isFree = lanes.withLock { Self.take(key, &$0) }
        if isFree { return Handover() }
        let handover = await withCheckedContinuation { (waiter: Waiter) in
            let answer: Handover?? = lanes.withLock { lanes in
                if Self.take(key, &lanes) { return Handover() }
                guard let count = lanes[key]?.count, count < Self.limit else { return .some(nil) }
                lanes[key]?.append(waiter)
                return nil
            }
            if let answer { waiter.resume(returning: answer) }
        }
        guard let handover else {
            throw SessionError(.contended, "\(Self.limit) changes to this session wait already. Try again.")
        }
        return handover
    }

    /// Ends the turn, and lets the next one begin.
    func leave(_ key: StoreKey, _ handover: Handover) {
        let next = lanes.withLock { lanes -> Waiter? in
            let next = lanes[key]?.next()
            if next == nil { lanes[key] = nil }
            return next
        }
        next?.resume(returning: handover)
    }

    /// How many commits wait for a key: for tests.
    func waitingCount(for key: StoreKey) -> Int { lanes.withLock { $0[key]?.count ?? 0 } }

    private static func take(_ key: StoreKey, _ lanes: inout [StoreKey: Lane]) -> Bool {
        guard lanes[key] == nil else { return false }
        lanes[key] = Lane()
        return true
    }
}
