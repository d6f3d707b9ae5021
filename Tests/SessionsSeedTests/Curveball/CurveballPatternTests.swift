#if Hummingbird
import HTTPTypes
import Hummingbird
import Sessions
import SessionsHummingbird
import SessionsTesting
import Testing

/// What Curveball's documentation shows, as it is written here.
@Suite("Curveball: its documentation's patterns")
struct CurveballPatternTests {
    @Test("curveball pattern: the first value starts the session, destroy ends it")
    func start() async throws {
        let service = try Service(.native, maxAge: nil, name: "CB")
        let routes = { (router: Router<AppContext>) in
            router.get { _, context in "\(try await context.session.isNew)" }
            router.get("in") { _, context in
                try await context.session.set(.visits, to: 5)
                return ""
            }
            router.get("out") { _, context in
                try await context.session.destroy()
                return ""
            }
        }
        try await service.serve(routes) { (visitor) async throws in
            #expect(try await visitor.get().setCookie == nil)
            #expect(try await visitor.get("/in").setCookie != nil)
            #expect(try await visitor.get().text == "false")
            try await visitor.get("/out")
            #expect(service.count == 0)
            #expect(try await visitor.get().text == "true")
        }
    }

    @Test("curveball pattern: a form has a token, and is refused with 403 without it")
    func form() async throws {
        let service = try Service(.native, maxAge: nil, name: "CB")
        let routes = { (router: Router<AppContext>) in
            router.get { _, context in try await context.session.csrfToken }
            router.post("form-submit") { request, context in
                let token = HTTPField.Name("X-CSRF-Token").flatMap { request.headers[$0] }
                guard try await context.session.acceptsCSRFToken(token) else { throw HTTPError(.forbidden) }
                return "done"
            }
        }
        try await service.serve(routes) { (visitor) async throws in
            #expect(try await visitor.send(.post, "/form-submit").status == 403)
            let token = try await visitor.get().text
            #expect(try await visitor.send(.post, "/form-submit").status == 403)
            #expect(try await visitor.send(.post, "/form-submit", [.authorization: token]).status == 403)
            let name = try #require(HTTPField.Name("X-CSRF-Token"))
            #expect(try await visitor.send(.post, "/form-submit", [name: token + "A"]).status == 403)
            #expect(try await visitor.send(.post, "/form-submit", [name: token]).text == "done")
        }
    }
}
#endif
