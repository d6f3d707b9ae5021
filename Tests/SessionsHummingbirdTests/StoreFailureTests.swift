#if Hummingbird
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Sessions
import SessionsHummingbird
import SessionsTesting
import Testing

/// A store that fails is an error, never an anonymous session (ER-01), and never half a commit (ER-02).
@Suite("A store that fails", .timeLimit(.minutes(10)))
struct StoreFailureTests {
    /// What a client sees of a store that is down.
    private func expectUnavailable(_ answer: TestResponse, _ location: SourceLocation = #_sourceLocation) {
        #expect(answer.status == .serviceUnavailable, sourceLocation: location)
        #expect(answer.headers[.retryAfter] == "1", sourceLocation: location)
        #expect(answer.setCookies.isEmpty, sourceLocation: location)
        #expect(answer.vary == ["cookie"], sourceLocation: location)
        // ER-03: the reason is for the log.
        #expect(answer.text.isEmpty, sourceLocation: location)
    }

    @Test("ER-01: while it is down, 503 and the cookie is neither set nor cleared; afterwards the session is there")
    func load() async throws {
        let rig = try Rig()
        let router = rig.router().withVisits()
        router.get("static") { _, _ in "static" }
        try await rig.test(router) { client in
            let visitor = Visitor(client)
            try await visitor.post("/visits")
            rig.faults.failBefore(.load, next: 4)
            expectUnavailable(try await visitor.get("/visits"))
            expectUnavailable(try await visitor.post("/visits"))
            expectUnavailable(try await visitor.post("/login"))
            expectUnavailable(try await visitor.post("/logout"))
            #expect(try await visitor.get("/static").text == "static")
            #expect(try await visitor.post("/visits").text == "2")
        }
        let line = rig.logs.elements.first { $0.level == .error && $0.message.contains("storeUnavailable") }
        #expect(line?.metadata["cause"]?.description.contains("injected by a test") == true)
    }

    @Test("ER-01: a handler that goes on without a session after the failure writes and clears nothing")
    func optional() async throws {
        let rig = try Rig()
        let router = rig.router().withVisits()
        router.get("public") { _, context in
            let session = try? await context.session
            return session.map { "\($0[.visits])" } ?? "without"
        }
        try await rig.test(router) { client in
            let visitor = Visitor(client)
            try await visitor.post("/visits")
            rig.faults.failBefore(.load)
            let answer = try await visitor.get("/public")
            #expect(answer.text == "without")
            #expect(answer.setCookies.isEmpty)
            #expect(answer.vary == ["cookie"], "CA-03")
            #expect(try await visitor.get("/public").text == "1")
        }
    }

    @Test("ER-02: fails to insert: 503, no cookie, no record")
    func insert() async throws {
        let rig = try Rig()
        try await rig.test(rig.router().withVisits()) { client in
            let visitor = Visitor(client)
            rig.faults.failBefore(.insert)
            expectUnavailable(try await visitor.post("/visits"))
            #expect(rig.recordCount == 0)
            #expect(try await visitor.post("/visits").text == "1")
        }
    }

    @Test("ER-02: fails to replace: 503, and the session is as it was")
    func replace() async throws {
        let rig = try Rig()
        try await rig.test(rig.router().withVisits()) { client in
            let visitor = Visitor(client)
            try await visitor.post("/visits")
            rig.faults.failBefore(.replace, next: 100)
            expectUnavailable(try await visitor.post("/visits"))
            expectUnavailable(try await visitor.post("/login"))
            rig.faults.clear()
            #expect(try await visitor.get("/visits").text == "1")
            #expect(try await visitor.post("/visits").text == "2")
        }
        #expect(!rig.kinds.contains(.lateChangeLost))
    }

    @Test("a reply that is lost costs no change and counts none twice (I1)")
    func lostReply() async throws {
        let rig = try Rig()
        try await rig.test(rig.router().withVisits()) { client async throws in
            let visitor = Visitor(client)
            rig.faults.failAfter(.insert)
            #expect(try await visitor.post("/visits").text == "1")
            rig.faults.failAfter(.replace)
            #expect(try await visitor.post("/visits").text == "2")
            #expect(try await visitor.get("/visits").text == "2")
        }
        #expect(rig.recordCount == 1)
    }

