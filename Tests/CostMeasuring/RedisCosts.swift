#if Redis
import SessionsRedis
import TestServers

extension ServerCosts {
    /// A Redis server of its own, and a store on one connection.
    package static func redis() async throws -> ServerCosts {
        let server = try await RedisServer()
        let proxy = try FaultProxy(to: server.port)
        var configuration = RedisClient.Configuration(.standalone(.host("127.0.0.1", port: proxy.port)))
        configuration.connectionCount = 1
        (configuration.connectDeadline, configuration.callDeadline) = (.seconds(30), .seconds(30))
        let store = try RedisSessionStore(client: RedisClient(configuration))
        return try await ServerCosts("Redis", server: server, proxy: proxy, store: store) { $0.redisCommands }
    }
}
#endif
