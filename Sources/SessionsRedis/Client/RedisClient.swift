#if Redis
import NIOCore
import NIOPosix
import Sessions
public import SessionsRedisCodec
import Synchronization

/// A client for one server, for a primary that Sentinel names, or for a cluster.
///
/// Commands of all requests are pipelined over a few connections, which are made when they are first needed and made anew
/// when they are lost. A command that may have reached a server is never sent again; one that a server has refused because
/// something passes (`LOADING`, `CLUSTERDOWN`, `TRYAGAIN`, `BUSY`, `READONLY` after a failover, `MOVED`, `ASK`) is, until
/// ``Configuration/callDeadline``. So is one for which there is no connection yet.
///
/// Cancelling the task of a caller does not cut a call short: its outcome would be unknown. The deadline bounds it.
public final class RedisClient: RedisConfirmingClient {
    private let configuration: Configuration
    private let router: any RedisRouter
    let backoff: Backoff
    /// Makes a connection beside those that commands share, to the server that has a key.
    private let dial: @Sendable (_ key: [UInt8]) async throws -> RedisConnection
    private let inFlight = Mutex((calls: 0, bytes: 0))

    /// Creates a client; it connects when the first command comes.
    ///
    /// - Throws: `SessionConfigurationError` with code `store` if the configuration does not make sense or a file of
    ///   ``Configuration/tls`` cannot be read.
    public init(_ configuration: Configuration) throws {
        try configuration.validate()
        try configuration.requireProof()
        self.configuration = configuration
        backoff = Backoff(minimum: configuration.minimumBackoff, maximum: configuration.maximumBackoff)
        let group = MultiThreadedEventLoopGroup.singleton
        let context = try configuration.tls?.makeContext()
        let servers = RedisConnector(
            tls: configuration.tls,
            context: context,
            credentials: configuration.credentials,
            database: configuration.database,
            deadline: configuration.connectDeadline,
            asksRole: !configuration.isCluster,
            trustsNetwork: configuration.serverVerification == .trustedNetwork
        )
        let node: @Sendable (RedisAddress?, @escaping @Sendable () async throws -> RedisConnection) -> RedisNode = {
            [backoff] address, connect in
            RedisNode(address: address, count: configuration.connectionCount) {
                RedisLane(backoff: backoff, patience: configuration.callDeadline, connect: connect)
            }
        }
        switch configuration.topology {
        case .standalone(let address):
            router = SingleRouter(node: node(address) { try await servers.connect(to: address, group: group) })
            dial = { _ in try await servers.connect(to: address, group: group) }
        case .sentinel(let sentinels, let name):
            let resolver = SentinelResolver(
                sentinels: sentinels,
                name: name,
                connector: RedisConnector(
                    tls: configuration.tls,
                    context: configuration.sentinelsUseTLS ? context : nil,
                    credentials: configuration.sentinelCredentials,
                    database: 0,
                    deadline: configuration.connectDeadline,
                    trustsNetwork: configuration.serverVerification == .trustedNetwork
                ),
                servers: servers,
                group: group,
                grace: configuration.sentinelGrace
            )
            let primary = node(nil) { try await resolver.connect() }
            resolver.follow(primary)
            router = SingleRouter(node: primary)
            dial = { _ in try await resolver.connect() }
        case .cluster(let seeds):
            let cluster = ClusterRouter(seeds: seeds, deadline: configuration.connectDeadline) { address in
                node(address) { try await servers.connect(to: address, group: group) }
            }
            router = cluster
            dial = { key in
                let found = try await cluster.node(for: HashSlot.slot(of: key))
                guard let address = found.node.address else { throw SessionStoreError.noAddress }
                do {
                    return try await servers.connect(to: address, group: group)
                } catch {
                    // It may be another's by now.
                    Task { await cluster.doubt(found.generation) }
                    throw error
                }
            }
        }
    }

    /// Creates a client with what a URL says; see ``Configuration/init(url:)``.
    public convenience init(url: String) throws {
        try self.init(Configuration(url: url))
    }

    var callDeadline: Duration { configuration.callDeadline }

