#if SQLite
import GRDB
import Sessions
import Synchronization

/// Carries out the calls that waited together in one transaction, and answers them after its commit.
///
/// A commit costs a wait for the disk, whether it carries one write or a hundred. Each call keeps its own outcome:
/// a statement that fails undoes itself only, and where SQLite gives up the whole transaction (a full disk), every
/// call is carried out again in a transaction of its own.
final class GroupCommit: Sendable {
    private let busyTimeout: Duration
    private let file: SQLiteFile
    private let committed = Mutex((transactions: 0, calls: 0))

    init(busyTimeout: Duration, file: SQLiteFile) {
        self.busyTimeout = busyTimeout
        self.file = file
    }

    /// How many transactions were committed, and how many calls they carried out.
    var counts: (transactions: Int, calls: Int) { committed.withLock { $0 } }

    func carryOut(_ calls: [PendingCall], in database: Database, lockWait: LockWait) {
        if !commit(calls, in: database, lockWait: lockWait) {
            for call in calls { _ = commit([call], in: database, lockWait: lockWait) }
        }
    }

    /// Carries the calls out in one transaction.
    ///
    /// - Returns: `false`, with nothing changed and no call answered, if they have to be carried out one by one.
    private func commit(_ calls: [PendingCall], in database: Database, lockWait: LockWait) -> Bool {
        let calls = begin(for: calls, in: database, lockWait: lockWait)
        guard !calls.isEmpty else { return true }
        var refused: [ObjectIdentifier: any Error] = [:]
        do {
            for call in calls {
                do {
                    try call.run(in: database)
                } catch let error where database.isInsideTransaction {
                    refused[ObjectIdentifier(call)] = error
                }
            }
            try database.cachedStatement(sql: "COMMIT").execute()
        } catch {
            try? database.rollback()
            if calls.count > 1, SQLiteFile.mayConcernOneCall(error) { return false }
            for call in calls { call.fail(file.error(for: error)) }
            return true
        }
        committed.withLock { $0 = ($0.transactions + 1, $0.calls + calls.count) }
        for call in calls {
            if let error = refused[ObjectIdentifier(call)] {
                call.fail(file.error(for: error))
            } else {
                call.answer()
            }
        }
        return true
    }

    /// Takes the write lock at once, so that no statement of the transaction finds it taken.
    ///
    /// - Returns: the calls that can go on. Each of the others has waited for the lock as long as it may, or was
    ///   answered before its turn came, and is not carried out.
    private func begin(for calls: [PendingCall], in database: Database, lockWait: LockWait) -> [PendingCall] {
        var calls = calls.filter { !$0.isAnswered }
        while let first = calls.first {
            do {
                lockWait.end(at: first.began + busyTimeout)
                if database.isInsideTransaction { try database.rollback() }
                try database.cachedStatement(sql: "BEGIN IMMEDIATE").execute()
                return calls
            } catch {
                let error = file.error(for: error)
                let isLocked = error.code == .locked
                let limit = ContinuousClock.now - busyTimeout
                // The first has always waited long enough, so that this ends.
                let late = calls.prefix { !isLocked || $0 === first || $0.began <= limit }
                calls.removeFirst(late.count)
                for call in late { call.fail(error) }
            }
        }
        return []
    }
}
#endif
