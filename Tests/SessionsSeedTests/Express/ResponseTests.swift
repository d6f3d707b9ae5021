#if Hummingbird
import HTTPTypes
import Hummingbird
import NIOCore
import Sessions
import SessionsHummingbird
import SessionsTesting
import Testing

/// express-session's cases about the moment when the response ends.
@Suite("express-session: the response and the store")
struct ExpressResponseTests {
    /// A body, as a handler may send one.
    enum Body: String, Sendable, CaseIterable {
        case streamed, empty, twoParts, whole

        var response: Response {
            let text = "hello, world"
            switch self {
            case .empty: return Response(status: .ok)
            case .whole: return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
            case .streamed, .twoParts:
                return Response(
                    status: .ok,
                    body: ResponseBody(contentLength: self == .twoParts ? 12 : nil) { writer in
                        try await writer.write(ByteBuffer(string: "hello, "))
                        try await writer.write(ByteBuffer(string: "world"))
                        try await writer.finish(nil)
                    }
                )
            }
        }

        var text: String { self == .empty ? "" : "hello, world" }
    }

    private static func routes(_ body: Body) -> (Router<AppContext>) -> Void {
        { router in
            _ = router.get { _, context in
                try await context.session.set(.visits, to: 1)
                return body.response
            }
        }
    }

    @Test("express 17–20, 137: the session is in the store, once, before the response begins", arguments: Body.allCases)
    func saved(body: Body) async throws {
        let service = try Service()
        try await service.serve(Self.routes(body)) { (visitor) async throws in
            let gate = service.faults.hold(.insert)
            let answered = Told<Bool>()
            async let answer = {
                let answer = try await visitor.get()
                answered.append(true)
                return answer
            }()
            try await gate.waitForArrival()
            // The store has the session, and has not said so.
            #expect(answered.all.isEmpty)
            gate.open()
            let found = try await answer
            #expect(found.status == 200)
            #expect(found.text == body.text)
            #expect(found.setCookie != nil)
        }
        #expect(service.count == 1)
        #expect(service.writes == 1)
    }

    @Test("express 16: a rolling cookie's end is that of the moment when the head is sent")
    func rollingWhileStreaming() async throws {
        let service = try Service { $0.rolling = true }
        try await service.serve(Self.routes(.streamed)) { (visitor) async throws in
            let first = try await visitor.get()
            service.clock.advance(by: .milliseconds(1200))
            let second = try await visitor.get()
            #expect(first.attribute("Expires") != nil)
            #expect(second.attribute("Expires") != nil)
            #expect(first.attribute("Expires") != second.attribute("Expires"))
        }
    }

    @Test("express 138: a session that ends under a streamed body is gone before the head is sent")
    func destroyed() async throws {
        let service = try Service()
        let routes = { (router: Router<AppContext>) in
            router.get { _, context in
                try await context.session.set(.visits, to: 1)
                return "in"
            }
            router.get("out") { _, context in
                try await context.session.destroy()
                return Body.twoParts.response
            }
        }
        try await service.serve(routes) { (visitor) async throws in
            try await visitor.get()
            #expect(service.count == 1)
            let answer = try await visitor.get("/out")
            #expect(answer.text == "hello, world")
            #expect(answer.attribute("Max-Age") == "0")
            #expect(visitor.cookie == nil)
        }
        #expect(service.count == 0)
    }

    @Test("express 79: a touch that fails does not harm the response, and is told")
    func touchFails() async throws {
        let service = try Service()
        try await service.serve(get: { session in
            if session.isNew { session.set(.visits, to: 1) }
            return "\(session[.visits])"
        }) { (visitor) async throws in
            try await visitor.get()
            service.clock.advance(by: .seconds(1))
            service.faults.failBefore(.touch)
            let answer = try await visitor.get()
            #expect(answer.status == 200)
            #expect(answer.text == "1")
        }
        #expect(service.faults.count(of: .touch) == 1)
        #expect(service.events.all.contains { $0.kind == .storeFailed })
    }

    @Test(
        "express 84: a store that fails to save is a 503, and the handler's answer is never sent",
        arguments: Format.allCases
    )
    func saveFails(format: Format) async throws {
        let service = try Service(format)
        try await service.serve(Self.routes(.whole)) { (visitor) async throws in
            service.faults.failBefore(.insert, next: 10)
            let answer = try await visitor.get()
            #expect(answer.status == 503)
            #expect(answer.text != "hello, world")
            #expect(answer.setCookie == nil)
        }
        #expect(service.count == 0)
    }

    @Test(
        "express 96: a logout that the store does not confirm is a 503, and can be repeated",
        arguments: Format.allCases
    )
    func destroyFails(format: Format) async throws {
        let service = try Service(format)
        let routes = { (router: Router<AppContext>) in
            router.get { _, context in
                try await context.session.set(.visits, to: 1)
                return "in"
            }
            router.get("out") { _, context in
                try await context.session.destroy()
                return "out"
            }
        }
        try await service.serve(routes) { (visitor) async throws in
            try await visitor.get()
            service.faults.failBefore(.delete, next: 10)
            let answer = try await visitor.get("/out")
            #expect(answer.status == 503)
            #expect(visitor.cookie != nil)
            service.faults.clear()
            #expect(try await visitor.get("/out").status == 200)
            #expect(visitor.cookie == nil)
        }
        #expect(service.count == 0)
    }

    @Test(
        "express 103, 104: while the store is away a handler that asks hears so, others are served, and then it is back"
    )
    func disconnected() async throws {
        let service = try Service()
        let routes = { (router: Router<AppContext>) in
            router.get { _, context in
                let session = try await context.session
                session.update(.visits) { $0 += 1 }
                return "\(session[.visits])"
            }
            router.get("about") { _, _ in "about" }
        }
        try await service.serve(routes) { (visitor) async throws in
            #expect(try await visitor.get().text == "1")
            service.faults.failBefore(.load, next: .max)
            let answer = try await visitor.get()
            #expect(answer.status == 503)
            #expect(answer.setCookies.isEmpty)
            let about = try await visitor.get("/about")
            #expect(about.text == "about")
            #expect(about.setCookies.isEmpty)
            service.faults.clear()
            #expect(try await visitor.get().text == "2")
        }
    }
}
#endif
