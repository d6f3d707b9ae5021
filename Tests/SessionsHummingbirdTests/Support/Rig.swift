#if Hummingbird
import Hummingbird
import HummingbirdCore
import HummingbirdTesting
import Logging
import Sessions
import SessionsHummingbird
import SessionsTesting
import Synchronization

/// What an application under test stands on: a store that fails on command, a clock that stands still, and a record of
/// all that the session layer tells.
struct Rig: Sendable {
    let clock = ManualSessionClock()
    let faults = StoreFaults()
    let events = Recorder<SessionEvent>()
    let logs = Recorder<LogLine>()
    let store: FaultySessionStore<MemorySessionStore>
    let keys: KeyRing
    let sessions: SessionManager

    init(_ change: (inout SessionConfiguration) -> Void = { _ in }) throws {
        store = FaultySessionStore(try MemorySessionStore(clock: clock), faults: faults)
        keys = try KeyRing([SessionSecret.generate()])
        sessions = try Self.manager(store, keys, clock, events, logs, change)
    }

    /// Another manager on the same store, with the same keys.
    func manager(_ change: (inout SessionConfiguration) -> Void) throws -> SessionManager {
        try Self.manager(store, keys, clock, events, logs, change)
    }

    private static func manager(
        _ store: any SessionStore,
        _ keys: KeyRing,
        _ clock: ManualSessionClock,
        _ events: Recorder<SessionEvent>,
        _ logs: Recorder<LogLine>,
        _ change: (inout SessionConfiguration) -> Void
    ) throws -> SessionManager {
        var configuration = SessionConfiguration()
        change(&configuration)
        return try SessionManager(
            store: store,
            keys: keys,
            configuration: configuration,
            clock: clock,
            logger: Logger(label: "sessions") { _ in RecordingLogHandler(logs) },
            observer: { events.append($0) }
        )
    }

    /// How many records the store holds.
    var recordCount: Int { store.base.count() }

    /// What happened so far.
    var kinds: [SessionEvent.Kind] { events.elements.map(\.kind) }

    /// A router with the session middleware around everything.
    func router(options: RouterOptions = []) -> Router<AppContext> {
        let router = Router(context: AppContext.self, options: options)
        router.add(middleware: SessionMiddleware(sessions))
        return router
    }

    /// Runs an application with these routes.
    @discardableResult
    func test<Value: Sendable>(
        _ router: Router<AppContext>,
        _ setup: TestingSetup = .router,
        server: HTTPServerBuilder = .http1(),
        _ body: @Sendable (any TestClientProtocol) async throws -> Value
    ) async throws -> Value {
        let application = Application(
            router: router,
            server: server,
            logger: Logger(label: "application") { _ in RecordingLogHandler(logs) }
        )
        return try await application.test(setup, body)
    }
}

extension Router<AppContext> {
    /// The routes that most tests need: `POST /begin` begins a session, `POST /login` logs it in, `GET /visits` reads,
    /// `POST /visits` counts, `POST /logout` ends it.
    @discardableResult
    func withVisits() -> Self {
        post("begin") { _, context in
            try await context.session.set(.name, to: "somebody")
            return HTTPResponse.Status.ok
        }
        post("login") { request, context in
            try await context.session.logIn(request.uri.queryParameters.get("owner") ?? "ann", keeping: .all)
            return HTTPResponse.Status.ok
        }
        get("visits") { _, context in
            let session = try await context.session
            return session.isNew ? "new" : "\(session[.visits])"
        }
        post("visits") { _, context in
            let session = try await context.session
            session.update(.visits) { $0 += 1 }
            return "\(session[.visits])"
        }
        post("logout") { _, context in
            try await context.session.logOut()
            return HTTPResponse.Status.ok
        }
        return self
    }
}
#endif
