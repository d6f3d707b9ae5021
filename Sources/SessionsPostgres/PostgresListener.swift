#if Postgres
import CLibPQ
import Foundation
import Sessions
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A thread that listens and notifies on one connection, which it makes anew when it is lost.
final class PostgresListener: Sendable {
    private let info: PostgresConnectionInfo
    private let configuration: PostgresInvalidationFeed.Configuration
    private let sender: UInt64
    private let outgoing: InvalidationQueue
    private let inbox: InvalidationInbox
    private let wakeup: PostgresWakeup
    private let isStopped = Atomic(false)

    private static let longestPause = Duration.seconds(1)

    init(
        info: PostgresConnectionInfo,
        configuration: PostgresInvalidationFeed.Configuration,
        sender: UInt64,
        outgoing: InvalidationQueue,
        incoming: InvalidationQueue
    ) throws {
        self.info = info
        self.configuration = configuration
        self.sender = sender
        self.outgoing = outgoing
        inbox = InvalidationInbox(sender: sender, news: incoming)
        wakeup = try PostgresWakeup()
    }

    /// Works until the task is cancelled. A thread that is connecting then ends a moment later.
    ///
    /// - Throws: why it cannot ever listen.
    func run() async throws {
        let end = ListenerEnd()
        outgoing.onNews { [wakeup] in wakeup.send() }
        defer { outgoing.onNews(nil) }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                end.wait(continuation)
                let thread = Thread { [self] in end.came(Result { try work() }) }
                thread.name = "sessions-postgres-feed"
                thread.start()
            }
        } onCancel: {
            isStopped.store(true, ordering: .releasing)
            wakeup.send()
            end.came(.success(()))
        }
    }

    /// How long an answer may take: notifications of all sessions commit one after the other.
    private var patience: Duration { configuration.heartbeat * 3 }

    // MARK: On the thread

    private func work() throws {
        var pause = Duration.zero
        var hasListened = false
        // A number is used once: what was sent on a connection that was lost may not have been told.
        var number: UInt64 = 0
        while !isStopped.load(ordering: .acquiring) {
            do {
                try info.checkService(configuration.serverVerification)
                let link = try PostgresLink(info)
                try setUp(link)
                hasListened = true
                pause = .zero
                inbox.begin()
                defer { inbox.end() }
                try listen(on: link, &number)
            } catch let error as SessionStoreError where !hasListened && error.isFinal {
                throw error
            } catch let error as SessionConfigurationError {
                throw error
            } catch {
                pause = min(max(pause * 2, .milliseconds(20)), Self.longestPause)
                sleep(pause * Double.random(in: 0.5...1))
            }
        }
    }

    /// A notification is a transaction of its own, and worth no wait for a disk.
    private func setUp(_ link: PostgresLink) throws {
        try link.query(
            """
            SET search_path = pg_catalog; SET default_transaction_read_only = off; SET synchronous_commit = off; \
            SET statement_timeout = \(milliseconds(configuration.connectDeadline)); SET client_min_messages = warning; \
            LISTEN "\(configuration.channel)"
            """,
            until: .now + configuration.connectDeadline
        )
    }

    /// Listens and notifies until it is stopped.
    ///
    /// - Throws: when the connection is lost, or does not answer in time.
    private func listen(on link: PostgresLink, _ number: inout UInt64) throws {
        let connection = link.connection
        /// What is under way, and since when.
        var sent: (batch: InvalidationQueue.Batch, at: ContinuousClock.Instant)?
        var heard = ContinuousClock.now
        defer { if let sent { outgoing.giveBack(sent.batch) } }
        while !isStopped.load(ordering: .acquiring) {
            if sent == nil {
                let batch = outgoing.take(InvalidationMessage.limit)
                let isQuiet = ContinuousClock.now - heard >= configuration.heartbeat
                if !batch.isEmpty || isQuiet {
                    sent = (batch, .now)
                    if !batch.isEmpty { number += 1 }
                    try send(batch, number, on: connection)
                }
            }
            let end = sent.map { $0.at + patience } ?? heard + configuration.heartbeat
            try wait(for: link, until: end)
            guard PQconsumeInput(connection) == 1 else { throw PostgresFailure.lost }
            for text in link.notifications() { inbox.receive(text.utf8) }
            while sent != nil, PQisBusy(connection) == 0 {
                guard let result = PQgetResult(connection) else {
                    sent = nil
                    heard = .now
                    break
                }
                defer { PQclear(result) }
                // The queue of notifications is full, or the server is stopping: the next connection tells.
                guard PQresultStatus(result) == PGRES_TUPLES_OK else { throw PostgresFailure.error(for: result) }
            }
            // What came with an answer is as good as it.
            for text in link.notifications() { inbox.receive(text.utf8) }
            if let sent, ContinuousClock.now - sent.at >= patience { throw PostgresFailure.lost }
        }
    }

    /// Notifies, or asks for a sign of life where there is nothing to tell.
    private func send(_ batch: InvalidationQueue.Batch, _ number: UInt64, on connection: OpaquePointer) throws {
        guard !batch.isEmpty else {
            guard PQsendQuery(connection, "SELECT 1") == 1 else { throw PostgresFailure.lost }
            return
        }
        var parameters = PostgresParameters()
        parameters.append(configuration.channel)
        parameters.append(InvalidationMessage(sender: sender, number: number, batch: batch).text)
        let isSent = parameters.withPointers { count, values, lengths in
            PQsendQueryParams(
                connection,
                "SELECT pg_notify($1, $2)",
                count,
                [Oid(PostgresStatement.Parameter.text.rawValue), Oid(PostgresStatement.Parameter.text.rawValue)],
                values,
                lengths,
                [1, 1],
                1
            ) == 1
        }
        guard isSent else { throw PostgresFailure.lost }
    }

    // MARK: Waiting

    private func wait(for link: PostgresLink, until end: ContinuousClock.Instant) throws {
        let unsent = PQflush(link.connection)
        guard unsent >= 0 else { throw PostgresFailure.lost }
        var descriptors = [
            pollfd(fd: wakeup.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: link.socket, events: Int16(unsent == 1 ? POLLIN | POLLOUT : POLLIN), revents: 0),
        ]
        _ = poll(&descriptors, 2, milliseconds(end - .now))
        if descriptors[0].revents != 0 { wakeup.receive() }
    }

    /// Waits, but not after it was stopped.
    private func sleep(_ duration: Duration) {
        let end = ContinuousClock.now + duration
        var descriptor = pollfd(fd: wakeup.descriptor, events: Int16(POLLIN), revents: 0)
        while !isStopped.load(ordering: .acquiring), ContinuousClock.now < end {
            _ = poll(&descriptor, 1, milliseconds(end - .now))
            if descriptor.revents != 0 { wakeup.receive() }
        }
    }

    /// Rounded up, so that nobody waits in a loop for the last part of one.
    private func milliseconds(_ duration: Duration) -> Int32 {
        Int32(clamping: max(0, (duration.wholeMicroseconds + 999) / 1000))
    }
}

extension SessionStoreError {
    /// Whether only somebody who changes a setting can help.
    fileprivate var isFinal: Bool { code == .notPermitted || code == .unusable }
}

/// The end of the thread, or of the wait for it, whichever comes first.
private final class ListenerEnd: Sendable {
    private struct State {
        var continuation: CheckedContinuation<Void, any Error>?
        var result: Result<Void, any Error>?
    }

    private let state = Mutex(State())

    func wait(_ continuation: CheckedContinuation<Void, any Error>) {
        let result = state.withLock { state in
            if state.result == nil { state.continuation = continuation }
            return state.result
        }
        if let result { continuation.resume(with: result) }
    }

    func came(_ result: Result<Void, any Error>) {
        let continuation = state.withLock { state in
            if state.result == nil { state.result = result }
            defer { state.continuation = nil }
            return state.continuation
        }
        continuation?.resume(with: result)
    }
}
#endif
