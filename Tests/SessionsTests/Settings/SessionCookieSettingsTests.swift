import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

@Suite("express-session: the settings of one session's cookie")
struct SessionCookieSettingsTests {
    private static let month: Duration = .seconds(30 * 86_400)

    /// As `Expires` spells it.
    private static func date(_ time: Timestamp) -> String {
        var bytes: [UInt8] = []
        IMFFixdate.append(time, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("cookie.maxAge: the cookie and the session live on for it after each use, in every request (express 128)")
    func maxAge() async throws {
        let site = try SettingsSite()
        let cookies = try await site.visit { session in
            session.set(.visits, to: 1)
            #expect(session.cookie.maxAge == nil)
            try session.cookie.setMaxAge(.seconds(1000))
            #expect(session.cookie.maxAge == .seconds(1000))
            #expect(session.cookie.originalMaxAge == .seconds(1000))
        }
        #expect(cookies.have("Max-Age=1000"))
        site.clock.advance(by: .seconds(800))
        let changed = try await site.visit { session in
            #expect(session.cookie.originalMaxAge == .seconds(1000))
            #expect(session.cookie.maxAge == .seconds(200), "what is left")
            session.update(.visits) { $0 += 1 }
        }
        #expect(changed.have("Max-Age=1000"), "sent again with a change")
        site.clock.advance(by: .seconds(1001))
        try await site.visit { #expect($0.isNew) }
    }

    @Test("cookie.maxAge of a session that is there is sent at once, and exact (express 129)")
    func later() async throws {
        let site = try SettingsSite()
        #expect(try await !site.begin()[0].contains("Max-Age"))
        let cookies = try await site.visit { try $0.cookie.setMaxAge(.seconds(3_000_000)) }
        #expect(cookies.have("Max-Age=3000000"))
        #expect(try await site.visit { _ = $0[.visits] }.isEmpty)
    }

    @Test("a persistence alone is sent at once too, and so is the return to the manager's")
    func persistenceAlone() async throws {
        let site = try SettingsSite()
        try await site.begin()
        #expect(try await site.visit { $0.cookie.setPersistence(.persistent) }.have("Max-Age=7200"))
        let back = try await site.visit { $0.cookie.setPersistence(nil) }
        #expect(back.count == 1 && !back[0].contains("Max-Age"))
    }

    @Test("cookie.expires: the session and its cookie end at that time, used or not")
    func expires() async throws {
        let site = try SettingsSite()
        let end = site.clock.now() + .seconds(10 * 86_400)
        let cookies = try await site.visit { session in
            session.set(.visits, to: 1)
            try session.cookie.setExpires(end)
            #expect(session.cookie.expires == end)
        }
        #expect(cookies.have("Max-Age=864000"))
        for _ in 0..<9 {
            site.clock.advance(by: .seconds(86_400))
            try await site.visit { session in
                #expect(session[.visits] == 1)
                #expect(session.cookie.expires == end)
            }
        }
        site.clock.advance(by: .seconds(86_400))
        try await site.visit { #expect($0.isNew) }
    }

    @Test("cookie.expires = null: a browser session, whatever the manager says (express 117, 131 to 133)")
    func browserSession() async throws {
        let site = try SettingsSite { $0.cookie.persistence = .persistent }
        let cookies = try await site.visit { session in
            session.set(.visits, to: 1)
            try session.cookie.setExpires(nil)
            #expect(session.cookie.expires == nil)
            #expect(session.cookie.originalMaxAge == nil)
        }
        #expect(!cookies[0].contains("Expires") && !cookies[0].contains("Max-Age"))
        #expect(try await site.visit { $0.update(.visits) { $0 += 1 } }.isEmpty, "set once only, even when modified")
    }

    @Test("remember me: a persistence of its own survives a login in its request, and is gone with another session")
    func remember() async throws {
        let site = try SettingsSite()
        let cookies = try await site.visit { session in
            session.logIn("ada")
            try session.cookie.setMaxAge(Self.month)
        }
        #expect(cookies.have("Max-Age=2592000"))
        site.clock.advance(by: .seconds(20 * 86_400))
        try await site.visit { session in
            #expect(session.owner == "ada")
            session.cookie.setPersistence(nil)
            #expect(session.cookie.persistence == .browserSession)
        }
        let again = try await site.visit { $0.logIn("ben") }
        #expect(!again[0].contains("Max-Age"))
    }

    @Test("a persistence is kept in the record, and one that nobody knows is not guessed")
    func record() async throws {
        let site = try SettingsSite()
        try await site.visit { session in
            session.set(.visits, to: 1)
            session.cookie.setPersistence(.persistent)
        }
        #expect(site.payload.contains(#""keep":"end""#))
        let entry = try #require(site.store.entries(after: nil, limit: 1).first)
        let other = site.payload.replacing(#""keep":"end""#, with: #""keep":"for ever""#)
        #expect(NativeRecordFormat().decode(entry.record.payload)?.persistence == .persistent)
        #expect(NativeRecordFormat().decode(Array(other.utf8)) == nil)
    }

    @Test("maxAge and expires that make no sense are refused")
    func refusals() async throws {
        let site = try SettingsSite()
        try await site.visit { session in
            let now = site.clock.now()
            let error = SessionConfigurationError(.lifetime, "")
            #expect(throws: error) { try session.cookie.setMaxAge(.zero) }
            #expect(throws: error) { try session.cookie.setMaxAge(.seconds(401 * 86_400)) }
            #expect(throws: error) { try session.cookie.setExpires(now) }
            #expect(throws: error) { try session.cookie.setExpires(now + .seconds(401 * 86_400)) }
        }
    }

    @Test("express-session: originalMaxAge and expires in the record are those of the cookie (express 21, 122, 127)")
    func expressRecord() async throws {
        var configuration = SessionConfiguration.express(maxAge: .seconds(2))
        configuration.renewalInterval = .zero
        let site = try SettingsSite(express: configuration)
        let cookies = try await site.begin()
        let expires = site.clock.now() + .seconds(2)
        #expect(cookies.have("Expires=\(Self.date(expires))"))
        #expect(site.payload.contains(#""originalMaxAge":2000,"expires":"\#(ISODate.text(expires))""#))
        try await site.visit { session in
            #expect(session.cookie.originalMaxAge == .seconds(2))
            try session.cookie.setMaxAge(.seconds(5))
        }
        #expect(site.payload.contains(#""originalMaxAge":5000,"#))
        try await site.visit { try $0.cookie.setMaxAge(nil) }
        #expect(site.payload.contains(#""originalMaxAge":null,"expires":null"#))
        try await site.visit { session in
            #expect(session.cookie.maxAge == nil)
            #expect(session.cookie.persistence == .browserSession)
        }
    }

    @Test("express-session: a session that Node remembers is remembered, where the manager does not")
    func expressRemembered() async throws {
        let site = try SettingsSite(express: .express())
        #expect(try await !site.begin()[0].contains("Expires"))
        let cookies = try await site.visit { try $0.cookie.setMaxAge(.seconds(600)) }
        #expect(cookies.have("Max-Age=600"))
        #expect(site.payload.contains(#""originalMaxAge":600000"#))
        try await site.visit { #expect($0.cookie.persistence == .untilIdle) }
    }
}
