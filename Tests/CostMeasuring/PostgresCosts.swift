#if Postgres
import SessionsPostgres
import TestServers

extension ServerCosts {
    /// A PostgreSQL server of its own, and a store on one connection.
    package static func postgres() async throws -> ServerCosts {
        let server = try await PostgresServer()
        let proxy = try FaultProxy(to: server.port)
        var configuration = PostgresSessionStore.Configuration()
        configuration.connectionLimit = 1
        (configuration.connectDeadline, configuration.deadline) = (.seconds(30), .seconds(30))
        let store = try await PostgresSessionStore(server.url(at: proxy.port), configuration: configuration)
        return try await ServerCosts("PostgreSQL", server: server, proxy: proxy, store: store) {
            $0.postgresStatements
        }
    }
}
#endif
