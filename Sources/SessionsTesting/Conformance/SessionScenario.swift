import Logging
import Sessions

/// Two managers, as two processes would have them, on the store under a check.
struct SessionScenario: Sendable {
    let clock: ManualSessionClock
    let faults = StoreFaults()
    let sessions: SessionManager
    /// Another manager with the same keys: its commits do not queue with those of the first.
    let others: SessionManager
    let store: any SessionStore
    let browser: SessionBrowser

    /// - Parameter transcript: What the managers tell is written down there; nobody else hears of it. What goes wrong here
    ///   goes wrong on purpose: it is no news for the author's log.
    init(
        _ subject: ConformanceSubject,
        transcript: Transcript? = nil,
        configure: (inout SessionConfiguration) -> Void = { _ in }
    ) throws {
        clock = subject.manualClock ?? ManualSessionClock(subject.start)
        var configuration = SessionConfiguration()
        configure(&configuration)
        let keys = try KeyRing([SessionSecret.generate()])
        store = subject.store
        let faulty = Self.faulty(subject.store, faults)
        let makeManager = { [clock] in
            let logger = Logger(label: "sessions.conformance") { _ -> any LogHandler in
                if let transcript { return TranscriptLogHandler(transcript) }
                return SwiftLogNoOpLogHandler()
            }
            return try SessionManager(
                store: faulty,
                keys: keys,
                configuration: configuration,
                clock: clock,
                logger: logger,
                observer: { transcript?.append("\($0)") }
            )
        }
        sessions = try makeManager()
        others = try makeManager()
        browser = SessionBrowser(clock: clock)
    }

    private static func faulty(_ store: some SessionStore, _ faults: StoreFaults) -> any SessionStore {
        FaultySessionStore(store, faults: faults)
    }

    /// Begins the browser's session with a number in it.
    @discardableResult
    func begin(_ number: Int = 0, owner: String? = nil) async throws -> SessionHandle {
        let handle = try await browser.visit(sessions) { session in
            if let owner { session.logIn(owner) }
            session.set(.number, to: number)
            return session.handle
        }
        faults.forgetCalls()
        return handle
    }

    /// What the browser's session says.
    func number(in browser: SessionBrowser? = nil) async throws -> Int {
        try await (browser ?? self.browser).visit(others) { $0[.number] }
    }

    /// Throws unless the record at `handle` is gone and the browser is a stranger.
    func expectEnded(_ handle: SessionHandle, _ browser: SessionBrowser, after event: String) async throws {
        let record = try await store.load(StoreKey(handle))
        try require(record == nil, "After \(event), a record is at the destroyed session's key")
        let isNew = try await browser.visit(others) { $0.isNew }
        try require(isNew, "After \(event), the old cookie still reaches a session")
    }
}

extension SessionKey<Int> {
    static var number: Self { Self("number", default: 0) }
    static var other: Self { Self("other", default: 0) }
}

extension SessionKey<String?> {
    static var ticket: Self { Self("ticket") }
}

/// The error that `body` throws; a failure if it throws none or another.
func requireError<Result>(
    _ code: SessionError.Code,
    _ event: String,
    _ body: () async throws -> Result
) async throws {
    do {
        _ = try await body()
    } catch let error as SessionError where error.code == code {
        return
    } catch {
        throw ConformanceFailure("\(event) threw \(error), and not \(code)")
    }
    throw ConformanceFailure("\(event) did not throw \(code)")
}
