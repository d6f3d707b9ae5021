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

/// The thread that waits for all connections at once, and everything it owns.
///
/// A connection carries out one thing at a time: a write, a scan, or the loads that have come, in one round trip. So nobody
/// waits behind somebody else's lock or listing while another connection is free, and a busy server is asked once for many
/// records.
final class PostgresLoop {
    private let pool: PostgresPool
    private let deadline: Duration
    private let limit: Int
    /// How many loads share a round trip at most.
    private static let groupLimit = 64

    private var loads = PostgresQueue()
    private var writes = PostgresQueue()
    private var scans = PostgresQueue()
    private var connections: [PostgresConnection] = []
    /// Connections whose callers gave up: what they asked for may still be carried out. They are kept until then, so that
    /// what the server has to do for us is bounded.
    private var givenUp: [PostgresConnection] = []
    private var isConnecting = false
    /// How many calls have stopped waiting since the inbox was last told.
    private var begun = 0
    private var nextExpiry = ContinuousClock.now

    init(_ pool: PostgresPool) {
        self.pool = pool
        deadline = pool.configuration.deadline
        limit = pool.configuration.connectionLimit
    }

    private var waiting: Int { loads.count + writes.count + scans.count }

    /// Scans leave connections to the others, where there is more than one.
    private var scanLimit: Int { max(1, limit / 4) }

    /// Works until the pool is closed and nothing is under way.
    func run() {
        while true {
            // What has come may have taken long enough for more to come; a second look is cheaper than a wait that is cut
            // short. It also tells the inbox who waits no longer.
            var isQuiet = false
            for _ in 0..<2 where !isQuiet || begun != 0 {
                let inbox = pool.take(begun: begun)
                begun = 0
                isQuiet = inbox.isEmpty
                receive(inbox)
                expire()
                dispatch()
                if inbox.isClosed, inbox.isAborted || !hasCallers { return failAll(PostgresFailure.closed) }
                connect()
            }
            // Calls that have just come to an end make room: the inbox is to know before the thread falls asleep.
            wait(isQuiet && begun == 0 ? timeout : 0)
        }
    }

    // MARK: What comes

    private func receive(_ inbox: PostgresPool.Inbox) {
        for call in inbox.calls {
            switch call.statement.kind {
            case .load: loads.append(call)
            case .write: writes.append(call)
            case .scan: scans.append(call)
            }
        }
        for link in inbox.opened {
            isConnecting = false
            connections.append(PostgresConnection(link))
        }
        if let failure = inbox.failure {
            isConnecting = false
            // Others may come back and serve them; without any, waiting longer helps nobody.
            if connections.isEmpty { failWaiting(failure) }
        }
    }

    private func failWaiting(_ error: SessionStoreError) {
        for call in takeWaiting() { call.fail(error) }
    }

    private func takeWaiting() -> [PostgresCall] {
        let calls = loads.take(.max) + writes.take(.max) + scans.take(.max)
        begun += calls.count
        return calls
    }

    private func failAll(_ error: SessionStoreError) {
        failWaiting(error)
        for connection in connections + givenUp { for call in connection.abandon() { call.fail(error) } }
        connections = []
        givenUp = []
        for call in pool.end(begun: begun) { call.fail(error) }
    }

    // MARK: Deadlines

    private func expire() {
        let now = ContinuousClock.now
        guard now >= nextExpiry else { return }
        let moment = now - deadline
        let late = loads.take(until: moment) + writes.take(until: moment) + scans.take(until: moment)
        begun += late.count
        for call in late { call.fail(PostgresFailure.noConnection(after: deadline, limit: limit)) }
        let error = PostgresFailure.unanswered(after: deadline)
        for connection in connections { connection.giveUp(until: moment, error) }
        // Loads that nobody waits for leave nothing behind: their connections make room for new ones at once, as the server
        // may be gone without a word.
        givenUp += connections.filter { $0.isGivenUp && !$0.onlyLoads }
        connections.removeAll(where: \.isGivenUp)
        let earliest = (connections.compactMap(\.earliest) + [loads, writes, scans].compactMap { $0.first?.began })
            .min()
        // What comes from now on has at least as long.
        nextExpiry = (earliest ?? now) + deadline
    }

