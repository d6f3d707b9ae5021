#if Redis
import Logging
import Sessions
import SessionsRedis
import SessionsTesting
import TestServers
import Testing

extension RedisStoreTests {
    /// Remix's keys, which are connect-redis's with another prefix.
    @Suite("Remix on Redis")
    struct RemixRedisTests {
        private static let client = Shared { try await Servers.standalone.server.client() }

        private static func sessions(_ store: ConnectRedisStore) throws -> SessionManager {
            try .remix(
                secrets: ["s3cr3t"],
                store: store,
                acknowledging: [.concurrentChangesAreLost, .endedSessionsComeBack, .keysAreCredentials],
                logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }
            )
        }

        private static let visits = SessionKey<Int>("visits", default: 0)
        private static let notice = SessionKey<String?>("notice")
        private static let cookie =
            "NmYxYzNhNTItOGEzYy00ZDFlLTlmNjYtMGMxYjJhM2Q0ZTVm.cvbyMGsxsBtzAmKiWT/aDrep+s/yFAke8jibbCbRk1Q"
        private static let key = "session:6f1c3a52-8a3c-4d1e-9f66-0c1b2a3d4e5f"

        @Test("Remix's keys: session: and the id")
        func keys() async throws {
            let server = try await Servers.standalone.server
            let client = try await Self.client.server
            let sessions = try Self.sessions(ConnectRedisStore(client: client, prefix: "session:"))
            func request<Result>(
                _ cookie: String?,
                _ handler: (Session) async throws -> Result
            ) async throws -> (result: Result, cookie: String?) {
                let exchange = sessions.open(cookieValue: cookie)
                let result = try await handler(exchange.session)
                return (result, try await exchange.commit().cookieValue)
            }
            _ = try await server.cli("DEL", Self.key)
            let unknown = try await request(Self.cookie) { $0.set(Self.visits, to: 1) }
            #expect(try await server.cli("EXISTS", Self.key) == "0", "I3: an unknown id is not adopted")
            let first = try #require(unknown.cookie)
            #expect(first != Self.cookie)

            _ = try await server.cli("SET", Self.key, #"[{"visits":1},{"notice":"hi"}]"#)
            #expect(try await request(Self.cookie) { $0.flash(Self.notice) }.result == "hi")
            #expect(try await request(Self.cookie) { $0.flash(Self.notice) }.result == nil)
            for count in 2...4 {
                let next = try await request(Self.cookie) { session in session.update(Self.visits) { $0 += 1 } }
                #expect(next.cookie == nil)
                #expect(try await request(Self.cookie) { $0[Self.visits] }.result == count)
            }
            #expect(try await server.cli("GET", Self.key).hasPrefix(#"[{"visits":4,"swiftSession":{"#))
            let life = Int(try await server.cli("PTTL", Self.key)) ?? 0
            #expect(life > 29 * 86_400_000 && life <= 30 * 86_400_000)

            let rotated = try await request(Self.cookie) { $0.rotate() }.cookie
            #expect(try await server.cli("EXISTS", Self.key) == "0")
            #expect(try await request(rotated) { $0[Self.visits] }.result == 4)
            #expect(try await request(rotated) { $0.destroy() }.cookie == "")
            #expect(try await request(rotated) { $0[Self.visits] }.result == 0)
            _ = try await request(first) { $0.destroy() }
        }

        @Test("Remix's keys: what is only read is not written, and a flash is there for exactly the next request")
        func flash() async throws {
            let server = try await Servers.standalone.server
            let prefix = RedisSessionStore.Configuration.fresh().keyPrefix
            let client = try await Self.client.server
            let sessions = try Self.sessions(ConnectRedisStore(client: client, prefix: prefix))
            let key = prefix + "6f1c3a52-8a3c-4d1e-9f66-0c1b2a3d4e5f"
            func request<Result>(
                _ handler: (Session) async throws -> Result
            ) async throws -> (result: Result, cookie: String?) {
                let exchange = sessions.open(cookieValue: Self.cookie)
                let result = try await handler(exchange.session)
                return (result, try await exchange.commit().cookieValue)
            }
            let json = #"[{"visits":1},{}]"#
            _ = try await server.cli("SET", key, json)
            let read = try await request { $0[Self.visits] }
            #expect(read.result == 1 && read.cookie == nil)
            #expect(try await server.cli("GET", key) == json)

            for isRead in [true, false] {
                let set = try await request { session in
                    session.flash(Self.notice, "done")
                    return session.flash(Self.notice)
                }
                #expect(set.result == nil)
                let next = try await request { isRead ? $0.flash(Self.notice) : nil }
                #expect(next.result == (isRead ? "done" : nil))
                #expect(try await request { $0.flash(Self.notice) }.result == nil)
            }
            _ = try await request { $0.destroy() }
            #expect(try await server.cli("EXISTS", key) == "0")
        }

        @Test("what Remix wrote is read with the time it has left, or without an end", arguments: [nil, "60"])
        func remixWrote(ttl: String?) async throws {
            let server = try await Servers.standalone.server
            let prefix = RedisSessionStore.Configuration.fresh().keyPrefix
            let store = try ConnectRedisStore(client: try await Self.client.server, prefix: prefix)
            let key = prefix + "6f1c3a52-8a3c-4d1e-9f66-0c1b2a3d4e5f"
            if let ttl {
                _ = try await server.cli("SETEX", key, ttl, #"[{"visits":1},{}]"#)
            } else {
                _ = try await server.cli("SET", key, #"[{"visits":1},{}]"#)
            }
            let exchange = try Self.sessions(store).open(cookieValue: Self.cookie)
            let session = try await exchange.session
            #expect(session[Self.visits] == 1)
            let left = session.idleDeadline.duration(since: SystemSessionClock().now())
            #expect(left > .zero && left <= (ttl == nil ? .seconds(30 * 86_400) : .seconds(60)))
            _ = try await exchange.commit()
            if ttl == nil { #expect(try await server.cli("PTTL", key) == "-1", "I8: reading writes nothing") }
        }
    }
}
#endif
