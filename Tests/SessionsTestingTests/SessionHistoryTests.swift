import Sessions
import SessionsTesting
import Testing

@Suite("Histories")
struct SessionHistoryTests {
    typealias Event = SessionHistory.Event

    /// An event from `began` to one later.
    private static func event(
        _ began: Int,
        _ action: HistoryAction,
        _ outcome: HistoryResponse.Outcome = .done,
        found list: [String]? = nil,
        of handle: String = "h",
        owner: String? = nil,
        idle: Int64 = 500,
        deadline: Int64 = 1000,
        browser: Int = 0,
        left: String? = "h",
        consumed: String? = nil,
        presented: String? = nil,
        isGone: Bool = false,
        isOld: Bool = false
    ) -> Event {
        var response = HistoryResponse(outcome)
        response.found = list.map {
            .init(
                handle: handle,
                list: $0,
                owner: owner,
                idleDeadline: idle,
                absoluteDeadline: deadline,
                now: Int64(began)
            )
        }
        response.left = left
        response.consumed = consumed
        response.isGone = isGone
        return Event(
            client: 0,
            browser: browser,
            action: action,
            presented: presented,
            response: response,
            began: .seconds(began),
            ended: .seconds(began + 1),
            isReplaced: isOld
        )
    }

    @Test("what is true is accepted")
    func accepted() {
        let history = SessionHistory([
            Self.event(0, .append("1")),
            Self.event(2, .read, found: ["1"]),
            Self.event(4, .append("2"), .unknown, found: ["1"]),
            // Begun before the next was answered: it may see it or not.
            Self.event(6, .append("3"), found: ["1"]),
            Self.event(6, .read, found: ["1", "3"]),
            Self.event(7, .read, found: ["1", "3"]),
            Self.event(9, .append("4"), .refused, found: ["1", "3"]),
            Self.event(11, .logIn("ada", "5"), found: ["1", "3"]),
            Self.event(13, .read, found: ["1", "3", "5"], owner: "ada", deadline: 2000),
            Self.event(15, .consume, found: ["1", "3", "5"], owner: "ada", deadline: 2000, consumed: "t"),
            Self.event(17, .read, found: nil, isOld: true),
            Self.event(19, .destroy, found: ["1", "3", "5"], owner: "ada", deadline: 2000, left: nil),
            Self.event(21, .read),
            Self.event(23, .read, left: nil, presented: "h", isGone: true),
            // Its only value was consumed.
            Self.event(25, .put("t"), left: "emptied"),
            Self.event(27, .consume, found: [], of: "emptied", left: "emptied", consumed: "u", presented: "emptied"),
            Self.event(29, .read, left: nil, presented: "emptied", isGone: true),
            // A login that begins before the answer may be what ends it.
            Self.event(31, .append("6"), left: "i"),
            Self.event(33, .read, left: nil, presented: "i", isGone: true),
            Self.event(33, .logIn("ada", "7"), .unknown, left: nil, presented: "i"),
            // A consumption whose node died may have taken it.
            Self.event(35, .put("t"), left: "j"),
            Self.event(37, .consume, .unknown, left: nil),
            Self.event(39, .consume, found: [], of: "j", left: "j"),
            // A change of unknown outcome may come after a touch, and is planned with the deadline from before.
            Self.event(41, .append("8"), .unknown, found: [], of: "k", left: "k"),
            Self.event(43, .touch, found: [], of: "k", idle: 501, left: "k"),
            Self.event(45, .read, found: ["8"], of: "k", left: "k"),
        ])
        #expect(history.violations().map(\.description) == [])
    }

    @Test("what was seen and never answered may be undone where only what was answered is confirmed")
    func confirmed() {
        let seen = [
            Self.event(0, .append("1")), Self.event(2, .append("2"), .unknown, found: ["1"]),
            Self.event(4, .read, found: ["1", "2"]), Self.event(6, .read, found: ["1"]),
        ]
        #expect(SessionHistory(seen).violations().count == 1)
        #expect(SessionHistory(seen).violations(overConfirmed: true).isEmpty)
        let gone = [Self.event(10, .read, left: nil, presented: "h", isGone: true)]
        #expect(SessionHistory(seen + gone).violations(overConfirmed: true).count == 1)
    }

