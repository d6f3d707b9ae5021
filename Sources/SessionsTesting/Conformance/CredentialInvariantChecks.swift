import HTTPTypes
import Sessions

// I4, I5: exactly one credential is current, and none from before a login.
extension SessionStoreConformance {
    static let credentialInvariants: [Check] = [
        Check("I4-lost-reply", "I4 atomic rotation: whatever reply is lost, exactly one credential is current") {
            subject in
            for fault in 0..<3 {
                for grace in [Duration.zero, .seconds(30)] {
                    let scenario = try SessionScenario(subject)
                    try await scenario.begin(5)
                    let before = scenario.browser.copy()
                    switch fault {
                    case 0: scenario.faults.failBefore(.replace)
                    case 1: scenario.faults.failAfter(.replace)
                    default: scenario.faults.failBefore(.replace, next: 10)
                    }
                    _ = try? await scenario.browser.visit(scenario.sessions) { $0.rotate(grace: grace) }
                    scenario.faults.clear()
                    scenario.clock.advance(by: .seconds(31))
                    let isRotated = scenario.browser.cookies != before.cookies
                    let current = try await scenario.number()
                    try require(
                        current == 5,
                        "After a rotation with fault \(fault), the client's cookie reaches nothing"
                    )
                    if isRotated {
                        let old = try await scenario.number(in: before)
                        try require(old == 0, "After a rotation, the old credential still reaches the session")
                    }
                }
            }
        },
        Check("I4-one-successor", "I4 atomic rotation: every request that races with a rotation gets the same cookie") {
            let scenario = try SessionScenario($0)
            try await scenario.begin(5)
            let tabs = (0..<5).map { _ in scenario.browser.copy() }
            let old = scenario.browser.cookies
            for (index, tab) in tabs.enumerated() {
                let sessions = index.isMultiple(of: 2) ? scenario.sessions : scenario.others
                let number = try await tab.visit(sessions) { session in
                    session.rotate(grace: .seconds(30))
                    return session[.number]
                }
                try require(number == 5, "A tab inside the grace was a stranger")
            }
            let jars = Set(tabs.map(\.cookies))
            try require(jars.count == 1, "\(jars.count) different cookies came out of one rotation")
            try require(!jars.contains(old), "No tab got the new cookie")
            scenario.clock.advance(by: .seconds(31))
            for tab in tabs {
                let number = try await scenario.number(in: tab)
                try require(number == 5, "After the grace, a tab was logged out")
            }
        },
        Check(
            "I5-no-upgrade",
            "I5 no upgrade: a credential from before a login never gains what came after it (LC-01, LC-19)"
        ) {
            let scenario = try SessionScenario($0)
            try await scenario.begin(5)
            let planted = scenario.browser.copy()
            let racing = scenario.others.open(planted.request())
            try await racing.session.update(.number) { $0 += 1 }
            try await scenario.browser.visit(scenario.sessions) { $0.logIn("ada", keeping: .all) }
            try await requireError(.ended, "A commit with the credential from before the login") {
                try await racing.commit()
            }
            let (owner, number) = try await planted.visit(scenario.others) { ($0.owner, $0[.number]) }
            try require(owner == nil && number == 0, "The credential from before the login reaches the session")
            let after = try await scenario.browser.visit(scenario.others) { ($0.owner, $0[.number]) }
            try require(after == ("ada", 5), "The login did not keep what it was told to keep")
        },
        Check("I4-old-cookie", "I4 atomic rotation: no slow request puts an old cookie over a new one") {
            // A touch that came too late, asked for by the handler or by the renewal interval, sends nothing again.
            for isAsked in [true, false] {
                let scenario = try SessionScenario($0) { $0.rolling = true }
                try await scenario.begin(5)
                let tab = scenario.browser.copy()
                scenario.clock.advance(by: .seconds(120))
                let slow = scenario.sessions.open(tab.request())
                if isAsked { try await slow.session.touch() } else { _ = try await slow.session }
                try await scenario.browser.visit(scenario.others) { $0.logIn("ada") }
                let fields = try await slow.commit()
                try require(!fields.changesCookie, "A touch that came after a login sent the old cookie again")
            }
            // Neither does a visitor who came with the old cookie begin another session over the new one.
            let scenario = try SessionScenario($0)
            try await scenario.begin(5)
            let tab = scenario.browser.copy()
            try await scenario.browser.visit(scenario.others) { $0.logIn("ada") }
            let old = tab.cookies
            try await requireError(.ended, "A change by a request that raced a login") {
                try await tab.visit(scenario.sessions) { $0.set(.number, to: 6) }
            }
            try require(tab.cookies == old, "A request that raced a login set a cookie over the new one")
        },
        Check("I4-throw", "I4 atomic rotation: a handler that throws rotates if its cookie travels, and not otherwise")
        {
            for carriesFields in [true, false] {
                let scenario = try SessionScenario($0)
                try await scenario.begin(5)
                let before = scenario.browser.copy()
                let exchange = scenario.sessions.open(scenario.browser.request())
                try await exchange.session.rotate(grace: .zero)
                var response = HTTPResponse(status: .internalServerError)
                let fields = try await exchange.commit(.threw(carriesFields: carriesFields))
                if carriesFields { fields.apply(to: &response) }
                scenario.browser.receive(response)
                let (old, number) = (try await scenario.number(in: before), try await scenario.number())
                try require(number == 5, "After a handler threw, the client's cookie reaches nothing")
                try require((old == 0) == carriesFields, "After a handler threw, two credentials or none are current")
            }
        },
        Check("I5-grace", "I5 no upgrade: a login, and a rotation without a grace, end the grace of another") {
            for logsIn in [true, false] {
                let scenario = try SessionScenario($0)
                try await scenario.begin(5)
                var olds = [scenario.browser.copy()]
                try await scenario.browser.visit(scenario.sessions) { $0.rotate(grace: .seconds(30)) }
                olds.append(scenario.browser.copy())
                try await scenario.browser.visit(scenario.sessions) { session in
                    if logsIn { session.logIn("ada", keeping: .all) } else { session.rotate(grace: .zero) }
                }
                for old in olds {
                    let number = try await scenario.number(in: old)
                    try require(number == 0, "A credential from before the \(logsIn ? "login" : "rotation") counts on")
                }
                let number = try await scenario.number()
                try require(number == 5, "The new credential reaches nothing")
            }
        },
        Check("I5-throw", "I5 no upgrade: a handler that throws after a login has logged nobody in (ER-05)") {
            struct Failure: Error {}
            let scenario = try SessionScenario($0)
            try await scenario.begin(5)
            let before = scenario.browser.cookies
            _ = try? await scenario.browser.visit(scenario.sessions) { session in
                session.logIn("ada", keeping: .all)
                throw Failure()
            }
            let (owner, number) = try await scenario.browser.visit(scenario.others) { ($0.owner, $0[.number]) }
            try require(owner == nil && number == 5, "After a login that threw: owner \(owner ?? "nobody"), \(number)")
            try require(scenario.browser.cookies == before, "A login that threw set a cookie")
        },
        Check("I5-under-way", "I5 no upgrade: a request that was under way sees nothing of the login, whatever it does")
        {
            subject in
            let scenario = try SessionScenario(subject) { $0.endedPolicy = .discard }
            try await scenario.browser.visit(scenario.sessions) { $0.set(.ticket, to: "before") }
            let planted = scenario.browser.copy()
            let (saving, consuming, reloading) = (
                scenario.sessions.open(planted.request()), scenario.sessions.open(planted.request()),
                scenario.others.open(planted.request())
            )
            let sessions = (try await saving.session, try await consuming.session, try await reloading.session)
            try await scenario.browser.visit(scenario.others) { session in
                session.logIn("ada")
                session.set(.ticket, to: "after")
            }
            sessions.0.set(.number, to: 1)
            try await sessions.0.save()
            try require(
                sessions.0.owner == nil && sessions.0[.ticket] == nil && sessions.0.isEnded,
                "A checkpoint with the credential from before the login shows what came after it"
            )
            try await requireError(.ended, "Consuming a value with the credential from before the login") {
                try await sessions.1.consume(.ticket)
            }
            try await requireError(.ended, "Reading anew with the credential from before the login") {
                try await sessions.2.reload()
            }
            let value = try await scenario.browser.visit(scenario.others) { $0[.ticket] }
            try require(value == "after", "A credential from before the login changed what came after it")
        },
    ]
}