    @Test("an unconfirmed logout: 503, the cookie stays, and the logout can be repeated (LC-10, I2)")
    func delete() async throws {
        let rig = try Rig()
        try await rig.test(rig.router().withVisits()) { client in
            let visitor = Visitor(client)
            try await visitor.post("/login")
            let credential = try #require(visitor.credential)
            rig.faults.failBefore(.delete, next: 2)
            expectUnavailable(try await visitor.post("/logout"))
            #expect(visitor.credential == credential)
            #expect(rig.recordCount == 1)
            #expect(try await visitor.post("/logout").sessionCookies == [CookieFieldTests.expired])
            #expect(rig.recordCount == 0)
        }
    }

    @Test("fails to touch: the page is shown all the same")
    func touch() async throws {
        let rig = try Rig()
        try await rig.test(rig.router().withVisits()) { client in
            let visitor = Visitor(client)
            try await visitor.post("/visits")
            rig.clock.advance(by: rig.sessions.configuration.renewalInterval)
            rig.faults.failBefore(.touch)
            let answer = try await visitor.get("/visits")
            #expect(answer.status == .ok)
            #expect(answer.text == "1")
        }
    }

    @Test(
        "DS-05: a client that hangs up while its logout or its change is written does not undo it",
        arguments: [true, false]
    )
    func hungUp(isLogout: Bool) async throws {
        let rig = try Rig()
        try await rig.test(rig.router().withVisits()) { client in
            let visitor = Visitor(client)
            try await visitor.post("/visits")
            let gate = rig.faults.hold(isLogout ? .delete : .replace, next: 1)
            let request = Task { try await visitor.copy().post(isLogout ? "/logout" : "/visits") }
            try await gate.waitForArrival()
            request.cancel()
            gate.open()
            _ = await request.result
            if isLogout {
                await rig.events.wait { $0.contains { $0.kind == .destroyed } }
                #expect(try await visitor.get("/visits").text == "new")
            } else {
                // The next commit to the session has its turn after that one.
                try await visitor.post("/visits")
                #expect(try await visitor.get("/visits").text == "3")
            }
        }
    }

    @Test(
        "a change to a session that ended meanwhile: 409, no cookie, nobody's fault in the log",
        arguments: [true, false]
    )
    func ended(isLogin: Bool) async throws {
        let rig = try Rig()
        let gate = Gate()
        let router = rig.router().withVisits()
        router.post("slow") { _, context in
            let session = try await context.session
            await gate.pass()
            session.update(.visits) { $0 += 1 }
            return "\(session[.visits])"
        }
        try await rig.test(router) { client in
            let visitor = Visitor(client)
            try await visitor.post("/visits")
            let tab = visitor.copy()
            async let slow = tab.post("/slow")
            await gate.waitForArrivals()
            try await visitor.post(isLogin ? "/login" : "/logout")
            gate.open()
            let answer = try await slow
            #expect(answer.status == .conflict)
            #expect(answer.setCookies.isEmpty)
            #expect(answer.vary == ["cookie"])
            #expect(try await visitor.get("/visits").text == (isLogin ? "1" : "new"))
        }
        // The client was told, so nothing is lost without a word.
        #expect(!rig.kinds.contains(.lateChangeLost))
        #expect(!rig.logs.elements.contains { $0.level >= .error })
    }

