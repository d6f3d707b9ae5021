import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import Sessions
import SessionsHummingbird
import UnixSignals

/// The application: its store, its sessions, its routes, its server.
struct Shop {
    private let options: ShopOptions
    private let logger: Logger
    private let store: ShopStore
    private let sessions: SessionManager
    private let accounts = Accounts()
    private let renderer: PageRenderer
    private let origins: ShopOrigins

    init(_ options: ShopOptions, logger: Logger) async throws {
        self.options = options
        self.logger = logger
        origins = try ShopOrigins(trusted: options.origins, forAPI: options.apiOrigins)
        renderer = try PageRenderer()
        store = try await ShopStore(options)
        sessions = try .shop(store, options, logger)
    }

    /// Serves until it is told to stop.
    func run() async throws {
        let application = Application(
            router: router(),
            configuration: ApplicationConfiguration(
                address: .hostname(options.host, port: options.port),
                backlog: 1024
            ),
            services: try sweepers(),
            onServerRunning: { channel in announce(channel) },
            logger: logger
        )
        var group = ServiceGroupConfiguration(
            services: [application],
            gracefulShutdownSignals: [.sigint, .sigterm],
            logger: logger
        )
        // A request that hangs must not keep the process for ever.
        group.maximumGracefulShutdownDuration = .seconds(20)
        try await ServiceGroup(configuration: group).run()
        try await store.close()
    }

    /// What collects expired sessions, where the store does not do so itself.
    private func sweepers() throws -> [any Service] {
        guard let store = store.sessions as? any SweepingSessionStore else { return [] }
        return [try SessionSweeper(store: store, logger: logger)]
    }

    private func announce(_ channel: any Channel) {
        let port = channel.localAddress?.port ?? options.port
        do {
            try origins.listen(on: port)
        } catch {
            logger.error("\(error)")
        }
        let isLoopback = options.host == "127.0.0.1" || options.host == "localhost"
        let host = options.host.contains(":") ? "[\(options.host)]" : options.host
        Console.line("The shop is open at http://\(isLoopback ? "localhost" : host):\(port)")
    }

    private func router() -> Router<ShopContext> {
        let router = Router(context: ShopContext.self, options: .autoGenerateHeadEndpoints)
        if options.explain { router.add(middleware: Explain()) }
        router.add(middleware: APICrossOrigin(origins: origins))
        router.add(middleware: ErrorAnswers(renderer: renderer))

        // No session middleware is in the way of these.
        router.get("healthz") { _, _ in "ok" }
        PlainRoutes().add(to: router)
        AssetRoutes(renderer: renderer).add(to: router)

        router.add(middleware: SessionMiddleware(sessions, report: options.explain ? Explain.take : nil))
        let api = router.group("api").add(middleware: APIOriginGuard(origins: origins))
        SessionRoutes(accounts: accounts).add(to: api)
        DeviceRoutes(sessions: sessions).add(to: api)

        router.add(middleware: ThemedErrors())
        let pages = router.group().add(middleware: PageOriginGuard(origins: origins, sessions: sessions))
        ShopPages(renderer: renderer, accounts: accounts).add(to: pages)
        SignInPages(renderer: renderer, accounts: accounts).add(to: pages)
        AccountPages(renderer: renderer, accounts: accounts).add(to: pages)
        return router
    }
}