    private var hasCallers: Bool { waiting > 0 || !connections.allSatisfy(\.isIdle) }

    /// How long to wait for something to happen, in milliseconds; -1 for ever.
    private var timeout: Int32 {
        guard hasCallers else { return -1 }
        return Int32(clamping: max(0, (nextExpiry - .now).wholeMicroseconds / 1000 + 1))
    }

    // MARK: What goes

    /// Gives idle connections something to do, the oldest call first.
    private func dispatch() {
        guard waiting > 0 else { return }
        var scanning = connections.count { $0.calls.first?.statement.kind == .scan }
        var loading = connections.reduce(0) { $0 + ($1.calls.first?.statement.kind == .load ? $1.calls.count : 0) }
        for connection in connections where connection.isIdle {
            guard let calls = next(canScan: scanning < scanLimit, loading: loading) else { return }
            begun += calls.count
            switch calls.first?.statement.kind {
            case .scan: scanning += 1
            case .load: loading += calls.count
            default: break
            }
            if !connection.begin(calls) { lose(connection) }
        }
    }

    private func next(canScan: Bool, loading: Int) -> [PostgresCall]? {
        let heads = [loads.first, writes.first, canScan ? scans.first : nil].compactMap { $0 }
        guard let oldest = heads.min(by: { $0.began < $1.began }) else { return nil }
        switch oldest.statement.kind {
        case .write: return writes.take(1)
        case .scan: return scans.take(1)
        case .load:
            // Each connection's share, and not all for the first one that is free.
            let share = (loads.count + loading + connections.count - 1) / connections.count
            return loads.take(min(max(share, 1), Self.groupLimit))
        }
    }

    /// Asks for another connection if calls wait and none is free.
    private func connect() {
        guard waiting > 0, !isConnecting, connections.count < limit, givenUp.count < limit else { return }
        guard !connections.contains(where: \.isIdle) else { return }
        isConnecting = true
        pool.wantConnection()
    }

    // MARK: Waiting

    private func wait(_ timeout: Int32) {
        let all = connections + givenUp
        var descriptors = [pollfd(fd: pool.wakeupDescriptor, events: Int16(POLLIN), revents: 0)]
        for connection in all {
            let events = connection.hasUnsent ? POLLIN | POLLOUT : POLLIN
            descriptors.append(pollfd(fd: connection.link.socket, events: Int16(events), revents: 0))
        }
        guard poll(&descriptors, nfds_t(descriptors.count), timeout) > 0 else { return }
        if descriptors[0].revents != 0 { pool.tookWakeup() }
        for (connection, descriptor) in zip(all, descriptors.dropFirst()) where descriptor.revents != 0 {
            if connection.hasUnsent, !connection.flush() {
                lose(connection)
            } else if descriptor.revents & ~Int16(POLLOUT) != 0 {
                receive(connection)
            }
        }
    }

    private func receive(_ connection: PostgresConnection) {
        let isGivenUp = connection.isGivenUp
        switch connection.receive() {
        case .goingOn: break
        case .lost: lose(connection)
        case .finished(let skipped):
            if isGivenUp { givenUp.removeAll { $0 === connection } }
            if connection.isSpent { lose(connection) }
            retry(skipped)
        }
    }

    private func lose(_ connection: PostgresConnection) {
        connections.removeAll { $0 === connection }
        givenUp.removeAll { $0 === connection }
        var again: [PostgresCall] = []
        for call in connection.abandon() {
            if call.takeSecondTry() { again.append(call) } else { call.fail(PostgresFailure.lost) }
        }
        retry(again)
    }

    private func retry(_ calls: [PostgresCall]) {
        guard !calls.isEmpty else { return }
        loads.putBack(calls)
        begun -= calls.count
    }
}
#endif
