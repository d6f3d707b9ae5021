import Foundation
import Logging
import Sessions
import SessionsRedis
import SessionsTesting
import TestServers
import Testing

extension SessionKey<String> {
    static var user: Self { Self("user", default: "") }
}

extension SessionKey<String?> {
    static var notice: Self { Self("notice") }
}

extension NodeAndSwiftTests {
    /// One client of two services, Remix's in Node and ours, which keep its session in one place.
    @Suite("Remix in Node and Swift on the same sessions", .serialized)
    struct Remix {
        private struct Pair {
            let service: RemixNodeService
            let sessions: SessionManager
            var cookie: String?

            mutating func node(_ verbs: [NodeService.JSON]...) async throws -> RemixNodeService.Answer {
                let answer = try await service.serve(cookie, verbs)
                cookie = answer.cookie ?? cookie
                return answer
            }

            mutating func swift<Result>(_ handler: (Session) async throws -> Result) async throws -> Result {
                let exchange = sessions.open(cookieValue: cookie)
                let result = try await handler(exchange.session)
                cookie = try await exchange.commit().cookieValue ?? cookie
                return result
            }

            /// What one has written the other reads: values, flash, ids and ends.
            mutating func run(keepsSessions: Bool) async throws {
                let began = try await node(["increment", "visits"], ["set", "user", "bob \"ü\" €"])
                #expect(try await swift { $0[.visits] } == 1)
                try await swift { session in
                    session.update(.visits) { $0 += 1 }
                    session.flash(.notice, "from Swift")
                }
                let second = try await node(["increment", "visits"], ["flash", "notice", "from Node"])
                #expect(second.id == began.id && second.session?.visits == 3 && second.session?.user == "bob \"ü\" €")
                #expect(second.flash == ["notice": "from Swift"])
                #expect(try await swift { $0.flash(.notice) } == "from Node")
                #expect(try await swift { $0.flash(.notice) } == nil)
                #expect(try await node().flash.isEmpty)

                // A login of ours has a new id, and Node's new id takes the data along and leaves the owner behind.
                let before = cookie
                try await swift { $0.logIn("ada", keeping: .all) }
                let third = try await node(["increment", "visits"])
                #expect(third.id != began.id && third.session?.visits == 4)
                if keepsSessions { #expect(try await service.serve(before).session?.visits == nil) }
                #expect(try await swift { $0.owner } == "ada")
                #expect(try await node(["regenerate", "delete"]).id != third.id)
                #expect(try await swift { "\($0.owner ?? "nobody") \($0[.visits])" } == "nobody 4")

                // Ends.
                let last = cookie
                try await swift { $0.destroy() }
                #expect(cookie == "")
                #expect(try await node().session?.visits == nil)
                if keepsSessions { #expect(try await service.serve(last).session?.visits == nil) }
                cookie = nil
                _ = try await node(["increment", "visits"])
                #expect(try await swift { $0[.visits] } == 1)
                let ended = cookie
                #expect(try await node(["destroy"]).cookie == "")
                cookie = keepsSessions ? ended : cookie
                #expect(try await swift { $0[.visits] } == 0)
            }
        }

        private static let quiet = Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }

        private func directory() throws -> String {
            let url = FileManager.default.temporaryDirectory.appendingPathComponent("remix-\(UUID().uuidString)")
            return url.path
        }

        private func files(_ directory: String) throws -> Pair {
            var configuration = SessionConfiguration.remix()
            // A commit that waits for others on a busy machine is not too late.
            configuration.contentionDeadline = .seconds(240)
            var patience = FileSessionStore.Configuration()
            (patience.lockTimeout, patience.deadline) = (.seconds(60), .seconds(240))
            return Pair(
                service: RemixNodeService(settings: .init(storage: "files", directory: directory)),
                sessions: try .remix(
                    secrets: ["s3cr3t"],
                    store: RemixFileStore(directory: directory, configuration: patience),
                    acknowledging: [.concurrentChangesAreLost, .endedSessionsComeBack],
                    configuration: configuration,
                    logger: Self.quiet
                )
            )
        }

        @Test("files: what one writes the other reads")
        func files() async throws {
            let directory = try directory()
            defer { try? FileManager.default.removeItem(atPath: directory) }
            var pair = try files(directory)
            try await pair.run(keepsSessions: true)
        }

        @Test("files: concurrent writes from Swift lose nothing, and nothing of Node's before them (I1)")
        func concurrent() async throws {
            let directory = try directory()
            defer { try? FileManager.default.removeItem(atPath: directory) }
            var pair = try files(directory)
            _ = try await pair.node(["increment", "visits"])
            let (sessions, cookie) = (pair.sessions, pair.cookie)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        let exchange = sessions.open(cookieValue: cookie)
                        try await exchange.session.update(.visits) { $0 += 1 }
                        _ = try await exchange.commit()
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await pair.node().session?.visits == 21)
        }

        @Test("I1: what Node writes between a load and a commit is not written over")
        func interleaved() async throws {
            let directory = try directory()
            defer { try? FileManager.default.removeItem(atPath: directory) }
            var pair = try files(directory)
            _ = try await pair.node(["increment", "visits"])
            let exchange = pair.sessions.open(cookieValue: pair.cookie)
            try await exchange.session.update(.visits) { $0 += 1 }
            _ = try await pair.node(["increment", "visits"], ["set", "user", "bob"])
            _ = try await exchange.commit()
            #expect(exchange.report.conflicts == 1)
            let session = try await pair.node().session
            #expect(session?.visits == 3 && session?.user == "bob")
        }

        @Test("cookie storage: what one writes the other reads")
        func cookies() async throws {
            var pair = Pair(
                service: RemixNodeService(settings: .init(storage: "cookie")),
                sessions: try .remixCookies(
                    secrets: ["s3cr3t"],
                    acknowledging: [
                        .concurrentChangesAreLost, .earlierStatesComeBack, .nothingIsConsumedOnce,
                        .logoutReachesOneClient, .valuesAreReadable, .deadlinesAreUnknown,
                    ],
                    logger: Self.quiet
                )
            )
            try await pair.run(keepsSessions: false)
        }

        #if Redis
        @Test("Redis: what one writes the other reads, with a time to live and without", arguments: [nil, 60.9])
        func redis(ttl: Double?) async throws {
            let server = try await RedisServer()
            let url = "redis://127.0.0.1:\(server.port)"
            let client = try RedisClient.patient(url)
            let store = try ConnectRedisStore(client: client, prefix: "session:")
            var pair = Pair(
                service: RemixNodeService(settings: .init(storage: "redis", url: url, ttl: ttl)),
                sessions: try .remix(
                    secrets: ["s3cr3t"],
                    store: store,
                    acknowledging: [.concurrentChangesAreLost, .endedSessionsComeBack, .keysAreCredentials],
                    logger: Self.quiet
                )
            )
            try await pair.run(keepsSessions: true)
            client.close()
            #expect(server.isRunning)
        }
        #endif
    }
}
