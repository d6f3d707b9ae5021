import SessionsTesting
import Testing

@testable import Sessions

@Suite("Remix: the record")
struct RemixRecordTests {
    @Test("what Remix wrote is read, and what was not changed is written back byte for byte, in its place")
    func order() async throws {
        let service = try RemixService()
        let cookie = try service.remixWrites(
            #"[{"z":{"b":1, "a":2},"visits":3,"_csrf":"00ff","n":1e2,"\u00fc":null},{},{"future":[1]}]"#
        )
        #expect(try await service.request(cookie) { $0[.visits] }.result == 3)
        try await service.request(cookie) { session in session.update(.visits) { $0 += 1 } }
        #expect(
            service.json.hasPrefix(
                #"[{"z":{"b":1, "a":2},"visits":4,"_csrf":"00ff","n":1e2,"ü":null,"swiftSession":{"v":1,"hash":""#
            )
        )
        #expect(service.json.hasSuffix(#"}},{},{"future":[1]}]"#))
    }

    @Test("a session that Remix keeps without an end ends once we have written it; what we only read stays as it is")
    func endless() async throws {
        let service = try RemixService { $0 = .remix(maxAge: .seconds(3600)) }
        let cookie = try service.remixWrites(#"[{"visits":1},{}]"#)
        service.clock.advance(by: .seconds(86_400))
        #expect(try await service.request(cookie) { $0[.visits] }.result == 1)
        #expect(service.json == #"[{"visits":1},{}]"#, "I8: reading writes nothing")
        try await service.request(cookie) { session in session.update(.visits) { $0 += 1 } }
        service.clock.advance(by: .seconds(3599))
        #expect(try await service.request(cookie) { $0[.visits] }.result == 2)
        service.clock.advance(by: .seconds(3601))
        #expect(try await service.request(cookie) { $0[.visits] }.result == 0)
    }

    @Test("I7: an absolute deadline of ours holds, though Remix has written the session anew without an end")
    func absolute() async throws {
        let service = try RemixService { configuration in
            configuration.lifetime = SessionLifetime(idle: .seconds(3600), absolute: .seconds(7200))
            configuration.anonymousLifetime = configuration.lifetime
        }
        let cookie = try await service.request(nil) { $0.set(.visits, to: 1) }.cookie
        let id = try service.text(in: cookie)
        _ = try service.remixWrites(service.json, id: id)
        service.clock.advance(by: .seconds(7199))
        #expect(try await service.request(cookie) { $0[.visits] }.result == 1)
        service.clock.advance(by: .seconds(1))
        #expect(try await service.request(cookie) { $0[.visits] }.result == 0)
    }

    @Test(
        "I8: reading inside the renewal interval writes nothing, also where the absolute deadline is the earlier one",
        arguments: RemixService.Storage.keepers
    )
    func nearTheEnd(storage: RemixService.Storage) async throws {
        let service = try RemixService(storage) { configuration in
            configuration.lifetime = SessionLifetime(idle: .seconds(3600), absolute: .seconds(7200))
            configuration.anonymousLifetime = configuration.lifetime
        }
        let cookie = try await service.request(nil) { $0.set(.visits, to: 1) }.cookie
        for count in 2...3 {
            service.clock.advance(by: .seconds(3000))
            try await service.request(cookie) { $0.set(.visits, to: count) }
        }
        let exchange = service.sessions.open(cookieValue: cookie)
        #expect(try await exchange.session[.visits] == 3)
        _ = try await exchange.commit()
        #expect(exchange.report.commit == .nothing)
    }

    @Test("a flash of Remix's is shown once here; one of ours is where Remix looks for it")
    func flash() async throws {
        let service = try RemixService()
        let cookie = try service.remixWrites(#"[{"a":1},{"notice":"from Remix"}]"#)
        let shown = try await service.request(cookie) { session in
            session.flash(.notice, "one")
            session.flash(.notice, "two")
            return session.flash(.notice)
        }
        #expect(shown.result == "from Remix" && shown.cookie == nil)
        // Remix knows one value a key: the last.
        #expect(service.json.hasSuffix(#"},{"notice":"two"}]"#))
        #expect(try await service.request(cookie) { $0.flashes(.notice) }.result == ["one", "two"])
        #expect(service.json.hasSuffix("},{}]"))
    }

    @Test("what Remix has shown is not shown again, though it carries our own member along")
    func shownByRemix() async throws {
        let service = try RemixService()
        let cookie = try service.remixWrites("[{},{}]")
        try await service.request(cookie) { $0.flash(.notice, "Saved") }
        let shown = service.json.replacing(#",{"notice":"Saved"}]"#, with: ",{}]")
        _ = try service.remixWrites(shown)
        #expect(try await service.request(cookie) { $0.flash(.notice) }.result == nil)
        _ = try service.remixWrites(shown.replacing(",{}]", with: #",{"notice":"Other"}]"#))
        #expect(try await service.request(cookie) { $0.flashes(.notice) }.result == ["Other"])
    }

    @Test("a request that shows a flash takes away that one, and none that came meanwhile")
    func entries() async throws {
        let service = try RemixService()
        let cookie = try service.remixWrites(#"[{},{"notice":"first"}]"#)
        let reader = service.sessions.open(cookieValue: cookie)
        #expect(try await reader.session.flash(.notice) == "first")
        let other = service.sessions.open(cookieValue: cookie)
        try await other.session.flash(.notice, "second")
        _ = try await other.commit()
        _ = try await reader.commit()
        #expect(try await service.request(cookie) { $0.flashes(.notice) }.result == ["second"])
    }

    @Test("I5: a login has a new id, and Remix's new id for the data has no owner")
    func owner() async throws {
        let service = try RemixService()
        let cookie = try service.remixWrites(#"[{"visits":3},{}]"#)
        let new = try await service.request(cookie) { $0.logIn("ada", keeping: .all) }.cookie
        #expect(try await service.request(cookie) { $0.isNew }.result)
        #expect(try await service.request(new) { "\($0.owner ?? "") \($0[.visits])" }.result == "ada 3")
        // Remix's regenerateId copies every value, ours among them.
        let copied = try service.remixWrites(service.json, id: "00000000-0000-4000-8000-000000000000")
        #expect(try await service.request(copied) { "\($0.owner ?? "nobody") \($0[.visits])" }.result == "nobody 3")
    }

    @Test("no value can have the name of our own member")
    func reserved() async throws {
        let service = try RemixService()
        await #expect(throws: SessionError.self) {
            try await service.request(nil) { $0.set(SessionKey<Int>("swiftSession", default: 0), to: 1) }
        }
        #expect(service.memory.count() == 0)
    }
}
