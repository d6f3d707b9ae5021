import HTTPTypes
import Sessions

// I2: what has ended stays over.
extension SessionStoreConformance {
    static let endingInvariants: [Check] = [
        Check("I2-slow-writer", "I2 destroy wins: a slow writer does not bring a destroyed session back") {
            let scenario = try SessionScenario($0)
            let handle = try await scenario.begin(owner: nil)
            let tab = scenario.browser.copy()
            let slow = scenario.sessions.open(tab.request())
            try await slow.session.update(.number) { $0 += 1 }
            try await scenario.browser.visit(scenario.others) { $0.destroy() }
            try await requireError(.ended, "The commit of a change to a destroyed session") { try await slow.commit() }
            try await scenario.expectEnded(handle, tab, after: "a slow writer's commit")
        },
        Check("I2-touch-and-save", "I2 destroy wins: neither a touch nor a checkpoint brings a session back") {
            let scenario = try SessionScenario($0)
            let handle = try await scenario.begin()
            let tab = scenario.browser.copy()
            let touching = scenario.sessions.open(tab.request())
            try await touching.session.touch()
            let saving = scenario.others.open(tab.request())
            let session = try await saving.session
            session.update(.number) { $0 += 1 }
            try await scenario.browser.visit(scenario.others) { $0.destroy() }
            _ = try? await touching.commit()
            try await requireError(.ended, "A checkpoint of a destroyed session") { try await session.save() }
            try await scenario.expectEnded(handle, tab, after: "a touch and a checkpoint")
        },
        Check("I2-races", "I2 destroy wins: however a writer and a logout race, the session stays over") { subject in
            let scenario = try SessionScenario(subject)
            for round in 0..<subject.rounds {
                let handle = try await scenario.begin()
                let tab = scenario.browser.copy()
                let old = scenario.browser.copy()
                _ = try await subject.race(round: round) {
                    _ = try? await tab.visit(scenario.sessions) { session in session.update(.number) { $0 += 1 } }
                } _: {
                    try await scenario.browser.visit(scenario.others) { $0.destroy() }
                }
                try await scenario.expectEnded(handle, old, after: "a race of a writer and a logout")
            }
        },
        Check(
            "I2-lost-reply",
            "I2 destroy wins: a destroy whose reply was lost is repeated, an unconfirmed one is an error"
        ) {
            let scenario = try SessionScenario($0)
            var handle = try await scenario.begin()
            scenario.faults.failAfter(.delete)
            let tab = scenario.browser.copy()
            try await scenario.browser.visit(scenario.sessions) { $0.destroy() }
            try await scenario.expectEnded(handle, tab, after: "a destroy whose reply was lost")
            handle = try await scenario.begin()
            scenario.faults.failBefore(.delete, next: 2)
            try await requireError(.storeUnavailable, "A destroy that the store never confirmed") {
                try await scenario.browser.visit(scenario.sessions) { $0.destroy() }
            }
            let copy = scenario.browser.copy()
            try require(!copy.cookies.isEmpty, "An unconfirmed destroy took the cookie away, so it cannot be repeated")
            try await scenario.browser.visit(scenario.sessions) { $0.destroy() }
            try await scenario.expectEnded(handle, copy, after: "the repeated destroy")
        },
        Check("I2-overtaken", "I2 destroy wins: what another request wrote a moment before goes with the session") {
            let scenario = try SessionScenario($0)
            let handle = try await scenario.begin()
            let tab = scenario.browser.copy()
            scenario.faults.before(.delete) {
                try await tab.visit(scenario.others) { session in session.update(.number) { $0 += 1 } }
            }
            try await scenario.browser.visit(scenario.sessions) { $0.destroy() }
            try await scenario.expectEnded(handle, tab, after: "a destroy that another request overtook")
        },
        Check("I2-throw", "I2 destroy wins: also when the handler throws afterwards (ER-05)") {
            struct Failure: Error {}
            let scenario = try SessionScenario($0)
            for restarts in [false, true] {
                let handle = try await scenario.begin()
                let tab = scenario.browser.copy()
                _ = try? await scenario.browser.visit(scenario.sessions) { session in
                    if restarts { session.restart() } else { session.logOut() }
                    throw Failure()
                }
                try await scenario.expectEnded(handle, tab, after: "a handler that ended the session and threw")
            }
        },
        Check("I2-late", "I2 destroy wins: also after the commit, as soon as save() has returned (LC-17)") {
            let scenario = try SessionScenario($0)
            let handle = try await scenario.begin()
            let tab = scenario.browser.copy()
            let exchange = scenario.sessions.open(tab.request())
            let session = try await exchange.session
            _ = try await exchange.commit()
            session.destroy()
            try await session.save()
            try await scenario.expectEnded(handle, tab, after: "a destroy after the commit")
        },
        Check("I2-successor", "I2 destroy wins: a restart, and a login over another owner, end the session before") {
            let scenario = try SessionScenario($0)
            var handle = try await scenario.begin(5)
            var old = scenario.browser.copy()
            try await scenario.browser.visit(scenario.sessions) { session in
                session.restart()
                session.set(.other, to: 1)
            }
            try await scenario.expectEnded(handle, old, after: "a restart")
            handle = try await scenario.begin(owner: "ada")
            old = scenario.browser.copy()
            try await scenario.browser.visit(scenario.others) { $0.logIn("grace") }
            try await scenario.expectEnded(handle, old, after: "another owner's login")
            let (owner, number) = try await scenario.browser.visit(scenario.others) { ($0.owner, $0[.number]) }
            try require(
                owner == "grace" && number == 0,
                "A login over another owner kept something of the other's session"
            )
        },
        Check("I2-login", "I2 destroy wins: a login that was under way begins a session of its own") {
            let scenario = try SessionScenario($0)
            let handle = try await scenario.begin(5)
            let tab = scenario.browser.copy()
            scenario.faults.before(.replace) {
                try await tab.visit(scenario.others) { $0.destroy() }
            }
            try await scenario.browser.visit(scenario.sessions) { $0.logIn("ada", keeping: .all) }
            let record = try await scenario.store.load(StoreKey(handle))
            try require(record == nil, "A login brought a destroyed session back")
            let (owner, number) = try await scenario.browser.visit(scenario.others) { ($0.owner, $0[.number]) }
            try require(
                owner == "ada" && number == 0,
                "The login has owner \(owner ?? "nobody"), and the old session's \(number)"
            )
        },
    ]

