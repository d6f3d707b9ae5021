import HTTPTypes
import Logging
import SessionsTesting
import Synchronization
import Testing

@testable import Sessions

/// What is told about sessions, and in which words.
@Suite("Events and their log lines")
struct EventTests {
    /// A manager whose every event and log line is kept.
    private struct Told {
        let clock = ManualSessionClock()
        let store: MemorySessionStore
        let faults = StoreFaults()
        let events = Kept<SessionEvent>()
        let lines = Kept<String>()
        let sessions: SessionManager
        let browser: SessionBrowser

        init(_ configure: (inout SessionConfiguration) -> Void = { _ in }) throws {
            var configuration = SessionConfiguration()
            configure(&configuration)
            store = try MemorySessionStore(clock: clock)
            browser = SessionBrowser(clock: clock)
            sessions = try SessionManager(
                store: FaultySessionStore(store, faults: faults),
                keys: KeyRing([SessionSecret.generate()]),
                configuration: configuration,
                clock: clock,
                logger: Logger(label: "test") { [lines] _ in KeepingLogHandler(lines) },
                observer: { [events] in events.append($0) }
            )
        }

        /// What `flow` made the manager tell.
        func told(_ flow: () async throws -> Void) async rethrows -> [SessionEvent.Kind] {
            let before = events.elements.count
            try await flow()
            return events.elements.dropFirst(before).map(\.kind)
        }
    }

