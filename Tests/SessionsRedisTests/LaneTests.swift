#if Redis
import Sessions
import SessionsRedisCodec
import Synchronization
import TestServers
import Testing

@testable import SessionsRedis

@Suite("Connections that are made and given up")
struct LaneTests {
    /// Makes connections that lead nowhere, each when it may.
    final class Maker: Sendable {
        let made = Mutex<[RedisConnection]>([])
        let begun: AsyncStream<Void>
        private let begin: AsyncStream<Void>.Continuation
        let gate: AsyncStream<Void>
        let open: AsyncStream<Void>.Continuation

        init() {
            (begun, begin) = AsyncStream.makeStream()
            (gate, open) = AsyncStream.makeStream()
        }

        func make() async -> RedisConnection {
            begin.yield()
            for await _ in gate { break }
            let connection = RedisConnection(to: .host("h", port: 1))
            made.withLock { $0.append(connection) }
            return connection
        }

        func lane() -> RedisLane {
            RedisLane(
                backoff: Backoff(minimum: .seconds(30), maximum: .seconds(60)),
                patience: .seconds(1)
            ) { await self.make() }
        }
    }

    @Test("a connection that was being made when its server was left is closed, and so is every later one not made")
    func abandoned() async throws {
        for leave: @Sendable (RedisLane) -> Void in [{ $0.abandon() }, { $0.retire() }] {
            let maker = Maker()
            let lane = maker.lane()
            let connection = Task { try await lane.connection() }
            for await _ in maker.begun { break }
            leave(lane)
            maker.open.yield()
            await #expect(throws: LaneFailure.self) { _ = try await connection.value }
            #expect(maker.made.withLock { $0.map(\.isUsable) } == [false])
        }
        let maker = Maker()
        let lane = maker.lane()
        lane.abandon()
        await #expect(throws: LaneFailure.self) { _ = try await lane.connection() }
        #expect(maker.made.withLock { $0.isEmpty })
    }

    @Test("after a connection that ended without having served comes a pause; after one that served comes none")
    func pause() async throws {
        for _ in 0..<5 {
            let maker = Maker()
            let lane = maker.lane()
            for _ in 0..<2 { maker.open.yield() }
            let began = ContinuousClock.now
            let first = try await lane.connection()
            first.fail(first.broken(nil))
            let next = await Task { try await lane.connection() }.result
            // One that has lasted for a second did not end at once; a busy machine may have held this up for as long.
            guard ContinuousClock.now - began < .seconds(1) else { continue }
            let failure = #expect(throws: LaneFailure.self) { _ = try next.get() }
            #expect(failure?.retryAt.map { $0 > began + .seconds(10) } == true && failure?.isFinal == false)
            #expect(maker.made.withLock { $0.count } == 1)
            return
        }
        Issue.record("each time it took longer than a second")
    }

    @Test("ST-10: while a server has been away for longer than a call may take, whoever comes in a pause fails at once")
    func away() async throws {
        let lane = RedisLane(
            backoff: Backoff(minimum: .seconds(30), maximum: .seconds(60)),
            patience: .zero
        ) { throw SessionStoreError(.unavailable, "away") }
        let first = await #expect(throws: LaneFailure.self) { _ = try await lane.connection() }
        #expect(first?.isFinal == false)
        let second = await #expect(throws: LaneFailure.self) { _ = try await lane.connection() }
        #expect(second?.isFinal == true)
    }

    @Test("a server that one connection has reached is back for every other one, whatever pause that is in")
    func back() async throws {
        let isThere = Switch()
        let sign = SignOfLife()
        let lanes = (0..<2).map { _ in
            RedisLane(backoff: Backoff(minimum: .seconds(30), maximum: .seconds(60)), patience: .seconds(1)) {
                guard isThere.isOn else { throw SessionStoreError(.unavailable, "away") }
                return RedisConnection(to: .host("h", port: 1))
            }
        }
        for lane in lanes { lane.share(sign) }
        await #expect(throws: LaneFailure.self) { _ = try await lanes[0].connection() }
        isThere.turnOn()
        _ = try await lanes[1].connection()
        _ = try await lanes[0].connection()
    }

