import HTTPTypes
import Sessions

// I7 and I8: what a deadline ends, and what reading leaves alone.
extension SessionStoreConformance {
    static let deadlineInvariants: [Check] = [
        Check("I7-idle", "I7 deadlines hold: an idle session ends, a used one lives on to its absolute deadline") {
            let lifetime = SessionLifetime(idle: .seconds(600), absolute: .seconds(3000))
            let scenario = try SessionScenario($0) { $0.anonymousLifetime = lifetime }
            try await scenario.begin(5)
            for _ in 0..<5 {
                scenario.clock.advance(by: .seconds(590))
                let number = try await scenario.number()
                try require(number == 5, "A session in use ended before its absolute deadline")
            }
            scenario.clock.advance(by: .seconds(50))
            let number = try await scenario.number()
            try require(number == 0, "Touches carried a session past its absolute deadline")
            try await scenario.begin(6)
            scenario.clock.advance(by: .seconds(600))
            let idle = try await scenario.number()
            try require(idle == 0, "An idle session did not end")
        },
        Check("I7-touch", "I7 deadlines hold: a touch writes no data, and a clock that goes back rewinds nothing") {
            let scenario = try SessionScenario($0)
            let handle = try await scenario.begin(5)
            let before = try await scenario.store.load(StoreKey(handle))
            scenario.clock.advance(by: .seconds(120))
            _ = try await scenario.number()
            let touched = try await scenario.store.load(StoreKey(handle))
            guard let before, var expected = touched else { throw ConformanceFailure("A touch lost the record") }
            try require(
                expected.idleDeadline == before.idleDeadline + .seconds(120),
                "A touch did not move the deadline"
            )
            expected.idleDeadline = before.idleDeadline
            try require(expected == before, "A touch changed more than the idle deadline")
            scenario.clock.advance(by: .seconds(-600))
            try await scenario.browser.visit(scenario.sessions) { $0.touch() }
            try await scenario.browser.visit(scenario.sessions) { $0.set(.number, to: 6) }
            let after = try await scenario.store.load(StoreKey(handle))
            let isKept = (after?.idleDeadline).map { $0 >= before.idleDeadline + .seconds(120) } ?? false
            try require(isKept, "A clock that went back rewound the idle deadline")
        },
        Check("I7-writes", "I7 deadlines hold: writing carries no session past its absolute deadline (LC-04)") {
            let lifetime = SessionLifetime(idle: .seconds(600), absolute: .seconds(3000))
            let scenario = try SessionScenario($0) { $0.anonymousLifetime = lifetime }
            let handle = try await scenario.begin(1)
            let deadline = scenario.clock.now() + .seconds(3000)
            for round in 0..<5 {
                scenario.clock.advance(by: .seconds(590))
                try await scenario.browser.visit(scenario.sessions) { session in
                    session.update(.number) { $0 += 1 }
                    session.rotate(grace: .zero)
                    // A lifetime of its own counts from the session's beginning too.
                    let idle = Duration.seconds(601 + round)
                    try session.setLifetime(SessionLifetime(idle: idle, absolute: .seconds(3000)))
                }
                let record = try await scenario.store.load(StoreKey(handle))
                try require(record?.absoluteDeadline == deadline, "A write moved the absolute deadline")
            }
            scenario.clock.advance(by: .seconds(50))
            let number = try await scenario.number()
            try require(number == 0, "Writes carried a session past its absolute deadline")
        },
        Check("I7-commit", "I7 deadlines hold: a commit after the deadline is refused, and keeps nothing alive (LC-05)")
        {
            let scenario = try SessionScenario($0)
            try await scenario.begin(5)
            let writing = scenario.sessions.open(scenario.browser.request())
            try await writing.session.update(.number) { $0 += 1 }
            let touching = scenario.sessions.open(scenario.browser.request())
            try await touching.session.touch()
            let consuming = scenario.sessions.open(scenario.browser.request())
            let session = try await consuming.session
            scenario.clock.advance(by: .seconds(7200))
            try await requireError(.ended, "A commit after the deadline") { try await writing.commit() }
            try await requireError(.ended, "A touch after the deadline") { try await touching.commit() }
            try await requireError(.ended, "Consuming after the deadline") { try await session.consume(.ticket) }
            let number = try await scenario.number()
            try require(number == 0, "A commit after the deadline kept a session alive")
        },
    ]

    static let readingInvariants: [Check] = [
        Check(
            "I8-reading",
            "I8 reading writes nothing: a request that reads asks the store once, and only loads (DS-04)"
        ) {
            let scenario = try SessionScenario($0)
            try await scenario.begin(3)
            for seconds in [0, 30, 29] {
                scenario.clock.advance(by: .seconds(seconds))
                try await scenario.browser.visit(scenario.sessions) { session in
                    _ = (session[.number], session[.ticket], session.isNew, session.owner, session.flash(.ticket))
                    // What equals the stored value is no change.
                    session.set(.number, to: 3)
                    session.update(.number) { $0 += 0 }
                    session.remove(.other)
                }
                let operations = scenario.faults.operations
                try require(operations == [.load], "A request that only read did \(operations)")
                scenario.faults.forgetCalls()
            }
            scenario.clock.advance(by: .seconds(1))
            _ = try await scenario.number()
            _ = try await scenario.number()
            let operations = scenario.faults.operations
            try require(operations == [.load, .touch, .load], "When the renewal interval had passed: \(operations)")
        }
    ]
}
