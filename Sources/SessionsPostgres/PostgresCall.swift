#if Postgres
import Sessions
import Synchronization

/// One statement that waits for a connection, with its values and its caller.
///
/// It is answered once. What the statement returns is inside its reply, as in a closure that resumes the caller: a type with
/// a parameter for it would look up its metadata with every step.
final class PostgresCall: Sendable {
    /// Hands the caller what the call returned.
    typealias Reply = @Sendable () -> Void

    let statement: PostgresStatement
    let parameters: PostgresParameters
    /// When the call was made.
    let began = ContinuousClock.now
    private let isSecondTry = Atomic(false)
    private let decode: @Sendable (PostgresRows) throws -> Reply
    private let refuse: @Sendable (SessionStoreError) -> Void

    init(
        _ statement: PostgresStatement,
        _ parameters: PostgresParameters,
        decode: @escaping @Sendable (PostgresRows) throws -> Reply,
        refuse: @escaping @Sendable (SessionStoreError) -> Void
    ) {
        self.statement = statement
        self.parameters = parameters
        self.decode = decode
        self.refuse = refuse
    }

    /// Whether the call may be sent once more after its connection was lost: a load, the first time.
    ///
    /// A write is never sent again: whether it was carried out is for the manager to find out.
    func takeSecondTry() -> Bool {
        statement.kind == .load && !isSecondTry.exchange(true, ordering: .relaxed)
    }

    /// What the call came to; the caller hears of it once the transaction has ended.
    enum Outcome {
        /// Nothing has come yet.
        case none
        case reply(Reply)
        case failure(SessionStoreError)
        /// The server skipped it, because a statement before it in the same round trip failed.
        case skipped
        /// The caller has its answer.
        case settled
    }

    func outcome(of rows: PostgresRows) -> Outcome {
        do {
            return .reply(try decode(rows))
        } catch let error as SessionStoreError {
            return .failure(error)
        } catch {
            return .failure(PostgresFailure.foreign)
        }
    }

    func fail(_ error: SessionStoreError) { refuse(error) }
}
#endif
