import Foundation

/// A primary, two replicas, and three sentinels that watch them.
package final class RedisSentinelGroup: Sendable {
    package let servers: [RedisServer]
    package let sentinels: [RedisServer]

    /// - Parameter arguments: What each server is started with besides.
    package init(_ arguments: [String] = []) async throws {
        let primary = try await RedisServer(arguments)
        var servers = [primary]
        for _ in 0..<2 {
            servers.append(
                try await RedisServer(
                    arguments + ["--replicaof", "127.0.0.1 \(primary.port)", "--repl-diskless-sync-delay", "0"]
                )
            )
        }
        for replica in servers.dropFirst() {
            try await replica.wait(for: "INFO", "replication") { $0.contains("master_link_status:up") }
        }
        let config = """
            sentinel monitor shop 127.0.0.1 \(primary.port) 2
            sentinel down-after-milliseconds shop 1000
            sentinel failover-timeout shop 5000
            sentinel parallel-syncs shop 2

            """
        var sentinels: [RedisServer] = []
        for _ in 0..<3 {
            sentinels.append(
                try await RedisServer(program: "redis-sentinel", arguments: [], port: nil, config: config)
            )
        }
        for sentinel in sentinels {
            try await sentinel.wait(for: "SENTINEL", "master", "shop") { text in
                let lines = text.split(separator: "\n").map(String.init)
                func value(_ name: String) -> String? {
                    lines.firstIndex(of: name).flatMap { $0 + 1 < lines.count ? lines[$0 + 1] : nil }
                }
                return value("num-slaves") == "2" && value("num-other-sentinels") == "2" && value("flags") == "master"
            }
        }
        (self.servers, self.sentinels) = (servers, sentinels)
    }

    /// The first primary.
    package var primary: RedisServer { servers[0] }

    /// The primary that the sentinels name.
    package func currentPrimary() async throws -> RedisServer {
        let end = ContinuousClock.now + .seconds(100)
        while ContinuousClock.now < end {
            if let server = try await named() { return server }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw TestServerError("the sentinels name no primary")
    }

    private func named() async throws -> RedisServer? {
        let answer = try await sentinels[0].cli("SENTINEL", "get-master-addr-by-name", "shop")
        let port = answer.split(separator: "\n").last.flatMap { Int($0) }
        return servers.first { $0.port == port }
    }

    /// Waits until every server but the primary gets what that has: only such a replica takes over.
    package func waitForReplicas() async throws {
        for _ in 0..<1_200 {
            let primary = try await currentPrimary()
            var ready = 0
            for server in servers where server.port != primary.port {
                let state = try await server.cli("INFO", "replication")
                if state.contains("master_link_status:up"), state.contains("master_port:\(primary.port)") { ready += 1 }
            }
            if ready == servers.count - 1 { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw TestServerError("not every replica gets what the primary has")
    }

    /// Waits until the sentinels name another server than `old`; that one.
    ///
    /// For longer than half a minute: for so long a sentinel does nothing that was itself held up for two seconds.
    package func newPrimary(after old: RedisServer) async throws -> RedisServer {
        let end = ContinuousClock.now + .seconds(100)
        while ContinuousClock.now < end {
            if let server = try await named(), server.port != old.port { return server }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw TestServerError("the sentinels name no other primary")
    }
}

/// Three primaries with a replica each.
package final class RedisClusterGroup: Sendable {
    /// Arguments for a group where nobody is to take over from a node that a busy machine holds up.
    package static let patience = ["--cluster-node-timeout", "15000"]

    package let nodes: [RedisServer]

    /// - Parameters:
    ///   - arguments: What each node is started with besides.
    ///   - tls: Its certificate, where it is to speak TLS alone, to the other nodes as well.
    package init(_ arguments: [String] = [], tls: RedisCertificates? = nil) async throws {
        var nodes: [RedisServer] = []
        for _ in 0..<6 { nodes.append(try await Self.node(arguments, tls)) }
        let addresses = nodes.map { "127.0.0.1:\($0.port)" }
        let trust = tls.map { ["--tls", "--cacert", $0.authority] } ?? []
        let answer = try await RedisServer.cli(
            trust + ["--cluster", "create"] + addresses + ["--cluster-replicas", "1", "--cluster-yes"],
            at: .port(nodes[0].port),
            in: nodes[0].directory
        )
        guard answer.contains("All 16384 slots covered") else { throw TestServerError("no cluster: \(answer)") }
        for node in nodes { try await node.wait(for: "CLUSTER", "INFO") { $0.contains("cluster_state:ok") } }
        self.nodes = nodes
        try await waitForReplicas()
    }

    /// A node's other port, of the cluster's bus, is its own plus 10000.
    private static func node(_ arguments: [String], _ tls: RedisCertificates?) async throws -> RedisServer {
        let encryption = tls == nil ? [] : ["--tls-cluster", "yes", "--tls-replication", "yes"]
        while true {
            let port = try ServerEnvironment.freePort()
            guard !ServerEnvironment.accepts(port + 10_000) else { continue }
            return try await RedisServer(
                program: "redis-server",
                arguments: [
                    "--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--repl-diskless-sync-delay", "0",
                    "--cluster-config-file", "nodes-\(port).conf",
                ] + encryption + arguments,
                port: port,
                config: nil,
                tls: tls
            )
        }
    }

    /// Without it there is no failover: a replica that has not got everything does not stand for election.
    package func waitForReplicas() async throws {
        for _ in 0..<1_200 {
            var ready = 0
            for node in nodes where node.isRunning {
                if try await node.cli("INFO", "replication").contains("master_link_status:up") { ready += 1 }
            }
            if ready == 3 { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw TestServerError("not every primary of the cluster gets its replica")
    }

    /// Waits until another server than `old` has a slot.
    package func newOwner(of slot: Int, after old: RedisServer) async throws {
        let end = ContinuousClock.now + .seconds(100)
        while ContinuousClock.now < end {
            // The old one may be paused and answer nobody.
            if (try? await owner(of: slot, besides: old)) != nil { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw TestServerError("no other server takes slot \(slot)")
    }

    /// The primary that has a slot.
    ///
    /// - Parameter other: One that is not asked.
    package func owner(of slot: Int, besides other: RedisServer? = nil) async throws -> RedisServer {
        for node in nodes where node.isRunning && node !== other {
            guard try await node.cli("ROLE").hasPrefix("master") else { continue }
            for line in try await node.cli("CLUSTER", "NODES").split(separator: "\n") where line.contains("myself") {
                for range in line.split(separator: " ").dropFirst(8) {
                    let ends = range.split(separator: "-").compactMap { Int($0) }
                    if let first = ends.first, let last = ends.last, (first...last).contains(slot) { return node }
                }
            }
        }
        throw TestServerError("nobody has slot \(slot)")
    }
}
