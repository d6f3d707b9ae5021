#if Hummingbird
import HTTPTypes
import Hummingbird
import Sessions
import SessionsHummingbird
import SessionsTesting
import Testing

/// express-session's cases about ids, names and secrets.
@Suite("express-session: genid, name, secret")
struct ExpressIdentityTests {
    private static func count(_ session: Session) -> String {
        session.update(.visits) { $0 += 1 }
        return "\(session[.visits])"
    }

    @Test("express 61: ids are made, 192 bits each, and no two are the same")
    func ids() async throws {
        let service = try Service()
        try await service.serve(get: Self.count) { (visitor) async throws in
            for _ in 0..<20 { try await visitor.stranger(service.clock).get() }
        }
        #expect(service.count == 20)
        for entry in service.store.base.entries(after: nil, limit: 20) { #expect(entry.key.text.utf8.count == 32) }
    }

    /// An id and the cookie that Node makes of it with the secret "keyboard cat".
    static let vectors = [
        ("apple", "s%3Aapple.D8Y%2BpkTAmeR0PobOhY4G97PRW%2Bj7bUnP%2F5m6%2FOn1MCU"),
        ("%", "s%3A%25.kzQ6x52kKVdF35Qh62AWk4ZekS28K5XYCXKa%2FOTZ01g"),
    ]

    @Test("express 62, 63: the id that the application makes is in the cookie as Node has it", arguments: vectors)
    func generated(id: String, value: String) async throws {
        let service = try Service(id: id)
        try await service.serve(get: Self.count) { (visitor) async throws in
            #expect(service.cookie(of: try await visitor.get()) == value)
            #expect(try await visitor.get().text == "2")
        }
    }

    @Test("express 64: genid gets the request: the id is its path, in the cookie as Node has it")
    func generatedForRequest() async throws {
        let service = try Service(idForRequest: RequestID(make: { $0.head.path ?? "" }))
        try await service.serve({ router in
            router.get("/foo") { _, context in try await Self.count(context.session) }
        }) { (visitor) async throws in
            let value = service.cookie(of: try await visitor.get("/foo"))
            #expect(value == "s%3A%2Ffoo.paEKBtAHbV5s1IB8B2zPnzAgYmmnRPIqObW4VRYj%2FMQ")
            #expect(try await visitor.get("/foo").text == "2")
        }
    }

    @Test("express 65–68: the cookie's name is connect.sid, or another", arguments: [nil, "session_cookie"])
    func name(name: String?) async throws {
        let service = try Service(name: name)
        try await service.serve(get: Self.count) { (visitor) async throws in
            #expect(try await visitor.get().setCookies.first?.hasPrefix("\(name ?? "connect.sid")=") == true)
        }
    }

    @Test("express 87: a session that one secret signs is found again", arguments: Format.allCases)
    func oneSecret(format: Format) async throws {
        let service = try Service(format, secrets: ["keyboard cat"])
        try await service.serve(get: Self.count) { (visitor) async throws in
            #expect(try await visitor.get().text == "1")
            #expect(try await visitor.get().text == "2")
        }
    }

    @Test("express 89, 90: of several secrets the first signs", arguments: Format.allCases)
    func firstSigns(format: Format) async throws {
        let service = try Service(format, secrets: ["keyboard cat", "nyan cat"])
        let first = try Service(format, secrets: ["keyboard cat"], beside: service)
        let second = try Service(format, secrets: ["nyan cat"], beside: service)
        try await service.serve(get: Self.count) { (visitor) async throws in
            #expect(try await visitor.get().text == "1")
            let browser = visitor.browser
            #expect(try await browser.copy().visit(first.sessions) { $0[.visits] } == 1)
            #expect(try await browser.copy().visit(second.sessions) { $0.isNew })
        }
    }

    @Test("express 91: any of them verifies, and what an old one signed is signed anew", arguments: Format.allCases)
    func anyVerifies(format: Format) async throws {
        let old = try Service(format, secrets: ["nyan cat"])
        let service = try Service(format, secrets: ["keyboard cat", "nyan cat"], beside: old)
        let first = try Service(format, secrets: ["keyboard cat"], beside: old)
        let browser = SessionBrowser(clock: old.clock)
        try await browser.visit(old.sessions) { $0.set(.visits, to: 1) }
        #expect(try await browser.visit(service.sessions) { $0[.visits] } == 1)
        try await browser.visit(service.sessions) { $0.set(.visits, to: 2) }
        #expect(try await browser.visit(first.sessions) { $0[.visits] } == 2)
    }
}
#endif
