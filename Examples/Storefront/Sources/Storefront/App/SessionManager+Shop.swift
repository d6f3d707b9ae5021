import Logging
import Sessions

extension SessionManager {
    /// The manager of the shop's sessions, on the store that the options ask for.
    static func shop(_ store: ShopStore, _ options: ShopOptions, _ logger: Logger) throws -> SessionManager {
        if case .express(let nodes) = store { return try ExpressSessions(nodes, options).beside(logger) }

        var configuration = SessionConfiguration()
        configuration.application = "storefront"
        // Who asks for the memory store means it.
        configuration.sessionsMayEndWithProcess = options.store == .memory
        if options.plainHTTP { configuration.cookie = .plainHTTPForDevelopment(name: "storefront") }
        let keys = try KeyFile.keyRing(for: options)
        if case .moving(let kept, let nodes) = store {
            return try SessionManager(
                store: kept,
                keys: keys,
                configuration: configuration,
                movingFrom: ExpressSessions(nodes, options).old,
                logger: logger
            )
        }
        if let kept = store.sessions {
            return try SessionManager(store: kept, keys: keys, configuration: configuration, logger: logger)
        }
        return try SessionManager(
            sealedCookies: SealedCookies(),
            acknowledging: [
                .concurrentChangesAreLost, .earlierStatesComeBack, .nothingIsConsumedOnce, .logoutReachesOneClient,
            ],
            keys: keys,
            configuration: configuration,
            logger: logger
        )
    }
}
