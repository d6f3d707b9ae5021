import SessionsTesting
import Testing

@testable import Sessions

@Suite("Session values")
struct SessionValueTests {
    @Test("set, update, remove, contains; defaults where there is nothing")
    func basics() async throws {
        let fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { session in
            #expect(session.isNew)
            #expect(session[.visits] == 0)
            #expect(!session.contains(.visits))
            session.update(.visits) { $0 += 2 }
            session.set(.cart, to: [CartLine(sku: "a", count: 1)])
            session.update(.cart) { $0.append(CartLine(sku: "b", count: 2)) }
            session.set(.notice, to: "hello")
            #expect(session[.visits] == 2)
        }
        try await fixture.browser.visit(fixture.sessions) { session in
            #expect(!session.isNew)
            #expect(session[.visits] == 2)
            #expect(session[.cart].map(\.sku) == ["a", "b"])
            #expect(session[.notice] == "hello")
            #expect(session.names == ["visits", "cart", "notice"])
            session.set(.notice, to: nil)
            session.remove(.cart)
            #expect(!session.contains(.notice))
        }
        try await fixture.browser.visit(fixture.sessions) { session in
            #expect(session.names == ["visits"])
        }
    }

    @Test("values that equal what is stored are no change, whatever their order")
    func noChange() async throws {
        let fixture = try SessionFixture()
        let tags = SessionKey<Set<String>>("tags", default: [])
        let members: Set<String> = ["a", "b", "c", "d", "e", "f", "g", "h"]
        try await fixture.browser.visit(fixture.sessions) { session in
            session.set(tags, to: members)
            session.set(.cart, to: [CartLine(sku: "a", count: 1)])
        }
        fixture.faults.forgetCalls()
        try await fixture.browser.visit(fixture.sessions) { session in
            session.set(tags, to: Set(members.reversed()))
            session.set(.cart, to: [CartLine(sku: "a", count: 1)])
            session.update(.visits) { _ in }
            session.remove(.visits)
        }
        #expect(fixture.faults.operations == [.load])
    }

