import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

/// What ends by the clock, and by whose.
@Suite("Deadlines")
struct DeadlineTests {
    @Test(
        "LC-05: a record that the store still has is no session once its deadline has passed, read or written",
        arguments: [SessionLifetime.anonymous.idle, SessionLifetime.anonymous.absolute]
    )
    func storeThatCollectsNothing(after time: Duration) async throws {
        let fixture = try SessionFixture(store: MemorySessionStore(clock: ManualSessionClock()))
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 1) }
        let entry = try #require(fixture.store.entries(after: nil, limit: 1).first)
        fixture.clock.advance(by: time)
        #expect(fixture.store.load(entry.key) != nil)
        try await fixture.browser.visit(fixture.sessions) { session in
            #expect(session.isNew)
            #expect(session[.visits] == 0)
        }
        #expect(fixture.events.kinds.last == .suspicious(.expired))
        // What the visitor does then is a session of its own; the old record is the sweeper's.
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 9) }
        #expect(fixture.store.load(entry.key) == entry.record)
        #expect(fixture.store.sweep(expiredBefore: fixture.clock.now() + .microseconds(1), limit: 10) == 1)
        #expect(fixture.store.load(entry.key) == nil)
        #expect(try await fixture.browser.visit(fixture.sessions) { $0[.visits] } == 9)
    }

    @Test(
        "CR-08: a persistent cookie without its expiry is worth nothing after the deadline",
        arguments: [true, false]
    )
    func cookieWithoutExpiry(isRolling: Bool) async throws {
        let fixture = try SessionFixture { configuration in
            configuration.cookie.persistence = .persistent
            configuration.rolling = isRolling
        }
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 1) }
        let thief = SessionBrowser(clock: fixture.clock)
        for (name, value) in fixture.browser.cookies { thief.plant(name, value) }
        fixture.clock.advance(by: SessionLifetime.anonymous.idle - .microseconds(1))
        #expect(try await thief.copy().visit(fixture.sessions) { $0[.visits] } == 1)
        fixture.clock.advance(by: SessionLifetime.anonymous.absolute)
        #expect(try await thief.visit(fixture.sessions) { $0.isNew })
        #expect(!thief.cookies.isEmpty, "the thief's jar keeps what it likes")
    }

    @Test(
        "CR-08: a record whose time is no whole number, or none, is no session",
        arguments: ["NaN", "1e400", "1.5", "1e3", "9223372036854775808", #""0""#, "null", "[1]", "-", "true"]
    )
    func timeOfAnotherKind(text: String) async throws {
        let fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 1) }
        let created = fixture.clock.now().microseconds
        try fixture.rewrite { $0.replacing(#""created":\#(created)"#, with: #""created":\#(text)"#) }
        #expect(try await fixture.browser.visit(fixture.sessions) { $0.isNew })
        #expect(fixture.events.kinds.last == .suspicious(.unreadable))
    }

    @Test(
        "CR-08: whatever a record says of its own lifetime, it ends at its deadline",
        arguments: [
            #""idle":NaN,"absolute":NaN"#, #""idle":1e400,"absolute":1e400"#, #""idle":-1,"absolute":-1"#,
            #""idle":9223372036854775807,"absolute":9223372036854775807"#,
            #""idle":-9223372036854775808,"absolute":9223372036854775807"#,
        ]
    )
    func lifetimeOfAnotherKind(members: String) async throws {
        let fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 1) }
        try fixture.rewrite { $0.replacing(#","values""#, with: ",\(members),\"values\"") }
        let original = fixture.browser.copy()
        let deadline = fixture.clock.now() + SessionLifetime.anonymous.absolute
        while fixture.clock.now() < deadline {
            // Refused where the record cannot be read at all.
            try? await fixture.browser.visit(fixture.sessions) { session in
                session.touch()
                session.update(.visits) { $0 += 1 }
            }
            fixture.clock.advance(by: SessionLifetime.anonymous.idle - .seconds(1))
        }
        #expect(try await original.visit(fixture.sessions) { $0.isNew })
    }

    @Test("LC-21: a clock that is set back a day moves no deadline; one that is set forward a day ends the session")
    func clockJumps() async throws {
        let fixture = try SessionFixture()
        let (browser, sessions, day) = (fixture.browser, fixture.sessions, Duration.seconds(86_400))
        try await browser.visit(sessions) { $0.set(.visits, to: 1) }
        let deadline = try #require(fixture.store.entries(after: nil, limit: 1).first).record.absoluteDeadline
        fixture.clock.advance(by: .zero - day)
        try await browser.visit(sessions) { session in
            session.update(.visits) { $0 += 1 }
            #expect(session.createdAt > fixture.clock.now())
        }
        try await browser.visit(sessions) { $0.touch() }
        #expect(fixture.store.entries(after: nil, limit: 1).first?.record.absoluteDeadline == deadline)
        fixture.clock.advance(by: day)
        #expect(try await browser.visit(sessions) { $0[.visits] } == 2)
        fixture.clock.advance(by: day)
        #expect(try await browser.visit(sessions) { $0.isNew })
    }

    @Test("LC-21: no arithmetic traps, at whichever end of time", arguments: [Int64.min, -1, 0, 1, .max])
    func endsOfTime(start: Int64) async throws {
        let clock = ManualSessionClock(Timestamp(microseconds: start))
        var configuration = SessionConfiguration()
        configuration.cookie.persistence = .persistent
        configuration.rolling = true
        let sessions = try SessionManager(
            store: MemorySessionStore(clock: clock),
            keys: KeyRing([SessionSecret.generate()]),
            configuration: configuration,
            clock: clock
        )
        let browser = SessionBrowser(clock: clock)
        let everything: (Session) async throws -> Void = { session in
            session.update(.visits) { $0 += 1 }
            session.logIn("ada", keeping: .all)
            try session.setLifetime(.aal1)
            session.rotate(grace: .seconds(60))
            _ = (session.lastSeenAt, session.idleDeadline, session.absoluteDeadline, session.authenticatedAt)
        }
        let leaps: [Duration] = [.zero, .microseconds(Int64.max), .microseconds(Int64.max), .microseconds(Int64.min)]
        for leap in leaps + [.microseconds(Int64.min), .seconds(1)] {
            clock.advance(by: leap)
            // At the very end of time a login meets an epoch of the same instant; the rest is about traps alone.
            _ = try? await browser.visit(sessions, everything)
            _ = try? await browser.visit(sessions) { $0.touch() }
            _ = try await sessions.list("ada")
            try await sessions.revokeAll(of: "ada")
        }
    }
}

extension SessionFixture {
    /// Changes the only record's payload behind the manager's back.
    func rewrite(_ change: (String) -> String) throws {
        let entry = try #require(store.entries(after: nil, limit: 1).first)
        var record = entry.record
        let text = String(decoding: record.payload, as: UTF8.self)
        record.payload = Array(change(text).utf8)
        #expect(record.payload != entry.record.payload, "the change has to change something")
        _ = try store.replace(record, at: entry.key, ifVersion: record.version)
    }
}
