import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

@Suite("A limit of sessions an owner")
struct OwnerLimitTests {
    /// A store without an index of owners.
    private struct PlainStore: SessionStore {
        func load(_ key: StoreKey) -> StoredRecord? { nil }
        func insert(_ record: StoredRecord, at key: StoreKey) -> Bool { true }
        func replace(_ record: StoredRecord, at key: StoreKey, ifVersion version: RecordVersion) -> ReplaceOutcome {
            .gone
        }
        func touch(_ key: StoreKey, until deadline: Timestamp, ifVersion version: RecordVersion) -> Bool { false }
        func delete(_ key: StoreKey, ifVersion version: RecordVersion?) -> Bool { false }
    }

    private func fixture(_ limit: Int?) throws -> SessionFixture {
        try SessionFixture { $0.maximumSessionsPerOwner = limit }
    }

    private func logIn(_ owner: String, _ fixture: SessionFixture) async throws -> SessionBrowser {
        let browser = SessionBrowser(clock: fixture.clock)
        try await browser.visit(fixture.sessions) { $0.logIn(owner) }
        fixture.clock.advance(by: .seconds(1))
        return browser
    }

    @Test("LC-13: off by default")
    func off() async throws {
        let fixture = try SessionFixture()
        for _ in 0..<20 { _ = try await logIn("ada", fixture) }
        #expect(try await fixture.sessions.list("ada").count == 20)
        fixture.faults.forgetCalls()
        _ = try await logIn("ada", fixture)
        #expect(fixture.faults.operations == [.insert, .epoch])
    }

    @Test("LC-13: a login beyond the limit ends the session whose login is the oldest, and nobody else's")
    func oldest() async throws {
        let fixture = try fixture(2)
        let (first, second) = (try await logIn("ada", fixture), try await logIn("ada", fixture))
        let other = try await logIn("grace", fixture)
        // Going on using a session does not make its login newer; logging in again does.
        try await first.visit(fixture.sessions) { $0.set(.visits, to: 1) }
        #expect(!fixture.events.kinds.contains(.displaced))
        fixture.faults.forgetCalls()
        let third = try await logIn("ada", fixture)
        #expect(fixture.faults.operations == [.insert, .epoch, .entriesOfOwner, .deleteIfOwner])
        #expect(try await first.visit(fixture.sessions) { $0.owner } == nil)
        #expect(try await second.visit(fixture.sessions) { $0.owner } == "ada")
        #expect(try await other.visit(fixture.sessions) { $0.owner } == "grace")
        #expect(fixture.events.kinds.filter { $0 == .displaced }.count == 1)
        try await second.visit(fixture.sessions) { $0.logIn("ada") }
        fixture.clock.advance(by: .seconds(1))
        _ = try await logIn("ada", fixture)
        #expect(try await second.visit(fixture.sessions) { $0.owner } == "ada")
        #expect(try await third.visit(fixture.sessions) { $0.owner } == nil)
    }

    @Test("LC-13: an expired session takes nobody's place")
    func expired() async throws {
        let fixture = try fixture(1)
        _ = try await logIn("ada", fixture)
        fixture.clock.advance(by: .seconds(86400))
        _ = try await logIn("ada", fixture)
        #expect(!fixture.events.kinds.contains(.displaced))
    }

    @Test("LC-13: of fifty logins at the same time exactly as many sessions live on as may", arguments: [1, 3])
    func racing(limit: Int) async throws {
        let fixture = try fixture(limit)
        let browsers = (0..<50).map { _ in SessionBrowser(clock: fixture.clock) }
        let refused = try await withThrowingTaskGroup(of: Bool.self) { group in
            for browser in browsers {
                group.addTask {
                    do {
                        try await browser.visit(fixture.sessions) { $0.logIn("ada") }
                        return false
                    } catch let error as SessionError {
                        #expect(error.code == .revoked)
                        return true
                    }
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(try await fixture.sessions.list("ada").count == limit)
        var live = 0
        for browser in browsers where try await browser.visit(fixture.sessions, { $0.owner }) == "ada" { live += 1 }
        #expect(live == limit)
        #expect(refused <= 50 - limit)
    }

    @Test(
        "LC-13: a limit that cannot be held undoes the login",
        arguments: [StoreOperation.entriesOfOwner, .deleteIfOwner]
    )
    func unavailable(operation: StoreOperation) async throws {
        let fixture = try fixture(1)
        let first = try await logIn("ada", fixture)
        fixture.faults.failBefore(operation)
        let second = SessionBrowser(clock: fixture.clock)
        await #expect(throws: SessionError(.storeUnavailable, "")) {
            try await second.visit(fixture.sessions) { $0.logIn("ada") }
        }
        #expect(second.cookies.isEmpty)
        #expect(try await first.visit(fixture.sessions) { $0.owner } == "ada")
        #expect(fixture.store.count() == 1)
    }

    @Test("LC-13, I2: a slow request of a session that was ended so does not bring it back")
    func slow() async throws {
        let fixture = try fixture(1)
        let first = try await logIn("ada", fixture)
        let slow = fixture.sessions.open(first.request())
        try await slow.session.set(.visits, to: 1)
        _ = try await logIn("ada", fixture)
        await #expect(throws: SessionError(.ended, "")) { try await slow.commit() }
        #expect(try await fixture.sessions.list("ada").count == 1)
    }

    @Test("CF-12: a limit below one is refused; so is one on a store without an index of owners")
    func refused() throws {
        #expect(throws: SessionConfigurationError(.limit, "")) { try self.fixture(0) }
        #expect(throws: SessionConfigurationError(.limit, "")) { try self.fixture(-1) }
        var configuration = SessionConfiguration()
        configuration.maximumSessionsPerOwner = 3
        #expect(throws: SessionConfigurationError(.store, "")) {
            try SessionManager(
                store: PlainStore(),
                keys: KeyRing([SessionSecret.generate()]),
                configuration: configuration,
                logger: .silent
            )
        }
    }
}
