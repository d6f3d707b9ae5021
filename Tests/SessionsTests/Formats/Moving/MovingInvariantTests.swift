import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

@Suite("Moving from another system's sessions: invariants")
struct MovingInvariantTests {
    // MARK: I1

    @Test("I1: fifty requests with one old cookie, on five nodes: one session, and every change is in it")
    func many() async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites()
        let nodes = try (0..<5).map { _ in try fixture.node() }
        let clients = (0..<50).map { _ in fixture.oldClient }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, client) in clients.enumerated() {
                group.addTask { try await fixture.visit(client, nodes[number % 5]) }
            }
            try await group.waitForAll()
        }
        #expect(fixture.new.base.count() == 1)
        #expect(fixture.events.kinds.count { $0 == .moved } == 1)
        #expect(try await fixture.visits(fixture.oldClient) == 53)
        let credentials = Set(clients.compactMap { $0.cookies["__Host-Http-sid"] })
        #expect(credentials.count == 1, "every request is answered with the same new credential")
        for client in clients { #expect(client.cookies["connect.sid"] == nil) }
    }

    @Test("I1: where another node is faster, between our two writes, our change is made again on its record")
    func overtaken() async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites()
        let (other, client) = (try fixture.node(), fixture.oldClient)
        fixture.old.faults.before(.replace) { try await fixture.visit(client, other) }
        try await fixture.visit(fixture.browser)
        #expect(fixture.new.base.count() == 1, "the record of the one that was late is gone")
        #expect(try await fixture.visits(client) == 5)
        #expect(try await fixture.visits(fixture.browser) == 5)
        #expect(fixture.browser.cookies == client.cookies)
    }

    @Test("I1: what the old format still writes between our two writes is not written over")
    func changedBefore() async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites()
        let (beside, client) = (try fixture.beside(), fixture.oldClient)
        fixture.old.faults.before(.replace) { try await fixture.visit(client, beside) }
        try await fixture.visit(fixture.browser)
        #expect(fixture.new.base.count() == 1)
        #expect(try await fixture.visits(fixture.browser) == 5)
    }

    @Test("I1: a request that has read before another moved the session still makes its change on it")
    func late() async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites()
        let exchange = fixture.sessions.open(fixture.oldClient.request())
        try await exchange.session.update(.visits) { $0 += 1 }
        try await fixture.visit(fixture.browser)
        let fields = try await exchange.commit()
        #expect(fields.changesCookie)
        #expect(try await fixture.visits(fixture.browser) == 5)
        #expect(fixture.new.base.count() == 1)
    }

    // MARK: I2

    @Test("I2: after a logout the old cookie opens nothing, and begins another session")
    func logout() async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites()
        try await fixture.visit(fixture.browser)
        try await fixture.browser.visit(fixture.sessions) { $0.logOut() }
        #expect(fixture.new.base.count() == 0)
        let client = fixture.oldClient
        #expect(try await fixture.visits(client) == 0)
        try await fixture.visit(client)
        #expect(try await fixture.visits(client) == 1)
        #expect(client.cookies["connect.sid"] == nil)
    }

    @Test("I2: a logout with the old cookie ends the session where it is, and both cookies expire")
    func logoutBefore() async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites()
        let response = try await fixture.respond { $0.logOut() }
        #expect(response.setCookies.count == 2 && response.setCookies.allSatisfy { $0.contains("Max-Age=0") })
        #expect(fixture.old.base.count() == 0)
        #expect(try await fixture.visits(fixture.oldClient) == 0)
    }

    @Test(
        "I2: a request that moves the session while another logs out does not bring it back",
        arguments: [true, false]
    )
    func logoutDuringMove(isBeforeInsert: Bool) async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites()
        let (client, other) = (fixture.oldClient, try fixture.node())
        let body: @Sendable () async throws -> Void = { try await client.visit(other) { $0.logOut() } }
        if isBeforeInsert {
            fixture.new.faults.before(.insert, perform: body)
        } else {
            fixture.old.faults.before(.replace, perform: body)
        }
        await #expect(throws: SessionError(.ended, "")) { try await fixture.visit(fixture.browser) }
        #expect(fixture.new.base.count() == 0 && fixture.old.base.count() == 0)
        #expect(try await fixture.visits(fixture.browser) == 0)
    }

    @Test("I2: a request that moves the session and is slow, while another moves it and logs out, brings nothing back")
    func logoutAfterAnotherMove() async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites()
        let (client, other) = (fixture.oldClient, try fixture.node())
        let third = fixture.oldClient
        fixture.old.faults.before(.replace) {
            try await fixture.visit(client, other)
            try await client.visit(other) { $0.logOut() }
            // The record of the slow one is in the new store now, and nobody is led to it.
            #expect(fixture.new.base.count() == 1)
            let seen = try await fixture.visits(third, other)
            #expect(seen == 0)
        }
        await #expect(throws: SessionError(.ended, "")) { try await fixture.visit(fixture.browser) }
        #expect(fixture.new.base.count() == 0)
    }

    @Test("I2: a logout that has read before another moved the session ends it where it has gone")
    func logoutAfterMove() async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites()
        let exchange = fixture.sessions.open(fixture.oldClient.request())
        try await exchange.session.logOut()
        try await fixture.visit(fixture.browser)
        _ = try await exchange.commit()
        #expect(fixture.new.base.count() == 0)
        #expect(try await fixture.visits(fixture.browser) == 0)
    }

    @Test("I2: between its reading and its deletion, too")
    func logoutRacesMove() async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites()
        let other = try fixture.node()
        fixture.old.faults.before(.delete) { try await fixture.visit(fixture.browser, other) }
        try await fixture.oldClient.visit(fixture.sessions) { $0.logOut() }
        #expect(fixture.new.base.count() == 0)
        #expect(try await fixture.visits(fixture.browser) == 0)
    }

    @Test("I2: a logout that the store does not confirm is an error, keeps the cookie, and can be repeated")
    func unconfirmedLogout() async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites()
        fixture.old.faults.failBefore(.delete, next: 2)
        await #expect(throws: SessionError(.storeUnavailable, "")) {
            try await fixture.browser.visit(fixture.sessions) { $0.logOut() }
        }
        #expect(fixture.browser.cookies["connect.sid"] != nil)
        #expect(try await fixture.visits(fixture.browser) == 3)
        try await fixture.browser.visit(fixture.sessions) { $0.logOut() }
        #expect(try await fixture.visits(fixture.oldClient) == 0)
    }

    @Test("I2: who is signed out everywhere is so with sessions that have not moved, however much later they come")
    func revoked() async throws {
        let fixture = try MovingFixture()
        try await fixture.browser.visit(fixture.beside()) { session in
            session.logIn("ada")
            session.set(.visits, to: 3)
        }
        fixture.clock.advance(by: .seconds(1))
        try await fixture.sessions.revokeAll(of: "ada")
        #expect(try await fixture.browser.visit(fixture.sessions) { "\($0.owner ?? "") \($0[.visits])" } == " 0")
        fixture.clock.advance(by: .seconds(13 * 86_400))
        _ = try await fixture.new.sweep(expiredBefore: fixture.clock.now(), limit: 100)
        #expect(try await fixture.visits(fixture.browser) == 0)
        try await fixture.visit(fixture.browser)
        #expect(try await fixture.browser.visit(fixture.sessions) { "\($0.owner ?? "") \($0[.visits])" } == " 1")
    }

    @Test("I2: who is signed out everywhere while a session moves is so with that one", arguments: [true, false])
    func revokedDuringMove(isBeforeInsert: Bool) async throws {
        let fixture = try MovingFixture()
        try await fixture.browser.visit(fixture.beside()) { $0.logIn("ada") }
        let other = try fixture.node()
        let body: @Sendable () async throws -> Void = { try await other.revokeAll(of: "ada") }
        if isBeforeInsert {
            fixture.new.faults.before(.insert, perform: body)
        } else {
            fixture.old.faults.before(.replace, perform: body)
        }
        let before = fixture.browser.copy()
        if isBeforeInsert {
            await #expect(throws: SessionError(.ended, "")) { try await fixture.visit(fixture.browser) }
        } else {
            // It has been listed and ended between the two writes, and its mark leads nowhere.
            try await fixture.visit(fixture.browser)
        }
        #expect(fixture.new.base.count() == 0)
        #expect(try await before.visit(fixture.sessions) { $0.owner } == nil)
    }

    // MARK: I4

    enum Step: CaseIterable {
        case insertFails, insertReplyLost, markFails, markReplyLost, markFailsForGood, epochFails, responseLost
    }

    @Test("I4: whatever is lost on the way, the old cookie leads to the one session", arguments: Step.allCases)
    func lost(step: Step) async throws {
        let fixture = try MovingFixture()
        try await fixture.browser.visit(fixture.beside()) { session in
            session.logIn("ada")
            session.set(.visits, to: 3)
        }
        let client = fixture.browser.copy()
        switch step {
        case .insertFails: fixture.new.faults.failBefore(.insert)
        case .insertReplyLost: fixture.new.faults.failAfter(.insert)
        case .markFails: fixture.old.faults.failBefore(.replace)
        case .markReplyLost: fixture.old.faults.failAfter(.replace)
        case .markFailsForGood: fixture.old.faults.failAfter(.replace, next: 3)
        case .epochFails:
            // The first is asked when the session is read.
            fixture.new.faults.after(.epoch, call: 2) { throw StoreFaults.unavailable }
        case .responseLost: break
        }
        let exchange = fixture.sessions.open(client.request())
        try await exchange.session.update(.visits) { $0 += 1 }
        var expected = 4
        do {
            _ = try await exchange.commit()
            #expect(step != .insertFails && step != .markFailsForGood && step != .epochFails)
        } catch let error as SessionError {
            #expect(error.code == (step == .markFailsForGood ? .outcomeUnknown : .storeUnavailable))
            if step != .markFailsForGood { expected = 3 }
        }
        // Whatever it was, the client has the old cookie alone.
        #expect(try await client.visit(fixture.sessions) { "\($0.owner ?? "") \($0[.visits])" } == "ada \(expected)")
        try await fixture.visit(client)
        #expect(client.cookies["connect.sid"] == nil)
        #expect(try await fixture.visits(client) == expected + 1)
        #expect(try await fixture.visits(fixture.browser) == expected + 1)
        #expect(client.cookies["__Host-Http-sid"] == fixture.browser.cookies["__Host-Http-sid"])
        #expect(fixture.new.base.count() == 1)
    }

    @Test("I4: the old cookie counts until the client has shown the new one, and a grace after that")
    func grace() async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites()
        try await fixture.visit(fixture.browser)
        fixture.clock.advance(by: .seconds(600))
        #expect(try await fixture.visits(fixture.oldClient) == 4, "as long as it takes, where the reply was lost")
        try await fixture.visit(fixture.browser)
        fixture.clock.advance(by: .seconds(29))
        #expect(try await fixture.visits(fixture.oldClient) == 5)
        try await fixture.visit(fixture.browser)
        fixture.clock.advance(by: .seconds(1))
        #expect(try await fixture.visits(fixture.oldClient) == 0, "a copy of the old cookie is worth nothing any more")
        #expect(fixture.events.kinds.last == .suspicious(.superseded))
        #expect(try await fixture.visits(fixture.browser) == 6)
    }

    @Test("LC-09: supersededPolicy endSession: a copy of the old cookie ends the session where that has moved")
    func reuse() async throws {
        let fixture = try MovingFixture(configure: { $0.supersededPolicy = .endSession })
        try fixture.nodeWrites()
        try await fixture.visit(fixture.browser)
        try await fixture.visit(fixture.browser)
        fixture.clock.advance(by: .seconds(61))
        #expect(fixture.new.base.count() == 1)
        #expect(try await fixture.visits(fixture.oldClient) == 0)
        #expect(fixture.events.kinds.suffix(2) == [.revoked, .suspicious(.superseded)])
        #expect(fixture.new.base.count() == 0)
        #expect(try await fixture.visits(fixture.browser) == 0)
    }

    @Test("I4: a rotation of the moved session does not break requests under way with the old cookie")
    func rotated() async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites()
        try await fixture.browser.visit(fixture.sessions) { $0.rotate() }
        #expect(try fixture.isForwarded, "a rotation is a move")
        let first = fixture.browser.cookies
        let client = fixture.oldClient
        try await client.visit(fixture.sessions) { $0.rotate() }
        #expect(client.cookies == first, "inside the grace it has happened already")
        try await fixture.browser.visit(fixture.sessions) { $0.rotate() }
        #expect(fixture.browser.cookies != first)
        #expect(try await fixture.visits(fixture.oldClient) == 3)
        fixture.clock.advance(by: .seconds(31))
        #expect(try await fixture.visits(fixture.oldClient) == 0)
        #expect(try await fixture.visits(fixture.browser) == 3)
    }

    // MARK: I5, I6, I7, I9

    @Test("I5: a login moves the session, and the old cookie gains nothing of it", arguments: [true, false])
    func login(hasMoved: Bool) async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites()
        if hasMoved { try await fixture.visit(fixture.browser) }
        let slow = fixture.sessions.open(fixture.oldClient.request())
        try await slow.session.update(.visits) { $0 += 1 }
        try await fixture.browser.visit(fixture.sessions) { $0.logIn("ada", keeping: .all) }
        #expect(fixture.new.base.count() == 1)
        #expect(try await fixture.oldClient.visit(fixture.sessions) { "\($0.owner ?? "") \($0[.visits])" } == " 0")
        await #expect(throws: SessionError(.ended, "")) { try await slow.commit() }
        let seen = try await fixture.browser.visit(fixture.sessions) { "\($0.owner ?? "") \($0[.visits])" }
        #expect(seen == (hasMoved ? "ada 4" : "ada 3"))
    }

    @Test("I5: a rotation without a grace and a restart leave the old cookie nothing", arguments: [true, false])
    func renewed(isRestart: Bool) async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites()
        try await fixture.browser.visit(fixture.sessions) { session in
            if isRestart { session.restart() } else { session.rotate(grace: .zero) }
            session.set(.visits, to: 9)
        }
        #expect(try await fixture.visits(fixture.browser) == 9)
        #expect(try await fixture.visits(fixture.oldClient) == 0)
        #expect(fixture.new.base.count() == 1)
    }

    @Test("I6: a value of a session that has not moved is consumed once, also while it moves")
    func consumed() async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites()
        let (other, client) = (try fixture.node(), fixture.oldClient)
        fixture.old.faults.before(.replace) { try await fixture.visit(client, other) }
        let values = try await withThrowingTaskGroup(of: Int?.self) { group in
            for _ in 0..<10 {
                group.addTask {
                    try await fixture.oldClient.visit(fixture.sessions) {
                        try await $0.consume(SessionKey<Int?>("visits"))
                    }
                }
            }
            return try await group.reduce(into: [Int]()) { if let value = $1 { $0.append(value) } }
        }
        #expect(values == [4])
        #expect(try await fixture.visits(client) == 0)
    }

    @Test("I7: no use of a moved session goes beyond the end that it had, and one without an end gets one")
    func deadlines() async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites()
        let end = try await fixture.browser.visit(fixture.sessions) { $0.absoluteDeadline }
        fixture.clock.advance(by: .seconds(86_400))
        try await fixture.visit(fixture.browser)
        let after = try await fixture.browser.visit(fixture.sessions) { ($0.absoluteDeadline, $0.idleDeadline) }
        #expect(after.0 == end)
        #expect(after.1 == fixture.clock.now() + .seconds(13 * 86_400), "nobody is signed out earlier for having moved")
        #expect(
            fixture.old.base.load(try fixture.key)?.absoluteDeadline == end,
            "nor is what is left of it kept longer"
        )

        try fixture.nodeWrites(lives: .seconds(36_525 * 86_400))
        let client = fixture.oldClient
        try await fixture.visit(client)
        let longest = try await client.visit(fixture.sessions) { $0.absoluteDeadline }
        #expect(longest == fixture.clock.now() + .seconds(30 * 86_400))
    }

    @Test("I9: no id of the other system is in what is kept or told, and none of its secrets in a description")
    func unspeakable() async throws {
        let fixture = try MovingFixture()
        try fixture.nodeWrites()
        try await fixture.visit(fixture.browser)
        let entry = try #require(fixture.new.base.entries(after: nil, limit: 2).first)
        let payload = String(decoding: entry.record.payload, as: UTF8.self)
        let credential = try #require(fixture.browser.cookies["__Host-Http-sid"])
        var search = SecretSearch()
        search.add(credential: credential)
        #expect(!payload.contains(MovingFixture.id) && search.piece(in: payload) == nil)
        #expect(try search.piece(in: fixture.oldJSON) == nil)
        var sessions = ""
        dump(MovingFixture.express(fixture.old), to: &sessions)
        #expect(!sessions.contains("keyboard"))
        #expect("\(MovingFixture.express(fixture.old))" == "OldSessions(express-session)")
    }
}