    @Test("ER-03: whatever the reason of a refusal, its body is empty, and the log tells the reason")
    func silentBodies() async throws {
        let rig = try Rig()
        let router = rig.router().withVisits()
        router.post("large") { _, context in
            try await context.session.set(.name, to: String(repeating: "x", count: 70_000))
            return HTTPResponse.Status.ok
        }
        router.post("unencodable") { _, context in
            try await context.session.set(SessionKey<Double>("number", default: 0), to: .infinity)
            return HTTPResponse.Status.ok
        }
        router.post("pending") { _, context in
            let session = try await context.session
            session.set(.name, to: "new")
            _ = try await session.consume(.name)
            return HTTPResponse.Status.ok
        }
        router.post("stranger") { _, context in
            try await context.session.logIn(String(repeating: "x", count: 257))
            return HTTPResponse.Status.ok
        }
        let twice = router.group("twice").add(middleware: SessionMiddleware(rig.sessions))
        twice.post { _, _ in HTTPResponse.Status.ok }
        router.group("owners").add(middleware: OwnerGuard()).post { _, _ in HTTPResponse.Status.ok }
        try await rig.test(router) { client in
            let visitor = Visitor(client)
            try await visitor.post("/visits")
            // The path, what fails, the status and a word of the log line.
            let cases: [(String, StoreOperation?, HTTPResponse.Status, String)] = [
                ("/visits", .load, .serviceUnavailable, "storeUnavailable"),
                ("/visits", .replace, .serviceUnavailable, "outcomeUnknown"),
                ("/logout", .delete, .serviceUnavailable, "storeUnavailable"),
                ("/large", nil, .internalServerError, "tooLarge"),
                ("/unencodable", nil, .internalServerError, "unencodable"),
                ("/pending", nil, .internalServerError, "pendingOperation"),
                ("/stranger", nil, .internalServerError, "invalidOwner"),
                ("/twice", nil, .internalServerError, "Two session middlewares"),
            ]
            for (path, operation, status, word) in cases {
                if let operation { rig.faults.failBefore(operation, next: 10) }
                let lines = rig.logs.elements.count
                let answer = try await visitor.post(path)
                rig.faults.clear()
                #expect(answer.status == status, "\(path)")
                #expect(answer.text.isEmpty, "\(path)")
                #expect(rig.logs.elements.dropFirst(lines).contains { $0.message.contains(word) }, "\(path)")
                for field in answer.headers { #expect(!field.value.contains(word), "\(path): \(field.name)") }
            }
            let answer = try await visitor.post("/owners")
            #expect(answer.status == .unauthorized)
            #expect(answer.text.isEmpty)
            // A cookie that is worth nothing is told from no cookie by nothing but its expiry (CR-10).
            let browser = SessionBrowser()
            browser.plant("__Host-Http-sid", "junk")
            let (junk, none) = (
                try await Visitor(client, browser).get("/visits"), try await Visitor(client).get("/visits")
            )
            #expect(junk.text == none.text && junk.status == none.status)
        }
    }

    @Test("I9: no line of the log, no event and no error body holds a credential, whatever goes wrong")
    func unspeakable() async throws {
        let rig = try Rig()
        var secrets: [String] = []
        let router = rig.router().withVisits()
        router.get("broken") { _, context -> String in
            let session = try await context.session
            session.rotate(grace: .zero)
            try await session.save()
            throw ThrowTests.Broken()
        }
        secrets += try await rig.test(router) { client in
            var secrets: [String] = []
            let visitor = Visitor(client)
            for path in ["/visits", "/login", "/visits"] {
                try await visitor.post(path)
                secrets.append(try #require(visitor.credential))
            }
            try await visitor.get("/broken")
            secrets.append(try #require(visitor.credential))
            for operation in StoreOperation.allCases { rig.faults.failBefore(operation) }
            for path in ["/visits", "/visits", "/login", "/logout", "/logout"] { try await visitor.post(path) }
            rig.faults.clear()
            let thief = SessionBrowser()
            thief.plant("__Host-Http-sid", secrets[0])
            try await Visitor(client, thief).get("/visits")
            thief.plant("__Host-Http-sid", String(secrets[0].reversed()))
            try await Visitor(client, thief).get("/visits")
            return secrets
        }
        #expect(Set(secrets).count >= 3)
        let told = rig.logs.elements.map(\.text) + rig.events.elements.map { "\($0)" }
        #expect(told.count > 10)
        for secret in secrets {
            // A piece of 22 characters is more than 128 bits: neither the credential nor a part of it.
            for offset in stride(from: 0, to: secret.count - 22, by: 11) {
                let piece = String(secret.dropFirst(offset).prefix(22))
                #expect(!told.contains { $0.contains(piece) })
            }
        }
    }
}
#endif
