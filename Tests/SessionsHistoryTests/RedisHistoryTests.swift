#if Redis
import Sessions
import SessionsRedis
import SessionsTesting
import TestServers
import Testing

extension HistoryTests {
    @Test("Redis: nodes, the server, its memory and the network fail, each in turn")
    func redis() async throws {
        guard HistoryRun.isWanted("redis") else { return }
        let disk = try await SmallDisk(megabytes: 256)
        let server = try await RedisServer(
            ["--appendonly", "yes", "--appendfsync", "always", "--rdbcompression", "no"]
                + (disk.isMounted ? ["--dir", disk.directory.path] : [])
        )
        // Two nodes go the one way, two the other.
        let ways = [try FaultProxy(to: server.port), try FaultProxy(to: server.port)]
        defer { for way in ways { way.stop() } }
        let urls = ways.map { "redis://127.0.0.1:\($0.port)" }
        let (nodes, here) = try await Self.nodes(urls)
        var faults = here + HistoryFault.network(ways, writes: ["EVALSHA", "SET"])
        faults += [
            HistoryFault("the server paused") {
                for milliseconds in [300, 2200] {
                    server.pause()
                    try await Task.sleep(for: .milliseconds(milliseconds))
                    server.resume()
                }
            },
            HistoryFault("the server killed") {
                await server.crash()
                try await server.restart()
            },
            HistoryFault("the server's memory full") {
                for limit in ["1", "0"] {
                    try await server.cli("CONFIG", "SET", "maxmemory", limit)
                    try await Task.sleep(for: .milliseconds(300))
                }
            },
        ]
        if disk.isMounted {
            faults.append(
                .full(disk) {
                    // A server that may not lose an answered write ends when it cannot log it.
                    if !server.isRunning { try await server.restart() }
                }
            )
        }
        let run = HistoryRun("redis", nodes, faults)
        try await run.check()
        try await server.cli("SAVE")
        let dump = try disk.isMounted ? disk.directory.contents() : server.directory.contents()
        run.expectNoCredential(in: dump)
    }

    @Test("Redis Sentinel, replicas(2): the primary killed, and paused for so long that another takes over")
    func redisSentinel() async throws {
        guard HistoryRun.isWanted("redis-sentinel") else { return }
        let group = try await RedisSentinelGroup(["--rdbcompression", "no"])
        let sentinels = group.sentinels.map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
        let (nodes, here) = try await Self.nodes(["redis+sentinel://\(sentinels)/shop/0"], replicas: 2)
        var faults = [
            HistoryFault("failover: the primary killed") {
                try await group.waitForReplicas()
                let old = try await group.currentPrimary()
                await old.crash()
                let new = try await group.newPrimary(after: old)
                try await old.restart(["--replicaof", "127.0.0.1 \(new.port)"])
                try await group.waitForReplicas()
            }
        ]
        // It takes the sentinels ten seconds to tell the old one.
        let paused =
            HistoryFault("failover: the primary paused") {
                try await group.waitForReplicas()
                let old = try await group.currentPrimary()
                old.pause()
                _ = try await group.newPrimary(after: old)
                old.resume()
                try await group.waitForReplicas()
            }
        if HistoryRun.soak != nil { faults.append(paused) }
        let run = HistoryRun("redis-sentinel", nodes, faults + here, isConfirmed: true)
        try await run.check()
        run.expectNoCredential(in: try await Self.dump(group.servers))
    }

    @Test("Redis Cluster, replicas(1): a primary killed, and paused for so long that its replica takes over")
    func redisCluster() async throws {
        guard HistoryRun.isWanted("redis-cluster") else { return }
        let group = try await RedisClusterGroup(["--rdbcompression", "no"])
        let seeds = group.nodes.prefix(3).map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
        let (nodes, here) = try await Self.nodes(["redis+cluster://\(seeds)"], replicas: 1)
        let faults = [
            HistoryFault("failover: a primary killed") {
                try await group.waitForReplicas()
                let old = try await group.owner(of: 0)
                await old.crash()
                try await group.newOwner(of: 0, after: old)
                try await old.restart()
                try await group.waitForReplicas()
            },
            HistoryFault("failover: a primary paused") {
                try await group.waitForReplicas()
                let old = try await group.owner(of: 0)
                old.pause()
                try await group.newOwner(of: 0, after: old)
                old.resume()
                try await group.waitForReplicas()
            },
        ]
        let run = HistoryRun("redis-cluster", nodes, faults + here, isConfirmed: true)
        try await run.check()
        run.expectNoCredential(in: try await Self.dump(group.nodes))
    }

    /// What all of them keep.
    private static func dump(_ servers: [RedisServer]) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for server in servers {
            try await server.cli("SAVE")
            bytes += try server.directory.contents()
        }
        return bytes
    }

    /// Two nodes here and two processes, and what can happen to them; the first of each kind goes by the first URL, the
    /// other one by the last.
    private static func nodes(
        _ urls: [String],
        replicas: Int? = nil
    ) async throws -> (nodes: [any HistoryNode], faults: [HistoryFault]) {
        let (keys, clock, directory) = (try HistoryKeys(), SteppedClock(), try ServerDirectory("history"))
        func store(_ url: String) throws -> RedisSessionStore {
            var client = try RedisClient.Configuration(url: url)
            (client.connectDeadline, client.callDeadline) = (.seconds(1), .seconds(2))
            var configuration = RedisSessionStore.Configuration()
            if let replicas { configuration.confirmation = .replicas(replicas, within: .milliseconds(500)) }
            return try RedisSessionStore(client: RedisClient(client), configuration: configuration)
        }
        let suffix = replicas.map { "#\($0)" } ?? ""
        let first = try await keys.process("redis:\(urls[0])\(suffix)", directory)
        let second = try await keys.process("redis:\(urls[urls.count - 1])\(suffix)", directory)
        return (
            [
                try keys.node(store(urls[0]), clock: clock), try keys.node(store(urls[urls.count - 1])), first, second,
            ],
            [.killed(first), .steps(of: clock)]
        )
    }
}
#endif
