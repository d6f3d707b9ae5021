#if Mongo
import Foundation
import Sessions
import SessionsMongo
import SessionsTesting
import TestServers
import Testing

extension HistoryTests {
    @Test("MongoDB: nodes, the server, its disk and the network fail, each in turn")
    func mongo() async throws {
        guard HistoryRun.isWanted("mongo") else { return }
        // Its journal alone takes 200 megabytes.
        let disk = try await SmallDisk(megabytes: 600)
        let server = try await MongoServer(disk: disk.isMounted ? disk : nil)
        // Two nodes go the one way, two the other.
        let ways = [try FaultProxy(to: server.port), try FaultProxy(to: server.port)]
        defer { for way in ways { way.stop() } }
        let urls = ways.map { server.url(at: $0.port) }
        let (keys, clock, directory) = (try HistoryKeys(), SteppedClock(), try ServerDirectory("history"))
        let here = [
            try keys.node(await Self.mongo(urls[0]), clock: clock), try keys.node(await Self.mongo(urls[1])),
        ]
        let processes = [
            try await keys.process("mongo:\(urls[0])", directory),
            try await keys.process("mongo:\(urls[1])", directory),
        ]
        var faults = [HistoryFault.killed(processes[0]), .steps(of: clock)]
        faults += HistoryFault.network(ways, writes: ["findAndModify", "insert", "delete"])
        faults += [
            HistoryFault("the server paused") {
                for milliseconds in [300, 2500] {
                    try server.pause()
                    try await Task.sleep(for: .milliseconds(milliseconds))
                    try server.resume()
                }
            },
            HistoryFault("the server killed") {
                try await server.crash()
                try await server.start()
            },
        ]
        if disk.isMounted {
            faults.append(
                .full(disk) {
                    // It ends rather than go on without what it could not write.
                    if !server.isRunning { try await server.start() }
                }
            )
        } else {
            print("mongo, a full disk: not tried, as no file system can be mounted here")
        }
        // One server shows a write before it is in its journal, and a crash may undo what nobody was answered.
        let run = HistoryRun("mongo", here + processes, faults, isConfirmed: true)
        try await run.check()
        run.expectNoCredential(in: try await server.dump())
        try await server.stop()
    }

    @Test("A replica set of MongoDB: its primary is killed, paused, and steps down, again and again")
    func mongoReplicaSet() async throws {
        guard HistoryRun.isWanted("mongo-replica-set") else { return }
        let set = try await MongoReplicaSet()
        let (keys, clock, directory) = (try HistoryKeys(), SteppedClock(), try ServerDirectory("history"))
        let here = [
            try keys.node(await Self.mongo(set.url), clock: clock), try keys.node(await Self.mongo(set.url)),
        ]
        let processes = [
            try await keys.process("mongo:\(set.url)", directory),
            try await keys.process("mongo:\(set.url)", directory),
        ]
        let killed = HistoryFault("failover: the primary killed") {
            try await set.waitForMembers()
            let old = try await set.primary()
            try await old.crash()
            _ = try await set.primary()
            try await old.start()
        }
        let faults = [
            HistoryFault.killed(processes[0]), .steps(of: clock), killed,
            HistoryFault("failover: the primary paused for so long that another takes over, then resumed") {
                try await set.waitForMembers()
                let old = try await set.primary()
                try old.pause()
                do {
                    _ = try await set.primary(otherThan: old)
                } catch {
                    try old.resume()
                    throw error
                }
                try old.resume()
            },
            HistoryFault("another primary is asked for") {
                try await set.waitForMembers()
                let old = try await set.primary()
                for member in set.members where member.port != old.port {
                    if (try? await member.command(#"{"replSetStepUp":1}"#)) != nil { return }
                }
            },
        ]
        let run = HistoryRun("mongo-replica-set", here + processes, faults)
        try await run.check()
        run.expectNoCredential(in: try await set.dump())
        await set.stop()
    }

    private static func mongo(_ url: String) async throws -> MongoSessionStore {
        var configuration = MongoSessionStore.Configuration()
        (configuration.connectDeadline, configuration.deadline) = (.seconds(2), .seconds(3))
        configuration.connectionLimit = 8
        return try await opened { try await MongoSessionStore(url, configuration: configuration) }
    }
}
#endif
