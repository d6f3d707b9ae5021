import HTTPTypes
import Logging
import SessionsTesting
import Synchronization

@testable import Sessions

/// A manager on a memory store that fails on command, with a clock that stands still and every event at hand.
struct SessionFixture {
    let clock = ManualSessionClock()
    let store: MemorySessionStore
    let faults = StoreFaults()
    let sessions: SessionManager
    let browser: SessionBrowser
    let events = EventLog()

    init(
        keys: KeyRing? = nil,
        store: MemorySessionStore? = nil,
        configure: (inout SessionConfiguration) -> Void = { _ in }
    ) throws {
        var configuration = SessionConfiguration()
        configure(&configuration)
        self.store = try store ?? MemorySessionStore(clock: clock)
        sessions = try SessionManager(
            store: FaultySessionStore(self.store, faults: faults),
            keys: keys ?? KeyRing([SessionSecret.generate()]),
            configuration: configuration,
            clock: clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            observer: { [events] event in events.append(event) }
        )
        browser = SessionBrowser(isSecure: !configuration.cookie.allowsPlainHTTP, clock: clock)
    }

    /// The payload of the only record, as text.
    func payload() -> String {
        let entries = store.entries(after: nil, limit: 2)
        return String(decoding: entries.first?.record.payload ?? [], as: UTF8.self)
    }

    /// One request whose response is looked at.
    func respond(
        _ outcome: HandlerOutcome = .returned,
        _ handler: (Session) async throws -> Void
    ) async throws -> HTTPResponse {
        let exchange = sessions.open(browser.request())
        try await handler(exchange.session)
        var response = HTTPResponse(status: .ok)
        try await exchange.commit(outcome).apply(to: &response)
        browser.receive(response)
        return response
    }
}

/// The events that a manager emitted, in order.
final class EventLog: Sendable {
    private let log = Mutex<[SessionEvent]>([])

    func append(_ event: SessionEvent) {
        log.withLock { $0.append(event) }
    }

    var kinds: [SessionEvent.Kind] { log.withLock { $0.map(\.kind) } }
}

extension HTTPResponse {
    var setCookies: [String] { headerFields[fields: .setCookie].map(\.value) }
}

extension SessionKey<Int> {
    static var visits: Self { Self("visits", default: 0) }
}

extension SessionKey<String?> {
    static var notice: Self { Self("notice") }
}

struct CartLine: Codable, Sendable, Equatable {
    var sku: String
    var count: Int
}

extension SessionKey<[CartLine]> {
    static var cart: Self { Self("cart", default: []) }
}
