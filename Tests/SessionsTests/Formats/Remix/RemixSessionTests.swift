import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

@Suite("Remix: sessions")
struct RemixSessionTests {
    typealias Storage = RemixService.Storage

    @Test("a session begins with an id of its own, empty and unchanged", arguments: Storage.allCases)
    func create(storage: Storage) async throws {
        let service = try RemixService(storage)
        let first = try await service.request(nil) { session in
            #expect(session.isNew && session.names.isEmpty && session.flash(.notice) == nil)
            return session.id
        }
        #expect(first.cookie == nil)
        #expect(try await service.request(nil) { $0.id }.result != first.result)
        let began = try await service.request(nil) { $0.set(.visits, to: 1) }
        // A UUID, version 4.
        let text = try service.text(in: began.cookie)
        let id = storage == .cookie ? String(text.dropFirst(6).prefix(36)) : text
        #expect(id.contains(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/))
    }

    @Test("the application makes the ids")
    func customID() async throws {
        let service = try RemixService()
        let sessions = try SessionManager.remix(
            secrets: [RemixService.secret],
            store: service.memory,
            acknowledging: .keysAreCredentials,
            generateID: { "custom-1" },
            clock: service.clock,
            logger: .silent
        )
        let exchange = sessions.open(cookieValue: nil)
        try await exchange.session.set(.visits, to: 1)
        #expect(try service.text(in: try await exchange.commit().cookieValue) == "custom-1")
    }

    @Test("data lasts over requests", arguments: Storage.allCases)
    func persists(storage: Storage) async throws {
        let service = try RemixService(storage)
        var cookie: String?
        for count in 1...3 {
            let (result, next) = try await service.request(cookie) { session in
                session.update(.visits) { $0 += 1 }
                return session[.visits]
            }
            #expect(result == count)
            // The id stays; a session in its cookie has a new one each time.
            #expect((next == nil) == (storage != .cookie && count > 1))
            cookie = next ?? cookie
        }
    }

    @Test("values are set, read, there and removed", arguments: Storage.allCases)
    func values(storage: Storage) async throws {
        let service = try RemixService(storage)
        let lines = [CartLine(sku: "tea", count: 2), CartLine(sku: "日本", count: 1)]
        var cookie = try await service.request(nil) { session in
            session.set(.cart, to: lines)
            session.set(.notice, to: "here")
            session.set(.visits, to: 7)
            #expect(session[.cart] == lines)
        }.cookie
        cookie =
            try await service.request(cookie) { session in
                #expect(session[.cart] == lines && session.contains(.notice) && session.names.count == 3)
                session.set(.notice, to: nil)
                session.remove(.visits)
                #expect(!session.contains(.notice) && session[.visits] == 0)
            }.cookie ?? cookie
        #expect(try await service.request(cookie) { $0.names }.result == ["cart"])
    }

    @Test("what is only read is not written, and has no cookie", arguments: Storage.allCases)
    func unchanged(storage: Storage) async throws {
        let service = try RemixService(storage)
        let cookie = try await service.request(nil) { $0.set(.visits, to: 1) }.cookie
        let before = service.json
        #expect(try await service.request(cookie) { $0[.visits] }.cookie == nil)
        #expect(try await service.request(cookie) { $0.set(.visits, to: 1) }.cookie == nil)
        #expect(service.json == before)
    }

    @Test("flash is there for exactly the next request", arguments: Storage.allCases)
    func flash(storage: Storage) async throws {
        let service = try RemixService(storage)
        var cookie = try await service.request(nil) { session in
            session.set(.visits, to: 1)
            #expect(session.flash(.notice) == nil)
        }.cookie
        let set = try await service.request(cookie) { session in
            session.flash(.notice, "success!")
            return session.flash(.notice)
        }
        #expect(set.result == nil)
        cookie = set.cookie ?? cookie
        let shown = try await service.request(cookie) { $0.flash(.notice) }
        #expect(shown.result == "success!")
        cookie = shown.cookie ?? cookie
        #expect(try await service.request(cookie) { $0.flash(.notice) }.result == nil)

        // Gone, too, if nobody reads it.
        cookie = try await service.request(cookie) { $0.flash(.notice, "unread") }.cookie ?? cookie
        cookie = try await service.request(cookie) { _ in }.cookie ?? cookie
        #expect(try await service.request(cookie) { $0.flash(.notice) }.result == nil)
    }

