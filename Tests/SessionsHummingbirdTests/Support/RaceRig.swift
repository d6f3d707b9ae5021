#if Hummingbird
import Hummingbird
import HummingbirdCore
import HummingbirdTesting
import Logging
import Sessions
import SessionsHummingbird
import SessionsTesting
import Synchronization

/// An application on any store, and as many managers on that store as there would be processes: they share the keys and
/// the records, and no queue.
struct RaceRig: Sendable {
    let clock: ManualSessionClock
    let store: any EnumerableSessionStore
    let managers: [SessionManager]
    let events = Recorder<SessionEvent>()
    let reports = Recorder<ExchangeReport>()

    init(_ store: any EnumerableSessionStore, _ clock: ManualSessionClock, processes: Int = 1) throws {
        self.store = store
        self.clock = clock
        let keys = try KeyRing([SessionSecret.generate()])
        let events = events
        managers = try (0..<processes).map { _ in
            try SessionManager(
                store: store,
                keys: keys,
                clock: clock,
                logger: Logger(label: "sessions") { _ in SwiftLogNoOpLogHandler() },
                observer: { events.append($0) }
            )
        }
    }

    /// The application as one of the processes runs it.
    func application(
        _ process: Int = 0,
        server: HTTPServerBuilder = .http1(),
        _ routes: (Router<AppContext>) -> Void
    ) -> Application<RouterResponder<AppContext>> {
        let router = Router(context: AppContext.self)
        let reports = reports
        router.add(middleware: SessionMiddleware(managers[process]) { report, _ in reports.append(report) })
        routes(router)
        return Application(
            router: router,
            server: server,
            logger: Logger(label: "application") { _ in SwiftLogNoOpLogHandler() }
        )
    }
}
#endif
