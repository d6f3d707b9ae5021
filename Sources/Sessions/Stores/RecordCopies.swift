import Synchronization

/// Under which a copy is kept.
enum CopyKey: Sendable, Hashable {
    /// Where nobody else is told, the record's key: it costs no hash.
    case key(StoreKey)
    /// Where there is a feed, what other nodes call the record. Two keys with one digest would share a copy; keys are not for
    /// clients to choose (I3), and the credential of one is none of the other.
    case digest(KeyDigest)
}

/// Copies of records, each for a short time.
///
/// Whoever is about to ask the primary takes a ticket, and hands it back with what was answered. An invalidation in
/// between makes the ticket worth nothing: what was read may be what was before.
final class RecordCopies: Sendable {
    struct Ticket {
        fileprivate let key: CopyKey
        fileprivate let began: Duration
        fileprivate let number: UInt64
    }

    private struct Copy {
        var record: StoredRecord
        let asked: Duration
    }

    private struct Shard {
        /// Two generations: the older one goes as a whole, so that the bound costs no order.
        var recent: [CopyKey: Copy] = [:]
        var older: [CopyKey: Copy] = [:]
        /// The tickets that are out and still worth something.
        var tickets: [CopyKey: Set<UInt64>] = [:]
        var nextNumber: UInt64 = 0

        mutating func forget(_ key: CopyKey) {
            recent[key] = nil
            older[key] = nil
        }

        /// - Returns: whether the ticket was worth something.
        mutating func take(_ ticket: Ticket) -> Bool {
            guard var numbers = tickets[ticket.key], numbers.remove(ticket.number) != nil else { return false }
            tickets[ticket.key] = numbers.isEmpty ? nil : numbers
            return true
        }

        mutating func keep(_ copy: Copy, at key: CopyKey, limit: Int) {
            // Two answers may come in another order than they were asked for.
            if let known = recent[key] ?? older[key], known.asked > copy.asked { return }
            older[key] = nil
            recent[key] = copy
            if recent.count >= max(limit / 2, 1) {
                older = recent
                recent = [:]
            }
        }
    }

    private final class Lock: Sendable {
        let state = Mutex(Shard())
    }

    private let shards: [Lock]
    private let limit: Int
    private let age: Duration
    private let uptime: @Sendable () -> Duration

    /// - Parameters:
    ///   - limit: The most copies, about.
    ///   - age: How old an answer may become.
    ///   - uptime: A time that never goes back.
    init(limit: Int, age: Duration, uptime: @escaping @Sendable () -> Duration) {
        shards = (0..<min(16, limit)).map { _ in Lock() }
        self.limit = max(limit / shards.count, 1)
        self.age = age
        self.uptime = uptime
    }

    /// The copy of the record at `key`, if it is young enough.
    subscript(key: CopyKey) -> StoredRecord? {
        let now = uptime()
        return shard(key).state.withLock { shard in
            guard let copy = shard.recent[key] ?? shard.older[key] else { return nil }
            guard now - copy.asked < age else {
                shard.forget(key)
                return nil
            }
            return copy.record
        }
    }

    /// Before the primary is asked.
    func begin(_ key: CopyKey) -> Ticket {
        let now = uptime()
        return shard(key).state.withLock { shard in
            shard.nextNumber += 1
            shard.tickets[key, default: []].insert(shard.nextNumber)
            return Ticket(key: key, began: now, number: shard.nextNumber)
        }
    }

    /// After it has answered: keeps `record`, unless the ticket is worth nothing.
    func end(_ ticket: Ticket, with record: StoredRecord?) {
        shard(ticket.key).state.withLock { shard in
            let isGood = shard.take(ticket)
            if isGood, let record {
                shard.keep(Copy(record: record, asked: ticket.began), at: ticket.key, limit: limit)
            }
        }
    }

    /// After a write: nothing that was read before it, or is being read, is kept; `record` is, if no other write came in
    /// between.
    func end(_ ticket: Ticket, invalidatingWith record: StoredRecord?) {
        shard(ticket.key).state.withLock { shard in
            let isGood = shard.take(ticket)
            shard.tickets[ticket.key] = nil
            shard.forget(ticket.key)
            if isGood, let record {
                shard.keep(Copy(record: record, asked: ticket.began), at: ticket.key, limit: limit)
            }
        }
    }

    /// Moves the idle deadline of a copy as the primary's was moved.
    func touch(_ key: CopyKey, until deadline: Timestamp, ifVersion version: RecordVersion) {
        shard(key).state.withLock { shard in
            func touch(_ copies: inout [CopyKey: Copy]) {
                guard var copy = copies[key], copy.record.version == version else { return }
                copy.record.idleDeadline = max(copy.record.idleDeadline, deadline)
                copies[key] = copy
            }
            touch(&shard.recent)
            touch(&shard.older)
        }
    }

    /// The record at `key` has changed.
    func invalidate(_ key: CopyKey) {
        shard(key).state.withLock { shard in
            shard.tickets[key] = nil
            shard.forget(key)
        }
    }

    /// Any record may have changed.
    func invalidateAll() {
        for lock in shards {
            lock.state.withLock { shard in
                shard.recent = [:]
                shard.older = [:]
                shard.tickets = [:]
            }
        }
    }

    /// How many copies are kept, those that are too old among them.
    var count: Int { shards.reduce(0) { $0 + $1.state.withLock { $0.recent.count + $0.older.count } } }

    private func shard(_ key: CopyKey) -> Lock { shards[Int(UInt(bitPattern: key.hashValue) % UInt(shards.count))] }
}
