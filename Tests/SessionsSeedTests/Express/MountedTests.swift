#if Hummingbird
import Hummingbird
import Sessions
import SessionsHummingbird
import SessionsTesting
import Testing

/// express-session's cases about a service below another one's path.
@Suite("express-session: below another path")
struct ExpressMountedTests {
    @Test("express 41, 42: below a group of routes the whole path counts, not what is left of it")
    func mounted() async throws {
        let service = try Service { $0.cookie.path = "/foo/bar" }
        let routes = { (router: Router<AppContext>) in
            let group = router.group("foo")
            for path in ["bar", "foo/bar"] {
                group.get(RouterPath(path)) { _, context in
                    try await context.session.set(.visits, to: 1)
                    return ""
                }
            }
        }
        try await service.serve(routes) { (visitor) async throws in
            let outside = try await visitor.get("/foo/foo/bar")
            #expect(outside.status == 500)
            #expect(outside.setCookies.isEmpty)
            #expect(service.count == 0)
            #expect(try await visitor.get("/foo/bar").setCookie != nil)
        }
        #expect(service.count == 1)
    }
}
#endif
