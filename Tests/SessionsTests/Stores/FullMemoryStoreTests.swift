import SessionsTesting
import Testing

@testable import Sessions

/// What a visitor gets from an application whose memory store has no room.
@Suite("A memory store that is full")
struct FullMemoryStoreTests {
    private static let text = SessionKey<String>("text", default: "")

    private let clock = ManualSessionClock()

    private func sessions(_ store: MemorySessionStore) throws -> SessionManager {
        try SessionManager(
            store: store,
            keys: KeyRing([SessionSecret.generate()]),
            clock: clock,
            logger: .silent
        )
    }

    @Test("ST-08: a new visitor gets 503 while everybody else is signed in; nobody is signed out, and others sign in")
    func newVisitor() async throws {
        let store = try MemorySessionStore(limit: 2, clock: clock)
        let sessions = try sessions(store)
        let users = (0..<2).map { _ in SessionBrowser(clock: clock) }
        for user in users { try await user.visit(sessions) { $0.logIn("ada") } }
        let visitor = SessionBrowser(clock: clock)
        let error = await #expect(throws: SessionError.self) {
            try await visitor.visit(sessions) { $0.set(.visits, to: 1) }
        }
        #expect(error?.code == .storeUnavailable)
        #expect(error?.code.httpStatus == 503)
        #expect(error?.underlying as? SessionStoreError == SessionStoreError(.full, ""))
        #expect(visitor.cookies.isEmpty)
        for user in users { #expect(try await user.visit(sessions) { $0.owner } == "ada") }
        try await visitor.visit(sessions) { $0.logIn("grace") }
        #expect(try await visitor.visit(sessions) { $0.owner } == "grace")
        #expect(store.evictions == .init(anonymous: 0, owned: 1))
    }

    @Test("ST-08: a visitor whose session grows beyond what is left gets 503 and keeps what was there")
    func growingVisitor() async throws {
        let store = try MemorySessionStore(limit: 100, byteLimit: 8000, clock: clock)
        let sessions = try sessions(store)
        let (user, visitor) = (SessionBrowser(clock: clock), SessionBrowser(clock: clock))
        try await visitor.visit(sessions) { $0.set(Self.text, to: "small") }
        try await user.visit(sessions) { session in
            session.logIn("ada")
            session.set(Self.text, to: String(repeating: "x", count: 4000))
        }
        let error = await #expect(throws: SessionError.self) {
            try await visitor.visit(sessions) { $0.set(Self.text, to: String(repeating: "y", count: 4000)) }
        }
        #expect(error?.code.httpStatus == 503)
        #expect(try await visitor.visit(sessions) { $0[Self.text] } == "small")
        #expect(try await user.visit(sessions) { $0.owner } == "ada")
        #expect(store.evictions == .init(anonymous: 0, owned: 0))
    }
}