    @Test("what a server says before it is asked is its refusal, by name; anything else is no Redis")
    func unasked() throws {
        func error(_ reply: RedisValue) -> SessionStoreError {
            let connection = RedisConnection(to: .host("h", port: 1))
            connection.received([reply])
            #expect(!connection.isUsable)
            return connection.end
        }
        #expect(error(.error(RedisServerError("ERR max number of clients reached"))).message.contains("maxclients"))
        #expect(error(.error(RedisServerError("DENIED Redis is running in protected mode"))).code == .notPermitted)
        #expect(error(.integer(1)).code == .unusable)
    }

    @Test("ST-10: a connection that leaves the machine is encrypted, or the network was said to be trusted")
    func transport() async throws {
        let far = RedisAddress.host("db.internal", port: 1)
        let cases: [(RedisClient.Topology, tls: Bool, sentinelsUseTLS: Bool, isTaken: Bool)] = [
            (.standalone(far), false, true, false), (.standalone(far), true, true, true),
            (.sentinel([far], primary: "shop"), true, false, false), (.cluster([far]), false, true, false),
            (.cluster([.host("127.0.0.1", port: 1), far]), false, true, false),
            (.standalone(.host("127.0.0.1.evil.example", port: 1)), false, true, false),
            (.standalone(.host("127.8.0.1", port: 1)), false, true, true),
            (.standalone(.host("LocalHost", port: 1)), false, true, true),
            (.standalone(.host("::1", port: 1)), false, true, true),
            (.standalone(.host("::2", port: 1)), false, true, false),
            (.standalone(.socket(path: "/run/redis.sock")), false, true, true),
        ]
        for (topology, tls, sentinelsUseTLS, isTaken) in cases {
            var configuration = RedisClient.Configuration(topology)
            configuration.tls = tls ? RedisTLS() : nil
            configuration.sentinelsUseTLS = sentinelsUseTLS
            if isTaken {
                try configuration.requireProof()
            } else {
                let error = #expect(throws: SessionConfigurationError.self) { try configuration.requireProof() }
                #expect(error?.message.contains("trustedNetwork") == true, "\(topology)")
            }
            configuration.serverVerification = .trustedNetwork
            try configuration.requireProof()
        }
        #expect(throws: SessionConfigurationError(.store, "")) { try RedisSessionStore(url: "redis://:pw@db.internal") }
        // What sentinels and clusters name is looked at when it is connected to.
        let connector = RedisConnector(tls: nil, context: nil, credentials: nil, database: 0, deadline: .seconds(1))
        #expect(throws: SessionStoreError(.notPermitted, "")) { try connector.permit(far) }
        try connector.permit(.host("127.0.0.1", port: 1))
    }

    @Test("a host that a cluster does not know yet is nobody's address")
    func unknownHost() {
        #expect(RedisRefusal(RedisServerError("MOVED 3999 ?:6381")) == .passing(.tryAgain))
        #expect(RedisRefusal(RedisServerError("ASK 3999 ?:6381")) == .passing(.tryAgain))
        func node(_ host: String, _ port: Int64) -> RedisValue { .array([.text(host), .integer(port), .text("id")]) }
        let answer = RedisValue.array([
            .array([.integer(0), .integer(10), node("?", 1)]),
            .array([.integer(11), .integer(20), node("a", 1), node("?", 2)]),
        ])
        #expect(
            ClusterRange.all(in: answer, askedOf: .host("here", port: 1))
                == [ClusterRange(slots: 11...20, primary: .host("a", port: 1), replicas: [])]
        )
    }

    @Test("what confirms a write ends the doubts that were there when it was sent, and no later one")
    func doubts() {
        var keys = DoubtfulKeys()
        keys.insert([1])
        let first = keys.mark(of: [1])
        keys.insert([1])
        keys.remove([1], first ?? 0)
        #expect(keys.mark(of: [1]) != nil && keys.mark(of: [1]) != first)
        keys.remove([1], keys.mark(of: [1]) ?? 0)
        #expect(keys.mark(of: [1]) == nil)
        for number in 0..<50_000 { keys.insert(Array("\(number)".utf8)) }
        #expect(keys.mark(of: Array("0".utf8)) == nil && keys.mark(of: Array("49999".utf8)) != nil)
    }
}

private final class Switch: Sendable {
    private let state = Mutex(false)
    var isOn: Bool { state.withLock { $0 } }
    func turnOn() { state.withLock { $0 = true } }
}
#endif
