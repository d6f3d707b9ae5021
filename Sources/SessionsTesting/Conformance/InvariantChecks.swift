import HTTPTypes
import Sessions

// The invariants, end to end through the manager: what a user of the store relies on in the end.
extension SessionStoreConformance {
    static let invariantChecks: [Check] =
        operationInvariants + endingInvariants + credentialInvariants + deadlineInvariants + ownerInvariants

    private static let operationInvariants: [Check] = [
        Check("I1-forced-race", "I1 no lost operation: two requests that change one session keep both changes") {
            let scenario = try SessionScenario($0)
            try await scenario.begin()
            let slow = scenario.sessions.open(scenario.browser.request())
            try await slow.session.update(.number) { $0 += 1 }
            try await scenario.browser.visit(scenario.others) { session in
                session.update(.number) { $0 += 10 }
                session.set(.other, to: 7)
            }
            _ = try await slow.commit()
            let (number, other) = try await scenario.browser.visit(scenario.others) { ($0[.number], $0[.other]) }
            try require(number == 11 && other == 7, "0 + 1 + 10 became \(number), and another key's 7 became \(other)")
            let extra = slow.report.roundTrips
            try require(extra <= 4, "The lost race took \(extra) round trips")
        },
        Check("I1-racers", "I1 no lost operation: concurrent updates through two managers add up") { subject in
            let scenario = try SessionScenario(subject)
            try await scenario.begin()
            let count = max(subject.rounds, 20)
            _ = try await subject.race(count) { index in
                let sessions = index.isMultiple(of: 2) ? scenario.sessions : scenario.others
                try await scenario.browser.copy().visit(sessions) { session in session.update(.number) { $0 += 1 } }
            }
            let number = try await scenario.number()
            try require(number == count, "\(count) increments became \(number)")
        },
        Check("I1-lost-reply", "I1 no lost operation: a replace whose reply was lost is made once") {
            let scenario = try SessionScenario($0)
            try await scenario.begin()
            for round in 1...4 {
                if round.isMultiple(of: 2) {
                    scenario.faults.failBefore(.replace)
                } else {
                    scenario.faults.failAfter(.replace)
                }
                try await scenario.browser.visit(scenario.sessions) { session in session.update(.number) { $0 += 1 } }
                let number = try await scenario.number()
                try require(number == round, "\(round) increments with lost replies became \(number)")
            }
        },
        Check("I1-lost-reply-overtaken", "I1 no lost operation: a lost reply is told apart though others wrote since") {
            let scenario = try SessionScenario($0)
            try await scenario.begin()
            let tab = scenario.browser.copy()
            scenario.faults.failAfter(.replace)
            scenario.faults.before(.load, call: 2) {
                try await tab.visit(scenario.others) { session in session.update(.number) { $0 += 10 } }
            }
            try await scenario.browser.visit(scenario.sessions) { session in session.update(.number) { $0 += 1 } }
            let number = try await scenario.number()
            try require(number == 11, "0 + 1 + 10 became \(number)")
        },
        Check("I6-consumed-once", "I6 consumed once: of concurrent requests exactly one gets the value") { subject in
            let scenario = try SessionScenario(subject)
            for round in 0..<max(subject.rounds / 10, 1) {
                try await scenario.browser.visit(scenario.sessions) { $0.set(.ticket, to: "ticket \(round)") }
                let values = try await subject.race(10) { index in
                    let sessions = index.isMultiple(of: 2) ? scenario.sessions : scenario.others
                    return try await scenario.browser.copy().visit(sessions) { try await $0.consume(.ticket) }
                }
                let winners = values.count { $0 != nil }
                try require(winners == 1, "\(winners) of 10 requests consumed one value")
            }
        },
        Check("I6-lost-reply", "I6 consumed once: a lost reply never hands a value to two requests") {
            let scenario = try SessionScenario($0)
            try await scenario.browser.visit(scenario.sessions) { $0.set(.ticket, to: "ticket") }
            let tab = scenario.browser.copy()
            scenario.faults.failAfter(.replace)
            let first = try? await scenario.browser.visit(scenario.sessions) { try await $0.consume(.ticket) }
            let second = try await tab.visit(scenario.others) { try await $0.consume(.ticket) }
            let winners = [first ?? nil, second].count { $0 != nil }
            try require(winners <= 1, "Two requests consumed one value")
            try require(second == nil, "A value was consumed after its removal was stored")
        },
        Check("I8-reading", "I8 reading writes nothing: a request that reads asks the store once, and only loads") {
            let scenario = try SessionScenario($0)
            try await scenario.begin(3)
            _ = try await scenario.number()
            let operations = scenario.faults.operations
            try require(operations == [.load], "A request that only read did \(operations)")
        },
    ]

    private static let endingInvariants: [Check] = [
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
        },
    ]
}
