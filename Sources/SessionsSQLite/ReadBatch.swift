#if SQLite
import GRDB
import Sessions

/// Carries out the reading calls that waited together, on one snapshot of the database.
///
/// The snapshot is taken after the calls have come, so each of them sees every write that was answered before.
struct ReadBatch: Sendable {
    let busyTimeout: Duration
    let file: SQLiteFile

    func carryOut(_ calls: [PendingCall], in database: Database, lockWait: LockWait) {
        if let first = calls.first { lockWait.end(at: first.began + busyTimeout) }
        // A snapshot costs less than one for each call, and more than the one that a single statement takes by itself.
        let isShared = calls.count > 2 && begin(in: database)
        for call in calls {
            do {
                try call.runAndAnswer(in: database)
            } catch {
                call.fail(file.error(for: error))
            }
        }
        if isShared { end(in: database) }
    }

    private func begin(in database: Database) -> Bool {
        do {
            try database.cachedStatement(sql: "BEGIN").execute()
            return true
        } catch {
            return database.isInsideTransaction
        }
    }

    private func end(in database: Database) {
        do {
            try database.cachedStatement(sql: "COMMIT").execute()
        } catch {
            try? database.rollback()
        }
    }
}
#endif
