#if Redis
import NIOCore
import Sessions
import SessionsRedisCodec

/// Asks the sentinels which server is the primary, and sees for itself that it is.
struct SentinelResolver: Sendable {
    let sentinels: [RedisAddress]
    let name: String
    /// Connects to sentinels.
    let connector: RedisConnector
    /// Connects to what they name.
    let servers: RedisConnector
    let group: any EventLoopGroup

    /// A connection to the primary.
    func connect() async throws -> RedisConnection {
        let address = try await primary()
        let connection = try await servers.connect(to: address, group: group)
        do {
            // A server that was the primary a moment ago may not be it any more.
            let end = ContinuousClock.now + servers.deadline
            if case .array(let role) = try await connection.send([Array("ROLE".utf8)], before: end),
                let kind = role.first, kind != .text("master")
            {
                throw RedisRefusal.notPrimary.error(at: address)
            }
            return connection
        } catch let failure as ConnectionFailure {
            connection.close()
            throw failure.error
        } catch {
            connection.close()
            throw error
        }
    }

    /// The first answer that comes.
    private func primary() async throws -> RedisAddress {
        try await withThrowingTaskGroup(of: Result<RedisAddress, SessionStoreError>.self) { group in
            for sentinel in sentinels { group.addTask { await ask(sentinel) } }
            defer { group.cancelAll() }
            var failure: SessionStoreError?
            for try await answer in group {
                switch answer {
                case .success(let address): return address
                // One that answers, and knows no such primary, says more than one that is away.
                case .failure(let error): if failure == nil || error.code == .unusable { failure = error }
                }
            }
            throw failure ?? SessionStoreError(.unavailable, "No sentinel answers.")
        }
    }

    private func ask(_ sentinel: RedisAddress) async -> Result<RedisAddress, SessionStoreError> {
        do {
            let connection = try await connector.connect(to: sentinel, group: group)
            defer { connection.close() }
            let words = ["SENTINEL", "get-master-addr-by-name", name].map { Array($0.utf8) }
            let answer = try await connection.send(words, before: .now + connector.deadline)
            if case .error(let error) = answer { return .failure(RedisRefusal(error).error(at: sentinel)) }
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
            return .success(.host(String(decoding: host, as: UTF8.self), port: port))
        } catch {
            let cause = (error as? ConnectionFailure)?.error ?? error as? SessionStoreError
            return .failure(
                SessionStoreError(
                    cause?.code ?? .unavailable,
                    "The sentinel at \(sentinel) does not answer.",
                    underlying: cause
                )
            )
        }
    }
}
#endif
