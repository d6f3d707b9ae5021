import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

@Suite("Header transport")
struct HeaderTransportTests {
    private func fixture(
        _ transport: SessionTransport = .header,
        _ configure: (inout SessionConfiguration) -> Void = { _ in }
    ) throws -> SessionFixture {
        try SessionFixture { configuration in
            configuration.transport = transport
            configure(&configuration)
        }
    }

    /// One request with these header fields, and its response.
    @discardableResult
    private func request(
        _ fixture: SessionFixture,
        _ fields: HTTPFields = [:],
        _ handler: (Session) async throws -> Void = { _ in }
    ) async throws -> HTTPFields {
        let exchange = fixture.sessions.open(fields)
        try await handler(exchange.session)
        var response = HTTPResponse(status: .ok)
        try await exchange.commit().apply(to: &response)
        return response.headerFields
    }

    private func bearer(_ credential: String) -> HTTPFields { [.authorization: "Bearer \(credential)"] }

    /// A session that has begun, and its credential.
    private func begin(_ fixture: SessionFixture) async throws -> String {
        let response = try await request(fixture) { session in
            session.travel(over: .header)
            session.logIn("ann")
            session.set(.visits, to: 1)
        }
        return try #require(response[.sessionCredential])
    }

    @Test("the credential comes in Session-Credential, once, with no-store and no cookie, and goes in Authorization")
    func roundTrip() async throws {
        let fixture = try fixture()
        let response = try await request(fixture) { $0.set(.visits, to: 1) }
        let credential = try #require(response[.sessionCredential])
        #expect(credential.wholeMatch(of: /[A-Za-z0-9_-]{112}/) != nil)
        #expect(response[fields: .sessionCredential].count == 1)
        #expect(response[fields: .setCookie].isEmpty)
        #expect(response[.cacheControl] == "no-store")
        #expect(response[fields: .vary].map(\.value) == ["Authorization"])
        let read = try await request(fixture, bearer(credential)) { session in
            #expect(session[.visits] == 1)
            #expect(session.transport == .header)
        }
        #expect(read[.sessionCredential] == nil)
        #expect(read[fields: .vary].map(\.value) == ["Authorization"])
        #expect(read[.cacheControl] == nil)
    }

