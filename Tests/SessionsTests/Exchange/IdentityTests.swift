import HTTPTypes
import SessionsTesting
import Synchronization
import Testing

@testable import Sessions

/// What finds a session, and what only names it.
@Suite("Handles and identifiers")
struct IdentityTests {
    private static let name = "__Host-Http-sid"

    /// Whether a request with this cookie is a stranger's.
    private func isStranger(_ value: String, _ sessions: SessionManager) async throws -> Bool {
        let browser = SessionBrowser()
        browser.plant(Self.name, value)
        return try await browser.visit(sessions) { $0.isNew && $0.owner == nil && $0[.visits] == 0 }
    }

    @Test("ID-05: a record is not found by what a client sends, not even one that lies under that very key")
    func rawIdentifiers() async throws {
        let fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { session in
            session.logIn("ada")
            session.set(.visits, to: 1)
        }
        let entry = try #require(fixture.store.entries(after: nil, limit: 1).first)
        let credential = try #require(fixture.browser.cookies[Self.name])
        // As other systems keep theirs: under the identifier in the cookie.
        let raw = "0123456789012345678901234567890123456789abc"
        for text in [raw, credential, "sess:\(raw)"] {
            let key = try #require(StoreKey(text))
            #expect(try fixture.store.insert(entry.record, at: key))
        }
        fixture.faults.forgetCalls()
        for value in [raw, "sess:\(raw)", "s%3A\(raw)", entry.key.text, String(credential.dropLast(42))] {
            #expect(try await isStranger(value, fixture.sessions), "\(value) is taken for a session")
        }
        #expect(fixture.faults.operations.isEmpty)
        // The credential finds its own record and not the one under its own text.
        _ = fixture.store.delete(entry.key, ifVersion: nil)
        #expect(try await isStranger(credential, fixture.sessions))
        #expect(fixture.faults.operations == [.load])
    }

    @Test("ID-08: a handle that is taken is given up for another, and at the third one the commit is refused")
    func takenHandles() async throws {
        for count in 0...3 {
            for logsIn in [true, false] {
                let store = try TakenStore(count)
                let sessions = try SessionManager(store: store, keys: KeyRing([SessionSecret.generate()]))
                let browser = SessionBrowser()
                let begin = {
                    try await browser.visit(sessions) { session in
                        session.set(.visits, to: 5)
                        if logsIn { session.logIn("ada", keeping: .all) }
                    }
                }
                if count == 3 {
                    await #expect(throws: SessionError(.storeUnavailable, "")) { try await begin() }
                    #expect(browser.cookies.isEmpty)
                } else {
                    try await begin()
                    #expect(try await browser.visit(sessions) { $0[.visits] } == 5)
                    #expect(try await browser.visit(sessions) { $0.owner } == (logsIn ? "ada" : nil))
                }
                // No handle is tried twice.
                #expect(Set(store.tried).count == min(count + 1, 3))
                #expect(store.tried.count == min(count + 1, 3))
            }
        }
    }

    @Test("ID-12: a list of devices holds nothing that authenticates, and ends nobody else's session")
    func handles() async throws {
        let fixture = try SessionFixture()
        let sessions = fixture.sessions
        var credentials: [String] = []
        for owner in ["ada", "ada", "grace"] {
            let browser = SessionBrowser(clock: fixture.clock)
            try await browser.visit(sessions) { session in
                session.logIn(owner)
                session.set(.visits, to: 1)
            }
            credentials.append(try #require(browser.cookies[Self.name]))
        }
        let listed = try await sessions.list("ada")
        #expect(listed.count == 2)
        var told = listed.map { "\($0) \(String(reflecting: $0)) \($0.handle)" }.joined()
        dump(listed, to: &told)
        for credential in credentials {
            for start in 28..<104 {
                let piece = credential.dropFirst(start).prefix(8)
                #expect(!told.contains(piece), "a list of devices holds a piece of a credential")
            }
        }
        fixture.faults.forgetCalls()
        for summary in listed { #expect(try await isStranger(summary.handle.description, sessions)) }
        #expect(fixture.faults.operations.isEmpty)
        // A handle with a secret of its finder's own is forged; with another session's secret, too.
        for summary in listed {
            let handle = Array(summary.handle.description.utf8)
            for credential in credentials {
                guard var bytes = Base64URL.decode(credential.utf8) else { continue }
                guard let own = Base64URL.decode(handle), own != Array(bytes[4..<20]) else { continue }
                bytes.replaceSubrange(4..<20, with: own)
                #expect(try await isStranger(Base64URL.encode(bytes), sessions))
            }
        }
        #expect(fixture.faults.operations.isEmpty)
        for summary in listed { #expect(try await !sessions.revoke(summary.handle, of: "grace")) }
        #expect(try await sessions.list("ada").count == 2)
        #expect(try await sessions.revoke(listed[0].handle, of: "ada"))
        #expect(try await sessions.list("ada").map(\.handle) == [listed[1].handle])
    }
}

/// A memory store in which the first keys that are tried are taken.
private final class TakenStore: OwnerIndexedSessionStore {
    private let base: MemorySessionStore
    private let count: Int
    private let keys = Mutex<[StoreKey]>([])

    init(_ count: Int) throws {
        base = try MemorySessionStore()
        self.count = count
    }

    var tried: [StoreKey] { keys.withLock { $0 } }

    func load(_ key: StoreKey) async throws -> StoredRecord? { base.load(key) }

    func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool {
        let number = keys.withLock { keys in
            keys.append(key)
            return keys.count
        }
        return try number > count && base.insert(record, at: key)
    }

    func replace(
        _ record: StoredRecord,
        at key: StoreKey,
        ifVersion version: RecordVersion
    ) async throws -> ReplaceOutcome { try base.replace(record, at: key, ifVersion: version) }

    func touch(_ key: StoreKey, until deadline: Timestamp, ifVersion version: RecordVersion) async throws -> Bool {
        base.touch(key, until: deadline, ifVersion: version)
    }

    func delete(_ key: StoreKey, ifVersion version: RecordVersion?) async throws -> Bool {
        base.delete(key, ifVersion: version)
    }

    func entries(of owner: OwnerKey) async throws -> [StoredEntry] { base.entries(of: owner) }

    func delete(_ key: StoreKey, ifOwner owner: OwnerKey) async throws -> Bool {
        base.delete(key, ifOwner: owner)
    }

    func epoch(of owner: OwnerKey) async throws -> Timestamp? { base.epoch(of: owner) }

    func raiseEpoch(of owner: OwnerKey, to epoch: Timestamp, keptUntil: Timestamp) async throws {
        base.raiseEpoch(of: owner, to: epoch, keptUntil: keptUntil)
    }
}