    var connectDeadline: Duration { configuration.connectDeadline }

    /// A connection of the caller's own to the primary that has `key`. The caller closes it.
    ///
    /// - Throws: `SessionStoreError`.
    func connection(for key: [UInt8]) async throws -> RedisConnection {
        do {
            return try await dial(key)
        } catch let failure as LaneFailure {
            throw failure.error
        }
    }

    /// Ends every connection. Calls under way fail, and so does every later one.
    public func close() { router.close() }

    deinit { router.close() }

    // MARK: RedisCommandClient

    public func send(_ command: RedisCommand) async throws -> RedisValue {
        try await perform(command, on: nil) { connection, deadline, asking in
            try await connection.send(command.arguments, before: deadline, asking: asking)
        } reply: {
            $0
        }
    }

    public func send(
        _ command: RedisCommand,
        waitingFor replicas: Int,
        milliseconds: Int
    ) async throws -> (reply: RedisValue, replicas: Int) {
        try await perform(command, on: nil, confirming: true) { connection, deadline, asking in
            try await connection.send(
                command.arguments,
                waitingFor: replicas,
                milliseconds: milliseconds,
                before: deadline,
                asking: asking
            )
        } reply: {
            $0.reply
        }
    }

    public func primaries() async throws -> [any RedisCommandClient] {
        try await router.primaries().map { PinnedClient(client: self, node: $0) }
    }

    /// Sends to one node, whatever the key.
    private struct PinnedClient: RedisCommandClient {
        let client: RedisClient
        let node: RedisNode

        func send(_ command: RedisCommand) async throws -> RedisValue {
            try await client.perform(command, on: node) { connection, deadline, asking in
                try await connection.send(command.arguments, before: deadline, asking: asking)
            } reply: {
                $0
            }
        }
    }

    // MARK: One call

    /// Where the next attempt goes.
    private enum Target {
        case owner
        case named(RedisNode, asking: Bool)
    }

    /// Sends a command until it is answered, as far as it may be sent again, or its time is over.
    private func perform<Answer: Sendable>(
        _ command: RedisCommand,
        on pinned: RedisNode?,
        confirming: Bool = false,
        _ attempt: (RedisConnection, ContinuousClock.Instant, _ asking: Bool) async throws -> Answer,
        reply: (Answer) -> RedisValue
    ) async throws -> Answer {
        let size = command.size
        try admit(size)
        defer { release(size) }
        let now = ContinuousClock.now
        let deadline = min(now + configuration.callDeadline, RedisBound.end ?? .now + configuration.callDeadline)
        guard deadline > now else { throw RedisBound.isOver }
        var target = pinned.map { Target.named($0, asking: false) } ?? .owner
        var (failures, redirects) = (0, 0)
        // What a server has last refused, or why there was no connection: it says more than that time is over.
        var known: SessionStoreError?
        while true {
            var generation: Int?
            do {
                let (node, asking): (RedisNode, Bool)
                switch target {
                case .owner:
                    let found = try await self.node(for: command, before: deadline)
                    (node, asking, generation) = (found.node, false, found.generation)
                case .named(let named, let isAsking): (node, asking) = (named, isAsking)
                }
                let (lane, ready) = node.lane(confirming: confirming)
                let connection: RedisConnection
                if let ready {
                    connection = ready
                } else {
                    connection = try await Deadline.bound(deadline) { try await lane.connection() }
                }
                let answer = try await attempt(connection, deadline, asking)
                guard case .error(let error) = reply(answer) else { return answer }
                let refusal = RedisRefusal(error)
                target = pinned.map { .named($0, asking: false) } ?? .owner
                switch refusal {
                case .moved(let slot, let address):
                    guard let next = router.node(at: address.orHost(of: connection.address)) else { return answer }
                    router.moved(slot, to: address.orHost(of: connection.address))
                    redirects += 1
                    if redirects <= 5 { target = .named(next, asking: false) } else { failures += 1 }
                case .ask(let address):
                    guard let next = router.node(at: address.orHost(of: connection.address)) else { return answer }
                    redirects += 1
                    if redirects <= 5 { target = .named(next, asking: true) } else { failures += 1 }
                case .passing:
                    known = refusal.error(at: connection.address)
                    failures += 1
                case .notPrimary:
                    known = refusal.error(at: connection.address)
                    // Another server is the primary now, and this one would go on answering reads: the next connections
                    // find the other. What comes late on a connection that is given up already says nothing new.
                    if connection.isUsable { node.retire() }
                    failures += 1
                default: return answer
                }
                if case .named = target { continue }
                if pinned != nil, redirects > 0 { return answer }
                guard await pause(after: failures, before: deadline) else { return answer }
                if let generation { await doubt(generation, before: deadline) }
            } catch let failure as ConnectionFailure {
                target = pinned.map { .named($0, asking: false) } ?? .owner
                if case .lost(let error) = failure {
                    if let generation { Task { [router] in await router.doubt(generation) } }
                    throw error
                }
                failures += 1
                guard await pause(after: failures, before: deadline) else { throw failure.error }
                if let generation { await doubt(generation, before: deadline) }
            } catch let failure as LaneFailure {
                target = pinned.map { .named($0, asking: false) } ?? .owner
                if failure.isOutOfTime { throw known ?? failure.error }
                if failure.isFinal || !failure.error.mayPass { throw failure.error }
                known = failure.error
                failures += 1
                guard await pause(after: failures, until: failure.retryAt, before: deadline) else {
                    throw failure.error
                }
                if let generation { await doubt(generation, before: deadline) }
            }
        }
    }

