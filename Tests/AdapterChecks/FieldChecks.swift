import HTTPTypes
import Sessions
import SessionsTesting

extension AdapterCheck {
    /// What stands on the wire.
    static let fieldsOnTheWire = [
        AdapterCheck("I10: one field of our name, and the application's own cookies untouched") { rig, visitor in
            try await visitor.post("/visits")
            let answer = try await visitor.post("/own")
            try expectEqual(Array(answer.setCookies.dropLast()), AdapterRoutes.ownCookies)
            try expectEqual(answer.sessionCookies.count, 1)
            try expect(answer.setCookies.last?.hasPrefix("__Host-Http-sid=; Max-Age=0") == true, "no deletion")
            try expectEqual(answer.members(of: .vary), ["accept", "cookie"])
            try expectEqual(answer.fields[values: .cacheControl], ["no-store"])
        },
        AdapterCheck("two managers: two sessions, two cookies, one response") { rig, visitor in
            let answer = try await visitor.post("/both")
            try expectEqual(answer.text, "1 10")
            try expectEqual(
                answer.setCookies.map { String($0.prefix { $0 != "=" }) }.sorted(),
                ["__Host-Http-admin", "__Host-Http-sid"]
            )
            try expectEqual(answer.members(of: .vary), ["cookie"])
            try expectEqual(try await visitor.post("/both").text, "2 20")
            try expectEqual(rig.recordCount, 2)
        },
        AdapterCheck("a HEAD request counts and gets the cookie, and the connection goes on") { rig, visitor in
            let connection = try await WireConnection(port: visitor.port)
            let answer = try await visitor.send(.head, "/visits", over: connection)
            try expectEqual(answer.status, 200)
            try expectEqual(answer.sessionCookies.count, 1)
            try expectEqual(try await visitor.send(.get, "/visits", over: connection).text, "1")
        },
        AdapterCheck("CA-01: a 304 carries the cookie and is not stored, and the connection goes on") { rig, visitor in
            let connection = try await WireConnection(port: visitor.port)
            let answer = try await visitor.send(.get, "/not-modified", over: connection)
            try expectEqual(answer.status, 304)
            try expectEqual(answer.sessionCookies.count, 1)
            try expectEqual(answer.fields[values: .cacheControl], ["no-store"])
            try expectEqual(answer.fields[.eTag], "\"1\"")
            try expectEqual(try await visitor.send(.get, "/visits", over: connection).text, "1")
        },
        AdapterCheck("LC-17: after the head a change is kept by save(), and what needs a cookie is a typed error") {
            rig,
            visitor in
            try expectEqual(try await visitor.get("/stream/begin").text, "after the head: sealed")
            try expectEqual(rig.recordCount, 0)
            try await visitor.post("/visits")
            try expectEqual(try await visitor.get("/stream/change").text, "after the head: saved")
            try expectEqual(try await visitor.get("/stream/login").text, "after the head: sealed")
            try expectEqual(try await visitor.get("/visits").text, "2")
            // The browser keeps its cookie; it is worth nothing.
            try expectEqual(try await visitor.get("/stream/destroy").text, "after the head: saved")
            try expectEqual(rig.recordCount, 0)
            try expectEqual(try await visitor.get("/visits").text, "new")
        },
    ]
}
