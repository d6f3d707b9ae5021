#if Postgres
import CLibPQ
import Sessions
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// One connection.
///
/// It blocks where it says so, and is used by one thread at a time: first by the one that opens it, then, handed over under
/// the pool's lock, by the one that waits for all of them.
final class PostgresLink: @unchecked Sendable {  // Used by one thread at a time, see above.
    let connection: OpaquePointer
    private let notices: PostgresNotices

    /// Connects; blocks.
    init(_ info: PostgresConnectionInfo) throws {
        let connection = info.connect()
        guard let connection, PQstatus(connection) == CONNECTION_OK else {
            let error = PostgresFailure.notConnected(connection)
            PQfinish(connection)
            throw error
        }
        self.connection = connection
        notices = PostgresNotices()
        notices.receive(from: connection)
        PQsetnonblocking(connection, 1)
    }

    deinit { PQfinish(connection) }

    var socket: Int32 { PQsocket(connection) }

    /// The number of the server's process, as it was told when the connection was made.
    var processID: String { String(PQbackendPID(connection)) }

    /// Whether the server gave up waiting for its standbys since this was last asked: what it then answers is not confirmed.
    func takeUnconfirmed() -> Bool { notices.takeUnconfirmed() }

    /// What has been notified on channels that are listened to, of what has been read.
    func notifications() -> [String] {
        var texts: [String] = []
        while let notification = PQnotifies(connection) {
            defer { PQfreemem(notification) }
            if let text = notification.pointee.extra { texts.append(String(cString: text)) }
        }
        return texts
    }

    // MARK: Blocking, for opening a connection

    /// Carries out statements; blocks until `end`.
    ///
    /// - Returns: what the last one that returned rows did, as text; `nil` for null.
    @discardableResult
    func query(_ sql: String, until end: ContinuousClock.Instant) throws -> [[String?]] {
        guard PQsendQuery(connection, sql) == 1 else { throw PostgresFailure.lost }
        var rows: [[String?]] = []
        var failure: SessionStoreError?
        while let result = try nextResult(until: end) {
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_TUPLES_OK: rows = Self.texts(result)
            case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: break
            default: failure = failure ?? PostgresFailure.error(for: result)
            }
        }
        if let failure { throw failure }
        return rows
    }

    /// Prepares statements in one round trip, and leaves the connection in pipeline mode; blocks until `end`.
    func prepare(_ statements: [PostgresStatement], until end: ContinuousClock.Instant) throws {
        guard PQenterPipelineMode(connection) == 1 else { throw PostgresFailure.lost }
        for statement in statements {
            let types = statement.parameters.map { Oid($0.rawValue) }
            guard PQsendPrepare(connection, statement.name, statement.sql, Int32(types.count), types) == 1 else {
                throw PostgresFailure.lost
            }
        }
        guard PQpipelineSync(connection) == 1 else { throw PostgresFailure.lost }
        var failure: SessionStoreError?
        while true {
            guard let result = try nextResult(until: end) else { continue }
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_PIPELINE_SYNC:
                if let failure { throw failure }
                return
            case PGRES_COMMAND_OK, PGRES_PIPELINE_ABORTED: break
            default: failure = failure ?? PostgresFailure.error(for: result)
            }
        }
    }

    private func nextResult(until end: ContinuousClock.Instant) throws -> OpaquePointer? {
        while true {
            let isFlushed = PQflush(connection)
            guard isFlushed >= 0 else { throw PostgresFailure.lost }
            if PQisBusy(connection) == 0 { return PQgetResult(connection) }
            var descriptor = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            if isFlushed == 1 { descriptor.events |= Int16(POLLOUT) }
            let left = (end - .now).wholeMicroseconds / 1000
            guard left > 0 else { throw PostgresFailure.notOpened }
            _ = poll(&descriptor, 1, Int32(clamping: left))
            guard PQconsumeInput(connection) == 1 else { throw PostgresFailure.lost }
        }
    }

    private static func texts(_ result: OpaquePointer) -> [[String?]] {
        (0..<PQntuples(result)).map { row in
            (0..<PQnfields(result)).map { column in
                PQgetisnull(result, row, column) == 1
                    ? nil : PQgetvalue(result, row, column).map { String(cString: $0) }
            }
        }
    }
}

/// Listens to what a server says beside its answers, and prints none of it.
private final class PostgresNotices: Sendable {
    private let isUnconfirmed = Atomic(false)

    func receive(from connection: OpaquePointer) {
        // The link owns this object and ends the connection before it is gone.
        PQsetNoticeReceiver(
            connection,
            { context, result in
                guard let context, let result, let function = CLibPQ_sourceFunction(result) else { return }
                // A text would come in the server's language; the place in its code does not.
                guard strcmp(function, "SyncRepWaitForLSN") == 0 else { return }
                Unmanaged<PostgresNotices>.fromOpaque(context).takeUnretainedValue()
                    .isUnconfirmed.store(true, ordering: .relaxed)
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }

    func takeUnconfirmed() -> Bool { isUnconfirmed.exchange(false, ordering: .relaxed) }
}
#endif
