#if Hummingbird
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Sessions
import SessionsHummingbird
import SessionsTesting
import Testing

/// What the two closures of a WebSocket route do with the session: one answers the upgrade, the other has the context
/// long after the commit.
@Suite("WebSocket upgrades")
struct UpgradeTests {
    /// A route that switches protocols and leaves its context for the socket.
    private func router(_ rig: Rig, _ sockets: Recorder<AppContext>) throws -> Router<AppContext> {
        let router = rig.router().withVisits()
        router.group("socket")
            .add(middleware: OriginGuard(try OriginPolicy(origins: ["https://app.example"]), sessions: rig.sessions))
            .get { _, context in
                let session = try await context.session
                if session.isNew { session.set(.name, to: "somebody") }
                sockets.append(context)
                return Response(status: .switchingProtocols)
            }
        return router
    }

    private static let upgrade: HTTPFields = [
        .upgrade: "websocket", .connection: "upgrade", .origin: "https://app.example",
    ]

    @Test("the 101 carries the cookie, and the socket reads, changes and saves with its context")
    func socket() async throws {
        let rig = try Rig()
        let sockets = Recorder<AppContext>()
        try await rig.test(try router(rig, sockets)) { client in
            let visitor = Visitor(client)
            let answer = try await visitor.get("/socket", Self.upgrade)
            #expect(answer.status == .switchingProtocols)
            #expect(answer.sessionCookies.count == 1)
            let session = try await sockets.elements[0].session
            for message in 1...3 {
                #expect(session[.visits] == message - 1)
                session.update(.visits) { $0 += 1 }
                try await session.save()
            }
            try await visitor.post("/visits")
            session.update(.visits) { $0 += 1 }
            try await session.save()
            #expect(session[.visits] == 5)
            #expect(try await visitor.get("/visits").text == "5")
        }
    }

    @Test("LC-15: a socket notices at its next look that the session was revoked, and cannot write any more")
    func revoked() async throws {
        let rig = try Rig()
        let sockets = Recorder<AppContext>()
        try await rig.test(try router(rig, sockets)) { client in
            let visitor = Visitor(client)
            try await visitor.post("/login")
            try await visitor.get("/socket", Self.upgrade)
            let session = try await sockets.elements[0].session
            try await session.reload()
            #expect(session.owner == "ann")
            try await rig.sessions.revokeAll(of: "ann")
            await #expect(throws: SessionError.self) { try await session.reload() }
            session.update(.visits) { $0 += 1 }
            await #expect(throws: SessionError.self) { try await session.save() }
        }
        #expect(rig.recordCount == 0)
    }

    @Test("LC-15: an upgrade that another site asks for in the user's name is refused, although it is a GET")
    func foreign() async throws {
        let rig = try Rig()
        let sockets = Recorder<AppContext>()
        try await rig.test(try router(rig, sockets)) { client in
            let visitor = Visitor(client)
            try await visitor.post("/login")
            rig.faults.forgetCalls()
            var headers = Self.upgrade
            headers[.origin] = "https://evil.example"
            #expect(try await visitor.get("/socket", headers).status == .forbidden)
            headers[.origin] = nil
            #expect(try await visitor.get("/socket", headers).status == .forbidden)
            #expect(rig.faults.calls.isEmpty)
            #expect(sockets.elements.isEmpty)
        }
    }

    @Test("an exchange that nobody commits writes nothing: no change, no flash taken, nothing said to be lost")
    func uncommitted() async throws {
        let rig = try Rig()
        let browser = SessionBrowser()
        try await browser.visit(rig.sessions) { $0.flash(.notice, "Welcome") }
        rig.faults.forgetCalls()
        do {
            let exchange = rig.sessions.open(browser.request())
            let session = try await exchange.session
            #expect(session.flash(.notice) == "Welcome")
            session.update(.visits) { $0 += 1 }
            session.rotate()
        }
        #expect(rig.faults.operations == [.load])
        #expect(rig.kinds == [.began])
        #expect(try await browser.visit(rig.sessions) { $0.flash(.notice) } == "Welcome")
        #expect(try await browser.visit(rig.sessions) { $0[.visits] } == 0)
    }
}
#endif