    private func node(
        for command: RedisCommand,
        before deadline: ContinuousClock.Instant
    ) async throws -> (node: RedisNode, generation: Int) {
        let slot = router is ClusterRouter ? command.key.map(HashSlot.slot) : nil
        if let known = router.known(slot) { return known }
        return try await Deadline.bound(deadline) { [router] in try await router.node(for: slot) }
    }

    /// Finds out anew who has which slot, or goes on with what is known when time is over.
    private func doubt(_ generation: Int, before deadline: ContinuousClock.Instant) async {
        try? await Deadline.bound(deadline) { [router] in await router.doubt(generation) }
    }

    /// Waits a while before the next attempt.
    ///
    /// - Returns: `false`, at once, if the deadline comes first.
    private func pause(
        after failures: Int,
        until moment: ContinuousClock.Instant? = nil,
        before deadline: ContinuousClock.Instant
    ) async -> Bool {
        let now = ContinuousClock.now
        let end = max(now + backoff.pause(after: max(failures, 1)), moment ?? now)
        guard end < deadline else { return false }
        await Deadline.sleep(until: end)
        return true
    }

    private func admit(_ size: Int) throws {
        let isAdmitted = inFlight.withLock { state in
            guard state.calls < configuration.inFlightLimit,
                state.calls == 0 || state.bytes + size <= configuration.inFlightByteLimit
            else { return false }
            state.calls += 1
            state.bytes += size
            return true
        }
        guard isAdmitted else {
            throw SessionStoreError(
                .unavailable,
                "Redis does not keep up: as many calls are under way as inFlightLimit and inFlightByteLimit allow. Look at "
                    + "the server, or raise them if so many requests at once are to be expected."
            )
        }
    }

    private func release(_ size: Int) {
        inFlight.withLock { state in
            state.calls -= 1
            state.bytes -= size
        }
    }
}

extension RedisAddress {
    /// A server that names no host means its own.
    fileprivate func orHost(of other: RedisAddress) -> RedisAddress {
        guard case .host("", let port) = self, case .host(let host, _) = other else { return self }
        return .host(host, port: port)
    }
}

extension SessionStoreError {
    static var noAddress: SessionStoreError {
        SessionStoreError(
            .unavailable,
            "The cluster names no address for a slot. Look at `CLUSTER SLOTS` on its nodes."
        )
    }

    /// Whether another attempt can go better without anybody changing a setting.
    var mayPass: Bool { code == .unavailable || code == .timedOut || code == .locked }
}
#endif