    @Test("a rotation has a new id and the same data, and the old id opens nothing", arguments: Storage.keepers)
    func rotation(storage: Storage) async throws {
        let service = try RemixService(storage)
        let old = try await service.request(nil) { $0.set(.visits, to: 1) }.cookie
        let id = try await service.request(old) { $0.id }.result
        let new = try await service.request(old) { $0.rotate() }.cookie
        #expect(try service.text(in: new) != service.text(in: old))
        #expect(try await service.request(new) { "\($0[.visits]) \($0.id == id)" }.result == "1 false")
        #expect(try await service.request(old) { $0[.visits] }.result == 0)
    }

    @Test("two rotations, and a rotation and an end, leave nothing of the original")
    func rotationTwice() async throws {
        let service = try RemixService()
        let old = try await service.request(nil) { $0.set(.visits, to: 1) }.cookie
        let new = try await service.request(old) { session in
            session.rotate()
            session.rotate()
        }.cookie
        #expect(service.memory.count() == 1)
        #expect(try await service.request(old) { $0.isNew }.result)
        let gone = try await service.request(new) { session in
            session.rotate()
            session.destroy()
        }.cookie
        #expect(gone == "" && service.memory.count() == 0)
    }

    @Test(
        "a destroyed session is over: nothing is read, nothing is kept, the cookie goes",
        arguments: Storage.allCases
    )
    func destroy(storage: Storage) async throws {
        let service = try RemixService(storage)
        let cookie = try await service.request(nil) { $0.set(.visits, to: 1) }.cookie
        let id = try await service.request(cookie) { $0.id }.result
        let out = try await service.request(cookie) { session in
            session.destroy()
            session.set(.visits, to: 2)
            session.remove(.cart)
            session.flash(.notice, "late")
            session.rotate()
            #expect(session.isEnded && session[.visits] == 0 && !session.contains(.visits) && session.names.isEmpty)
        }
        #expect(out.cookie == "")
        #expect(try await service.request(out.cookie) { $0.isNew && $0.id != id }.result)
        // A session in its cookie ends for the client that is told so.
        #expect(try await service.request(cookie) { $0[.visits] }.result == (storage == .cookie ? 1 : 0))
    }

    @Test("an id that nobody made here is not adopted", arguments: Storage.keepers)
    func unknownID(storage: Storage) async throws {
        let service = try RemixService(storage)
        let unknown = RemixSigner.value(of: RemixService.id)
        let next = try await service.request(unknown) { session in
            #expect(session.isNew)
            session.set(.visits, to: 1)
        }
        #expect(try service.text(in: next.cookie) != RemixService.id)
        #expect(try await service.request(unknown) { $0[.visits] }.result == 0)
    }

    @Test("without a secret there is no manager", arguments: [[], [""], ["s3cr3t", ""]])
    func unsigned(secrets: [ForeignSecret]) throws {
        #expect(throws: SessionConfigurationError(.missingSecret, "")) { try RemixService(secrets: secrets) }
        #expect(throws: SessionConfigurationError(.missingSecret, "")) { try RemixService(.cookie, secrets: secrets) }
    }

    @Test("what a store in this format cannot promise is named, or the manager is refused")
    func missing() throws {
        let service = try RemixService()
        let files = try RemixFileStore(directory: service.scratch.directory)
        func make(_ store: any SessionStore, _ missing: MissingGuarantees) throws {
            _ = try SessionManager.remix(secrets: ["s"], store: store, acknowledging: missing, logger: .silent)
        }
        let shared: MissingGuarantees = [.concurrentChangesAreLost, .endedSessionsComeBack]
        try make(files, shared)
        for wrong in [[], shared.union(.keysAreCredentials), .concurrentChangesAreLost] {
            #expect(throws: SessionConfigurationError(.store, "")) { try make(files, wrong) }
        }
        #expect(throws: SessionConfigurationError(.store, "")) { try make(service.memory, []) }
        try make(service.memory, .keysAreCredentials)
    }

    @Test("the application's own cookies are kept")
    func otherCookies() async throws {
        let service = try RemixService()
        let exchange = service.sessions.open(HTTPFields())
        try await exchange.session.set(.visits, to: 1)
        var fields = HTTPFields([HTTPField(name: .setCookie, value: "theme=dark")])
        try await exchange.commit().apply(to: &fields)
        #expect(fields[values: .setCookie].count == 2 && fields[values: .setCookie][0] == "theme=dark")
    }

    @Test(
        "what is no session of Remix's is left as it is",
        arguments: ["", "{}", "null", "[1]", "[{}", "[{},[]]", "[]"]
    )
    func unreadable(json: String) async throws {
        let service = try RemixService()
        let cookie = try service.remixWrites(json)
        let exchange = service.sessions.open(cookieValue: cookie)
        #expect(try await exchange.session.isNew)
        #expect(exchange.report.arrival == .unreadable)
        #expect(try await exchange.commit().cookieValue == nil)
        #expect(service.json == json)
    }
}
