#if Redis
import NIOCore
import NIOPosix
import NIOSSL
import Sessions
import SessionsRedisCodec

/// Makes connections: the network's, TLS's, and the server's own greeting.
struct RedisConnector: Sendable {
    let tls: RedisTLS?
    let context: NIOSSLContext?
    let credentials: RedisClient.Credentials?
    let database: Int
    let deadline: Duration
    /// Whether the server has to say itself that it is a primary.
    var asksRole = false
    /// Whether passwords and sessions may cross a network in the clear.
    var trustsNetwork = false

    /// A connection that is ready for commands.
    ///
    /// - Throws: `SessionStoreError`.
    func connect(to address: RedisAddress, group: any EventLoopGroup) async throws -> RedisConnection {
        try permit(address)
        let end = ContinuousClock.now + deadline
        let connection = RedisConnection(to: address)
        do {
            let channel = try await bootstrap(connection, group, address).get()
            connection.opened(channel)
            try await greet(connection, before: end)
            return connection
        } catch let error as SessionStoreError {
            connection.close()
            throw error
        } catch let failure as ConnectionFailure {
            connection.close()
            throw failure.error
        } catch {
            connection.close()
            throw unreachable(address, error)
        }
    }

    private func bootstrap(
        _ connection: RedisConnection,
        _ group: any EventLoopGroup,
        _ address: RedisAddress
    ) -> EventLoopFuture<any Channel> {
        let bootstrap = ClientBootstrap(group: group)
            .connectTimeout(.nanoseconds(deadline.wholeMicroseconds * 1000))
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: serverName(of: address))
                        )
                    }
                    try channel.pipeline.syncOperations.addHandler(RedisChannelHandler(connection))
                }
            }
        return switch address {
        case .host(let host, let port):
            bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1).connect(host: host, port: port)
        case .socket(let path): bootstrap.connect(unixDomainSocketPath: path)
        }
    }

    /// The name that TLS asks for; an IP address is compared with the certificate's addresses instead.
    private func serverName(of address: RedisAddress) -> String? {
        if let name = tls?.serverName { return name }
        guard case .host(let host, _) = address else { return nil }
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        return isAddress ? nil : host
    }

    // MARK: The greeting

    /// `HELLO 3` with the login in it; a server that does not know it gets `AUTH`, and speaks RESP2.
    private func greet(_ connection: RedisConnection, before end: ContinuousClock.Instant) async throws {
        var hello = ["HELLO", "3"]
        if let credentials { hello += ["AUTH", credentials.username ?? "default", credentials.password] }
        let answer = try await ask(connection, hello, before: end)
        if case .error(let error) = answer {
            guard error.code == "ERR" || error.code == "NOPROTO" || error.code == "NOPERM",
                RedisRefusal(error) != .tooManyClients
            else {
                throw RedisRefusal(error).error(at: connection.address)
            }
            if let credentials {
                let login = ["AUTH"] + [credentials.username].compactMap { $0 } + [credentials.password]
                if case .error(let error) = try await ask(connection, login, before: end) {
                    throw RedisRefusal(error, atLogin: true).error(at: connection.address)
                }
            }
        }
        if database != 0 {
            if case .error(let error) = try await ask(connection, ["SELECT", "\(database)"], before: end) {
                guard error.code == "ERR" else { throw RedisRefusal(error).error(at: connection.address) }
                throw SessionStoreError(
                    .unusable,
                    "Redis at \(connection.address) has no database \(database). Correct database, or raise `databases` "
                        + "on the server."
                )
            }
        }
        // A replica answers every read, however old what it knows. A server that does not tell is taken at the word of
        // whoever named it.
        if asksRole, case .array(let role) = try await ask(connection, ["ROLE"], before: end), let kind = role.first,
            kind != .text("master")
        {
            throw RedisRefusal.notPrimary.error(at: connection.address)
        }
    }

    private func ask(
        _ connection: RedisConnection,
        _ words: [String],
        before end: ContinuousClock.Instant
    ) async throws -> RedisValue {
        try await connection.send(words.map { Array($0.utf8) }, before: end)
    }

    /// Refuses to send anything over a network in the clear: sentinels and clusters name servers that no configuration shows.
    func permit(_ address: RedisAddress) throws {
        guard context == nil, !trustsNetwork, !address.isLocal else { return }
        throw SessionStoreError(
            .notPermitted,
            "Redis at \(address) is on another machine, and the connection would not be encrypted. Set tls, or set "
                + "serverVerification to .trustedNetwork if nobody but you can reach that network."
        )
    }

    private func unreachable(_ address: RedisAddress, _ error: any Error) -> SessionStoreError {
        SessionStoreError(
            .unavailable,
            "Redis at \(address) cannot be reached. Start it, or correct the address.",
            underlying: error
        )
    }
}
#endif
