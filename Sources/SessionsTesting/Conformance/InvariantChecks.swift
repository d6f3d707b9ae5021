import HTTPTypes
import Sessions

// The invariants, end to end through the manager: what a user of the store relies on in the end.
extension SessionStoreConformance {
    static let invariantChecks: [Check] =
        operationInvariants + endingInvariants + adoptionInvariants + credentialInvariants + deadlineInvariants
        + readingInvariants + responseInvariants + ownerInvariants

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
        Check("I1-racers", "I1 no lost operation: concurrent updates through two managers add up (LC-08)") { subject in
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
        Check("I1-emptied", "I1 no lost operation: an emptied session that another request fills meanwhile stays") {
            let scenario = try SessionScenario($0) { $0.deletesEmptied = true }
            try await scenario.begin(1)
            let tab = scenario.browser.copy()
            scenario.faults.before(.delete) {
                try await tab.visit(scenario.others) { $0.set(.other, to: 7) }
            }
            try await scenario.browser.visit(scenario.sessions) { $0.remove(.number) }
            let (number, other) = try await tab.visit(scenario.others) { ($0[.number], $0[.other]) }
            try require(
                number == 0 && other == 7,
                "A value set beside a removal became \(other), and the removed one \(number)"
            )
        },
        Check("I1-flash", "I1 no lost operation: a flash value waits until a request that commits has shown it") {
            struct Failure: Error {}
            let scenario = try SessionScenario($0)
            try await scenario.browser.visit(scenario.sessions) { $0.flash(.ticket, "saved") }
            scenario.faults.failBefore(.replace, next: 10)
            _ = try? await scenario.browser.visit(scenario.sessions) { $0.flash(.ticket) }
            scenario.faults.clear()
            _ = try? await scenario.browser.visit(scenario.sessions) { session in
                _ = session.flash(.ticket)
                throw Failure()
            }
            let kept = try await scenario.browser.visit(scenario.sessions) { session in
                let value = session.flash(.ticket)
                session.keepFlash()
                return value
            }
            try require(kept == "saved", "A commit that failed, or a handler that threw, took a flash value away")
            let shown = try await scenario.browser.visit(scenario.others) { $0.flash(.ticket) }
            try require(shown == "saved", "A flash value that a handler kept is gone")
            let again = try await scenario.browser.visit(scenario.sessions) { $0.flash(.ticket) }
            try require(again == nil, "A flash value was shown to a second request")
        },
        Check("I1-flash-kept", "I1 no lost operation: a flash value for one request goes with it, unless it is kept") {
            struct Failure: Error {}
            let scenario = try SessionScenario($0) { $0.flashLifetime = .nextRequest }
            try await scenario.browser.visit(scenario.sessions) { $0.flash(.ticket, "saved") }
            _ = try? await scenario.browser.visit(scenario.sessions) { _ in throw Failure() }
            try await scenario.browser.visit(scenario.others) { $0.keepFlash(.ticket) }
            try await scenario.browser.visit(scenario.others) { session in
                session.set(.number, to: 1)
                session.keepFlash()
            }
            let shown = try await scenario.browser.visit(scenario.sessions) { $0.flash(.ticket) }
            try require(shown == "saved", "A flash value is gone though its request threw, and the next ones kept it")
            try await scenario.browser.visit(scenario.sessions) { $0.flash(.ticket, "again") }
            try await scenario.browser.visit(scenario.others) { _ in }
            let late = try await scenario.browser.visit(scenario.sessions) { $0.flash(.ticket) }
            try require(late == nil, "A flash value outlived the request after its own")
        },
    ]
}