    @Test("the stored object's key order is no change either")
    func keyOrder() throws {
        let text = JSONText(Array(#"[{"sku":"a","count":1}]"#.utf8))
        var values = try #require(SessionValues(restoring: [.init(name: ValueName("cart"), text: text)]))
        let before = values
        try values.set(ValueName("cart"), to: [CartLine(sku: "a", count: 1)])
        #expect(values == before)
    }

    @Test("a canonically equivalent spelling is a change (ID-11)")
    func spelling() async throws {
        let fixture = try SessionFixture()
        for text in ["caf\u{E9}", "cafe\u{301}"] {
            try await fixture.browser.visit(fixture.sessions) { session in
                session.set(.notice, to: text)
                session.set(.cart, to: [CartLine(sku: text, count: 1)])
            }
            let (notice, cart) = try await fixture.browser.visit(fixture.sessions) { ($0[.notice], $0[.cart]) }
            #expect(Array((notice ?? "").utf8) == Array(text.utf8))
            #expect(Array(cart[0].sku.utf8) == Array(text.utf8))
        }
    }

    @Test("a name is compared byte by byte: canonically equivalent names are two names (ID-11)")
    func names() async throws {
        let fixture = try SessionFixture()
        let composed = SessionKey<Int>("caf\u{E9}", default: 0)
        let decomposed = SessionKey<Int>("cafe\u{301}", default: 0)
        try await fixture.browser.visit(fixture.sessions) { session in
            session.set(composed, to: 1)
            session.set(decomposed, to: 2)
        }
        try await fixture.browser.visit(fixture.sessions) { session in
            #expect(session[composed] == 1)
            #expect(session[decomposed] == 2)
        }
    }

    @Test(
        "texts survive, whatever is in them",
        arguments: [
            "", "\"\\\u{0}\u{1}\n\r\t/", "\u{1F600}", "\u{2028}", "e\u{301}", String(repeating: "x", count: 30000),
        ]
    )
    func texts(text: String) async throws {
        let fixture = try SessionFixture()
        let key = SessionKey<String>(text.isEmpty ? "k" : String(text.prefix(20)), default: "none")
        try await fixture.browser.visit(fixture.sessions) { $0.set(key, to: text) }
        let read = try await fixture.browser.visit(fixture.sessions) { $0[key] }
        #expect(Array(read.utf8) == Array(text.utf8))
    }

    @Test("numbers survive", arguments: [0, 1, -1, Int.max, Int.min, 9_007_199_254_740_993])
    func numbers(number: Int) async throws {
        let fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { session in
            session.set(.visits, to: -7)
            session.set(.visits, to: number)
        }
        #expect(try await fixture.browser.visit(fixture.sessions) { $0[.visits] } == number)
    }

    @Test("a value that cannot be encoded refuses the commit, and the session stays as it was")
    func unencodable() async throws {
        let fixture = try SessionFixture()
        let ratio = SessionKey<Double>("ratio", default: 0)
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 1) }
        await #expect(throws: SessionError(.unencodable, "")) {
            try await fixture.browser.visit(fixture.sessions) { session in
                session.set(.visits, to: 2)
                session.set(ratio, to: .nan)
            }
        }
        #expect(try await fixture.browser.visit(fixture.sessions) { $0[.visits] } == 1)
    }

    @Test("a record beyond the limit is refused, and the one before stays (DS-02)")
    func tooLarge() async throws {
        let fixture = try SessionFixture { $0.maximumRecordBytes = 400 }
        try await fixture.browser.visit(fixture.sessions) { $0.set(.notice, to: "short") }
        await #expect(throws: SessionError(.tooLarge, "")) {
            try await fixture.browser.visit(fixture.sessions) {
                $0.set(.notice, to: String(repeating: "x", count: 400))
            }
        }
        #expect(try await fixture.browser.visit(fixture.sessions) { $0[.notice] } == "short")
    }

    @Test("a value that no longer decodes costs nothing but itself, and no default overwrites it")
    func quarantine() async throws {
        let fixture = try SessionFixture()
        let old = SessionKey<Int>("cart", default: 0)
        try await fixture.browser.visit(fixture.sessions) { session in
            session.set(.cart, to: [CartLine(sku: "newer", count: 1)])
            session.set(.visits, to: 5)
        }
        try await fixture.browser.visit(fixture.sessions) { session in
            #expect(session[old] == 0)
            #expect(session[.visits] == 5)
            session.update(old) { $0 += 3 }
            #expect(session[old] == 3)
        }
        #expect(fixture.events.kinds.contains(.undecodable("cart")))
        try await fixture.browser.visit(fixture.sessions) { session in
            #expect(session[old] == 3)
            #expect(session[.cart].map(\.sku) == ["newer"])
            session.update(.cart) { $0.append(CartLine(sku: "more", count: 1)) }
        }
        try await fixture.browser.visit(fixture.sessions) { session in
            #expect(session[old] == 3)
            #expect(session[.cart].map(\.sku) == ["newer", "more"])
            session.remove(old)
            #expect(!session.contains(.cart))
        }
    }

    @Test("an update that throws records nothing; one that throws when it runs again makes the commit throw")
    func throwingUpdate() async throws {
        struct SoldOut: Error {}
        let fixture = try SessionFixture()
        let buy: @Sendable (inout Int) throws(SoldOut) -> Void = { stock throws(SoldOut) in
            guard stock > 0 else { throw SoldOut() }
            stock -= 1
        }
        try await fixture.browser.visit(fixture.sessions) { session in
            #expect(throws: SoldOut.self) { try session.update(.visits, buy) }
            session.set(.visits, to: 1)
        }
        let slow = fixture.sessions.open(fixture.browser.request())
        try await slow.session.update(.visits, buy)
        try await fixture.browser.visit(fixture.sessions) { session in try session.update(.visits, buy) }
        await #expect(throws: SoldOut.self) { try await slow.commit() }
        #expect(try await fixture.browser.visit(fixture.sessions) { $0[.visits] } == 0)
    }

    @Test("tasks of one request lose nothing among themselves")
    func concurrentTasks() async throws {
        let fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { session in
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<100 { group.addTask { session.update(.visits) { $0 += 1 } } }
            }
            #expect(session[.visits] == 100)
        }
        #expect(try await fixture.browser.visit(fixture.sessions) { $0[.visits] } == 100)
    }

    @Test("members of the payload that this version does not know survive a rewrite")
    func unknownMembers() throws {
        let format = NativeRecordFormat()
        let text =
            #"{"v":1,"hash":"\#(String(repeating: "A", count: 43))","created":1,"csrf":"AAAAAAAAAAAAAAAAAAAAAA","#
            + #""later":{"b":[1, 2],"a":"\u00e9"},"values":{"x": {"z":1}}}"#
        let content = try #require(format.decode(Array(text.utf8)))
        let again = String(decoding: format.encode(content), as: UTF8.self)
        #expect(again.contains(#""later":{"b":[1, 2],"a":"\u00e9"}"#))
        #expect(again.contains(#""x":{"z":1}"#))
    }
}
