#if Mongo
import SessionsMongo
import TestServers

extension ServerCosts {
    /// A MongoDB server of its own, and a store on one connection.
    package static func mongo() async throws -> ServerCosts {
        let server = try await MongoServer()
        let proxy = try FaultProxy(to: server.port)
        var configuration = MongoSessionStore.Configuration()
        configuration.connectionLimit = 1
        (configuration.connectDeadline, configuration.deadline) = (.seconds(30), .seconds(30))
        // libmongoc asks the server how it is, on connections of its own: not meanwhile.
        let url = server.url(at: proxy.port) + "?heartbeatFrequencyMS=600000"
        let store = try await MongoSessionStore(url, configuration: configuration)
        return try await ServerCosts("MongoDB", server: server, proxy: proxy, store: store) { $0.mongoCommands }
    }
}
#endif