    static let adoptionInvariants: [Check] = [
        Check("I3-no-adoption", "I3 no adoption: a genuine cookie whose record is gone gets another handle") {
            let scenario = try SessionScenario($0)
            let handle = try await scenario.begin()
            _ = try await scenario.store.delete(StoreKey(handle), ifVersion: nil)
            let next = try await scenario.browser.visit(scenario.sessions) { session in
                session.set(.number, to: 1)
                return session.handle
            }
            try require(next != handle, "A session began at the handle that a client brought")
            let record = try await scenario.store.load(StoreKey(handle))
            try require(record == nil, "A record was stored at the handle that a client brought")
            let number = try await scenario.number()
            try require(number == 1, "A session that began in place of a dead one is not there")
        },
        Check("I3-taken", "I3 no adoption: a handle that is taken is not written over (ID-08)") {
            let scenario = try SessionScenario($0)
            let exchange = scenario.sessions.open(scenario.browser.request())
            let session = try await exchange.session
            session.set(.number, to: 1)
            let key = StoreKey(session.handle)
            let stranger = StoredRecord(
                payload: Array("somebody else's".utf8),
                version: .random(),
                idleDeadline: scenario.clock.now() + .seconds(60),
                absoluteDeadline: scenario.clock.now() + .seconds(60)
            )
            try require(await scenario.store.insert(stranger, at: key), "A record could not be inserted")
            var response = HTTPResponse(status: .ok)
            try await exchange.commit().apply(to: &response)
            scenario.browser.receive(response)
            let left = try await scenario.store.load(key)
            try require(left == stranger, "A new session was written over somebody else's record")
            try require(session.handle != key.handle, "A session claims a handle that somebody else has")
            let number = try await scenario.number()
            try require(number == 1, "A session whose first handle was taken is not there")
        },
    ]
}
