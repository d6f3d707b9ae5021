#if Postgres
import CLibPQ
import Sessions

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// An open connection and the calls it carries out, on the thread of the ``PostgresLoop``.
final class PostgresConnection {
    let link: PostgresLink
    /// What is under way: one call, or several loads in one round trip.
    private(set) var calls: [PostgresCall] = []
    private var outcomes: [PostgresCall.Outcome] = []
    /// Which of the calls the next result belongs to.
    private var index = 0
    /// How many callers have no answer yet.
    private var unanswered = 0
    /// Whether a new connection would do what this one does not.
    private(set) var isSpent = false
    /// Whether something could not be sent at once.
    private(set) var hasUnsent = false

    init(_ link: PostgresLink) { self.link = link }

    var isIdle: Bool { calls.isEmpty }

    /// Whether nobody waits for what is under way any more.
    var isGivenUp: Bool { !isIdle && unanswered == 0 }

    /// Whether what is under way changes nothing.
    var onlyLoads: Bool { calls.allSatisfy { $0.statement.kind == .load } }

    /// What became of a turn.
    enum Progress {
        case goingOn
        /// All calls are answered, but for these: the server skipped them because of another one.
        case finished(skipped: [PostgresCall])
        case lost
    }

    /// Sends calls, which end with one transaction: that is what a reply waits for.
    func begin(_ calls: [PostgresCall]) -> Bool {
        self.calls = calls
        outcomes = Array(repeating: .none, count: calls.count)
        index = 0
        unanswered = calls.count
        for call in calls {
            let isSent = call.parameters.withPointers { count, values, lengths in
                Self.formats.withUnsafeBufferPointer {
                    PQsendQueryPrepared(
                        link.connection,
                        call.statement.name,
                        count,
                        values,
                        lengths,
                        $0.baseAddress,
                        1
                    )
                }
            }
            guard isSent == 1 else { return false }
        }
        guard PQpipelineSync(link.connection) == 1 else { return false }
        return flush()
    }

    /// Every parameter is binary; no statement has more of them.
    private static let formats = [Int32](repeating: 1, count: 8)

    /// Sends what is left to be sent. `false` if the connection is lost.
    func flush() -> Bool {
        let result = PQflush(link.connection)
        hasUnsent = result == 1
        return result >= 0
    }

    /// Takes in what the server has sent.
    func receive() -> Progress {
        // What came before the connection was lost counts.
        let isAlive = PQconsumeInput(link.connection) == 1
        // Asked also of an idle connection: that takes in what the server says of its own accord.
        while PQisBusy(link.connection) == 0, !isIdle {
            guard let result = PQgetResult(link.connection) else {
                // The end of one call's results. Where nothing is expected any more it comes for ever.
                guard PQstatus(link.connection) == CONNECTION_OK, index <= calls.count else { return .lost }
                index += 1
                continue
            }
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK:
                guard index < calls.count else { return .lost }
                keep(calls[index].outcome(of: PostgresRows(result: result)), at: index)
            case PGRES_PIPELINE_ABORTED:
                guard index < calls.count else { return .lost }
                keep(.skipped, at: index)
            case PGRES_PIPELINE_SYNC: return .finished(skipped: settle())
            default:
                if PQstatus(link.connection) != CONNECTION_OK { return .lost }
                if PostgresFailure.isOfConnection(result) { isSpent = true }
                note(PostgresFailure.error(for: result))
            }
        }
        return isAlive && PQstatus(link.connection) == CONNECTION_OK ? .goingOn : .lost
    }

    private func note(_ error: SessionStoreError) {
        if index < calls.count {
            keep(.failure(error), at: index)
        } else {
            // The commit failed, and with it everything.
            for index in outcomes.indices { keep(.failure(error), at: index) }
        }
    }

    private func keep(_ outcome: PostgresCall.Outcome, at index: Int) {
        if case .settled = outcomes[index] { return }
        outcomes[index] = outcome
    }

    /// Answers everybody, now that the transaction has ended.
    private func settle() -> [PostgresCall] {
        let isUnconfirmed = link.takeUnconfirmed()
        var skipped: [PostgresCall] = []
        for (call, outcome) in zip(calls, outcomes) {
            switch outcome {
            case .settled: break
            case .reply(let reply):
                if isUnconfirmed { call.fail(PostgresFailure.unconfirmed) } else { reply() }
            case .failure(let error): call.fail(error)
            case .skipped: skipped.append(call)
            case .none: call.fail(PostgresFailure.lost)
            }
        }
        clear()
        return skipped
    }

    /// Fails the calls that began at `moment` or earlier; they are still carried out, and nobody hears of it.
    func giveUp(until moment: ContinuousClock.Instant, _ error: SessionStoreError) {
        for (index, call) in calls.enumerated() where call.began <= moment {
            if case .settled = outcomes[index] { continue }
            outcomes[index] = .settled
            unanswered -= 1
            call.fail(error)
        }
    }

    /// Whoever still waits; the connection is of no use any more.
    func abandon() -> [PostgresCall] {
        defer { clear() }
        return zip(calls, outcomes).compactMap { call, outcome in
            if case .settled = outcome { nil } else { call }
        }
    }

    private func clear() {
        calls = []
        outcomes = []
        unanswered = 0
    }

    /// When the first call under way that has no answer began.
    var earliest: ContinuousClock.Instant? {
        zip(calls, outcomes).compactMap { call, outcome in
            if case .settled = outcome { nil } else { call.began }
        }
        .min()
    }
}
#endif
