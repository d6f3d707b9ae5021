import HTTPTypes
import Sessions
import SessionsTesting

extension AdapterCheck {
    private static let expired =
        "__Host-Http-sid=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; Secure; HttpOnly; SameSite=Lax"

    /// Logins, logouts, and handlers that throw.
    static let endings = [
        AdapterCheck("a login gives a new credential, and the one before is worth nothing (I5)") { rig, visitor in
            try await visitor.post("/visits")
            let before = visitor.copy()
            let answer = try await visitor.post("/login/ann")
            try expectEqual(answer.sessionCookies.count, 1)
            try expect(visitor.credential != before.credential, "the credential is the same")
            try expectEqual(try await visitor.get("/owner").text, "ann")
            try expectEqual(try await before.get("/visits").text, "new")
        },
        AdapterCheck("a 401 has a challenge (RFC 9110 section 11.6.1), no body, and varies by the cookie") {
            rig,
            visitor in
            let answer = try await visitor.get("/owner")
            try expectEqual(answer.status, 401)
            try expect(answer.fields[.wwwAuthenticate]?.hasPrefix("Cookie ") == true, "no challenge: \(answer.fields)")
            try expectEqual(answer.text, "")
            try expectEqual(answer.members(of: .vary), ["cookie"])
        },
        AdapterCheck("a logout expires the cookie and deletes the record; the thief's copy is worth nothing (I2)") {
            rig,
            visitor in
            try await visitor.post("/login/ann")
            let thief = visitor.copy()
            try expectEqual(try await visitor.post("/logout").sessionCookies, [expired])
            try expectEqual(visitor.credential, nil)
            try expectEqual(rig.recordCount, 0)
            try expectEqual(try await thief.get("/visits").text, "new")
        },
        AdapterCheck("a change to a session that ended meanwhile: 409, no cookie, and it stays ended (I2)") {
            rig,
            visitor in
            try await visitor.post("/visits")
            let tab = visitor.copy()
            let gate = rig.faults.hold(.load, next: 1, .after)
            async let late = tab.post("/visits")
            try await gate.waitForArrival()
            try await visitor.post("/logout")
            gate.open()
            let answer = try await late
            try expectEqual(answer.status, 409)
            try expectEqual(answer.setCookies, [])
            try expectEqual(answer.members(of: .vary), ["cookie"])
            try expectEqual(rig.recordCount, 0)
        },
        AdapterCheck("a handler that throws drops its changes and its login (ER-05)") { rig, visitor in
            try await visitor.post("/visits")
            rig.faults.forgetCalls()
            for what in ["change", "login"] {
                let answer = try await visitor.post("/throw/\(what)")
                try expectEqual(answer.status, 500)
                try expectEqual(answer.setCookies, [], what)
                try expectEqual(answer.members(of: .vary), ["cookie"], what)
            }
            try expectEqual(rig.faults.operations, [.load, .load])
            try expectEqual(try await visitor.get("/visits").text, "1")
            try expect(rig.told.contains("Broken"), "the log was not told")
        },
        AdapterCheck("a handler that throws keeps its destroy (ER-05, I2)") { rig, visitor in
            try await visitor.post("/visits")
            let thief = visitor.copy()
            let answer = try await visitor.post("/throw/destroy")
            try expectEqual(answer.status, 500)
            try expectEqual(answer.sessionCookies, [expired])
            try expectEqual(rig.recordCount, 0)
            try expectEqual(try await thief.get("/visits").text, "new")
        },
        AdapterCheck("a handler that throws keeps a rotation where its cookie can travel, and what it has saved (I4)") {
            rig,
            visitor in
            try expectEqual(try await visitor.post("/throw/save").sessionCookies.count, 1)
            try expectEqual(try await visitor.get("/visits").text, "1")
            let before = visitor.copy()
            let answer = try await visitor.post("/throw/rotate")
            try expectEqual(answer.status, 500)
            try expectEqual(answer.sessionCookies.count, rig.answersErrors ? 1 : 0)
            try expectEqual(try await visitor.get("/visits").text, "1")
            try expectEqual(try await before.get("/visits").text, rig.answersErrors ? "new" : "1")
        },
    ]
}
