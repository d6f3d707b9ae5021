import HTTPTypes
import Sessions
import SessionsTesting
import Testing

@testable import Sessions

@Suite("Sealed cookies: the seal")
struct SealedSealTests {
    /// The bytes of a session's cookie.
    private func sealed(_ shop: SealedFixture) throws -> [UInt8] {
        try #require(Base64URL.decode(shop.cookie.utf8))
    }

    private func logIn(_ shop: SealedFixture) async throws {
        try await shop.browser.visit(shop.sessions) { session in
            session.logIn("ada")
            session.set(.text, to: "attack at dawn")
        }
        #expect(try await shop.arrival(shop.cookie) == .found)
    }

    @Test("CR-11: the cookie shows nothing of what is in it")
    func opaque() async throws {
        let shop = try SealedFixture()
        try await logIn(shop)
        let bytes = try sealed(shop)
        for piece in ["attack at dawn", "attack", "ada", "text", "values"] {
            #expect(!String(decoding: bytes, as: UTF8.self).contains(piece))
            #expect(!shop.cookie.contains(piece))
            #expect(!shop.cookie.contains(Base64URL.encode(Array(piece.utf8)).dropLast()) || piece.utf8.count < 6)
        }
    }

    @Test("CR-01, CR-04: two seals of one session share neither salt nor ciphertext nor tag")
    func fresh() async throws {
        let shop = try SealedFixture()
        try await logIn(shop)
        let first = try sealed(shop)
        shop.clock.advance(by: .seconds(61))
        try await shop.browser.visit(shop.sessions) { _ in }
        let second = try sealed(shop)
        #expect(first[..<4] == second[..<4], "version and key id")
        #expect(first[4..<36] != second[4..<36])
        let same = zip(first[36...], second[36...]).count { $0 == $1 }
        #expect(same < first.count / 16)
    }