    @Test("LG-04: each flow tells what happened to the session, and nothing else")
    func flows() async throws {
        let rig = try Told { $0.throwPolicy = .keepRevocations }
        let (browser, sessions) = (rig.browser, rig.sessions)
        func visit(_ handler: (Session) async throws -> Void) async throws -> [SessionEvent.Kind] {
            try await rig.told { try await browser.visit(sessions, handler) }
        }
        #expect(try await visit { _ in } == [])
        #expect(try await visit { $0.set(.visits, to: 1) } == [.began])
        #expect(try await visit { _ = $0[.visits] } == [])
        #expect(try await visit { $0.set(.visits, to: 2) } == [])
        #expect(try await visit { $0.rotate(grace: .zero) } == [.rotated])
        let stolen = browser.copy()
        #expect(try await visit { $0.rotate(grace: .seconds(30)) } == [.rotated])
        #expect(try await rig.told { try await stolen.copy().visit(sessions) { _ in } } == [])
        rig.clock.advance(by: .seconds(31))
        #expect(
            try await rig.told { try await stolen.visit(sessions) { _ in } } == [.suspicious(.justSuperseded)]
        )
        rig.clock.advance(by: .seconds(30))
        #expect(try await rig.told { try await stolen.visit(sessions) { _ in } } == [.suspicious(.superseded)])
        #expect(try await visit { $0.restart() } == [.restarted])
        #expect(try await visit { $0.logIn("ada") } == [.loggedIn])
        #expect(try await visit { $0.logIn("ada") } == [.loggedIn])
        #expect(try await visit { $0.logIn("grace") } == [.restarted, .loggedIn])
        #expect(try await visit { $0.logOut() } == [.destroyed])
        #expect(try await visit { $0.logOut() } == [])
        #expect(try await visit { $0.logIn("ada") } == [.loggedIn])
        let handle = try #require(try await sessions.list("ada").first?.handle)
        #expect(await rig.told { _ = try? await sessions.revoke(handle, of: "grace") } == [])
        #expect(try await rig.told { try await sessions.revoke(handle, of: "ada") } == [.revoked])
        #expect(try await visit { _ in } == [.suspicious(.gone)])
        rig.clock.advance(by: .seconds(1))
        #expect(try await rig.told { try await sessions.revokeAll(of: "ada") } == [.revokedAll(0)])
        // The revoke-all is of this very instant, so the login does not count.
        #expect(await rig.told { _ = try? await browser.visit(sessions) { $0.logIn("ada") } }.last == .loginRefused)
        rig.clock.advance(by: .seconds(1))
        #expect(try await visit { $0.logIn("ada") }.last == .loggedIn)
        rig.clock.advance(by: SessionLifetime.standard.idle)
        #expect(try await visit { _ in } == [.suspicious(.expired)])
    }

    @Test("LG-04: what is wrong is told with its kind")
    func trouble() async throws {
        let rig = try Told { $0.endedPolicy = .discard }
        let (browser, sessions) = (rig.browser, rig.sessions)
        try await browser.visit(sessions) { $0.set(.notice, to: "text") }
        let number = SessionKey<Int>("notice", default: 0)
        #expect(try await rig.told { try await browser.visit(sessions) { _ = $0[number] } } == [.undecodable("notice")])
        rig.faults.failBefore(.load)
        #expect(await rig.told { _ = try? await browser.visit(sessions) { _ in } } == [.storeFailed])
        rig.faults.failAfter(.replace)
        #expect(try await rig.told { try await browser.visit(sessions) { $0.set(.visits, to: 1) } } == [.storeFailed])
        rig.clock.advance(by: .seconds(60))
        rig.faults.failBefore(.touch, next: 2)
        #expect(try await rig.told { try await browser.visit(sessions) { _ in } } == [.storeFailed])
        #expect(try await rig.told { try await browser.visit(sessions) { $0.touch() } } == [.storeFailed])
        do {
            let exchange = sessions.open(browser.request())
            let session = try await exchange.session
            _ = try await exchange.commit()
            session.set(.visits, to: 2)
        }
        #expect(rig.events.elements.last?.kind == .lateChangeLost)
        let slow = sessions.open(browser.request())
        try await slow.session.set(.visits, to: 3)
        let thief = browser.copy()
        try await browser.visit(sessions) { $0.destroy() }
        #expect(try await rig.told { _ = try await slow.commit() } == [.changesDiscarded])
        for (cookie, arrival) in [
            ("junk", Arrival.malformed), (String(repeating: "A", count: 112), .malformed),
            ("AQAA" + String(repeating: "A", count: 108), .unverifiable),
        ] {
            thief.plant("__Host-Http-sid", cookie)
            #expect(try await rig.told { try await thief.visit(sessions) { _ in } } == [.suspicious(arrival)])
        }
        let twice: HTTPFields = [.cookie: "__Host-Http-sid=a; __Host-Http-sid=b"]
        #expect(
            try await rig.told { _ = try await sessions.open(twice).session } == [.suspicious(.duplicate)]
        )
        try await browser.visit(sessions) { $0.set(.visits, to: 1) }
        let entry = try #require(rig.store.entries(after: nil, limit: 1).first)
        var record = entry.record
        record.payload = [0]
        _ = try rig.store.replace(record, at: entry.key, ifVersion: record.version)
        #expect(try await rig.told { try await browser.visit(sessions) { _ in } } == [.suspicious(.unreadable)])
    }

    @Test("LG-04: a flood of one kind is ten lines a second and then the number of those withheld; no event is")
    func flood() async throws {
        let rig = try Told()
        func junk(_ count: Int) async throws {
            for number in 0..<count {
                let fields: HTTPFields = [.cookie: "__Host-Http-sid=junk\(number)"]
                _ = try await rig.sessions.open(fields).session
            }
        }
        let kinds = try await rig.told { try await junk(1000) }
        #expect(kinds == Array(repeating: .suspicious(.malformed), count: 1000))
        #expect(rig.lines.elements.count == 10)
        // Another kind is not silenced by it.
        rig.faults.failBefore(.load)
        try await rig.browser.visit(rig.sessions) { $0.set(.visits, to: 1) }
        _ = try? await rig.browser.visit(rig.sessions) { _ in }
        #expect(rig.lines.elements.count { $0.contains("session store failed") } == 1)
        rig.clock.advance(by: .seconds(1))
        let before = rig.lines.elements.count
        try await junk(1)
        #expect(rig.lines.elements.count == before + 1)
        #expect(try #require(rig.lines.elements.last).contains("990"))
        rig.clock.advance(by: .seconds(-60))
        try await junk(1)
        #expect(rig.lines.elements.count == before + 2)
    }

    @Test(
        "LG-04: every event is one log line, of a session by its tag; two sessions have two tags, and no handle shows"
    )
    func tags() async throws {
        let rig = try Told()
        var handles: [String] = []
        for _ in 0..<2 {
            let browser = SessionBrowser(clock: rig.clock)
            for handler in [{ $0.set(.visits, to: 1) }, { $0.logIn("ada") }, { $0.destroy() }]
                as [(Session) -> Void]
            {
                try await browser.visit(rig.sessions) { session in
                    handler(session)
                    handles.append(session.handle.description)
                }
            }
        }
        let events = rig.events.elements
        #expect(events.map(\.kind) == [.began, .loggedIn, .destroyed, .began, .loggedIn, .destroyed])
        #expect(rig.lines.elements.count == events.count)
        #expect(Set(events.prefix(3).map(\.tag)).count == 1)
        #expect(Set(events.map(\.tag)).count == 2)
        for event in events { #expect(event.tag?.wholeMatch(of: /[0-9a-f]{16}/) != nil) }
        for (line, event) in zip(rig.lines.elements, events) { #expect(line.contains(event.tag ?? "none")) }
        let told = rig.lines.elements.joined() + events.map { "\($0)" }.joined()
        for handle in handles { #expect(!told.contains(handle)) }
    }

    @Test("LG-03: no byte of a request is logged as it came, and a line stays a line")
    func injection() async throws {
        let rig = try Told()
        let hostile = [
            "evil\r\nlevel=info forged line", "evil\u{1B}[31mred", "evil\u{0}", "evil\u{2028}line", "evil\u{7F}",
            "evil\" session=deadbeef", "evil\u{202E}txet",
        ]
        for text in hostile {
            for cookie in [
                "__Host-Http-sid=\(text)", "\(text)=1; __Host-Http-sid=\(text)", "__Host-Http-sid=\(text);;=",
            ] {
                let exchange = rig.sessions.open([.cookie: cookie, .userAgent: text, .referer: text])
                let session = try await exchange.session
                session.set(.visits, to: 1)
                _ = try await exchange.commit()
                rig.lines.append("\(exchange.report)")
            }
        }
        // An application's names may come from anywhere too.
        let browser = SessionBrowser(clock: rig.clock)
        for text in hostile {
            try await browser.visit(rig.sessions) { $0.set(SessionKey<String?>(text), to: "text") }
            try await browser.visit(rig.sessions) { _ = $0[SessionKey<Int>(text, default: 0)] }
        }
        #expect(rig.lines.elements.count > 4 * hostile.count)
        for line in rig.lines.elements {
            #expect(line.utf8.allSatisfy { (0x20...0x7E).contains($0) }, "\(line.debugDescription)")
            for piece in ["forged line", "[31mred", "session=deadbeef"] { #expect(!line.contains(piece)) }
        }
    }
}

/// Keeps what is told to it, in order.
private final class Kept<Element: Sendable>: Sendable {
    private let list = Mutex<[Element]>([])

    var elements: [Element] { list.withLock { $0 } }

    func append(_ element: Element) { list.withLock { $0.append(element) } }
}

/// Keeps every line, as a plain handler would print it.
private struct KeepingLogHandler: LogHandler {
    private let lines: Kept<String>
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    init(_ lines: Kept<String>) {
        self.lines = lines
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
        lines.append("\(event.level): \(event.message)\(all.joined())")
    }
}
