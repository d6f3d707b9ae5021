import HTTPTypes
import Sessions
import SessionsTesting

extension AdapterCheck {
    /// A store that is down.
    static let failures = [
        AdapterCheck("ER-01: while the store is down, 503 and no cookie set or cleared; then the session is there") {
            rig,
            visitor in
            try await visitor.post("/visits")
            rig.faults.failBefore(.load, next: 3)
            for path in ["/visits", "/login/ann", "/logout"] {
                try expectUnavailable(try await visitor.post(path), path)
            }
            try expectEqual(try await visitor.get("/static").text, "always the same")
            try expectEqual(try await visitor.post("/visits").text, "2")
            try expect(rig.told.contains("storeUnavailable"), "the log was not told")
            try expect(rig.told.contains("injected by a test"), "the log was not told why")
        },
        AdapterCheck("CA-03: what is answered without the session, as the store is down, varies by the cookie") {
            rig,
            visitor in
            try await visitor.post("/visits")
            for (path, status) in [("/optional", 200), ("/optional/throw", 500)] {
                rig.faults.failBefore(.load)
                let answer = try await visitor.get(path)
                try expectEqual(answer.status, status, path)
                try expectEqual(answer.members(of: .vary), ["cookie"], path)
                try expectEqual(answer.setCookies, [], path)
                rig.faults.clear()
            }
            try expectEqual(try await visitor.get("/optional").text, "1")
        },
        AdapterCheck("ER-02: a store that fails to insert or to replace: 503, no cookie, nothing changed") {
            rig,
            visitor in
            rig.faults.failBefore(.insert)
            try expectUnavailable(try await visitor.post("/visits"), "insert")
            try expectEqual(rig.recordCount, 0)
            try await visitor.post("/visits")
            rig.faults.failBefore(.replace, next: 100)
            try expectUnavailable(try await visitor.post("/visits"), "replace")
            try expectUnavailable(try await visitor.post("/login/ann"), "login")
            rig.faults.clear()
            try expectEqual(try await visitor.get("/visits").text, "1")
        },
        AdapterCheck("LC-10: an unconfirmed logout: 503, the cookie stays, and the logout can be repeated (I2)") {
            rig,
            visitor in
            try await visitor.post("/login/ann")
            let credential = visitor.credential
            rig.faults.failBefore(.delete, next: 2)
            try expectUnavailable(try await visitor.post("/logout"), "logout")
            try expectEqual(visitor.credential, credential)
            rig.faults.clear()
            try expectEqual(try await visitor.post("/logout").sessionCookies.count, 1)
            try expectEqual(rig.recordCount, 0)
        },
        AdapterCheck("a handler that throws, and whose destroy is not confirmed: 503, and both are in the log") {
            rig,
            visitor in
            try await visitor.post("/visits")
            rig.faults.failBefore(.delete, next: 2)
            try expectUnavailable(try await visitor.post("/throw/destroy"), "destroy")
            try expect(rig.told.contains("Broken"), "the log was not told what the handler threw")
            rig.faults.clear()
            try expectEqual(try await visitor.get("/visits").text, "1")
        },
        AdapterCheck("CS-01, CS-14: another site's request is refused before any store is asked, and not stored") {
            rig,
            visitor in
            try await visitor.post("/visits")
            rig.faults.forgetCalls()
            let refused: [HTTPFields] = [
                [.secFetchSite: "cross-site"], [.origin: "https://evil.example"], [.origin: "null"],
            ]
            for fields in refused {
                let answer = try await visitor.post("/visits", fields)
                try expectEqual(answer.status, 403, "\(fields)")
                try expectEqual(answer.members(of: .vary), ["sec-fetch-site", "origin"], "\(fields)")
                try expectEqual(answer.fields[values: .cacheControl], ["no-store"], "\(fields)")
                try expectEqual(answer.setCookies, [])
            }
            try expectEqual(rig.faults.operations, [])
            try expectEqual(try await visitor.post("/visits", [.origin: "https://app.example"]).text, "2")
        },
    ]

    private static func expectUnavailable(_ answer: WireResponse, _ what: String, line: Int = #line) throws {
        try expectEqual(answer.status, 503, what, line: line)
        try expectEqual(answer.fields[.retryAfter], "1", what, line: line)
        try expectEqual(answer.setCookies, [], what, line: line)
        try expectEqual(answer.members(of: .vary), ["cookie"], what, line: line)
        // ER-03: the reason is for the log.
        try expectEqual(answer.text, "", what, line: line)
    }
}
