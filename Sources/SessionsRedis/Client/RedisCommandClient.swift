#if Redis
/// Carries commands to a Redis or Valkey server and brings its answers: all that ``RedisSessionStore`` asks of a client.
///
/// Conform the client that the application has already, or use ``RedisClient``.
///
/// ## Implementation guidance
///
/// - A command that may have reached the server is sent **once**. When its answer does not come, throw: the store's
///   caller finds out what became of it. (A command that the server has refused, `MOVED` for example, may be sent again.)
/// - On a cluster, ``RedisCommand/key`` decides the node, and `MOVED` and `ASK` are followed here. Commands go to primaries.
/// - Every call ends within a bounded time, by throwing if need be. Throw `SessionStoreError` where the reason is known.
/// - A server's refusal is returned as `RedisValue.error` with its whole text, and not thrown: the store knows what
///   to do about `NOSCRIPT`, and names the others.
/// - Arguments are neither logged nor put into an error's text: they hold session data.
public protocol RedisCommandClient: Sendable {
    /// Sends one command and returns its answer.
    func send(_ command: RedisCommand) async throws -> RedisValue

    /// One client for each primary that holds keys: the store goes through all keys with them. By default this one alone,
    /// which is right for everything but a cluster.
    func primaries() async throws -> [any RedisCommandClient]
}

extension RedisCommandClient {
    public func primaries() async throws -> [any RedisCommandClient] { [self] }
}

/// A client that can also say how many replicas have a write.
public protocol RedisConfirmingClient: RedisCommandClient {
    /// Sends one command and, on the same connection after it, `WAIT`.
    ///
    /// - Parameters:
    ///   - command: What is sent.
    ///   - replicas: How many replicas are waited for.
    ///   - milliseconds: How long they are waited for; a positive number.
    /// - Returns: the command's answer, and how many replicas have everything that was written on that connection.
    func send(
        _ command: RedisCommand,
        waitingFor replicas: Int,
        milliseconds: Int
    ) async throws -> (reply: RedisValue, replicas: Int)
}
#endif
