import HTTPTypes
import Sessions
import SessionsTesting

extension AdapterCheck {
    private static func expectRefusal(
        _ answer: WireResponse,
        challenge: String,
        line: Int = #line
    ) throws {
        try expectEqual(answer.status, 401, line: line)
        try expectEqual(answer.fields[values: .wwwAuthenticate], [challenge], line: line)
        try expectEqual(answer.members(of: .vary), ["cookie"], line: line)
        try expectEqual(answer.setCookies, [], line: line)
        try expectEqual(answer.text, "", line: line)
    }

    private static func expectRedirect(_ answer: WireResponse, to location: String, line: Int = #line) throws {
        try expectEqual(answer.status, 303, line: line)
        try expectEqual(answer.fields[values: .location], [location], line: line)
        try expectEqual(answer.members(of: .vary), ["cookie"], line: line)
        try expectEqual(answer.setCookies, [], line: line)
    }

    private static let challenge = "Cookie cookie-name=\"__Host-Http-sid\""

    /// The adapter's guard for owners.
    static let guards = [
        AdapterCheck("owner guard: 401 with a challenge, or 303; through for the owner, and not any more once revoked")
        {
            rig,
            visitor in
            for path in ["/visits", "/login/ann"] {
                try expectRefusal(await visitor.get("/guarded/api"), challenge: challenge)
                try expectRedirect(await visitor.get("/guarded/page"), to: "/signin")
                try await visitor.post(path)
            }
            rig.faults.forgetCalls()
            try expectEqual(try await visitor.get("/guarded/api").text, "ann")
            try expectEqual(rig.faults.operations, [.load])
            try expectEqual(try await visitor.get("/guarded/page").text, "ann")
            try await rig.sessions.revokeAll(of: "ann")
            try expectRefusal(await visitor.get("/guarded/api"), challenge: challenge)
            try expectRedirect(await visitor.get("/guarded/page"), to: "/signin")
            // A visitor who is asked to sign in is no error of the application's.
            try expect(!rig.told.lines.contains { $0.hasPrefix("error:") }, "the log was told of an error")
        },
        AdapterCheck("owner guard: what it refuses does not run, and the connection goes on") { rig, visitor in
            let connection = try await WireConnection(port: visitor.port)
            for (path, status) in [("/guarded/api", 401), ("/guarded/page", 303)] {
                try expectEqual(try await visitor.send(.post, path, over: connection).status, status)
                try expectEqual(rig.recordCount, 0)
            }
            try await visitor.send(.post, "/login/ann", over: connection)
            try expectEqual(try await visitor.send(.post, "/guarded/api", over: connection).text, "ann")
            try expectEqual(try await visitor.send(.get, "/visits", over: connection).text, "1")
        },
        AdapterCheck("LC-14: a login that is too old is 401 with a challenge of its own, or 303, until the next one") {
            rig,
            visitor in
            try expectRefusal(await visitor.get("/guarded/fresh"), challenge: challenge)
            try expectRedirect(await visitor.get("/guarded/confirm"), to: "/confirm")
            try await visitor.post("/login/ann")
            rig.clock.advance(by: AdapterRoutes.age)
            for path in ["/guarded/fresh", "/guarded/confirm"] {
                try expectEqual(try await visitor.get(path).text, "ann", path)
            }
            rig.clock.advance(by: .microseconds(1))
            let stale = try await visitor.get("/guarded/fresh")
            try expectEqual(stale.status, 401)
            try expect(stale.fields[.wwwAuthenticate]?.contains("max_age=\"300\"") == true, "\(stale.fields)")
            let redirect = try await visitor.get("/guarded/confirm")
            try expectEqual(redirect.status, 303)
            try expectEqual(redirect.fields[.location], "/confirm")
            try expectEqual(try await visitor.get("/guarded/api").text, "ann")
            try await visitor.post("/login/ann")
            for path in ["/guarded/fresh", "/guarded/confirm"] {
                try expectEqual(try await visitor.get(path).text, "ann", path)
            }
        },
        AdapterCheck("owner guard: of two managers it asks the one it was told; a user is no administrator") {
            _,
            visitor in
            try await visitor.post("/login/ann")
            try expectEqual(try await visitor.get("/guarded/api").text, "ann")
            try expectRefusal(
                await visitor.get("/guarded/admin"),
                challenge: "Cookie cookie-name=\"__Host-Http-admin\""
            )
            try expectRedirect(await visitor.get("/guarded/desk"), to: "/staff")
            try await visitor.post("/admin/root")
            for path in ["/guarded/admin", "/guarded/desk"] {
                try expectEqual(try await visitor.get(path).text, "root", path)
            }
        },
        AdapterCheck("ER-01: a store that is down is 503 at a guard, and neither 401 nor the login for the owner") {
            rig,
            visitor in
            try await visitor.post("/login/ann")
            for path in ["/guarded/api", "/guarded/page"] {
                rig.faults.failBefore(.load)
                try expectEqual(try await visitor.get(path).status, 503, path)
                try expectEqual(try await visitor.get(path).text, "ann", path)
            }
        },
    ]
}
