#if Hummingbird
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Sessions
import SessionsHummingbird
import SessionsTesting
import Testing

/// No cache hands one user's response to another (checklist section G).
@Suite("Cache headers")
struct CachingTests {
    static let cdn = HTTPField.Name.other("CDN-Cache-Control")
    static let surrogate = HTTPField.Name.other("Surrogate-Control")

    @Test(
        "CA-01: a response that sets the cookie is not stored, whatever its status",
        arguments: [200, 204, 302, 303, 304, 400, 404, 410, 500, 503]
    )
    func noStore(status: Int) async throws {
        let rig = try Rig()
        let router = rig.router()
        router.get("/") { _, context in
            try await context.session.set(.name, to: "somebody")
            return Response(status: .init(code: status))
        }
        try await rig.test(router) { client in
            let answer = try await Visitor(client).get("/")
            #expect(answer.status.code == status)
            #expect(answer.sessionCookies.count == 1)
            #expect(answer.headers[values: .cacheControl] == ["no-store"])
        }
    }

    @Test("CA-02: public and its relatives give way where the cookie is set or expired")
    func overridden() async throws {
        let rig = try Rig()
        let router = rig.router()
        router.get(":change") { _, context in
            let session = try await context.session
            switch context.parameters.get("change") {
            case "set": session.set(.name, to: "somebody")
            case "destroy": session.destroy()
            default: break
            }
            var headers: HTTPFields = [.cacheControl: "public, s-maxage=31536000"]
            headers[Self.cdn] = "max-age=600"
            headers[Self.surrogate] = "max-age=600"
            return Response(status: .ok, headers: headers)
        }
        try await rig.test(router) { client in
            let visitor = Visitor(client)
            for path in ["/set", "/destroy"] {
                let answer = try await visitor.get(path)
                #expect(answer.sessionCookies.count == 1)
                #expect(answer.headers[values: .cacheControl] == ["no-store"])
                #expect(answer.headers[Self.cdn] == nil)
                #expect(answer.headers[Self.surrogate] == nil)
            }
            let read = try await visitor.get("/read")
            #expect(read.headers[.cacheControl] == "public, s-maxage=31536000")
            #expect(read.headers[Self.cdn] == "max-age=600")
            #expect(read.vary == ["cookie"])
        }
    }

    @Test(
        "CA-03: Vary: Cookie joins what the application varies by, once",
        arguments: [
            ("", ["cookie"]), ("Accept-Encoding", ["accept-encoding", "cookie"]), ("Cookie", ["cookie"]),
            ("Accept-Encoding, cookie", ["accept-encoding", "cookie"]), ("*", ["*"]),
        ]
    )
    func vary(present: String, expected: [String]) async throws {
        let rig = try Rig()
        let router = rig.router()
        router.get("/") { _, context in
            _ = try await context.session[.visits]
            return Response(status: .ok, headers: present.isEmpty ? [:] : [.vary: present])
        }
        try await rig.test(router) { client async throws in
            #expect(try await Visitor(client).get("/").vary == expected)
        }
    }

    /// Everything that tells a handler something about the session.
    static let accessors: [(name: String, read: @Sendable (Session) -> Void)] = [
        ("nothing but the session", { _ in }),
        ("subscript", { _ = $0[.visits] }),
        ("contains", { _ = $0.contains(.visits) }),
        ("names", { _ = $0.names }),
        ("isNew", { _ = $0.isNew }),
        ("isEnded", { _ = $0.isEnded }),
        ("id", { _ = $0.id }),
        ("handle", { _ = $0.handle }),
        ("owner", { _ = $0.owner }),
        ("createdAt", { _ = $0.createdAt }),
        ("authenticatedAt", { _ = $0.authenticatedAt }),
        ("lastSeenAt", { _ = $0.lastSeenAt }),
        ("idleDeadline", { _ = $0.idleDeadline }),
        ("absoluteDeadline", { _ = $0.absoluteDeadline }),
        ("lifetime", { _ = $0.lifetime }),
        ("flash", { _ = $0.flash(.notice) }),
        ("flashes", { _ = $0.flashes(.notice) }),
        ("transport", { _ = $0.transport }),
        ("acceptsCSRFToken", { _ = $0.acceptsCSRFToken("token") }),
        ("csrfToken", { _ = $0.csrfToken }),
    ]

    @Test("CA-03: whatever is asked of the session, with a session and without, the response varies by the cookie")
    func everyAccessor() async throws {
        let rig = try Rig()
        let router = rig.router().withVisits()
        for (index, accessor) in Self.accessors.enumerated() {
            router.get("accessor\(index)") { _, context in
                accessor.read(try await context.session)
                return "read"
            }
        }
        try await rig.test(router) { client in
            let known = Visitor(client)
            try await known.post("/visits")
            for (index, accessor) in Self.accessors.enumerated() {
                for visitor in [known, Visitor(client)] {
                    let answer = try await visitor.get("/accessor\(index)")
                    #expect(answer.status == .ok)
                    #expect(answer.vary == ["cookie"], "\(accessor.name)")
                }
            }
        }
    }

    @Test(
        "CA-05: a response that read a session with an owner is private; a stricter rule stands",
        arguments: [
            ("", "private"), ("public, max-age=60", "private, max-age=60"), ("s-maxage=60", "private"),
            ("private, max-age=60", "private, max-age=60"), ("no-store", "no-store"),
        ]
    )
    func owned(present: String, expected: String) async throws {
        let rig = try Rig()
        let router = rig.router().withVisits()
        router.get("account") { _, context in
            _ = try await context.session.owner
            return Response(status: .ok, headers: present.isEmpty ? [:] : [.cacheControl: present])
        }
        try await rig.test(router) { client in
            let visitor = Visitor(client)
            try await visitor.post("/login")
            #expect(try await visitor.get("/account").headers[values: .cacheControl] == [expected])
        }
    }

    @Test("CA-06: no cookie on an interim response; one on the response that switches protocols")
    func interim() async throws {
        let rig = try Rig()
        let router = rig.router()
        for status in [101, 102, 103] {
            router.get("\(status)") { _, context in
                try await context.session.set(.name, to: "somebody")
                return Response(status: .init(code: status))
            }
        }
        try await rig.test(router) { client async throws in
            #expect(try await Visitor(client).get("/101").sessionCookies.count == 1)
            #expect(try await Visitor(client).get("/102").head.headerFields[.setCookie] == nil)
            #expect(try await Visitor(client).get("/103").head.headerFields[.setCookie] == nil)
        }
    }
}
#endif
