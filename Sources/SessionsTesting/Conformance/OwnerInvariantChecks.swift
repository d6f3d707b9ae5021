import Sessions

// I2 for everything that an owner has.
extension SessionStoreConformance {
    static let ownerInvariants: [Check] = [
        Check(
            "I2-revoke",
            "I2 destroy wins: an owner's sessions are listed, and ended one by one or all at once (ID-12, LC-12)",
            needs: .owners
        ) {
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
        Check(
            "I2-login-race",
            "I2 destroy wins: a login that races a revoke-all ends revoked or newer than it (LC-12)",
            needs: .owners
        ) {
            let scenario = try SessionScenario($0)
            // Written before the others are listed, read after the epoch is raised: refused. So is one of the same
            // instant: nobody can tell which of the two came first.
            for (moment, later) in [(StoreFaults.Moment.before, 1), (.after, 1), (.before, 0), (.after, 0)] {
                let browser = SessionBrowser(clock: scenario.clock)
                let exchange = scenario.sessions.open(browser.request())
                try await exchange.session.logIn("ada")
                let revoke: @Sendable () async throws -> Void = {
                    scenario.clock.advance(by: .seconds(later))
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
        Check(
            "I2-revoked-under-way",
            "I2 destroy wins: a request under way cannot save a session that was revoked (LC-07, LC-12)",
            needs: .owners
        ) {
            let scenario = try SessionScenario($0)
            for revokesAll in [true, false] {
                let handle = try await scenario.begin(owner: "ada")
                let tab = scenario.browser.copy()
                let slow = scenario.sessions.open(tab.request())
                try await slow.session.update(.number) { $0 += 1 }
                if revokesAll {
                    _ = try await scenario.others.revokeAll(of: "ada")
                } else {
                    _ = try await scenario.others.revoke(handle, of: "ada")
                }
                try await requireError(.ended, "The commit of a change to a revoked session") {
                    try await slow.commit()
                }
                try await scenario.expectEnded(handle, tab, after: "a revoke and a slow writer's commit")
                // A login of the same instant as the revoke-all would not count.
                scenario.clock.advance(by: .seconds(1))
            }
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
