import HTTPTypes
import Sessions

// I9 and I10: what leaves the server, by whichever way.
extension SessionStoreConformance {
    static let responseInvariants: [Check] = [
        Check(
            "I9-unspeakable",
            "I9 unspeakable: no record, log line, event, report or error holds a piece of a credential (LG-01)"
        ) {
            let transcript = Transcript()
            let scenario = try SessionScenario($0, transcript: transcript)
            var credentials: Set<String> = []
            func step(_ browser: SessionBrowser? = nil, _ handler: (Session) async throws -> Void) async throws {
                let browser = browser ?? scenario.browser
                let exchange = scenario.sessions.open(browser.request())
                var response = HTTPResponse(status: .ok)
                do {
                    let session = try await exchange.session
                    try await handler(session)
                    let fields = try await exchange.commit()
                    fields.apply(to: &response)
                    transcript.append(allOf: fields)
                    transcript.append(allOf: session)
                    transcript.append("\(session.handle) \(session.id) \(session.names)")
                    if let record = try await scenario.store.load(StoreKey(session.handle)) {
                        transcript.append(String(decoding: record.payload, as: UTF8.self))
                    }
                } catch {
                    transcript.append(allOf: error)
                    (error as? SessionError)?.fields.apply(to: &response)
                }
                transcript.append(allOf: exchange)
                transcript.append(allOf: exchange.report)
                browser.receive(response)
                credentials.formUnion(browser.cookies.values)
            }
            try await step { $0.set(.number, to: 1) }
            let old = scenario.browser.copy()
            try await step { $0.logIn("ada", keeping: .all) }
            try await step { $0.rotate(grace: .seconds(30)) }
            try await step(old) { $0.set(.number, to: 2) }
            try await step { session in
                session.rotate(grace: .zero)
                try await session.save()
                // What the checkpoint has earned travels on the error.
                scenario.faults.failBefore(.replace, next: 10)
                session.set(.number, to: 3)
            }
            scenario.faults.clear()
            scenario.faults.failBefore(.load, next: 1)
            try await step { _ in }
            scenario.faults.failBefore(.delete, next: 2)
            try await step { $0.logOut() }
            try await step { $0.logOut() }
            let thief = SessionBrowser(clock: scenario.clock)
            for credential in credentials {
                for cookie in [credential, String(credential.reversed()), credential + credential] {
                    thief.plant("__Host-Http-sid", cookie)
                    try await step(thief) { _ in }
                }
            }
            try await step { $0.set(.number, to: 4) }
            var search = SecretSearch()
            let genuine = credentials.filter { $0.utf8.count == 112 }
            for credential in genuine { search.add(credential: credential) }
            try require(genuine.count >= 5, "\(genuine.count) credentials were handed out, 5 expected")
            try require(transcript.count > 50, "Only \(transcript.count) lines were told: the check looks at nothing")
            let piece = search.piece(in: transcript.text)
            try require(piece == nil, "A piece of a credential was told: \(piece ?? "")")
            // The search itself: it finds a piece that is there.
            let planted = genuine.first.map { $0.dropFirst(40).prefix(12) } ?? ""
            transcript.append("…\(planted)…")
            try require(search.piece(in: transcript.text) != nil, "The search does not find what was planted for it")
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
        Check(
            "I10-once",
            "I10 one response: an exchange commits once, and begins, logs in and rotates nothing after it"
        ) {
            let scenario = try SessionScenario($0)
            try await scenario.begin(5)
            let browser = scenario.browser
            let changes: [@Sendable (Session) -> Void] = [
                { $0.logIn("ada") }, { $0.rotate(grace: .zero) }, { $0.restart() },
            ]
            for change in changes {
                let exchange = scenario.sessions.open(browser.request())
                let session = try await exchange.session
                _ = try await exchange.commit()
                change(session)
                try await requireError(.sealed, "A second commit") { try await exchange.commit() }
                try await requireError(.sealed, "A change that needs a cookie after the commit") {
                    try await session.save()
                }
            }
            let stranger = scenario.sessions.open(SessionBrowser(clock: scenario.clock).request())
            let session = try await stranger.session
            _ = try await stranger.commit()
            session.set(.number, to: 6)
            try await requireError(.sealed, "A session that begins after the commit") { try await session.save() }
            let record = try await scenario.store.load(StoreKey(session.handle))
            try require(record == nil, "A session began after the commit, and its client has no cookie")
            let (owner, number) = try await browser.visit(scenario.others) { ($0.owner, $0[.number]) }
            try require(owner == nil && number == 5, "A change that was refused after the commit was made all the same")
        },
    ]
}
