import Crypto
import HTTPTypes
import Logging
import SessionsTesting

@testable import Sessions

/// A manager whose sessions live in their cookies, with a clock that stands still and every event at hand.
struct SealedFixture {
    static let all: MissingGuarantees = [
        .concurrentChangesAreLost, .earlierStatesComeBack, .nothingIsConsumedOnce, .logoutReachesOneClient,
    ]
    static let name = "__Host-Http-sid"

    let clock = ManualSessionClock()
    /// Where revocations are kept, if they are.
    let store: MemorySessionStore
    let faults = StoreFaults()
    let sessions: SessionManager
    let browser: SessionBrowser
    let events = EventLog()

    init(
        keys: KeyRing? = nil,
        revocations: Bool = false,
        store: MemorySessionStore? = nil,
        clock: ManualSessionClock? = nil,
        configure: (inout SessionConfiguration, inout SealedCookies) -> Void = { _, _ in }
    ) throws {
        let clock = clock ?? self.clock
        self.store = try store ?? MemorySessionStore(clock: clock)
        var (configuration, cookies) = (SessionConfiguration(), SealedCookies())
        // Wrapped, it is a store like any other.
        if revocations { cookies.revocations = FaultySessionStore(self.store, faults: faults) }
        configure(&configuration, &cookies)
        sessions = try SessionManager(
            sealedCookies: cookies,
            acknowledging: cookies.revocations == nil ? Self.all : Self.all.subtracting(.logoutReachesOneClient),
            keys: keys ?? KeyRing([.generate()]),
            configuration: configuration,
            clock: clock,
            logger: .silent,
            observer: { [events] event in events.append(event) }
        )
        browser = SessionBrowser(clock: clock)
    }

    /// One request whose response is looked at.
    @discardableResult
    func respond(
        _ browser: SessionBrowser? = nil,
        _ outcome: HandlerOutcome = .returned,
        _ handler: (Session) async throws -> Void
    ) async throws -> HTTPResponse {
        let browser = browser ?? self.browser
        let exchange = sessions.open(browser.request())
        try await handler(exchange.session)
        var response = HTTPResponse(status: .ok)
        try await exchange.commit(outcome).apply(to: &response)
        browser.receive(response)
        return response
    }

    /// What a request with this cookie value finds.
    func arrival(_ value: String, name: String = name) async throws -> Arrival {
        let exchange = sessions.open([.cookie: "\(name)=\(value)"])
        _ = try await exchange.session
        return try require2(exchange.report.arrival)
    }

    var cookie: String { browser.cookies[Self.name] ?? "" }
}

private struct Missing: Error {}

private func require2<Value>(_ value: Value?) throws -> Value {
    guard let value else { throw Missing() }
    return value
}

extension SessionKey<String> {
    static var text: Self { Self("text", default: "") }
}

extension Session {
    /// Ends the session, and says for whom.
    func end() -> SessionEnding {
        destroy()
        return ending
    }
}