    struct Wrong: Sendable, CustomTestStringConvertible {
        let invariant: String
        let count: Int
        let testDescription: String
        let events: [Event]
    }

    static let wrong: [Wrong] = [
        Wrong(
            invariant: "I1",
            count: 2,
            testDescription: "an answered change is not there",
            events: [
                event(0, .append("1")), event(2, .append("2"), found: ["1"]), event(4, .read, found: ["1"]),
                event(6, .read, found: ["1"]),
            ]
        ),
        Wrong(
            invariant: "I1",
            count: 2,
            testDescription: "a session that nobody has ended is gone",
            events: [
                event(0, .append("1")), event(2, .touch, found: ["1"], presented: "h"),
                event(4, .read, left: nil, presented: "h", isGone: true), event(6, .destroy, left: nil, presented: "h"),
            ]
        ),
        Wrong(
            invariant: "I1",
            count: 1,
            testDescription: "a change is there twice",
            events: [event(0, .append("1")), event(2, .read, found: ["1", "1"])]
        ),
        Wrong(
            invariant: "I1",
            count: 2,
            testDescription: "a refused change is there",
            events: [event(0, .append("1"), .refused), event(2, .read, found: ["1"])]
        ),
        Wrong(
            invariant: "I1",
            count: 2,
            testDescription: "a change that nobody knew of was seen, and then not",
            events: [event(0, .append("1"), .unknown), event(2, .read, found: ["1"]), event(4, .read, found: [])]
        ),
        Wrong(
            invariant: "I2",
            count: 2,
            testDescription: "a destroyed session answers",
            events: [event(0, .read, found: []), event(2, .destroy, found: [], left: nil), event(4, .read, found: [])]
        ),
        Wrong(
            invariant: "I2",
            count: 2,
            testDescription: "a logged-out session answers",
            events: [event(2, .logOut, found: [], left: nil), event(4, .touch, found: [])]
        ),
        Wrong(
            invariant: "I5",
            count: 2,
            testDescription: "the credential of before the login has its owner",
            events: [
                event(0, .logIn("ada", "1"), found: []), event(2, .read, found: ["1"], owner: "ada", isOld: true),
            ]
        ),
        Wrong(
            invariant: "I5",
            count: 2,
            testDescription: "a credential that a rotation has replaced is worth something",
            events: [event(0, .rotate(graceMilliseconds: 0), found: []), event(2, .read, found: [], isOld: true)]
        ),
        Wrong(
            invariant: "I5",
            count: 2,
            testDescription: "two browsers have one session",
            events: [event(0, .read, found: []), event(0, .read, found: [], browser: 1)]
        ),
        Wrong(
            invariant: "I1",
            count: 2,
            testDescription: "a token that nobody took is not there",
            events: [
                event(0, .consume, found: [], consumed: "s"), event(2, .put("t"), found: []),
                event(4, .consume, found: []),
            ]
        ),
        Wrong(
            invariant: "I7",
            count: 2,
            testDescription: "an idle deadline goes back",
            events: [event(0, .touch, found: [], idle: 501), event(2, .read, found: [])]
        ),
        Wrong(
            invariant: "I7",
            count: 2,
            testDescription: "an idle deadline goes back, and the change of unknown outcome has met another version",
            events: [
                event(0, .append("1"), .unknown, found: []), event(2, .append("2"), found: []),
                event(4, .touch, found: ["2"], idle: 501), event(6, .read, found: ["2"]),
            ]
        ),
        Wrong(
            invariant: "I6",
            count: 2,
            testDescription: "two have consumed one token",
            events: [
                event(0, .consume, found: [], consumed: "t"), event(0, .consume, found: [], consumed: "t"),
                event(0, .consume, found: [], consumed: "u"),
            ]
        ),
        Wrong(
            invariant: "I7",
            count: 1,
            testDescription: "a session answers after its absolute deadline",
            events: [event(5, .read, found: [], deadline: 5)]
        ),
        Wrong(
            invariant: "I7",
            count: 2,
            testDescription: "a touch moves the absolute deadline",
            events: [event(0, .touch, found: []), event(2, .read, found: [], deadline: 1001)]
        ),
    ]

