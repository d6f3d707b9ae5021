#if Hummingbird
import Hummingbird
import Sessions
import SessionsHummingbird
import SessionsTesting
import Testing

/// Primate's cases: an id from the first request, and a cookie when it changes.
@Suite("Primate")
struct PrimateTests {
    private static func service(
        _ change: (inout SessionConfiguration) -> Void = { _ in }
    ) throws -> Service {
        try Service(.native, maxAge: nil, name: "sessionId") { configuration in
            configuration.cookie.sameSite = .strict
            configuration.saveUninitialized = true
            change(&configuration)
        }
    }

    @Test(
        "Primate 1, 2, 8: a request without a session gets a cookie and an id, the next one the same id and no cookie"
    )
    func first() async throws {
        let service = try Self.service()
        try await service.serve(get: { $0.id }) { (visitor) async throws in
            let first = try await visitor.get()
            #expect(first.setCookie != nil)
            #expect(first.text.utf8.count == 22)
            let second = try await visitor.get()
            #expect(second.setCookies.isEmpty)
            #expect(second.text == first.text)
            #expect(try await visitor.stranger(service.clock).get().text != first.text)
        }
    }

    @Test("Primate 3–6: the cookie has its name, SameSite=Strict, HttpOnly and its path", arguments: ["/", "/below"])
    func attributes(path: String) async throws {
        let service = try Self.service { $0.cookie.path = path }
        let routes = { (router: Router<AppContext>) in
            router.get { _, context in try await context.session.id }
            router.get("below") { _, context in try await context.session.id }
        }
        try await service.serve(routes) { (visitor) async throws in
            let answer = try await visitor.get(path)
            #expect(answer.setCookies.first?.hasPrefix("sessionId=") == true)
            #expect(answer.attribute("SameSite") == "Strict")
            #expect(answer.attribute("HttpOnly") == "")
            #expect(answer.attribute("Path") == path)
        }
    }

    @Test(
        "Primate 9, 10: the application decides the id, and what can be none gives way to a random one",
        arguments: ["visitor-1", ""]
    )
    func ownID(id: String) async throws {
        let service = try Service(id: id) { $0.saveUninitialized = true }
        try await service.serve(get: { $0.id }) { (visitor) async throws in
            let first = try await visitor.get()
            #expect(first.setCookie != nil)
            #expect(try await visitor.get().setCookies.isEmpty)
            if id.isEmpty {
                #expect(visitor.cookie?.hasPrefix("s%3A") == true)
            } else {
                #expect(visitor.cookie?.hasPrefix("s%3A\(id).") == true)
            }
        }
        #expect(service.count == 1)
    }

    @Test("Primate 11–13: a session that is not there says so, its first value begins it, and a cookie comes with that")
    func begins() async throws {
        let service = try Self.service { $0.saveUninitialized = false }
        try await service.serve(get: { session in
            if session.isNew, session[.name] == nil {
                session.set(.name, to: "ann")
                return "no session"
            }
            return session[.name] ?? ""
        }) { (visitor) async throws in
            let first = try await visitor.get()
            #expect(first.text == "no session")
            #expect(first.setCookie != nil)
            let second = try await visitor.get()
            #expect(second.text == "ann")
            #expect(second.setCookies.isEmpty)
        }
    }
}
#endif