    @Test("CR-02, CR-03: what is not exactly what was sealed opens nothing, is never decoded, and throws nothing")
    func forged() async throws {
        let shop = try SealedFixture()
        try await logIn(shop)
        let (text, bytes) = (shop.cookie, try sealed(shop))
        // Every bit of the frame, and some of the rest.
        for bit in Array(0..<36 * 8) + Array(stride(from: 36 * 8, to: bytes.count * 8, by: 13)) {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(try await shop.arrival(Base64URL.encode(flipped)) == .unverifiable, "bit \(bit)")
        }
        // Tags of other lengths; nothing in the middle; too little of everything.
        for count in [0, 1, 4, 8, 15] {
            let short = Base64URL.encode(Array(bytes.dropLast(16 - count)))
            #expect(try await shop.arrival(short) == .unverifiable)
        }
        #expect(try await shop.arrival(Base64URL.encode(bytes + [0])) == .unverifiable)
        #expect(try await shop.arrival(Base64URL.encode(Array(bytes.prefix(36) + bytes.suffix(16)))) == .malformed)
        let foreign = [
            "", "x", "%7B%22user%22:1%7D", Base64URL.encode(Array(#"{"owner":"ada"}"#.utf8)),
            Base64URL.encode(Array(String(repeating: #"{"owner":"ada"}"#, count: 20).utf8)),
            "eyJhbGciOiJub25lIn0.eyJ1c2VyIjoxfQ.", String(repeating: "A", count: 500), text + "=", text + "A",
            "\(text) ",
            String(text.dropLast()), String(repeating: "A", count: 5000), text.uppercased(),
        ]
        for value in foreign {
            let arrival = try await shop.arrival(value)
            #expect([.malformed, .unverifiable, .found].contains(arrival))
            #expect(arrival != .found || value == "\(text) ", "spaces around a value are not part of it")
        }
    }

    @Test("CR-02: a credential of a store is no sealed session, nor the reverse")
    func kinds() async throws {
        let keys = try KeyRing([.generate()])
        let sealed = try SealedFixture(keys: keys)
        let stored = try SessionFixture(keys: keys)
        try await sealed.browser.visit(sealed.sessions) { $0.logIn("ada") }
        try await stored.browser.visit(stored.sessions) { $0.logIn("ada") }
        let credential = stored.browser.cookies[SealedFixture.name] ?? ""
        #expect(try await sealed.arrival(credential) == .malformed)
        #expect(try await sealed.browser.visit(stored.sessions) { $0.owner } == nil)
    }

    @Test("CR-06: a session opens under its own cookie name, application and purpose only")
    func binding() async throws {
        let keys = try KeyRing([.generate()])
        let shop = try SealedFixture(keys: keys)
        try await logIn(shop)
        let other = try SealedFixture(keys: keys) { configuration, _ in configuration.cookie.name = "__Host-Http-admin"
        }
        #expect(try await other.arrival(shop.cookie, name: "__Host-Http-admin") == .unverifiable)
        let second = try SealedFixture(keys: keys) { configuration, _ in configuration.application = "second" }
        #expect(try await second.arrival(shop.cookie) == .unverifiable)
        let same = try SealedFixture(keys: keys, clock: shop.clock)
        #expect(try await same.arrival(shop.cookie) == .found)
        // What was sealed for another purpose, under the same keys.
        let realm = Realm(application: "app", cookieName: SealedFixture.name)
        let record = Sealer(keys: keys, realm: realm, purpose: .record)
        let plain = try #require(
            Sealer(keys: keys, realm: realm, purpose: .cookie).open(sealed(shop), context: [])
        )
        #expect(try await shop.arrival(Base64URL.encode(record.seal(plain.bytes, context: []))) == .unverifiable)
    }

    @Test("CR-07: the first key seals, all open; what an older one sealed is sealed anew, and not read without it")
    func rotation() async throws {
        let (old, new) = (SessionSecret.generate(), SessionSecret.generate())
        let clock = ManualSessionClock()
        let before = try SealedFixture(keys: KeyRing([old]), clock: clock)
        let browser = SessionBrowser(clock: clock)
        try await browser.visit(before.sessions) { $0.logIn("ada") }
        func id() throws -> [UInt8] {
            Array(try #require(Base64URL.decode((browser.cookies[SealedFixture.name] ?? "").utf8))[1..<4])
        }
        let oldID = try id()
        let during = try SealedFixture(keys: KeyRing([new, old]), clock: clock)
        #expect(try await browser.visit(during.sessions) { $0.owner } == "ada")
        // With the next write, a renewal at the latest.
        clock.advance(by: .seconds(61))
        #expect(try await browser.visit(during.sessions) { $0.owner } == "ada")
        #expect(try id() != oldID)
        let after = try SealedFixture(keys: KeyRing([new]), clock: clock)
        #expect(try await browser.visit(after.sessions) { $0.owner } == "ada")
        #expect(try await browser.visit(before.sessions) { $0.owner } == nil)
    }

    /// A genuine seal around the session of `shop`, with other deadlines.
    private func resealed(
        _ shop: SealedFixture,
        _ keys: KeyRing,
        _ deadlines: [Deadline],
        _ microseconds: Int64
    ) throws -> String {
        let realm = Realm(application: "app", cookieName: SealedFixture.name)
        let sealer = Sealer(keys: keys, realm: realm, purpose: .cookie)
        var plain = try #require(try sealer.open(sealed(shop), context: [])).bytes
        for deadline in deadlines {
            let number = (0..<8).map { UInt8(truncatingIfNeeded: microseconds >> (8 * Int64($0))) }
            plain.replaceSubrange(deadline.rawValue..<deadline.rawValue + 8, with: number)
        }
        return Base64URL.encode(try sealer.seal(plain, context: []))
    }

    /// Where a deadline is in what is sealed.
    enum Deadline: Int, CaseIterable {
        case idle = 25
        case absolute = 33
    }

    @Test(
        "CR-08: a deadline in a genuine seal that is zero, negative, or past the largest number, has passed",
        arguments: [0, -1, .min, .min + 1] as [Int64],
        Deadline.allCases
    )
    func passed(microseconds: Int64, deadline: Deadline) async throws {
        let keys = try KeyRing([.generate()])
        let shop = try SealedFixture(keys: keys)
        try await logIn(shop)
        let value = try resealed(shop, keys, [deadline], microseconds)
        #expect(try await shop.arrival(value) == .expired)
        // Anonymous, and no error. A slow response must not take away what a login has set meanwhile: the cookie stays.
        shop.browser.plant(SealedFixture.name, value)
        let answer = try await shop.respond { #expect($0.owner == nil) }
        #expect(answer.setCookies.isEmpty)
    }

    @Test("CR-08: a session whose deadlines in a genuine seal never come ends with the longest lifetime all the same")
    func never() async throws {
        let keys = try KeyRing([.generate()])
        let shop = try SealedFixture(keys: keys)
        try await logIn(shop)
        let value = try resealed(shop, keys, Deadline.allCases, .max)
        let configuration = SessionConfiguration()
        let longest = max(configuration.lifetime.absolute, configuration.anonymousLifetime.absolute)
        shop.clock.advance(by: longest)
        #expect(try await shop.arrival(value) == .found)
        shop.clock.advance(by: SealedBackend.skew)
        #expect(try await shop.arrival(value) == .expired)
    }

    @Test("CR-10: every cookie that does not open is answered alike", arguments: [true, false])
    func uniform(writes: Bool) async throws {
        let shop = try SealedFixture()
        try await logIn(shop)
        let bytes = try sealed(shop)
        var (badKey, badTag) = (bytes, bytes)
        badKey[1] ^= 1
        badTag[bytes.count - 1] ^= 1
        let values = ["!", Base64URL.encode(badKey), Base64URL.encode(badTag), String(repeating: "A", count: 300)]
        var answers: Set<String> = []
        for value in values {
            let exchange = shop.sessions.open([.cookie: "\(SealedFixture.name)=\(value)"])
            let session = try await exchange.session
            if writes { #expect(session[.text] == "") }
            var response = HTTPResponse(status: .ok)
            try await exchange.commit().apply(to: &response)
            answers.insert("\(response.status) \(response.headerFields)")
        }
        #expect(answers.count == 1)
    }

    @Test("PR-09: two cookies of the name are none, and DS-08: of many, few are opened")
    func duplicates() async throws {
        let shop = try SealedFixture()
        try await logIn(shop)
        let exchange = shop.sessions.open([.cookie: "\(SealedFixture.name)=\(shop.cookie); \(SealedFixture.name)=x"])
        #expect(try await exchange.session.owner == nil)
        #expect(exchange.report.arrival == .duplicate)

        let clock = ManualSessionClock()
        let plain = try SealedFixture(clock: clock) { configuration, _ in configuration.cookie.name = "__Secure-sid" }
        let browser = SessionBrowser(clock: clock)
        try await browser.visit(plain.sessions) { $0.logIn("ada") }
        let good = browser.cookies["__Secure-sid"] ?? ""
        for (others, owner) in [(["x"], "ada"), (["x", "y", "z"], "ada"), (["x", "y", "z", "w"], nil)] {
            let text = ([good] + others).map { "__Secure-sid=\($0)" }.joined(separator: "; ")
            #expect(try await plain.sessions.open([.cookie: text]).session.owner == owner)
        }
        // Two that both open: somebody planted one.
        let second = SessionBrowser(clock: clock)
        try await second.visit(plain.sessions) { $0.logIn("eve") }
        let planted = second.cookies["__Secure-sid"] ?? ""
        let exchanged = plain.sessions.open([.cookie: "__Secure-sid=\(planted); __Secure-sid=\(good)"])
        #expect(try await exchanged.session.owner == nil)
    }

    @Test("CK-06, DS-02: 4096 bytes with name and attributes are sent, one more is an error before anything is")
    func size() async throws {
        let shop = try SealedFixture { _, cookies in cookies.padding = 1 }
        try await shop.browser.visit(shop.sessions) { $0.set(.visits, to: 1) }
        let before = shop.cookie
        var largest = 0
        for length in 2000...3000 {
            let exchange = shop.sessions.open(shop.browser.request())
            let session = try await exchange.session
            session.set(.text, to: String(repeating: "x", count: length))
            do {
                let fields = try await exchange.commit()
                let field = try #require(fields.cookies.first?.field)
                #expect(field.value.utf8.count <= 4096)
                largest = max(largest, field.value.utf8.count)
            } catch let error as SessionError {
                #expect(error.code == .tooLarge)
                #expect(error.underlying as? CookieError == CookieError(.cookieTooLarge, ""))
                #expect(!error.fields.changesCookie)
                #expect(error.message.contains("4096"))
                break
            }
        }
        // A byte more of text is one or two of base64url.
        #expect((4094...4096).contains(largest))
        #expect(shop.cookie == before)
        #expect(try await shop.browser.visit(shop.sessions) { $0[.visits] } == 1)
        // Far too large for any number in the seal.
        await #expect(throws: SessionError(.tooLarge, "")) {
            try await shop.browser.visit(shop.sessions) { $0.set(.text, to: String(repeating: "x", count: 200_000)) }
        }
    }

    @Test("CK-06: a session that is too large makes a checkpoint throw, and what was saved before stays")
    func checkpoint() async throws {
        let shop = try SealedFixture()
        await #expect(throws: SessionError(.tooLarge, "")) {
            try await shop.browser.visit(shop.sessions) { session in
                session.set(.visits, to: 4)
                try await session.save()
                session.set(.text, to: String(repeating: "x", count: 4000))
                try await session.save()
            }
        }
        #expect(try await shop.browser.visit(shop.sessions) { $0[.visits] } == 4)
    }

    @Test("CR-12: nothing is compressed: a cookie is as long for what repeats as for what does not")
    func compression() async throws {
        let shop = try SealedFixture()
        func length(_ text: String) async throws -> Int {
            let browser = SessionBrowser(clock: shop.clock)
            try await browser.visit(shop.sessions) { $0.set(.text, to: text) }
            return (browser.cookies[SealedFixture.name] ?? "").utf8.count
        }
        let random = String((0..<1000).map { _ in "abcdefghijklmnopqrstuvwxyz0123456789".randomElement() ?? "x" })
        #expect(try await length(random) == length(String(repeating: "a", count: 1000)))
    }

    @Test("CR-13: sizes are rounded up before they are sealed", arguments: [1, 32, 256])
    func padding(to padding: Int) async throws {
        let shop = try SealedFixture { _, cookies in cookies.padding = padding }
        var lengths: Set<Int> = []
        for length in 1...64 {
            let browser = SessionBrowser(clock: shop.clock)
            try await browser.visit(shop.sessions) { $0.set(.text, to: String(repeating: "x", count: length)) }
            let sealed = try #require(Base64URL.decode((browser.cookies[SealedFixture.name] ?? "").utf8))
            #expect((sealed.count - Sealer.overhead).isMultiple(of: padding))
            lengths.insert(sealed.count)
            #expect(try await browser.visit(shop.sessions) { $0[.text].count } == length)
        }
        // Numbers in the payload may have a digit more or less.
        #expect(padding == 1 ? lengths.count >= 60 : lengths.count <= 64 / padding + 2)
    }

    @Test("a session that only a later version can read is left alone, and can be ended")
    func unreadable() async throws {
        let keys = try KeyRing([.generate()])
        let shop = try SealedFixture(keys: keys, revocations: true)
        try await logIn(shop)
        let sealer = Sealer(
            keys: keys,
            realm: Realm(application: "app", cookieName: SealedFixture.name),
            purpose: .cookie
        )
        var plain = try #require(try sealer.open(sealed(shop), context: [])).bytes
        plain[0] = 2
        let value = Base64URL.encode(try sealer.seal(plain, context: []))
        let old = shop.cookie
        shop.browser.plant(SealedFixture.name, value)
        #expect(try await shop.arrival(value) == .unreadable)
        let read = try await shop.respond { #expect($0.owner == nil) }
        #expect(read.setCookies.isEmpty)
        await #expect(throws: SessionError(.ended, "")) {
            try await shop.browser.visit(shop.sessions) { $0.set(.visits, to: 1) }
        }
        #expect(try await shop.browser.visit(shop.sessions) { $0.end() } == .final)
        #expect(shop.cookie == "")
        #expect(try await shop.arrival(old) == .gone)
        // Damaged inside, which takes the key.
        let damaged: [[UInt8]] = [[], [1], Array(plain.prefix(30)), [1] + Array(plain.dropFirst().prefix(60))]
        for bytes in damaged {
            let value = Base64URL.encode(try sealer.seal(bytes + Array(repeating: 0, count: 64), context: []))
            #expect(try await shop.arrival(value) == .unreadable)
        }
    }
}
