import HTTPTypes
import Sessions

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
        Check("I5-no-upgrade", "I5 no upgrade: a credential from before a login never gains what came after it") {
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
        Check("I9-unspeakable", "I9 unspeakable: a record holds nothing of the credential") {
            let scenario = try SessionScenario($0)
            let handle = try await scenario.begin(5, owner: "ada")
            try await scenario.browser.visit(scenario.sessions) { $0.rotate(grace: .seconds(30)) }
            guard let record = try await scenario.store.load(StoreKey(handle)),
                let value = scenario.browser.cookies.values.first
            else { throw ConformanceFailure("A session that was kept is not there") }
            // The secret is bytes 20 to 52 of the credential: characters 27 to 69, any eight of which would give it away.
            let secret = Array(value.utf8)[28..<68]
            for start in secret.indices.dropLast(8) {
                let piece = secret[start..<start + 8]
                try require(!record.payload.contains(piece), "The record holds a piece of the credential")
            }
        },
        Check("I10-one-response", "I10 one response: at most one cookie of ours, and the application's own survive") {
            let scenario = try SessionScenario($0)
            try await scenario.begin(5)
            let exchange = scenario.sessions.open(scenario.browser.request())
            let session = try await exchange.session
            session.set(.number, to: 6)
            session.rotate(grace: .zero)
            try await session.save()
            session.logIn("ada")
            try await session.save()
            session.destroy()
            var response = HTTPResponse(status: .ok)
            response.headerFields.append(HTTPField(name: .setCookie, value: "theme=dark; Path=/"))
            response.headerFields[.cacheControl] = "public, max-age=60"
            try await exchange.commit().apply(to: &response)
            let cookies = response.headerFields[fields: .setCookie].map(\.value)
            try require(cookies.count == 2, "The response has \(cookies.count) Set-Cookie fields")
            try require(cookies.contains("theme=dark; Path=/"), "The application's own cookie is gone")
            try require(cookies.contains { $0.contains("Max-Age=0") }, "The destroyed session's cookie does not expire")
            try require(
                response.headerFields[.cacheControl] == "no-store",
                "A response that sets a cookie may be stored"
            )
        },
    ]

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
    ]

    static let ownerInvariants: [Check] = [
        Check("owner-revoke", "an owner's sessions are listed, and ended one by one or all at once", needs: .owners) {
            let scenario = try SessionScenario($0)
            let sessions = scenario.sessions
            let devices = (0..<4).map { _ in SessionBrowser(clock: scenario.clock) }
            var handles: [SessionHandle] = []
            for device in devices {
                handles.append(
                    try await device.visit(sessions) { session in
                        session.logIn("ada")
                        return session.handle
                    }
                )
            }
            let listed = try await sessions.list("ada").map(\.handle)
            try require(Set(listed) == Set(handles), "\(listed.count) of 4 sessions are listed")
            let byStranger = try await sessions.revoke(handles[0], of: "grace")
            try require(!byStranger, "One owner ended another owner's session")
            let isRevoked = try await sessions.revoke(handles[0], of: "ada")
            try require(isRevoked, "An owner could not end a session of their own")
            scenario.clock.advance(by: .seconds(1))
            let count = try await devices[1].visit(sessions) { try await $0.revokeOthers() }
            try require(count == 2, "\(count) of 2 other sessions ended")
            for (index, device) in devices.enumerated() {
                let owner = try await device.visit(scenario.others) { $0.owner }
                try require((owner == "ada") == (index == 1), "Device \(index) is signed in as \(owner ?? "nobody")")
            }
        },
        Check("owner-login-race", "a login that races a revoke-all ends revoked or newer than it", needs: .owners) {
            let scenario = try SessionScenario($0)
            // Written before the others are listed, read after the epoch is raised: refused.
            for moment in [StoreFaults.Moment.before, .after] {
                let browser = SessionBrowser(clock: scenario.clock)
                let exchange = scenario.sessions.open(browser.request())
                try await exchange.session.logIn("ada")
                let revoke: @Sendable () async throws -> Void = {
                    scenario.clock.advance(by: .seconds(1))
                    _ = try await scenario.others.revokeAll(of: "ada")
                }
                switch moment {
                case .before: scenario.faults.before(.insert, perform: revoke)
                case .after: scenario.faults.after(.insert, perform: revoke)
                }
                try await requireError(.revoked, "A login opened before a revoke-all") { try await exchange.commit() }
                let left = try await scenario.sessions.list("ada")
                try require(left.isEmpty, "A login opened before a revoke-all survived it")
            }
            scenario.clock.advance(by: .seconds(1))
            try await scenario.browser.visit(scenario.sessions) { $0.logIn("ada") }
            let owner = try await scenario.browser.visit(scenario.others) { $0.owner }
            try require(owner == "ada", "A login after a revoke-all did not count")
        },
        Check("owner-realms", "two managers on one store neither list nor end each other's sessions", needs: .owners) {
            let scenario = try SessionScenario($0)
            let staff = try SessionScenario($0) { $0.cookie.name = "__Host-Http-staff" }
            try await scenario.begin(owner: "42")
            try await staff.begin(owner: "42")
            let listed = try await scenario.sessions.list("42")
            try require(listed.count == 1, "\(listed.count) sessions of one realm's owner are listed, 1 expected")
            scenario.clock.advance(by: .seconds(1))
            _ = try await scenario.sessions.revokeAll(of: "42")
            let owner = try await staff.browser.visit(staff.sessions) { $0.owner }
            try require(owner == "42", "One realm ended another's session")
        },
    ]
}