    @Test(
        "ID-10: without the setting a credential in a header is nothing, and with the header alone a cookie is nothing"
    )
    func configured() async throws {
        let cookies = try fixture(.cookie)
        try await cookies.browser.visit(cookies.sessions) { $0.set(.visits, to: 1) }
        let value = try #require(cookies.browser.cookies["__Host-Http-sid"])
        let answer = try await request(cookies, bearer(value)) { #expect($0.isNew) }
        #expect(answer[fields: .vary].map(\.value) == ["Cookie"])
        #expect(cookies.sessions.transport(of: bearer(value)) == [])

        let headers = try fixture(.header)
        let credential = try await begin(headers)
        let fields: HTTPFields = [.cookie: "__Host-Http-sid=\(credential)"]
        try await request(headers, fields) { #expect($0.isNew) }
        #expect(headers.sessions.transport(of: fields) == [])
        for name in ["X-Session-Id", "Session-Credential", "Proxy-Authorization", "X-Authorization"] {
            let other: HTTPFields = [try #require(HTTPField.Name(name)): "Bearer \(credential)"]
            try await request(headers, other) { #expect($0.isNew) }
        }
    }

    @Test(
        "the scheme is Bearer in any case, with one space or more behind it (RFC 9110 sections 11.1 and 11.4)",
        arguments: ["Bearer ", "bearer ", "BEARER ", "bEaReR ", "Bearer   "]
    )
    func scheme(prefix: String) async throws {
        let fixture = try fixture()
        let credential = try await begin(fixture)
        try await request(fixture, [.authorization: prefix + credential]) { #expect($0.owner == "ann") }
    }

    @Test("another scheme is somebody else's: anonymous, no event, and the client's credential is left alone")
    func otherSchemes() async throws {
        let fixture = try fixture()
        let credential = try await begin(fixture)
        let events = fixture.events.kinds.count
        for value in [
            "Basic YTpi", "Bearer2 \(credential)", "Bearer-\(credential)", "Bearer\(credential)", "Beare \(credential)",
            "Digest username=\"Bearer\"", "DPoP \(credential)", "xBearer \(credential)", credential, "",
        ] {
            let answer = try await request(fixture, [.authorization: value]) { #expect($0.isNew, "\(value)") }
            #expect(answer[.sessionCredential] == nil, "\(value)")
            #expect(fixture.sessions.transport(of: [.authorization: value]) == [], "\(value)")
        }
        #expect(fixture.events.kinds.count == events)
    }

    @Test("PR-12, PR-15: what is no credential asks no store, and the client is told that it has none")
    func malformed() async throws {
        let fixture = try fixture()
        let credential = try await begin(fixture)
        fixture.faults.forgetCalls()
        let last = String(credential.dropLast())
        for value in [
            "Bearer", "Bearer ", "Bearer x", "Bearer \(last)", "Bearer \(credential)A", "Bearer \(credential)=",
            "Bearer \"\(credential)\"", "Bearer\t\(credential)", "Bearer \(credential),\(credential)",
            "Bearer \(credential), Bearer \(credential)", "Bearer \(last)%41", "Bearer \(last)\u{E9}",
            "Bearer \(last)\u{301}", "Bearer \u{2000}\(credential)", "Bearer token=\(credential)",
            "Bearer " + String(repeating: "A", count: 1 << 20), "Bearer" + String(repeating: " ", count: 1 << 16),
        ] {
            let answer = try await request(fixture, [.authorization: value]) { #expect($0.isNew) }
            #expect(answer[.sessionCredential] == "none", "\(value.prefix(40))")
            #expect(fixture.sessions.transport(of: [.authorization: value]) == .header)
        }
        let foreign = try await begin(try self.fixture())
        #expect(try await request(fixture, bearer(foreign))[.sessionCredential] == "none")
        #expect(fixture.faults.calls.isEmpty)
        #expect(fixture.events.kinds.contains(.suspicious(.malformed)))
        #expect(fixture.events.kinds.contains(.suspicious(.unverifiable)))
    }

    @Test("bytes that are no text are no credential")
    func hostileBytes() async throws {
        let fixture = try fixture()
        let credential = try await begin(fixture)
        for byte in [0x80, 0xC0, 0xFE, 0xFF] as [UInt8] {
            var bytes = Array("Bearer \(credential)".utf8)
            bytes[bytes.count - 1] = byte
            let value = String(decoding: bytes, as: UTF8.self)
            var fields = HTTPFields()
            fields.append(HTTPField(name: .authorization, lenientValue: bytes))
            try await request(fixture, fields) { #expect($0.isNew) }
            try await request(fixture, [.authorization: value]) { #expect($0.isNew) }
        }
    }

    @Test("PR-09: several Authorization fields, one of them Bearer, are refused in either order, the same value too")
    func several() async throws {
        let fixture = try fixture()
        let (mine, other) = (try await begin(fixture), try await begin(fixture))
        fixture.faults.forgetCalls()
        for values in [
            ["Bearer \(mine)", "Bearer \(other)"], ["Bearer \(mine)", "Bearer \(mine)"],
            ["Bearer \(mine)", "Basic YTpi"],
            ["Basic YTpi", "Bearer \(mine)"], ["Bearer \(mine)", ""],
        ] {
            var fields = HTTPFields()
            for value in values { fields.append(HTTPField(name: .authorization, value: value)) }
            let answer = try await request(fixture, fields) { #expect($0.isNew) }
            // Not on suspicion: one of them may be good.
            #expect(answer[.sessionCredential] == nil)
        }
        #expect(fixture.faults.calls.isEmpty)
        #expect(fixture.events.kinds.suffix(5).allSatisfy { $0 == .suspicious(.duplicate) })
    }

    @Test("a logout tells the client that it has no credential any more, and the credential is worth nothing (I2)")
    func logout() async throws {
        let fixture = try fixture()
        let credential = try await begin(fixture)
        let answer = try await request(fixture, bearer(credential)) { $0.logOut() }
        #expect(answer[fields: .sessionCredential].map(\.value) == ["none"])
        #expect(answer[.cacheControl] == "no-store")
        #expect(answer[fields: .setCookie].isEmpty)
        #expect(fixture.store.count() == 0)
        let later = try await request(fixture, bearer(credential)) { #expect($0.isNew) }
        // A genuine credential whose record is gone is not taken away by a request that only read.
        #expect(later[.sessionCredential] == nil)
    }

    @Test("an untouched request costs nothing: no look at the header, no store call, no field")
    func untouched() async throws {
        let fixture = try fixture([.cookie, .header])
        let credential = try await begin(fixture)
        fixture.faults.forgetCalls()
        let exchange = fixture.sessions.open(bearer(credential))
        #expect(try await exchange.commit().isEmpty)
        #expect(exchange.report.arrival == nil)
        #expect(fixture.faults.calls.isEmpty)
        try await request(fixture, bearer(credential))
        #expect(fixture.faults.operations == [.load])
    }

    // MARK: Both

    @Test("with both, each client is answered over the transport it came over")
    func both() async throws {
        let fixture = try fixture([.cookie, .header])
        let page = try await request(fixture) { $0.set(.visits, to: 1) }
        #expect(page[.sessionCredential] == nil)
        #expect(page[fields: .setCookie].count == 1)
        #expect(page[fields: .vary].map(\.value) == ["Cookie", "Authorization"])
        for verb in [{ $0.rotate(grace: .zero) }, { $0.destroy() }] as [(Session) -> Void] {
            let api = try await begin(fixture)
            let answer = try await request(fixture, bearer(api), verb)
            #expect(answer[.sessionCredential] != nil)
            #expect(answer[fields: .setCookie].isEmpty)
        }
        // What came in a cookie never goes where a script can read it, though the handler asks for that.
        let value = try #require(page[.setCookie]).split(separator: ";")[0]
        let answer = try await request(fixture, [.cookie: String(value)]) { session in
            session.travel(over: .header)
            session.logIn("eve")
        }
        #expect(answer[.sessionCredential] == nil)
        #expect(answer[fields: .setCookie].count == 1)
    }

    @Test("with both, the header wins over the cookie, also one that is worth nothing: the cookie is not looked at")
    func headerWins() async throws {
        let fixture = try fixture([.cookie, .header])
        let credential = try await begin(fixture)
        try await fixture.browser.visit(fixture.sessions) { $0.logIn("mallory") }
        let cookie = try #require(fixture.browser.request().headerFields[.cookie])
        var fields = bearer(credential)
        fields[.cookie] = cookie
        try await request(fixture, fields) { #expect($0.owner == "ann") }
        #expect(fixture.sessions.transport(of: fields) == [.cookie, .header])
        fields[.authorization] = "Bearer x"
        let answer = try await request(fixture, fields) { #expect($0.isNew) }
        #expect(answer[fields: .setCookie].isEmpty)
        fields[.authorization] = "Basic YTpi"
        try await request(fixture, fields) { #expect($0.owner == "mallory") }
    }

    @Test("a session that is to travel over what is not configured is refused, and nothing is kept")
    func notConfigured() async throws {
        let fixture = try fixture(.cookie)
        for transport in [.header, [], [.cookie, .header]] as [SessionTransport] {
            let error = await #expect(throws: SessionError.self) {
                try await request(fixture) { session in
                    session.travel(over: transport)
                    session.logIn("ann")
                }
            }
            #expect(error?.code == .unsupported)
        }
        #expect(fixture.store.count() == 0)
    }

    // MARK: CSRF

    @Test("CS-01: a request that carries its session in the header and in no cookie is held to no origin and no token")
    func noCSRF() async throws {
        let fixture = try fixture([.cookie, .header])
        let policy = try CSRFPolicy(OriginPolicy(origins: ["https://app.example"], missingOrigin: .refused))
        let credential = try await begin(fixture)
        try await fixture.browser.visit(fixture.sessions) { $0.logIn("ann") }
        let cookie = try #require(fixture.browser.request().headerFields[.cookie])
        func isRefused(_ fields: HTTPFields) throws -> (origin: Bool, token: Bool) {
            var fields = fields
            fields[try #require(HTTPField.Name("Sec-Fetch-Site"))] = "cross-site"
            fields[.origin] = "https://evil.example"
            let request = HTTPRequest(method: .post, scheme: "https", authority: "a", path: "/", headerFields: fields)
            return (
                policy.origins.refusal(of: request, for: fixture.sessions) != nil,
                policy.asksForToken(request, for: fixture.sessions)
            )
        }
        #expect(try isRefused(bearer(credential)) == (false, false))
        #expect(try isRefused([.authorization: "Bearer \(credential)", .cookie: "other=1"]) == (false, false))
        // A cookie beside it, a scheme that browsers send by themselves, or nothing: as ever.
        #expect(try isRefused([.authorization: "Bearer \(credential)", .cookie: cookie]) == (true, true))
        #expect(try isRefused([.authorization: "Basic YTpi"]) == (true, true))
        #expect(try isRefused([.authorization: "Negotiate x", .cookie: cookie]) == (true, true))
        #expect(try isRefused([:]) == (true, true))
        // Where the header is not configured, it exempts from nothing.
        let cookies = try self.fixture(.cookie)
        let request = HTTPRequest(
            method: .post,
            scheme: "https",
            authority: "a",
            path: "/",
            headerFields: [.authorization: "Bearer \(credential)", .origin: "https://evil.example"]
        )
        #expect(policy.origins.refusal(of: request, for: cookies.sessions) == .foreignOrigin)
        #expect(policy.asksForToken(request, for: cookies.sessions))
    }

    // MARK: 401

    @Test(
        "a 401 has the challenge Bearer with a realm, and an error only if a credential was shown (RFC 6750 section 3)"
    )
    func challenges() async throws {
        let fixture = try fixture { $0.application = "my \"shop\"\\" }
        let realm = "Bearer realm=\"my \\\"shop\\\"\\\\\""
        func challenge(_ fields: HTTPFields, _ age: Duration? = nil) async throws -> String? {
            var found: String?
            try await request(fixture, fields) { session in
                let error = #expect(throws: SessionError.self) {
                    if let age { try session.requireFresh(within: age) }
                    try session.requireOwner()
                }
                found = error?.challenge
            }
            return found
        }
        #expect(try await challenge([:]) == realm)
        #expect(try await challenge([.authorization: "Basic YTpi"]) == realm)
        #expect(try await challenge([.authorization: "Bearer"]) == realm + ", error=\"invalid_token\"")
        #expect(try await challenge(bearer("x")) == realm + ", error=\"invalid_token\"")
        let anonymous = try await request(fixture) { $0.set(.visits, to: 1) }
        #expect(try await challenge(bearer(try #require(anonymous[.sessionCredential]))) == realm)
        let credential = try await begin(fixture)
        fixture.clock.advance(by: .seconds(301))
        #expect(
            try await challenge(bearer(credential), .seconds(300))
                == realm + ", error=\"insufficient_user_authentication\", max_age=\"300\""
        )
        fixture.clock.advance(by: .seconds(86_400))
        #expect(try await challenge(bearer(credential)) == realm + ", error=\"invalid_token\"")
        let both = try self.fixture([.cookie, .header])
        #expect(both.sessions.challenge == "Bearer realm=\"app\", Cookie cookie-name=\"__Host-Http-sid\"")
    }

    // MARK: Refresh

    private static let long = SessionLifetime(idle: .seconds(30 * 86_400), absolute: .seconds(90 * 86_400))

    private func refreshing(_ policy: SessionConfiguration.SupersededPolicy) throws -> SessionFixture {
        try fixture { configuration in
            configuration.lifetime = Self.long
            configuration.rotationInterval = .seconds(900)
            configuration.rotationGrace = .seconds(15)
            configuration.supersededPolicy = policy
        }
    }

    @Test(
        "compas: a short rotation interval refreshes; requests that race inside the grace get the same new credential"
    )
    func refresh() async throws {
        let fixture = try refreshing(.refuse)
        let old = try await begin(fixture)
        fixture.clock.advance(by: .seconds(899))
        #expect(try await request(fixture, bearer(old))[.sessionCredential] == nil)
        fixture.clock.advance(by: .seconds(1))
        let new = try #require(try await request(fixture, bearer(old))[.sessionCredential])
        #expect(new != old)
        fixture.clock.advance(by: .seconds(14))
        // The answer was lost: asked again, it is the same one (I4).
        let again = try await request(fixture, bearer(old)) { #expect($0.owner == "ann") }
        #expect(again[.sessionCredential] == new)
        fixture.clock.advance(by: .seconds(1))
        try await request(fixture, bearer(old)) { #expect($0.isNew) }
        try await request(fixture, bearer(new)) { #expect($0.owner == "ann") }
    }

    @Test(
        "compas: nobody refreshes what has expired, was logged out or was revoked",
        arguments: ["expired", "logged out", "revoked"]
    )
    func noRefresh(ending: String) async throws {
        let fixture = try refreshing(.endSession)
        let old = try await begin(fixture)
        switch ending {
        case "expired": fixture.clock.advance(by: Self.long.idle)
        case "logged out": try await request(fixture, bearer(old)) { $0.logOut() }
        default: try await fixture.sessions.revokeAll(of: "ann")
        }
        // The interval is over, and the client asks for a new credential at a route of its own as well.
        fixture.clock.advance(by: .seconds(900))
        fixture.faults.forgetCalls()
        for verb in [{ _ in }, { $0.rotate() }, { $0.touch() }] as [(Session) -> Void] {
            let answer = try await request(fixture, bearer(old)) { session in
                #expect(session.isNew)
                #expect(session.owner == nil)
                #expect(session[.visits] == 0)
                verb(session)
            }
            #expect(["none", nil].contains(answer[.sessionCredential]), "no new one")
        }
        #expect(fixture.faults.count(of: .insert) + fixture.faults.count(of: .replace) == 0)
        #expect(fixture.store.entries(after: nil, limit: 10).isEmpty)
    }

    @Test("a handler may refresh at a route of its own")
    func explicitRefresh() async throws {
        let fixture = try fixture()
        let old = try await begin(fixture)
        let new = try #require(try await request(fixture, bearer(old)) { $0.rotate() }[.sessionCredential])
        #expect(new != old)
        try await request(fixture, bearer(new)) { #expect($0.owner == "ann") }
    }

    @Test(
        "LC-09, compas: a superseded credential is an event and nothing else, or the end of the session if so configured"
    )
    func reuse() async throws {
        for policy in [.refuse, .endSession] as [SessionConfiguration.SupersededPolicy] {
            let fixture = try refreshing(policy)
            let old = try await begin(fixture)
            fixture.clock.advance(by: .seconds(900))
            let new = try #require(try await request(fixture, bearer(old))[.sessionCredential])
            // Inside the grace it is a race, and costs nobody a session.
            fixture.clock.advance(by: .seconds(14))
            try await request(fixture, bearer(old)) { #expect($0.owner == "ann") }
            try await request(fixture, bearer(new)) { #expect($0.owner == "ann") }
            #expect(!fixture.events.kinds.contains(.suspicious(.superseded)))
            fixture.clock.advance(by: .seconds(1))
            fixture.faults.forgetCalls()
            let answer = try await request(fixture, bearer(old)) { #expect($0.isNew) }
            #expect(answer[.sessionCredential] == nil)
            #expect(fixture.events.kinds.contains(.suspicious(.superseded)))
            let ends = policy == .endSession
            #expect(fixture.faults.operations == (ends ? [.load, .delete] : [.load]))
            #expect(fixture.events.kinds.contains(.revoked) == ends)
            try await request(fixture, bearer(new)) { #expect($0.owner == (ends ? nil : "ann")) }
            #expect(fixture.store.count() == (ends ? 0 : 1))
        }
    }

    @Test(
        "a store that fails to end the session of a copied credential is 503, and the next request tries again (ER-01)"
    )
    func reuseFails() async throws {
        let fixture = try refreshing(.endSession)
        let old = try await begin(fixture)
        let new = try #require(try await request(fixture, bearer(old)) { $0.rotate(grace: .zero) }[.sessionCredential])
        // After a rotation without a grace, the first minute is for requests that were under way.
        fixture.clock.advance(by: .seconds(59))
        try await request(fixture, bearer(old)) { #expect($0.isNew) }
        try await request(fixture, bearer(new)) { #expect($0.owner == "ann") }
        fixture.clock.advance(by: .seconds(2))
        fixture.faults.failBefore(.delete)
        let error = await #expect(throws: SessionError.self) { try await request(fixture, bearer(old)) }
        #expect(error?.code == .storeUnavailable)
        #expect(fixture.store.count() == 1)
        try await request(fixture, bearer(old)) { #expect($0.isNew) }
        #expect(fixture.store.count() == 0)
    }

    @Test(
        "superseded credentials end a session that travels in cookies too, and an anonymous one's is not taken for it"
    )
    func reuseInCookie() async throws {
        let fixture = try fixture(.cookie) { $0.supersededPolicy = .endSession }
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 1) }
        let thief = fixture.browser.copy()
        try await fixture.browser.visit(fixture.sessions) { $0.rotate(grace: .zero) }
        fixture.clock.advance(by: .seconds(61))
        #expect(try await thief.visit(fixture.sessions) { $0.isNew })
        #expect(fixture.store.count() == 0)
    }

    // MARK: Configuration

    @Test("no transport, one that there is not, and a format that has none but the cookie are refused")
    func refusals() throws {
        for transport in [[], SessionTransport(rawValue: 4), SessionTransport(rawValue: 7)] as [SessionTransport] {
            let error = #expect(throws: SessionConfigurationError.self) { try fixture(transport) }
            #expect(error?.code == .transport)
        }
        for configure in [{ $0.transport = .header }, { $0.supersededPolicy = .endSession }]
            as [(inout SessionConfiguration) -> Void]
        {
            var configuration = SessionConfiguration.express()
            configure(&configuration)
            let foreign = #expect(throws: SessionConfigurationError.self) {
                try SessionManager.express(
                    secrets: ["keyboard cat"],
                    store: MemorySessionStore(),
                    acknowledging: [.keysAreCredentials],
                    configuration: configuration
                )
            }
            #expect(foreign?.code == .transport)
        }
    }

    @Test("CF-07: two managers of one application cannot both have the header")
    func twoManagers() throws {
        let one = try fixture([.cookie, .header]).sessions
        let two = try fixture(.header) { $0.cookie.name = "__Host-Http-two" }.sessions
        let error = #expect(throws: SessionConfigurationError.self) { try SessionManagers(one, two) }
        #expect(error?.code == .duplicateManager)
        _ = try SessionManagers(one, fixture(.cookie) { $0.cookie.name = "__Host-Http-two" }.sessions)
    }

    @Test("I9: no credential shows in what the fields, the exchange or an error print")
    func unspeakable() async throws {
        let fixture = try fixture()
        let credential = try await begin(fixture)
        let exchange = fixture.sessions.open(bearer(credential))
        try await exchange.session.rotate(grace: .zero)
        let fields = try await exchange.commit()
        let new = try #require(fields.credential?.value)
        var dumped = ""
        dump(fields, to: &dumped)
        for text in ["\(fields)", "\(String(reflecting: fields))", dumped, "\(exchange)", "\(exchange.report)"] {
            #expect(!text.contains(credential) && !text.contains(new))
        }
    }
}
