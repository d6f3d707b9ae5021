import CoreMetrics
import MetricsTestKit
import SessionsTesting
import Testing

@testable import Sessions

@Suite("Moving from another system's sessions: its end, and what is refused")
struct MovingEndTests {
    @Test("until: after the last date old cookies are refused, without a look at either store")
    func until() async throws {
        let start = ManualSessionClock().now()
        let fixture = try MovingFixture(until: .oneLifetime(after: start))
        #expect(fixture.sessions.oldCookiesEnd == start + MovingFixture.maxAge)
        try fixture.nodeWrites(lives: .seconds(100 * 86_400))
        fixture.clock.set(start + MovingFixture.maxAge - .microseconds(1))
        #expect(try await fixture.visits(fixture.oldClient) == 3)
        try await fixture.visit(fixture.browser)
        fixture.clock.advance(by: .microseconds(1))
        fixture.old.faults.forgetCalls()
        fixture.new.faults.forgetCalls()
        #expect(try await fixture.visits(fixture.oldClient) == 0)
        #expect(fixture.old.faults.calls.isEmpty && fixture.new.faults.calls.isEmpty)
        #expect(try await fixture.visits(fixture.browser) == 4, "what has moved goes on")
        let mark = fixture.old.base.load(try fixture.key)
        #expect(mark?.expiresAt == fixture.sessions.oldCookiesEnd, "what is left of a session is not kept longer")
        #expect(try MovingFixture().sessions.oldCookiesEnd == nil)
    }

    @Test("numbers tell how many old cookies come, what they are worth, and how many sessions have moved")
    func numbers() async throws {
        let metrics = TestMetrics()
        let end = ManualSessionClock().now() + .seconds(3600)
        let fixture = try withMetricsFactory(metrics) { try MovingFixture(until: .date(end)) }
        try fixture.nodeWrites()
        _ = try await fixture.visits(fixture.oldClient)
        try await fixture.visit(fixture.oldClient)
        _ = try await fixture.visits(fixture.oldClient)
        try await fixture.visit(fixture.browser)
        try await fixture.browser.visit(fixture.sessions) { $0.logOut() }
        let unknown = SessionBrowser(clock: fixture.clock)
        unknown.plant("connect.sid", ExpressCookie(secrets: ["keyboard cat"]).value(of: "unknown"))
        _ = try await fixture.visits(unknown)
        fixture.clock.advance(by: .seconds(3600))
        _ = try await fixture.visits(fixture.oldClient)
        func count(_ kind: String) -> Int64? {
            try? metrics.expectCounter("sessions.old.cookies", [("kind", kind)]).totalValue
        }
        #expect(count("unmoved") == 2)
        #expect(count("forwarded") == 2)
        #expect(count("dead") == 1)
        #expect(count("refused") == 1)
        #expect(try metrics.expectCounter("sessions.old.moves", []).totalValue == 1)
    }

    private func code(_ body: () throws -> Void) -> SessionConfigurationError.Code? {
        do { try body() } catch { return (error as? SessionConfigurationError)?.code }
        return nil
    }

    @Test("a manager is refused that would use one cookie for both, or does not name what the old sessions miss")
    func refused() throws {
        let keys = try KeyRing([SessionSecret.generate()])
        func make(_ configuration: SessionConfiguration, _ old: OldSessions) throws {
            _ = try SessionManager(
                store: try MemorySessionStore(),
                keys: keys,
                configuration: configuration,
                movingFrom: old,
                logger: .silent
            )
        }
        func old(_ secrets: [ForeignSecret], _ missing: MissingGuarantees) throws -> OldSessions {
            .express(secrets: secrets, store: try MemorySessionStore(), acknowledging: missing)
        }
        var same = SessionConfiguration()
        same.cookie.name = "connect.sid"
        #expect(code { try make(SessionConfiguration(), old(["a"], .keysAreCredentials)) } == nil)
        #expect(code { try make(same, old(["a"], .keysAreCredentials)) } == .duplicateManager)
        #expect(code { try make(SessionConfiguration(), old(["a"], [])) } == .store)
        #expect(code { try make(SessionConfiguration(), old([], .keysAreCredentials)) } == .missingSecret)
    }

    /// A store of another system's table, in which nothing is.
    private struct Table: PayloadConditionalSessionStore {
        func load(_ key: StoreKey) async throws -> StoredRecord? { nil }
        func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool { false }
        func replace(
            _ record: StoredRecord,
            at key: StoreKey,
            ifPayload payload: [UInt8]
        ) async throws -> ReplaceOutcome { .gone }
        func touch(_ key: StoreKey, until deadline: Timestamp, ifPayload payload: [UInt8]) async throws -> Bool {
            false
        }
        func delete(_ key: StoreKey, ifPayload payload: [UInt8]) async throws -> Bool { false }
        func delete(_ key: StoreKey) async throws -> Bool { false }
    }

    @Test("I1, I2: where Node's table is moved from, what Node may undo has to be named")
    func missing() throws {
        let old = OldSessions.express(secrets: ["a"], store: Table(), acknowledging: .keysAreCredentials)
        #expect(
            code {
                _ = try SessionManager(
                    store: try MemorySessionStore(),
                    keys: KeyRing([SessionSecret.generate()]),
                    movingFrom: old,
                    logger: .silent
                )
            } == .store
        )
    }

    @Test("two managers are refused together of which one uses the cookie that the other moves from (CF-07)")
    func together() throws {
        let fixture = try MovingFixture()
        let beside = try fixture.beside()
        #expect(code { _ = try SessionManagers(fixture.sessions, beside) } == .duplicateManager)
        #expect(code { _ = try SessionManagers(beside, fixture.sessions) } == .duplicateManager)
    }

    @Test("MigratingSessionStore leaves records in their format, and refuses another system's table")
    func migratingStore() throws {
        let store = try MemorySessionStore()
        #expect(code { _ = try MigratingSessionStore(from: Table(), to: store, phase: .moving) } == .store)
        #expect(code { _ = try MigratingSessionStore(from: store, to: Table(), phase: .preparing) } == .store)
        #expect(code { _ = try MigratingSessionStore(from: store, to: store, phase: .moving) } == nil)
    }
}