    @Test("what cannot be is told by its invariant, with the events that show it and no others", arguments: wrong)
    func refused(_ wrong: Wrong) throws {
        let violations = SessionHistory(wrong.events.shuffled()).violations()
        let first = try #require(violations.first)
        #expect(first.invariant == wrong.invariant)
        #expect(first.events.count == wrong.count)
        #expect(Set(violations.map(\.invariant)) == [wrong.invariant])
    }

    @Test(
        "a random history on the memory store is possible, whatever the seed",
        arguments: 1...4 as ClosedRange<UInt64>
    )
    func memory(seed: UInt64) async throws {
        let store = try MemorySessionStore()
        let keys = try KeyRing([SessionSecret.generate()])
        let nodes = try (0..<3).map { _ in LocalHistoryNode(try SessionManager(store: store, keys: keys)) }
        let history = await HistoryWorkload(seed: seed).run(on: nodes, requests: 3000)
        #expect(history.events.count >= 3000)
        #expect(history.violations().map(\.description) == [])
        // It has seen something: sessions with changes of several requests, tokens, logins, ends.
        #expect(history.events.contains { ($0.response.found?.list.count ?? 0) > 5 })
        #expect(history.events.contains { $0.response.consumed != nil })
        #expect(history.events.contains { $0.response.found?.owner != nil })
        #expect(history.events.contains { $0.isReplaced })
    }

    @Test(
        "a store that forgets a rule is found out by the answers alone",
        arguments: [WrongStore.Flaw.replaceIgnoresVersion, .replaceRevives, .racyReplace]
    )
    func wrongStores(flaw: WrongStore.Flaw) async throws {
        let store = WrongStore(flaw, clock: SystemSessionClock())
        let keys = try KeyRing([SessionSecret.generate()])
        // One manager alone would hide a flaw: it lets one commit of a session at a time to the store.
        let nodes = try (0..<4).map { _ in
            LocalHistoryNode(try SessionManager(store: YieldingStore(store), keys: keys))
        }
        let history = await HistoryWorkload(seed: 1).run(on: nodes, requests: 20_000)
        let found = Set(history.violations().map(\.invariant))
        #expect(found.contains(flaw == .replaceRevives ? "I2" : "I1"))
    }
}

/// Lets others in between any two calls.
private struct YieldingStore: OwnerIndexedSessionStore {
    let base: WrongStore

    init(_ base: WrongStore) { self.base = base }

    private func after<Answer>(_ answer: () async throws -> Answer) async rethrows -> Answer {
        await Task.yield()
        return try await answer()
    }

    func load(_ key: StoreKey) async throws -> StoredRecord? { await after { base.load(key) } }

    func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool {
        await after { await base.insert(record, at: key) }
    }

    func replace(
        _ record: StoredRecord,
        at key: StoreKey,
        ifVersion version: RecordVersion
    ) async throws -> ReplaceOutcome {
        await after { await base.replace(record, at: key, ifVersion: version) }
    }

    func touch(_ key: StoreKey, until deadline: Timestamp, ifVersion version: RecordVersion) async throws -> Bool {
        await after { await base.touch(key, until: deadline, ifVersion: version) }
    }

    func delete(_ key: StoreKey, ifVersion version: RecordVersion?) async throws -> Bool {
        await after { await base.delete(key, ifVersion: version) }
    }

    func entries(of owner: OwnerKey) async throws -> [StoredEntry] { await after { base.entries(of: owner) } }

    func delete(_ key: StoreKey, ifOwner owner: OwnerKey) async throws -> Bool {
        await after { await base.delete(key, ifOwner: owner) }
    }

    func epoch(of owner: OwnerKey) async throws -> Timestamp? { await after { base.epoch(of: owner) } }

    func raiseEpoch(of owner: OwnerKey, to epoch: Timestamp, keptUntil: Timestamp) async throws {
        await after { await base.raiseEpoch(of: owner, to: epoch, keptUntil: keptUntil) }
    }
}
