import HTTPTypes
import Sessions
import SessionsTesting

extension AdapterCheck {
    private static func expectRefusal(_ answer: WireResponse, _ what: String, line: Int = #line) throws {
        try expectEqual(answer.status, 403, what, line: line)
        try expectEqual(answer.fields[values: .cacheControl], ["no-store"], what, line: line)
        try expect(answer.members(of: .vary).starts(with: ["sec-fetch-site", "origin"]), "\(what): \(answer.fields)")
        try expectEqual(answer.text, "", what, line: line)
    }

    /// The adapter's guard of forms, and the core's line for servers without one.
    static let forms = ["/form/guarded", "/form/line"].flatMap { path -> [AdapterCheck] in
        [
            AdapterCheck("CS-05: \(path): a page's token opens its form, which comes whole; nothing else does") {
                rig,
                visitor in
                let form: HTTPFields = [.contentType: "application/x-www-form-urlencoded"]
                func post(_ body: String, _ fields: HTTPFields? = nil) async throws -> WireResponse {
                    try await visitor.send(.post, path, fields ?? form, body: body)
                }
                // Without a session nothing is a token, and none begins.
                try expectRefusal(await post("a=1"), "no session")
                try expectEqual(rig.recordCount, 0)
                let token = try await visitor.get("/form").text
                let foreign = try await WireVisitor(visitor.port).get("/form").text
                try expectEqual(token.utf8.count, 86)
                let body = "name=%C3%A9+x&csrf=\(token)&name=2"
                let accepted = try await post(body)
                try expectEqual(accepted.status, 200)
                try expectEqual(accepted.text, body)
                for body in ["a=1", "csrf=", "csrf=\(foreign)", "csrf=\(token)&csrf=\(token)", "CSRF=\(token)"] {
                    try expectRefusal(await post(body), body)
                }
                // A body that is said to be no form holds no token, and a header does beside any body.
                var plain: HTTPFields = [.contentType: "text/plain"]
                try expectRefusal(await post("csrf=\(token)", plain), "text/plain")
                plain[.csrfToken] = token
                try expectEqual(try await post("anything", plain).text, "anything")
                try expectEqual(try await visitor.get("/visits").text, "2")
            },
            AdapterCheck("CS-08: \(path): a login ends the tokens of the pages before it") { _, visitor in
                let token = try await visitor.get("/form").text
                try await visitor.post("/login/ann")
                try expectRefusal(await visitor.post(path, [.csrfToken: token]), "before the login")
                let next = try await visitor.get("/form").text
                try expectEqual(try await visitor.post(path, [.csrfToken: next]).status, 200)
            },
            AdapterCheck("ER-01: \(path): a store that is down is 503 and no refusal") { rig, visitor in
                let token = try await visitor.get("/form").text
                rig.faults.failBefore(.load)
                try expectEqual(try await visitor.post(path, [.csrfToken: token]).status, 503)
                try expectEqual(try await visitor.post(path, [.csrfToken: token]).status, 200)
            },
        ]
    }
}

extension HTTPField.Name {
    // swift-format-ignore: NeverForceUnwrap
    // The name is a token.
    fileprivate static let csrfToken = HTTPField.Name("X-CSRF-Token")!
}
