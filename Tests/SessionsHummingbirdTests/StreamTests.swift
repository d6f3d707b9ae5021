#if Hummingbird
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Sessions
import SessionsHummingbird
import SessionsTesting
import TestServers
import Testing

/// Bodies are written after the response's head, so after the commit (LC-17).
@Suite("Streaming bodies", .timeLimit(.minutes(10)))
struct StreamTests {
    /// A response whose body is what `write` returns, made after the head is sent.
    private static func stream(_ write: @escaping @Sendable () async throws -> String) -> Response {
        Response(
            status: .ok,
            body: .init { writer in
                try await writer.write(ByteBuffer(string: "after the head: "))
                try await writer.write(ByteBuffer(string: try await write()))
                try await writer.finish(nil)
            }
        )
    }

    @Test("a stream that calls save() keeps its change; the session shows what was written", arguments: [true, false])
    func save(isLive: Bool) async throws {
        let rig = try Rig()
        let router = rig.router().withVisits()
        router.get("stream") { _, context in
            let session = try await context.session
            session.update(.visits) { $0 += 1 }
            return Self.stream {
                session.update(.visits) { $0 += 1 }
                try await session.save()
                return "\(session[.visits])"
            }
        }
        try await rig.test(router, isLive ? .live : .router) { client in
            let visitor = Visitor(client)
            let answer = try await visitor.get("/stream")
            #expect(answer.text == "after the head: 2")
            #expect(answer.sessionCookies.count == 1)
            #expect(try await visitor.get("/visits").text == "2")
        }
        #expect(!rig.kinds.contains(.lateChangeLost))
    }

    @Test("server-sent events: each event saves, and no change of the requests between them is lost (I1)")
    func events() async throws {
        let rig = try Rig()
        let steps = (0..<5).map { _ in Gate() }
        let router = rig.router().withVisits()
        router.get("events") { _, context in
            let session = try await context.session
            return Response(
                status: .ok,
                headers: [.contentType: "text/event-stream"],
                body: .init { writer in
                    for step in steps {
                        await step.pass()
                        session.update(.visits) { $0 += 1 }
                        try await session.save()
                        try await writer.write(ByteBuffer(string: "data: \(session[.visits])\n\n"))
                    }
                    try await writer.finish(nil)
                }
            )
        }
        try await rig.test(router) { client in
            let visitor = Visitor(client)
            try await visitor.post("/begin")
            async let stream = visitor.copy().get("/events")
            for step in steps {
                await step.waitForArrivals()
                try await visitor.post("/visits")
                step.open()
            }
            let answer = try await stream
            // Both count: every event may meet one or more visits of the next rounds, never fewer than came before it.
            let counts = answer.text.split(separator: "\n").compactMap { Int($0.dropFirst(6)) }
            #expect(counts.count == 5)
            #expect(zip(counts, counts.dropFirst()).allSatisfy { $0 < $1 })
            #expect(counts.last == 10)
            #expect(try await visitor.get("/visits").text == "10")
        }
    }

    @Test("a late change without save() is lost, and said to be: an event and a log line (LC-17)")
    func lost() async throws {
        let rig = try Rig()
        let router = rig.router().withVisits()
        router.get("stream") { _, context in
            let session = try await context.session
            return Self.stream {
                session.update(.visits) { $0 += 1 }
                return "changed"
            }
        }
        try await rig.test(router) { client in
            let visitor = Visitor(client)
            try await visitor.post("/visits")
            #expect(try await visitor.get("/stream").text == "after the head: changed")
            await rig.events.wait { $0.contains { $0.kind == .lateChangeLost } }
            #expect(try await visitor.get("/visits").text == "1")
        }
        // The log is told after the observer.
        try await waitUntil("the log says so") {
            rig.logs.elements.contains { $0.level == .error && $0.message.contains("call save()") }
        }
    }

    @Test("LC-17: a late destroy followed by save() has happened when save() returns (I2)")
    func destroyAndSave() async throws {
        let rig = try Rig()
        let router = rig.router().withVisits()
        router.get("stream") { _, context in
            let session = try await context.session
            return Self.stream {
                session.destroy()
                try await session.save()
                return "\(rig.recordCount) records"
            }
        }
        try await rig.test(router) { client in
            let visitor = Visitor(client)
            try await visitor.post("/visits")
            #expect(try await visitor.get("/stream").text == "after the head: 0 records")
            // The browser still has the cookie; it is worth nothing.
            #expect(visitor.credential != nil)
            #expect(try await visitor.get("/visits").text == "new")
        }
        #expect(!rig.kinds.contains(.lateChangeLost))
    }

    @Test("LC-17: a late destroy that nobody waits for happens all the same (I2)")
    func destroy() async throws {
        let rig = try Rig()
        let router = rig.router().withVisits()
        router.get("stream") { _, context in
            let session = try await context.session
            return Self.stream {
                session.destroy()
                return "ended: \(session.isEnded)"
            }
        }
        try await rig.test(router) { client in
            let visitor = Visitor(client)
            try await visitor.post("/visits")
            #expect(try await visitor.get("/stream").text == "after the head: ended: true")
            await rig.events.wait { $0.contains { $0.kind == .destroyed } }
            #expect(try await visitor.get("/visits").text == "new")
        }
        #expect(rig.recordCount == 0)
    }

    @Test(
        "what needs a cookie is too late after the head: save() says so, and nothing is written",
        arguments: ["begin", "login", "rotate", "restart"]
    )
    func tooLate(what: String) async throws {
        let rig = try Rig()
        let router = rig.router().withVisits()
        router.get("stream") { _, context in
            let session = try await context.session
            return Self.stream {
                switch what {
                case "begin": session.set(.name, to: "somebody")
                case "login": session.logIn("ann")
                case "rotate": session.rotate()
                default: session.restart()
                }
                do {
                    try await session.save()
                    return "saved"
                } catch let error as SessionError {
                    return error.code.description
                }
            }
        }
        try await rig.test(router) { client in
            let visitor = Visitor(client)
            if what != "begin" { try await visitor.post("/visits") }
            rig.faults.forgetCalls()
            #expect(try await visitor.get("/stream").text == "after the head: sealed")
            #expect(rig.faults.operations == (what == "begin" ? [] : [.load]))
            #expect(try await visitor.get("/visits").text == (what == "begin" ? "new" : "1"))
        }
    }

    @Test("a stream that is open while the user logs out cannot bring the session back (I2)")
    func loggedOut() async throws {
        let rig = try Rig()
        let gate = Gate()
        let router = rig.router().withVisits()
        router.get("stream") { _, context in
            let session = try await context.session
            return Self.stream {
                await gate.pass()
                session.update(.visits) { $0 += 1 }
                do {
                    try await session.save()
                    return "saved"
                } catch let error as SessionError {
                    return error.code.description
                }
            }
        }
        try await rig.test(router) { client in
            let visitor = Visitor(client)
            try await visitor.post("/visits")
            let tab = visitor.copy()
            async let stream = tab.get("/stream")
            await gate.waitForArrivals()
            try await visitor.post("/logout")
            gate.open()
            #expect(try await stream.text == "after the head: ended")
            #expect(try await tab.get("/visits").text == "new")
        }
        #expect(rig.recordCount == 0)
    }
}
#endif
