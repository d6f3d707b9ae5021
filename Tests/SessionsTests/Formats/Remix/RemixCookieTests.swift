import Foundation
import HTTPTypes
import Sessions
import SessionsTesting
import Testing

@Suite("Remix: the cookie")
struct RemixCookieTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        let text: String
        let value: String
        var testDescription: String { text }
    }

    /// Ids. The first is Remix's, by hand; the others were made with Node's crypto.
    static let ids: [Vector] = [
        Vector(
            text: RemixService.id,
            value: "NmYxYzNhNTItOGEzYy00ZDFlLTlmNjYtMGMxYjJhM2Q0ZTVm.cvbyMGsxsBtzAmKiWT/aDrep+s/yFAke8jibbCbRk1Q"
        ),
        Vector(text: "a.b.c", value: "YS5iLmM=.eBhbZwczDvgpSvAWt1Yug620CGwPusjqbjC7ImdhARA"),
        Vector(text: "日本 €", value: "5pel5pysIOKCrA==.WvVN0spl5+uSc2flK7yne8Z9DOuq4SfWdWH+koonpeA"),
    ]

    private static let start =
        "eyJpIjoiNmYxYzNhNTItOGEzYy00ZDFlLTlmNjYtMGMxYjJhM2Q0ZTVmIiwiZCI6W3siY291bnQiOjEsIm5hbWUiOi"

    /// Sessions in their cookie, by what they have under `name`.
    static let sessions: [Vector] = [
        Vector(text: "日本", value: start + "Lml6XmnKwifSx7fV19.XcbItHe1EZ9uf0t0J518sr8HYFX5bsO84/ZgKBQ05dw"),
        Vector(text: "a.b.c", value: start + "JhLmIuYyJ9LHt9XX0=.y1DkZ/KW00+4v9Gr1Vf2R2C7VZn6AY0TmyfSYKQZ2lM"),
        Vector(
            text: "€ 日本.",
            value: start + "Ligqwg5pel5pysLiJ9LHt9XX0=.Icdqi1/5oohFVKNntIihBH//RO9Fj5vH+BE+vZrCEiQ"
        ),
    ]

    private static let name = SessionKey<String>("name", default: "")
    private static let count = SessionKey<Int>("count", default: 0)

    @Test("what Remix signs is what we sign, and is read again", arguments: ids)
    func both(vector: Vector) async throws {
        let service = try RemixService(generateID: { vector.text })
        #expect(try await service.request(nil) { $0.set(.visits, to: 1) }.cookie == vector.value)
        #expect(try await service.request(vector.value) { $0[.visits] }.result == 1)
        let other = try RemixService()
        _ = try other.remixWrites(#"[{"visits":7},{}]"#, id: vector.text)
        #expect(try await other.request(vector.value) { $0[.visits] }.result == 7)
    }

    @Test("a session that Remix keeps in its cookie is read, dots and all, and signed anew", arguments: sessions)
    func inCookie(vector: Vector) async throws {
        let service = try RemixService(.cookie)
        let read = try await service.request(vector.value) { "\($0[Self.name]) \($0[Self.count])" }
        #expect(read.result == "\(vector.text) 1" && read.cookie == nil)
        let next = try await service.request(vector.value) { session in session.update(Self.count) { $0 += 1 } }.cookie
        #expect(try service.text(in: next).contains(#""count":2,"name":"\#(vector.text)""#))
        #expect(try await service.request(next) { "\($0[Self.name]) \($0[Self.count])" }.result == "\(vector.text) 2")
    }

    @Test("rotation: an old secret verifies, the first signs", arguments: [RemixService.Storage.memory, .cookie])
    func rotation(storage: RemixService.Storage) async throws {
        let json = #"[{"visits":1},{}]"#
        func old(_ service: RemixService) throws -> String {
            if storage == .memory { return try service.remixWrites(json) }
            return RemixSigner.value(of: #"{"i":"\#(RemixService.id)","d":\#(json)}"#)
        }
        let service = try RemixService(storage, secrets: ["new", RemixService.secret])
        let cookie = try old(service)
        #expect(try await service.request(cookie) { $0[.visits] }.result == 1)
        let next = try await service.request(cookie) { session in session.update(.visits) { $0 += 1 } }.cookie
        #expect(try service.text(in: next, under: "new").contains(RemixService.id))
        #expect(try await service.request(next) { $0[.visits] }.result == 2)
        let without = try RemixService(storage, secrets: ["new"])
        #expect(try await without.request(try old(without)) { $0[.visits] }.result == 0)
    }

    @Test("a cookie under an old secret is signed with the first when the session changes")
    func reissued() async throws {
        let service = try RemixService(secrets: ["new", RemixService.secret])
        let old = try service.remixWrites(#"[{"visits":1},{}]"#)
        #expect(try await service.request(old) { $0[.visits] }.cookie == nil)
        let next = try await service.request(old) { session in session.update(.visits) { $0 += 1 } }
        #expect(next.cookie == RemixSigner.value(of: RemixService.id, under: "new"))
    }

    /// What a request with `value` finds, where `id` has a session.
    private func opened(_ value: String, where id: String) async throws -> (visits: Int, arrival: Arrival?) {
        let service = try RemixService()
        _ = try service.remixWrites(#"[{"visits":1},{}]"#, id: id)
        let exchange = service.sessions.open(cookieValue: value)
        let visits = try await exchange.session[.visits]
        _ = try await exchange.commit()
        return (visits, exchange.report.arrival)
    }

    @Test(
        "unsigned, wrongly signed and damaged values open nothing",
        arguments: [
            "abc", ".", "..", "abc.", ".abc", "NmYxYzNhNTItOGEzYy00ZDFlLTlmNjYtMGMxYjJhM2Q0ZTVm",
            "NmYxYzNhNTItOGEzYy00ZDFlLTlmNjYtMGMxYjJhM2Q0ZTVm.",
            "NmYxYzNhNTItOGEzYy00ZDFlLTlmNjYtMGMxYjJhM2Q0ZTVm.sSEGYtrVlxw60XGOLrEwVGH/T5CVBUWR/s8KmzSVU5M",
            ids[0].value + "=", String(ids[0].value.dropLast()), "N" + ids[0].value.dropFirst(2),
            ids[0].value.replacingOccurrences(of: "/", with: "_"),
            ids[0].value.replacingOccurrences(of: "+", with: "%2B"), "\"" + ids[0].value + "\"",
        ]
    )
    func refused(value: String) async throws {
        let found = try await opened(value, where: RemixService.id)
        #expect(found.visits == 0 && [.malformed, .unverifiable].contains(found.arrival))
        #expect(try await opened(Self.ids[0].value, where: RemixService.id).visits == 1)
    }

    /// Each with the id that a reader would find that takes it for a text all the same.
    @Test(
        "what is signed and no text opens nothing: no base64, and no UTF-8",
        arguments: [
            ("%%%.LZVCKk46E479GYq7dWfCvHn1JZDliiuB4864HCPpj2k", "%%%"),
            (".PIHMlJbhwlJQ9sy4X2l8G7Yj40gNZTitjLamZIFCd30", "."),
            ("//79.FEdNJTCdpjsx16qXiVb+jRAEXkPqDgrIeT23N6tm85Q", "\u{FFFD}\u{FFFD}\u{FFFD}"),
        ]
    )
    func noText(signed: String, id: String) async throws {
        let found = try await opened(signed, where: id)
        #expect(found.visits == 0 && found.arrival == .malformed)
    }

    @Test("empty, null and missing values are no session", arguments: [nil, ""])
    func empty(value: String?) async throws {
        let service = try RemixService()
        let (isNew, cookie) = try await service.request(value) { $0.isNew }
        #expect(isNew && cookie == nil)
    }

    private func setCookie(_ service: RemixService, _ handler: (Session) throws -> Void) async throws -> String {
        let exchange = service.sessions.open(HTTPFields())
        try await handler(exchange.session)
        var fields = HTTPFields()
        try await exchange.commit().apply(to: &fields)
        let field = try #require(fields[.setCookie])
        let (name, rest) = (field.prefix { $0 != "=" }, field.drop { $0 != ";" })
        return "\(name)=…\(rest)"
    }

    @Test("defaults: Path, HttpOnly, SameSite=Lax, and Secure, which Remix leaves to the application")
    func defaults() async throws {
        let field = try await setCookie(RemixService()) { $0.set(.visits, to: 1) }
        #expect(field == "__session=…; Path=/; Secure; HttpOnly; SameSite=Lax")
    }

    @Test("partitioned implies secure")
    func partitioned() async throws {
        let service = try RemixService { $0.cookie.partitioned = true }
        let field = try await setCookie(service) { $0.set(.visits, to: 1) }
        #expect(field == "__session=…; Path=/; Secure; HttpOnly; SameSite=Lax; Partitioned")
    }

    @Test("options: domain, path, maxAge, sameSite")
    func options() async throws {
        let service = try RemixService { configuration in
            configuration = .remix(name: "__Secure-shop", maxAge: .seconds(3600))
            configuration.cookie.domain = "shop.example"
            configuration.cookie.path = "/cart"
            configuration.cookie.sameSite = .strict
        }
        let field = try await setCookie(service) { $0.set(.visits, to: 1) }
        #expect(field.hasPrefix("__Secure-shop=…; Max-Age=3600; Expires="))
        #expect(field.hasSuffix("; Path=/cart; Domain=shop.example; Secure; HttpOnly; SameSite=Strict"))
    }

    @Test("a session's own lifetime overrides the cookie's age")
    func ownLifetime() async throws {
        let service = try RemixService { $0 = .remix(maxAge: .seconds(3600)) }
        let field = try await setCookie(service) { session in
            session.set(.visits, to: 1)
            try session.setLifetime(SessionLifetime(idle: .seconds(60), absolute: .seconds(120)))
        }
        #expect(field.contains("; Max-Age=60; "))
    }
}
