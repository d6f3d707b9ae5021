#if Redis
import NIOCore
import Sessions
import SessionsRedisCodec
import Synchronization

/// Asks the sentinels which server is the primary, and connects to it; the server has to say itself that it is one.
///
/// All sentinels are asked, and the newest configuration that a majority knows of counts: one that was cut off from the
/// others still names the server that they have replaced.
final class SentinelResolver: Sendable {
    /// What a sentinel says.
    struct Answer: Sendable, Equatable {
        let address: RedisAddress
        /// The configuration's number: each failover has a higher one. 0 where a sentinel does not tell.
        let epoch: Int64
    }

    private let sentinels: [RedisAddress]
    private let name: String
    /// Connects to sentinels.
    private let connector: RedisConnector
    /// Connects to what they name.
    private let servers: RedisConnector
    private let group: any EventLoopGroup
    /// The newest that has been used.
    private let known = Mutex<Answer?>(nil)
    private let moved = Mutex<(@Sendable (RedisAddress) -> Void)?>(nil)
    private let grace: Duration

    /// - Parameter grace: How long sentinels may take that have not answered when the first has.
    init(
        sentinels: [RedisAddress],
        name: String,
        connector: RedisConnector,
        servers: RedisConnector,
        group: any EventLoopGroup,
        grace: Duration
    ) {
        self.sentinels = sentinels
        self.name = name
        self.connector = connector
        self.servers = servers
        self.group = group
        self.grace = min(grace, connector.deadline)
    }

    /// From now on, when another server is the primary, what leads to the old one is given up.
    func follow(_ node: RedisNode) {
        moved.withLock { $0 = { [weak node] in node?.retire(allBut: $0) } }
    }

    /// A connection to the primary.
    func connect() async throws -> RedisConnection {
        let address = try await primary()
        let connection = try await servers.connect(to: address, group: group)
        // Another connection may have been led elsewhere meanwhile.
        guard known.withLock({ $0?.address == address }) else {
            connection.close()
            throw RedisRefusal.notPrimary.error(at: address)
        }
        return connection
    }

    private func primary() async throws -> RedisAddress {
        let before = known.withLock { $0 }
        let majority = sentinels.count / 2 + 1
        let answers = try await Survey.of(
            sentinels.count,
            enough: majority,
            grace: grace
        ) { await self.ask(self.sentinels[$0]) }.get()
        guard let newest = Self.newest(of: answers) else { throw Self.behind }
        let (isRefused, hasMoved) = known.withLock { known -> (Bool, Bool) in
            // Fewer than a majority do not lead back to a server that was replaced; a majority does, as its numbers begin
            // anew when all sentinels are set up again.
            if let known, newest.epoch < known.epoch, answers.count < majority || known != before {
                return (true, false)
            }
            defer { known = newest }
            return (false, known.map { $0.address != newest.address } ?? false)
        }
        if isRefused { throw Self.behind }
        if hasMoved { moved.withLock { $0 }?(newest.address) }
        return newest.address
    }

    /// The address of the highest number; where several are of that number, the one that most name.
    static func newest(of answers: [Answer]) -> Answer? {
        guard let epoch = answers.map(\.epoch).max() else { return nil }
        let newest = answers.filter { $0.epoch == epoch }
        func votes(_ answer: Answer) -> Int { newest.count { $0 == answer } }
        var best = newest.first
        for answer in newest where votes(answer) > (best.map(votes) ?? 0) { best = answer }
        return best
    }

    private func ask(_ sentinel: RedisAddress) async -> Result<Answer, SessionStoreError> {
        do {
            let connection = try await connector.connect(to: sentinel, group: group)
            defer { connection.close() }
            let end = ContinuousClock.now + connector.deadline
            // First the number and then the address, which is as new or newer. `SENTINEL MASTER` knows an address too, and
            // during a failover it is the old one.
            let state = try await connection.send(words("MASTER"), before: end)
            let answer = try await connection.send(words("get-master-addr-by-name"), before: end)
            if case .error(let error) = answer { throw RedisRefusal(error).error(at: sentinel) }
            guard case .array(let parts) = answer, parts.count == 2, case .bytes(let host) = parts[0],
                case .bytes(let digits) = parts[1], let port = Int(String(decoding: digits, as: UTF8.self))
            else {
                return .failure(
                    SessionStoreError(
                        .unusable,
                        "The sentinel at \(sentinel) knows no primary of that name. Correct the name."
                    )
                )
            }
            let address = RedisAddress.host(String(decoding: host, as: UTF8.self), port: port)
            return .success(Answer(address: address, epoch: Self.epoch(in: state)))
        } catch {
            let cause =
                (error as? ConnectionFailure)?.error ?? error as? SessionStoreError
                ?? SessionStoreError(.unavailable, "It does not answer.")
            let settings =
                cause.code == .notPermitted ? " For sentinels, see sentinelCredentials and sentinelsUseTLS too." : ""
            return .failure(
                SessionStoreError(
                    cause.code,
                    "The sentinel at \(sentinel) cannot be asked. \(cause.message)\(settings)",
                    underlying: cause
                )
            )
        }
    }

    private func words(_ subcommand: String) -> [[UInt8]] {
        ["SENTINEL", subcommand, name].map { Array($0.utf8) }
    }

    /// Names and values in turn; a sentinel that refuses to tell has the lowest number.
    private static func epoch(in state: RedisValue) -> Int64 {
        guard case .array(let parts) = state, let index = parts.firstIndex(of: .text("config-epoch")),
            parts.indices.contains(index + 1)
        else { return 0 }
        switch parts[index + 1] {
        case .bytes(let digits): return Int64(String(decoding: digits, as: UTF8.self)) ?? 0
        case .integer(let number): return number
        default: return 0
        }
    }

    private static var behind: SessionStoreError {
        SessionStoreError(
            .unavailable,
            "The sentinels that answer name a primary that has been replaced since. See that a majority of those in the "
                + "address can be reached."
        )
    }
}
#endif
