import HTTPTypes
import Sessions
import SessionsTesting

extension AdapterCheck {
    /// You pay for what you use.
    static let costs = [
        AdapterCheck("CA-04: a route that never asks is answered as it is, and no store is asked") { rig, visitor in
            for cookie in ["none", "genuine", "malformed"] {
                switch cookie {
                case "genuine": try await visitor.browser.visit(rig.sessions) { $0.set(.visits, to: 1) }
                case "malformed": visitor.browser.plant("__Host-Http-sid", "junk")
                default: break
                }
                rig.faults.forgetCalls()
                let answer = try await visitor.get("/static")
                try expectEqual(answer.text, "always the same")
                try expectEqual(answer.setCookies, ["theme=dark"], cookie)
                try expectEqual(answer.fields[values: .vary], ["Accept-Encoding"], cookie)
                try expectEqual(answer.members(of: .cacheControl), ["public", "max-age=3600"], cookie)
                try expectEqual(rig.faults.operations, [], cookie)
            }
            try expectEqual(try await visitor.get("/broken").status, 500)
            try expectEqual(try await visitor.get("/nowhere").status, 404)
        },
        AdapterCheck("a read costs one load and Vary: Cookie, and nothing else (I8)") { rig, visitor in
            try await visitor.post("/visits")
            rig.faults.forgetCalls()
            let answer = try await visitor.get("/visits")
            try expectEqual(answer.text, "1")
            try expectEqual(answer.members(of: .vary), ["cookie"])
            try expectEqual(answer.setCookies, [])
            try expectEqual(answer.fields[.cacheControl], nil)
            try expectEqual(rig.faults.operations, [.load])
        },
        AdapterCheck("a read without a cookie asks no store, and begins nothing (LC-16)") { rig, visitor in
            let answer = try await visitor.get("/visits")
            try expectEqual(answer.text, "new")
            try expectEqual(answer.members(of: .vary), ["cookie"])
            try expectEqual(answer.setCookies, [])
            try expectEqual(try await visitor.post("/logout").setCookies, [])
            try expectEqual(rig.faults.operations, [])
        },
        AdapterCheck("a new session costs one round trip, and its cookie is the default exactly (CK-01)") {
            rig,
            visitor in
            let answer = try await visitor.post("/visits")
            let pieces = (answer.setCookies.first ?? "").split(separator: "; ", maxSplits: 1).map(String.init)
            try expectEqual(answer.setCookies.count, 1)
            try expect(pieces[0].wholeMatch(of: /__Host-Http-sid=[A-Za-z0-9_-]{112}/) != nil, pieces[0])
            try expectEqual(pieces.last, "Path=/; Secure; HttpOnly; SameSite=Lax")
            try expectEqual(answer.fields[values: .cacheControl], ["no-store"])
            try expectEqual(rig.faults.operations, [.insert])
            rig.faults.forgetCalls()
            let second = try await visitor.post("/visits")
            try expectEqual(second.text, "2")
            try expectEqual(second.setCookies, [])
            try expectEqual(rig.faults.operations, [.load, .replace])
        },
        AdapterCheck("the adapter reports each request's session life, once for each manager") { rig, visitor in
            // A request may be reported after its response has come, and each of them has a connection of its own.
            try await visitor.get("/static")
            await rig.told.wait(for: "report: ", count: 2)
            try await visitor.post("/visits")
            await rig.told.wait(for: "report: ", count: 4)
            let reports = rig.told.lines.filter { $0.hasPrefix("report: ") }
            try expectEqual(
                reports,
                [
                    "report: session: untouched, nothing, cookie unchanged, 0 round trips",
                    "report: session: untouched, nothing, cookie unchanged, 0 round trips",
                    "report: session: noCookie, inserted, cookie began, 1 round trips",
                    "report: session: untouched, nothing, cookie unchanged, 0 round trips",
                ]
            )
        },
    ]
}
